"""One partition published through every fault in the table: its rows once, one commit, nothing left behind.

The real Google client, steps and committer against the local BigQuery; no run around them, so that a case is quick.
"""

from datetime import date, timedelta
from itertools import count
from operator import itemgetter
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from backcourt.clock import SystemClock
from backcourt.pipeline.coverage import Judgement, Measurement, Verdict
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.triage import Passed
from backcourt.warehouse.definitions import definition_of, ensure, state_tables
from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.head import seed_head
from backcourt.warehouse.jobs_api import LOOKUP_PAUSES
from backcourt.warehouse.requests import Kind
from ray_tasks.attempts import Attempts
from ray_tasks.committer import Batch, CommitEnded, Committer, RunIdentity
from ray_tasks.driver import STAGE_AGAIN, STAGING_TRIES
from ray_tasks.permits import LocalPermits
from ray_tasks.pool import attempt_step
from ray_tasks.steps import Bench
from tests.integration import shop
from tests.integration.lost_answers import CASES
from tests.integration.runs_here import PATIENCE
from tests.integration.shop_fixtures import fair_weather, server  # noqa: F401
from tests.integration.shop_runs import Shop, eventually

NUMBERS = count(1)
CHUNK = 256 * 1024
"""The least that a resumable upload sends at once."""


class Publisher:
    """What a run does with one gated partition of `shop.revenue`: stage, announce, commit, drop."""

    def __init__(self, store: Shop) -> None:
        self.number = next(NUMBERS)
        self.store, self.day = store, shop.FIRST + timedelta(days=self.number)
        clock = SystemClock()
        self.permits = LocalPermits(dict.fromkeys(Kind, 4), clock)
        attempts = Attempts(store.warehouse, self.permits, clock, Random(1), PATIENCE)
        self.bench = Bench(shop.PIPELINE, store.warehouse, attempts, clock, "shop_orchestration")
        self.identity = RunIdentity(store.run_id(f"lost-{self.number}"), 1, "code")
        self.committer = Committer(
            self.identity, shop.PIPELINE, store.warehouse, store.warehouse.names, attempts, "shop_orchestration"
        )

    def publish(self, rows: pa.Table) -> CommitEnded:
        """Commit the rows; staged anew where the driver would."""
        number = rows.num_rows
        entry = LedgerEntry("shop.revenue", self.day, row_count=number, expected_count=number, present_count=number)
        measured = Measurement(self.day, number, number, number)
        passed = Passed(entry, measured, Judgement(Verdict.PASS, ""), "", rows)
        for last in (*[False] * (STAGING_TRIES - 1), True):
            batch, _ = self.committer.begin("shop.revenue", [passed])
            ended = self.once(batch, rows)
            if last or not isinstance(ended.error, STAGE_AGAIN):
                break
        return ended

    def once(self, batch: Batch, rows: pa.Table) -> CommitEnded:
        step = self.committer.stage_step(batch)
        assert step
        result, _ = attempt_step(self.bench, step, [rows])
        if isinstance(result, Exception):
            self.committer.abandon(batch)
            return CommitEnded(batch, error=result)
        self.committer.send(batch)
        found: list[CommitEnded] = eventually(lambda: list(self.committer.ended()))
        return found[0]


@pytest.fixture(scope="module")
def store(server: LocalBigQuery, tmp_path_factory: pytest.TempPathFactory) -> Shop:  # noqa: F811
    folder = tmp_path_factory.mktemp("lost")
    opened = Shop(server, folder, Path())
    definitions = [*state_tables("shop_orchestration", [shop.REVENUE]), definition_of(shop.REVENUE)]
    ensure(opened.warehouse, definitions, create_datasets=opened.warehouse.ensure_datasets)
    seed = seed_head(shop.REVENUE, opened.warehouse.names, "shop_orchestration", "seed", opened.run_id("seed"))
    opened.warehouse.run(seed)
    return opened


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many looks as ever, closer together."""
    monkeypatch.setattr("backcourt.warehouse.jobs_api.LOOKUP_PAUSES", (0.01,) * len(LOOKUP_PAUSES))
    monkeypatch.setattr("ray_tasks.attempts.RESOLVE_POLL_SECONDS", 0.05)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's client sends 5 MB in one piece and 100 MB in a chunk; a test can't."""
    monkeypatch.setattr("google.cloud.bigquery.client._MAX_MULTIPART_SIZE", CHUNK)
    monkeypatch.setattr("google.cloud.bigquery.client._DEFAULT_CHUNKSIZE", CHUNK)


def made_rows(day: date, number: int) -> pa.Table:
    dice = Random(number)
    rows = {
        "day": [day] * number,
        "store": [f"{n:05d}-{dice.getrandbits(512):x}" for n in range(number)],
        "revenue": [dice.random() for _ in range(number)],
    }
    return pa.table(rows, schema=shop.REVENUE.arrow_schema)


def generation(store: Shop) -> int:
    return int(store.query(f"SELECT generation FROM `{store.state('head__revenue')}`")[0]["generation"])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("short_pauses", "small_chunks")
def test_a_partition_is_published_once(store: Shop, name: str) -> None:
    case, publisher = CASES[name], Publisher(store)
    rows, before = made_rows(publisher.day, 4000 if case.resumable else 10), generation(store)
    control = store.server.control
    control.reset()
    control.change(faults=list(case.faults), latency=dict(case.latency))
    ended = publisher.publish(rows)
    seen = control.counters()
    control.change(faults=[], latency={})

    assert (ended.error, ended.superseded) == (None, None)
    assert sum(seen["faults"].values()) == case.hits  # all of them came
    assert (seen["jobs"]["load"], seen["jobs"]["commit"]) == (case.loads, case.scripts)
    if case.resumable:
        assert seen["requests_by_method"]["jobs.upload"] > 2  # its beginning and several chunks

    found = store.query(
        f"SELECT day, store, revenue FROM `{store.name('shop', 'revenue')}` WHERE day = DATE '{publisher.day}'"
    )
    assert sorted(found, key=itemgetter("store")) == rows.to_pylist()  # made in the order of stores
    ledger = store.query(
        f"SELECT commit_id, row_count FROM `{store.state('ledger')}` WHERE partition_date = DATE '{publisher.day}'"
    )
    assert ledger == [{"commit_id": ended.batch.commit_id, "row_count": rows.num_rows}]
    assert generation(store) == before + 1
    announced = store.query(f"SELECT job_id FROM `{store.state('runs')}` WHERE run_id = '{publisher.identity.run_id}'")
    assert len(announced) == len({row["job_id"] for row in announced}) >= 1
    assert store.warehouse.tables("shop_orchestration", "staging__") == ()
    assert store.jobs_running() == ()
    assert all(kind.held == kind.waiting == 0 for kind in publisher.permits.state())
