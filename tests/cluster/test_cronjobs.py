"""What CronJobs end with: damage healed, stale rows taken away, and exit codes that no second pod would change."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.kubernetes import IMAGE, Release, until

DAMAGED, LOST = "2023-10-26", "2023-10-28"
LISTENER = """
import http.server

class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.path, self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

http.server.HTTPServer(("", 8000), Listener).serve_forever()
"""
"""A webhook that prints what it is sent."""


@pytest.fixture(scope="module")
def computed(release: Release) -> dict[str, list[str]]:
    """Every row after an undisturbed night."""
    release.daily("night-0")
    assert release.job_end("night-0") == "Complete"
    with release.bigquery() as warehouse:
        return warehouse.tables()


@pytest.fixture(scope="module")
def cleaned(release: Release, computed: dict[str, list[str]]) -> str:
    """What the cleanup said: today the league of 2023 is long over, so all that was about what was to come goes."""
    release.daily("cleanup-1", "cleanup")
    assert release.job_end("cleanup-1") == "Complete"
    return release.log("cleanup-1")


@pytest.fixture
def hook(release: Release) -> Iterator[str]:
    """A pod that plays the webhook, and a Secret with its address; both have this name."""
    name = f"{release.name}-hook"
    secure = release.get("deployment", f"{release.name}-backcourt-bigquery")["spec"]["template"]["spec"]
    (container,) = secure["containers"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        # One of the release's pods, for the network policy: out of the cluster it lets alerts go to port 443 only.
        "metadata": {"name": name, "labels": release.labels | {"app.kubernetes.io/component": "hook"}},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": secure["securityContext"],
            "containers": [
                {
                    "name": "hook",
                    "image": IMAGE,
                    "imagePullPolicy": "Never",
                    "command": ["python", "-c", LISTENER],
                    "securityContext": container["securityContext"],
                }
            ],
        },
    }
    release.kubectl("create", "-f", "-", stdin=json.dumps(pod))
    release.kubectl("expose", "pod", name, "--port=8000")
    release.kubectl("create", "secret", "generic", name, f"--from-literal=url=http://{name}:8000/secret-path")
    release.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    yield name
    release.kubectl("delete", "pod,service,secret", name, "--wait=false")


def only_end(release: Release, job: str) -> tuple[str, str, list[int]]:
    """How the Job ended, why, and its pods' exit codes."""
    end = release.job_end(job)
    conditions = release.get("job", job)["status"]["conditions"]
    why = next((c.get("reason", "") for c in conditions if c["type"] == end), "")
    return end, why, release.exit_codes(job)


def test_validate_finds_damage_and_the_next_night_heals_it(release: Release, computed: dict[str, list[str]]) -> None:
    release.job_of("validate", "validate-1", ["validate", "daily", DAMAGED])
    assert release.job_end("validate-1") == "Complete"
    assert f"Nothing is wrong with {DAMAGED}" in release.log("validate-1")
    with release.bigquery() as warehouse:
        sql = f"DELETE FROM nba_analytics.player_game_summary WHERE game_date = '{DAMAGED}' AND minutes_played > 20"
        warehouse.client.query(sql).result()
        assert warehouse.tables() != computed
    release.job_of("validate", "validate-2", ["validate", "daily", DAMAGED])
    assert only_end(release, "validate-2") == ("Failed", "PodFailurePolicy", [3])
    assert f"nba_analytics.player_game_summary {DAMAGED}" in release.log("validate-2")
    release.daily("night-1")
    assert release.job_end("night-1") == "Complete"
    with release.bigquery() as warehouse:
        assert warehouse.tables() == computed
    release.job_of("validate", "validate-3", ["validate", "daily", DAMAGED])
    assert release.job_end("validate-3") == "Complete"


def test_the_validate_cronjob_runs_as_it_is(release: Release, computed: dict[str, list[str]]) -> None:
    release.daily("validate-0", "validate")
    assert release.job_end("validate-0") == "Complete"
    assert "The schedule has no game on 2023-10-31." in release.log("validate-0")  # this league ends two days before


def test_cleanup_takes_away_what_is_stale(release: Release, cleaned: str) -> None:
    assert release.exit_codes("cleanup-1") == [0]
    with release.bigquery() as warehouse:
        left = warehouse.tables()
        sql = "SELECT table_name, rows_before, rows_after FROM nba_orchestration.operations"
        logged = {row[0]: (row[1], row[2]) for row in warehouse.client.query(sql).result()}
    assert left["nba_analytics.upcoming_player_game_context"] == []
    assert left["nba_analytics.player_game_summary"] != []
    assert logged["nba_analytics.upcoming_player_game_context"][0] > 0
    assert {after for _, after in logged.values()} == {0}
    assert "upcoming_player_game_context" in cleaned


@pytest.mark.parametrize(
    ("job", "args", "environment", "code", "said"),
    [
        (
            "settings",
            ["daily", "--date", "yesterday"],
            {},
            2,
            "--date: 'yesterday' is not a date. Write dates as YYYY-MM-DD.",
        ),
        (
            "models",
            ["daily", "--date", "2023-10-31", "--models", "/nowhere"],
            {},
            2,
            "There is no folder of models /nowhere. Run `backcourt train` first, or leave models out.",
        ),
        (
            "warehouse",
            ["daily", "--date", "2023-10-31"],
            {"BACKCOURT_ENDPOINT": "http://127.0.0.1:9", "BACKCOURT_STORAGE_ENDPOINT": "127.0.0.1:9"},
            4,
            "Preflight failed. credentials: ",
        ),
    ],
)
def test_an_end_that_would_only_come_again_fails_the_job_after_one_pod(
    release: Release, job: str, args: list[str], environment: dict[str, str], code: int, said: str
) -> None:
    release.job_of("daily", job, args, environment)
    assert only_end(release, job) == ("Failed", "PodFailurePolicy", [code])
    assert said in release.log(job)
    assert "Traceback" not in release.log(job)


def test_blocked_dates_fail_the_job_and_somebody_hears_of_it(
    release: Release, computed: dict[str, list[str]], hook: str
) -> None:
    """Box scores that are lost leave nothing to make a date's summaries of: the gate keeps what is published."""
    with release.bigquery() as warehouse:
        warehouse.client.query(f"DELETE FROM nba_raw.player_box_scores WHERE game_date = '{LOST}'").result()
        published = warehouse.tables()["nba_analytics.player_game_summary"]
    release.helm("tryout.end=2023-10-29", "tryout.latency=0", f"alerts.webhookSecret={hook}")
    args = ["backfill", "--yes", "--recompute", "--tables", "player_game_summary", "--dates", LOST]
    release.job_of("daily", "blocked", args)
    assert only_end(release, "blocked") == ("Failed", "PodFailurePolicy", [3])
    log = release.log("blocked")
    with release.bigquery() as warehouse:
        assert warehouse.tables()["nba_analytics.player_game_summary"] == published
    (line,) = until("the webhook is called", lambda: release.kubectl("logs", hook).splitlines(), 30)
    path, _, body = line.partition(" ")
    assert path == "/secret-path"
    text: Any = json.loads(body)["text"]
    assert re.search(r"run `backfill-\S+` ended with exit code 3", text)
    assert "1 partition blocked" in text
    assert f"player_game_summary: {LOST}" in text
    assert "secret-path" not in log
    assert "secret-path" not in release.kubectl("get", "pods", "-l", "job-name=blocked", "-o", "yaml")
