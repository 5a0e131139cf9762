"""kubectl and helm as functions, and a try-out of the chart that tests can ask what it did."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.proxy.control import ProxyControl

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "backcourt"
IMAGE = os.environ.get("BACKCOURT_TEST_IMAGE", "")
DNS = os.environ.get("BACKCOURT_TEST_DNS", "")
"""Address of the cluster's DNS, where it is no pod of kube-system; only a network that enforces policies minds."""
OWN_COLUMNS = "computed_at, run_id, code_version"
"""What differs between two runs that computed the same."""


def program(name: str) -> str | None:
    """kubectl or helm, on the PATH or where `go install` puts it."""
    return shutil.which(name) or shutil.which(name, path=str(Path.home() / "go" / "bin"))


def run(name: str, *arguments: str, stdin: str | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program(name) or name, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )


def must(name: str, *arguments: str, stdin: str | None = None, timeout: float = 300) -> str:
    done = run(name, *arguments, stdin=stdin, timeout=timeout)
    assert done.returncode == 0, f"{name} {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def until(what: str, look: Callable[[], Any], seconds: float = 180, pause: float = 1.0) -> Any:
    """The first true answer of `look`; it fails with `what` and the last answer."""
    end = time.monotonic() + seconds
    while not (answer := look()):
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s, last {answer!r}"
        time.sleep(pause)
    return answer


@dataclass(frozen=True)
class Release:
    """An installed try-out."""

    namespace: str
    name: str

    @property
    def labels(self) -> dict[str, str]:
        """What all its pods have, and no others."""
        return {"app.kubernetes.io/part-of": "backcourt", "app.kubernetes.io/instance": self.name}

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 300) -> str:
        return must("kubectl", "-n", self.namespace, *arguments, stdin=stdin, timeout=timeout)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def helm(self, *settings: str, command: str = "upgrade") -> None:
        """Install or upgrade with exactly these settings on top of the try-out's values."""
        sets = [part for setting in (*image_settings(), *settings) for part in ("--set", setting)]
        values: tuple[str, ...] = ("--values", str(CHART / "values-tryout.yaml"))
        if command == "upgrade":  # Helm 4 would quarrel with KubeRay's operator, which writes into the RayJob too
            values = (*values, "--server-side=false")
        must("helm", command, self.name, str(CHART), "--namespace", self.namespace, *values, *sets)

    def daily(self, job: str, cron: str = "daily") -> None:
        """Start a CronJob by hand."""
        self.kubectl("create", "job", job, f"--from=cronjob/{self.name}-backcourt-{cron}")

    def job_of(self, cron: str, job: str, args: list[str], environment: dict[str, str] | None = None) -> None:
        """Start a Job that is a CronJob's but for its arguments, and has variables more."""
        spec = self.get("cronjob", f"{self.name}-backcourt-{cron}")["spec"]["jobTemplate"]["spec"]
        (container,) = spec["template"]["spec"]["containers"]
        container["args"] = [*args, "--config=/etc/backcourt/settings.yaml"]
        container["env"] += [{"name": name, "value": value} for name, value in (environment or {}).items()]
        made = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": job}, "spec": spec}
        self.kubectl("create", "-f", "-", stdin=json.dumps(made))

    def log(self, job: str) -> str:
        """What the Job's newest pod said."""
        return self.kubectl("logs", f"job/{job}")

    def job_end(self, job: str, seconds: float = 420) -> str:
        """Wait for a Job's end: Complete or Failed."""

        def ended() -> str:
            conditions = self.get("job", job)["status"].get("conditions", [])
            return next(
                (c["type"] for c in conditions if c["status"] == "True" and c["type"] in ("Complete", "Failed")), ""
            )

        return str(until(f"job {job} ends", ended, seconds))

    def pods(self, selector: str) -> list[dict[str, Any]]:
        return list(self.get("pods", "-l", selector)["items"])

    def exit_codes(self, job: str) -> list[int]:
        """Of every container of the Job's pods that has ended, in the order of the pods' creation."""
        pods = sorted(self.pods(f"job-name={job}"), key=lambda p: p["metadata"]["creationTimestamp"])
        states = [s["state"] for p in pods for s in p["status"].get("containerStatuses", [])]
        return [state["terminated"]["exitCode"] for state in states if "terminated" in state]

    @contextmanager
    def bigquery(self) -> Iterator["Warehouse"]:
        """The local BigQuery from here, through a port that kubectl forwards."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [program("kubectl") or "kubectl", "-n", self.namespace, "port-forward"]
        forward = subprocess.Popen(
            [*command, f"deployment/{self.name}-backcourt-bigquery", f"{port}:9050"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until("port-forward", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 30, 0.2)
            yield Warehouse(Endpoint("local", f"http://127.0.0.1:{port}"))
        finally:
            forward.terminate()
            forward.wait()


class Warehouse:
    """What is in a release's BigQuery."""

    def __init__(self, endpoint: Endpoint) -> None:
        options = ClientOptions(api_endpoint=endpoint.rest)
        self.client = bigquery.Client(endpoint.project, AnonymousCredentials(), client_options=options)
        self.control = ProxyControl(endpoint)

    def tables(self) -> dict[str, list[str]]:
        """Every row of every computed table, without what only tells who computed it, sorted."""
        found = {}
        for dataset in sorted(d.dataset_id for d in self.client.list_datasets()):
            if dataset.endswith(("_orchestration", "_raw")):
                continue
            for table in sorted(t.table_id for t in self.client.list_tables(dataset)):
                if "__" in table:
                    continue
                rows = self.client.query(f"SELECT * EXCEPT ({OWN_COLUMNS}) FROM {dataset}.{table}").result()
                found[f"{dataset}.{table}"] = sorted(repr(tuple(row.values())) for row in rows)
        return found

    def ledger(self) -> list[tuple[str, Any, int]]:
        """Table, date and number of ledger rows, of what is committed."""
        sql = "SELECT table_name, partition_date, COUNT(*) FROM nba_orchestration.ledger GROUP BY 1, 2 ORDER BY 1, 2"
        return [tuple(row.values()) for row in self.client.query(sql).result()]


def image_settings() -> tuple[str, ...]:
    repository, _, tag = IMAGE.rpartition(":")
    network = [f"networkPolicy.apiServerCidrs={{{','.join(f'{address}/32' for address in api_servers())}}}"]
    network += [f"networkPolicy.dnsCidrs={{{DNS}/32}}"] if DNS else []
    return f"image.repository={repository}", f"image.tag={tag}", "image.pullPolicy=Never", *network


@cache
def api_servers() -> tuple[str, ...]:
    """Where Kubernetes' API really listens, behind its Service."""
    slices = json.loads(must("kubectl", "-n", "default", "get", "endpointslices", "kubernetes", "-o", "json"))
    return tuple(address for endpoint in slices["endpoints"] for address in endpoint["addresses"])
