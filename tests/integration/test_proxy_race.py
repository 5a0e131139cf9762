"""Two commits of one partition at once, as a service with snapshots runs them: what the head is for."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration import google_clients as google

HEAD = (bigquery.SchemaField("generation", "INT64"), bigquery.SchemaField("commit_id", "STRING"))
LEDGER = (bigquery.SchemaField("partition_date", "DATE"), bigquery.SchemaField("commit_id", "STRING"))
DAY = "DATE '2024-01-01'"


@pytest.fixture
def client(local_bigquery: LocalBigQuery) -> bigquery.Client:
    client = google.rest_client(local_bigquery.endpoint)
    google.make_table(client, "target")
    google.make_table(client, "head", HEAD)
    google.make_table(client, "ledger", LEDGER)
    client.query("INSERT INTO games.head VALUES (0, '')").result()
    for run in ("r1", "r2"):
        google.make_table(client, f"staging_{run}")
        client.query(f"INSERT INTO games.staging_{run} VALUES ({DAY}, '{run}', 1), ({DAY}, '{run}', 2)").result()
    return client


def commit(run: str, *, with_head: bool, expected: str = "") -> str:
    head = f"UPDATE games.head SET generation = generation + 1, commit_id = '{run}' WHERE TRUE;" if with_head else ""
    return f"""
        BEGIN TRANSACTION;
        {head}
        SELECT IF(COALESCE((SELECT MAX(commit_id) FROM games.ledger WHERE partition_date = {DAY}), '') != '{expected}',
                  ERROR('superseded: 2024-01-01; {run}'), NULL);
        MERGE games.target AS t USING games.staging_{run} AS s ON FALSE
          WHEN NOT MATCHED BY TARGET THEN INSERT (game_date, team, points) VALUES (s.game_date, s.team, s.points)
          WHEN NOT MATCHED BY SOURCE AND t.game_date IN ({DAY}) THEN DELETE;
        INSERT INTO games.ledger (partition_date, commit_id) VALUES ({DAY}, '{run}');
        COMMIT TRANSACTION;"""


def run_both(client: bigquery.Client, scripts: dict[str, str]) -> dict[str, str]:
    """Both at once; what each of them ended with."""

    def run(job_id: str) -> str:
        try:
            client.query(scripts[job_id], job_id=job_id, job_retry=None).result(retry=None)
        except exceptions.BadRequest as refusal:
            return str(refusal)
        return "committed"

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(scripts, pool.map(run, scripts), strict=True))


def test_without_the_head_both_commit_and_the_rows_double(
    local_bigquery: LocalBigQuery, client: bigquery.Client
) -> None:
    local_bigquery.control.change(race=30)
    ends = run_both(client, {f"bare-{run}": commit(run, with_head=False) for run in ("r1", "r2")})
    assert set(ends.values()) == {"committed"}
    assert google.rows(client, "SELECT COUNT(*), COUNT(DISTINCT team) FROM games.target") == [(4, 2)]
    assert google.rows(client, "SELECT COUNT(*) FROM games.ledger") == [(2,)]


def test_with_the_head_one_is_cancelled_and_then_superseded(
    local_bigquery: LocalBigQuery, client: bigquery.Client
) -> None:
    local_bigquery.control.change(race=30)
    ends = run_both(client, {f"headed-{run}": commit(run, with_head=True) for run in ("r1", "r2")})
    loser = next(job_id for job_id, end in ends.items() if end != "committed")
    assert sorted(end == "committed" for end in ends.values()) == [False, True]
    assert "Transaction is aborted due to concurrent update against table local:games.head" in ends[loser]
    assert client.get_job(loser).error_result["reason"] == "invalidQuery"
    assert local_bigquery.control.counters()["conflicts"] == 1

    local_bigquery.control.change(race=0)
    run = loser.removeprefix("headed-")
    with pytest.raises(exceptions.BadRequest, match="superseded: 2024-01-01"):
        client.query(commit(run, with_head=True), job_id=f"{loser}-again", job_retry=None).result()

    assert google.rows(client, "SELECT COUNT(*), COUNT(DISTINCT team) FROM games.target") == [(2, 1)]
    assert google.rows(client, "SELECT COUNT(*) FROM games.ledger") == [(1,)]
    assert google.rows(client, "SELECT generation FROM games.head") == [(1,)]


def test_a_restatement_changes_rows_and_conflicts_by_itself(
    local_bigquery: LocalBigQuery, client: bigquery.Client
) -> None:
    client.query(commit("r1", with_head=False)).result()
    local_bigquery.control.change(race=30)
    again = {f"again-{run}": commit(run, with_head=False, expected="r1") for run in ("r1", "r2")}
    ends = run_both(client, again)
    assert sorted(end == "committed" for end in ends.values()) == [False, True]
    assert "concurrent update against table local:games.target" in next(e for e in ends.values() if e != "committed")
    assert google.rows(client, "SELECT COUNT(*) FROM games.target") == [(2,)]


def test_a_failed_check_of_one_lets_the_other_commit(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    local_bigquery.control.change(race=30)
    scripts = {"stale": commit("r1", with_head=True, expected="other"), "fresh": commit("r2", with_head=True)}
    ends = run_both(client, scripts)
    assert "superseded" in ends["stale"]
    assert ends["fresh"] == "committed"
    assert google.rows(client, "SELECT DISTINCT team FROM games.target") == [("r2",)]


def test_commits_of_other_tables_do_not_meet(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    google.make_table(client, "elsewhere")
    local_bigquery.control.change(race=0.2)
    other = f"BEGIN TRANSACTION; INSERT INTO games.elsewhere VALUES ({DAY}, 'x', 1); COMMIT TRANSACTION;"
    ends = run_both(client, {"here": commit("r1", with_head=True), "there": other})
    assert set(ends.values()) == {"committed"}
    assert local_bigquery.control.counters()["conflicts"] == 0
