"""Whose the local BigQuery is: shared by its users, gone after the last of them, however they end."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from google.api_core import exceptions

from backcourt.clock import SystemClock
from backcourt.errors import PreflightError
from backcourt.warehouse.emulator import LocalBigQuery, local_bigquery
from backcourt.warehouse.proxy.files import ServerFiles, try_lock
from tests.integration import google_clients as google

CLOCK = SystemClock()
USER = """
import sys
from pathlib import Path
from backcourt.warehouse.emulator import LocalBigQuery
with LocalBigQuery(Path(sys.argv[1]), linger=0.2) as server:
    print(server.endpoint.rest, server.started_here, flush=True)
    sys.stdin.read()
"""
COMMAND = "import typer; from jobs.emulator import emulator; typer.run(emulator)"


def start_user(folder: Path) -> "subprocess.Popen[str]":
    """A process that uses the folder's server until its standard input ends."""
    arguments = [sys.executable, "-c", USER, str(folder)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def servers_of(folder: Path) -> list[psutil.Process]:
    """Processes, proxy and emulator, that were told this folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "backcourt.warehouse.proxy" in line and str(folder) in line:
            found.append(process)
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = CLOCK.monotonic() + seconds
    while not condition():
        assert CLOCK.monotonic() < deadline, "it did not come about"
        CLOCK.sleep(0.05)


def test_data_and_used_ids_outlive_the_server(tmp_path: Path) -> None:
    with local_bigquery(tmp_path, project="mine") as endpoint:
        assert endpoint.project == "mine"
        client = google.rest_client(endpoint)
        table = google.make_table(client, "kept")
        google.load(client, table, google.parquet(3), "kept-load").result()
        commit = f"BEGIN TRANSACTION; UPDATE {table} SET points = 9 WHERE TRUE; COMMIT TRANSACTION"
        client.query(commit, job_id="kept-commit", job_retry=None).result()
        client.query("SELECT 1", job_id="kept-select", job_retry=None).result()
    assert servers_of(tmp_path) == []

    with local_bigquery(tmp_path, project="mine") as endpoint:
        client = google.rest_client(endpoint)
        assert google.rows(client, f"SELECT points FROM {table}") == [(9,)] * 3
        client.get_job("kept-commit").result()
        assert client.get_job("kept-load").error_result is None
        with pytest.raises(exceptions.NotFound):  # its rows are gone, and no rows would be a lie
            client.get_job("kept-select").result()
        for job_id in ("kept-commit", "kept-load"):
            with pytest.raises(exceptions.Conflict):
                client.query("SELECT 1", job_id=job_id, job_retry=None, retry=None)
        assert {"kept-commit", "kept-load"} <= {job.job_id for job in client.list_jobs(state_filter="done")}


def test_it_listens_on_loopback_only(shared_bigquery: LocalBigQuery) -> None:
    ports = {
        int(address.rsplit(":", 1)[1]) for address in (shared_bigquery.endpoint.rest, shared_bigquery.endpoint.storage)
    }
    servers = [
        p for p in psutil.Process().children(recursive=True) if "backcourt.warehouse.proxy" in " ".join(p.cmdline())
    ]
    listening = [c.laddr for p in servers for c in p.net_connections() if c.status == psutil.CONN_LISTEN]
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}  # gRPC: IPv4 in IPv6
    assert ports < {address.port for address in listening}


def test_two_commands_share_one_server_and_a_killed_one_leaves_nothing(tmp_path: Path) -> None:
    first = start_user(tmp_path)
    rest, started = first_line(first).split()
    assert started == "True"
    second = start_user(tmp_path)
    assert first_line(second).split() == [rest, "False"]
    assert len(servers_of(tmp_path)) == 2  # the proxy and the emulator

    first.kill()
    first.wait()
    CLOCK.sleep(1.5)  # well beyond the server's patience of 0.2 s: it must stay for the second user
    urllib.request.urlopen(f"{rest}/_backcourt/counters", timeout=5).close()

    second.kill()
    second.wait()
    wait_until(lambda: not servers_of(tmp_path))


def test_a_killed_command_does_not_break_its_commit(tmp_path: Path) -> None:
    with local_bigquery(tmp_path) as endpoint:
        client = google.rest_client(endpoint)
        table = google.make_table(client, "whole")
    user = start_user(tmp_path)
    rest = first_line(user).split()[0]
    inserts = "; ".join(f"INSERT INTO {table} VALUES (DATE '2024-01-01', 'BOS', {n})" for n in range(40))
    script = f"BEGIN TRANSACTION; {inserts}; COMMIT TRANSACTION"
    body = {
        "jobReference": {"projectId": "local", "jobId": "half-way"},
        "configuration": {"query": {"query": script, "useLegacySql": False}},
    }
    address = f"{rest}/bigquery/v2/projects/local/jobs"
    request = urllib.request.Request(address, json.dumps(body).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()
    user.kill()
    user.wait()
    wait_until(lambda: not servers_of(tmp_path))

    with local_bigquery(tmp_path) as endpoint:
        client = google.rest_client(endpoint)
        assert client.get_job("half-way").error_result is None
        assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(40,)]


def test_a_killed_server_takes_its_emulator_along_and_is_started_again(tmp_path: Path) -> None:
    with local_bigquery(tmp_path):
        proxy = next(p for p in servers_of(tmp_path) if "engine" not in " ".join(p.cmdline()))
        proxy.kill()
        wait_until(lambda: not [p for p in servers_of(tmp_path) if p.status() != psutil.STATUS_ZOMBIE])
        with LocalBigQuery(tmp_path) as again:
            assert again.started_here
            assert google.rows(google.rest_client(again.endpoint), "SELECT 1") == [(1,)]


def test_an_installation_without_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bqemulator", None)  # as the image without REQUIREMENTS=local
    with pytest.raises(PreflightError, match="Set BACKCOURT_PROJECT"), LocalBigQuery(tmp_path / "data"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bqemulator.duckdb").write_text("this is no database")
    with pytest.raises(PreflightError, match="not a valid DuckDB database"):
        LocalBigQuery(tmp_path).__enter__()
    assert servers_of(tmp_path) == []
    with ServerFiles(tmp_path).users.open() as users:
        assert try_lock(users)


def test_the_command_ends_in_its_own_order_at_ctrl_c(tmp_path: Path) -> None:
    arguments = [
        sys.executable,
        "-c",
        COMMAND,
        "--folder",
        str(tmp_path),
        "--port",
        "0",
        "--storage-port",
        "0",
        "--limits",
    ]
    command = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert "local BigQuery" in first_line(command)
    name, rest = first_line(command).removeprefix("export ").split("=")
    assert name == "BACKCOURT_ENDPOINT"
    assert first_line(command).startswith("export BACKCOURT_STORAGE_ENDPOINT=127.0.0.1:")
    urllib.request.urlopen(f"{rest}/_backcourt/counters", timeout=5).close()

    os.killpg(command.pid, signal.SIGINT)  # what a terminal does: to the whole group

    assert command.wait(30) == 0
    assert servers_of(tmp_path) == []


def test_the_command_does_not_take_a_folder_in_use(tmp_path: Path) -> None:
    user = start_user(tmp_path)
    first_line(user)
    arguments = [sys.executable, "-c", COMMAND, "--folder", str(tmp_path), "--port", "0", "--storage-port", "0"]
    refused = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0
    assert "runs in" in refused.stderr
    user.communicate("")
    assert servers_of(tmp_path) == []
