"""`backcourt submit` and `runs` against an API server that is played: what they make, follow and say."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from backcourt.cluster.kubernetes import Cluster, ClusterError, open_cluster
from backcourt.errors import UsageError
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Plan, PlannedPartition, Reason, Request, TablePlan
from jobs.cli import app, main
from jobs.followed_run import FollowedRun
from jobs.following import Follower
from jobs.progress import JsonProgress
from tests.unit.cluster.fake_api import FakeApi, serving
from tests.unit.engine.fake_clock import FakeClock

PART_OF = {"app.kubernetes.io/part-of": "backcourt"}
TEMPLATE = {
    "apiVersion": "ray.io/v1",
    "kind": "RayJob",
    "metadata": {"name": "template", "labels": PART_OF},
    "spec": {
        "entrypoint": "exec backcourt backfill --yes --config /etc/backcourt/settings.yaml",
        "shutdownAfterJobFinishes": True,
        "rayClusterSpec": {"rayVersion": "2.60.0", "workerGroupSpecs": [{"groupName": "workers", "replicas": 2}]},
    },
}
RUN = "season-2023"
BLOCKED = "Job entrypoint command failed with exit code 3, last available logs"


def kept(release: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": "rayjob-template", "app.kubernetes.io/instance": release}
    return {
        "metadata": {"name": f"{release}-rayjob", "labels": labels},
        "data": {"rayjob.yaml": yaml.safe_dump(TEMPLATE)},
    }


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    found = FakeApi([kept("nightly")])
    with serving(found, tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        yield found


@pytest.fixture
def cluster(api: FakeApi) -> Iterator[Cluster]:
    with open_cluster(None, None) as found:
        yield found


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """The command as a user runs it: its exit code, and all that it prints."""
    monkeypatch.setattr("sys.argv", ["backcourt", *words])
    code = 0
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, out + err


# --- making ---------------------------------------------------------------------------------------------------------


def test_a_run_is_made_of_the_releases_template_and_the_flags(api: FakeApi) -> None:
    words = ["--start", "2023-10-24", "--tables", "a.x,y", "--recompute", "--run", RUN]
    done = CliRunner().invoke(app, ["submit", *words, "--detach"])
    assert done.exit_code == 0, done.output
    made = api.rayjobs[RUN]
    assert made["spec"]["entrypoint"] == (
        "exec backcourt backfill --yes --config /etc/backcourt/settings.yaml --run season-2023 --start 2023-10-24"
        " --recompute --tables a.x,y"
    )
    assert made["spec"]["metadata"] == {"run": RUN, "tables": "a.x,y"}
    assert made["spec"]["rayClusterSpec"] == TEMPLATE["spec"]["rayClusterSpec"]  # type: ignore[index]
    assert f"backcourt runs {RUN} -n nightly" in done.output


def test_two_runs_without_a_name_are_two(api: FakeApi) -> None:
    for _ in range(2):
        assert CliRunner().invoke(app, ["submit", "--detach"]).exit_code == 0
    assert len(api.rayjobs) == 2
    assert all(len(name) <= 47 and name.startswith("backfill-") for name in api.rayjobs)


def test_a_dry_run_prints_what_kubectl_would_take_and_makes_nothing(api: FakeApi) -> None:
    done = CliRunner().invoke(app, ["submit", "--run", RUN, "--dry-run"])
    assert yaml.safe_load(done.output)["metadata"]["name"] == RUN
    assert api.rayjobs == {}


@pytest.mark.parametrize(
    ("change", "words", "code", "said"),
    [
        (lambda _: None, ("--start", "24.10.2023"), 2, "not a date"),
        (lambda _: None, ("--run", "2023"), 2, "is no run id"),
        (
            lambda _: None,
            ("--release", "other"),
            2,
            "There is no release other in namespace nightly. There are: nightly",
        ),
        (lambda api: api.config_maps.clear(), (), 2, "backcourt is not installed in namespace nightly"),
        (lambda api: api.config_maps.append(kept("second")), (), 2, "Give --release: nightly, second"),
        (lambda api: api.rayjobs.update({RUN: {}}), (), 2, f"There is a RayJob {RUN} already"),
        (lambda api: setattr(api, "definitions", False), (), 1, "The cluster knows no RayJobs. Install the KubeRay"),
        (lambda api: setattr(api, "broken", 403), (), 1, "You may not do that in namespace nightly"),
        (lambda api: setattr(api, "broken", 401), (), 1, "Kubernetes does not know who you are"),
        (lambda api: setattr(api, "broken", 500), (), 1, "Kubernetes could not answer"),
        (lambda _: None, ("--context", "elsewhere"), 2, "Context 'elsewhere' not found. Set KUBECONFIG"),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    api: FakeApi,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[FakeApi], object],
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    change(api)
    named = words if "--run" in words else ("--run", RUN, *words)
    ended, text = told(capsys, monkeypatch, "submit", "--detach", *named)
    assert said in text
    assert ended == code
    assert "Traceback" not in text


def test_no_kubeconfig_and_no_server_are_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    code, text = told(capsys, monkeypatch, "runs")
    assert (code, "No cluster is configured here" in text) == (2, True)
    with serving(FakeApi(), tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    code, text = told(capsys, monkeypatch, "runs")  # the server has gone
    assert (code, "Kubernetes' API does not answer about RayJobs" in text) == (1, True)


# --- following --------------------------------------------------------------------------------------------------------


class Story:
    """A run on the API, moved on by one chapter at each look."""

    def __init__(self, api: FakeApi, *chapters: Callable[[], object]) -> None:
        self.api, self.left = api, list(chapters)
        self.api.rayjobs[RUN] = {**TEMPLATE, "metadata": {"name": RUN, "labels": PART_OF}}
        self.clock = FakeClock(lambda _: self.left.pop(0)() if self.left else None)

    def status(self, status: str, **more: Any) -> Callable[[], object]:
        return lambda: self.api.rayjobs[RUN].update(status={"jobDeploymentStatus": status, **more})

    def follow(self, cluster: Cluster, raw: bool = False) -> tuple[int, str]:
        out = Console(width=200, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
        with FollowedRun(out, self.clock, raw=raw) as shown:
            code = Follower(cluster, RUN, self.clock, shown).follow()
        return code, out.export_text()


def submitter(name: str, made: str, phase: str = "Running") -> dict[str, Any]:
    labels = {"ray.io/originated-from-cr-name": RUN, "app.kubernetes.io/component": "submitter"}
    return {
        "metadata": {"name": name, "labels": labels, "creationTimestamp": made},
        "status": {"phase": phase},
    }


def stamped(second: int, text: str, fraction: str = ".1") -> str:
    return f"2026-11-21T08:00:{second:02d}{fraction}Z {text}"


def line(event: str, **fields: Any) -> str:
    return json.dumps({"run": RUN, "event": event, "level": "info", **fields})


BEGIN = line("run started", partitions=3, to_do={"shop.revenue": 3}, dashboard="")
DONE = line("partition ended", table="shop.revenue", date="2024-01-01", outcome="committed", category="", reason="")
BAD = line(
    "partition ended",
    table="shop.revenue",
    date="2024-01-02",
    outcome="blocked",
    category="data missing",
    reason="8 of 10",
)


def test_a_run_is_shown_like_a_local_one_and_ends_with_its_code(api: FakeApi, cluster: Cluster) -> None:
    def log(*lines: str) -> Callable[[], object]:
        return lambda: api.logs.update({"submitter-1": [*api.logs.get("submitter-1", []), *lines]})

    progress = line("progress", left=2, total=3, permits={"query": 2}, limits={"query": 8})
    story = Story(api)
    story.left = [
        story.status("Initializing"),
        lambda: api.pods.append(submitter("submitter-1", "2026-11-21T08:00:00Z")),
        story.status("Running", rayClusterName="c1"),
        log(stamped(1, "not JSON"), stamped(2, BEGIN), stamped(3, DONE)),
        *[lambda: None] * 6,
        log(stamped(40, progress), stamped(41, BAD)),
        story.status("Failed", jobStatus="FAILED", reason="AppFailed", message=BLOCKED),
    ]
    code, text = story.follow(cluster)
    assert code == 3
    assert "season-2023 runs on Ray cluster c1." in text
    assert text.count("blocked: shop.revenue 2024-01-02: 8 of 10") == 1
    assert text.count("1 of 3 partitions; permits query 2/8") == 1
    assert "ended with exit code 3: dates were blocked by the gate" in text


def test_a_failed_attempt_is_not_the_end(api: FakeApi, cluster: Cluster) -> None:
    """Between two attempts the RayJob looks Failed for a moment; each attempt has a submitter of its own."""
    story = Story(api)
    story.left = [
        lambda: api.pods.append(submitter("first", "2026-11-21T08:00:00Z")),
        lambda: api.logs.update(first=[stamped(1, BEGIN), stamped(2, DONE)]),
        story.status("Failed", jobStatus="FAILED", message="the head died"),
        story.status("Retrying", failed=1),
        lambda: api.pods.append(submitter("second", "2026-11-21T08:01:00Z")),
        lambda: api.logs.update(second=[stamped(5, BEGIN), stamped(6, BAD)]),
        story.status("Complete", jobStatus="SUCCEEDED"),
    ]
    code, text = story.follow(cluster)
    assert code == 0
    assert "starts again on a new cluster" in text
    assert "8 of 10" in text
    assert text.rstrip().endswith("season-2023 is done.")


def test_lines_are_printed_once_and_in_order_however_often_they_are_asked_for(api: FakeApi, cluster: Cluster) -> None:
    api.pods.append(submitter("submitter-1", "2026-11-21T08:00:00Z"))
    same = [stamped(3, "three a"), stamped(3, "three b")]
    api.logs["submitter-1"] = [stamped(1, "one", ""), stamped(2, "two", ".9"), *same]
    story = Story(api)
    more = lambda: api.logs["submitter-1"].extend([stamped(3, "three c"), stamped(3, "four", ".25")])  # noqa: E731
    story.left = [lambda: None, more, lambda: None, story.status("Complete", jobStatus="SUCCEEDED")]
    _, text = story.follow(cluster, raw=True)
    shown = [row for row in text.splitlines() if not row.startswith(RUN)]
    assert shown == ["one", "two", "three a", "three b", "three c", "four"]


def test_a_deleted_run_and_a_silent_server_end_the_following(api: FakeApi, cluster: Cluster) -> None:
    story = Story(api)
    story.left = [story.status("Running"), api.rayjobs.clear]
    code, text = story.follow(cluster)
    assert (code, "was deleted; what is committed stays" in text) == (143, True)
    silent = Story(api)
    silent.left = [lambda: setattr(api, "broken", 503), *[lambda: None] * 20, lambda: setattr(api, "broken", 0)]
    silent.left.append(silent.status("Complete", jobStatus="SUCCEEDED"))
    assert silent.follow(cluster)[0] == 0  # 42 seconds without an answer are weather
    gone = Story(api, lambda: setattr(api, "broken", 503))
    with pytest.raises(ClusterError, match="could not answer"):
        gone.follow(cluster)


def test_ctrl_c_leaves_the_run_alone(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: object, seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("backcourt.clock.SystemClock.sleep", interrupt)
    done = CliRunner().invoke(app, ["submit", "--run", RUN])
    assert done.exit_code == 0
    assert f"{RUN} goes on without you" in done.output
    assert f"backcourt cancel {RUN}" in done.output
    assert RUN in api.rayjobs
    assert not [asked for asked in api.asked if asked.startswith(("DELETE", "PATCH", "PUT"))]


def test_what_a_run_in_a_pod_logs_is_what_following_reads(
    api: FakeApi, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both sides of the format: the lines are those that a run's own progress writes."""
    days = [date(2024, 1, 1), date(2024, 1, 2)]
    request = Request(run_id=RUN, tables=("shop.revenue",), days=tuple(days), as_of=days[-1])
    to_do = tuple(PlannedPartition(day=day, reason=Reason.MISSING) for day in days)
    run = JsonProgress(
        Plan(request=request, tables=(TablePlan(table="shop.revenue", wave=0, to_do=to_do),)), FakeClock()
    )
    run.opened("10.0.0.1:8265")
    run.ended(PartitionOutcome(Partition("shop.revenue", days[0]), Outcome.COMMITTED, row_count=10))
    run.ended(PartitionOutcome(Partition("shop.revenue", days[1]), Outcome.FAILED, Category.CODE, "division by zero"))
    lines = capsys.readouterr().out.splitlines()
    api.pods.append(submitter("submitter-1", "2026-11-21T08:00:00Z"))
    story = Story(api)
    story.left = [lambda: api.logs.update({"submitter-1": [stamped(n, text) for n, text in enumerate(lines)]})]
    story.left += [*[lambda: None] * 6, lambda: api.logs["submitter-1"].append(stamped(50, lines[-1]))]
    story.left += [story.status("Complete", jobStatus="SUCCEEDED")]
    _, text = story.follow(cluster)
    assert len(lines) == 3
    assert "failed: shop.revenue 2024-01-02: division by zero" in text


# --- listing ----------------------------------------------------------------------------------------------------------


def test_runs_are_listed_with_how_they_ended(api: FakeApi, cluster: Cluster) -> None:
    story = Story(api)
    story.status("Failed", jobStatus="FAILED", reason="AppFailed", message=BLOCKED, failed=3)()
    api.rayjobs["strange"] = {"metadata": {"name": "strange", "labels": {}}, "spec": {"entrypoint": "python x.py"}}
    (row,) = json.loads(CliRunner().invoke(app, ["runs", "--json"]).output)
    assert (row["run"], row["state"], row["exit_code"], row["failed_attempts"]) == (RUN, "Failed", 3, 3)
    shown = CliRunner().invoke(app, ["runs"]).output
    assert RUN in shown
    assert "strange" not in shown
    with pytest.raises(UsageError, match="There is no run other"):
        CliRunner().invoke(app, ["runs", "other"], catch_exceptions=False)
