"""What a preflight makes of what it sees: clocks, rights, locations, quotas, inputs, disks."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from backcourt.clock import SystemClock
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Outcome, Partition
from backcourt.pipeline.records import OutcomeRecord
from backcourt.pipeline.shares import Priority, Share, Wish
from backcourt.sharing.store import text_of
from jobs.checking import Finding, Verdict
from jobs.checks import (
    changed_today,
    judge_clock,
    judge_disk,
    judge_inputs,
    judge_locations,
    judge_quotas,
    judge_rights,
    judge_shares,
)
from jobs.settings import Settings
from tests.integration import shop

NOW = datetime(2024, 3, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seen(finding: Finding) -> tuple[Verdict, str]:
    return finding.verdict, finding.what


@pytest.mark.parametrize(
    ("ours", "verdict", "said"),
    [
        (NOW, Verdict.OK, "within 1 s"),
        (NOW + timedelta(milliseconds=900), Verdict.OK, "within 1 s"),
        (NOW + timedelta(seconds=30), Verdict.OK, "within 29 s"),
        (NOW + HOUR, Verdict.FAIL, "this machine's clock is 60 minutes ahead of the service's"),
        (NOW - HOUR, Verdict.FAIL, "this machine's clock is 60 minutes behind the service's"),
        (NOW - timedelta(seconds=90), Verdict.FAIL, "90 s behind"),
    ],
)
def test_a_clock_an_hour_off_fails_and_a_dates_whole_seconds_do_not(
    ours: datetime, verdict: Verdict, said: str
) -> None:
    finding = judge_clock(ours, NOW, ours)
    assert finding.verdict is verdict
    assert said in finding.what
    assert bool(finding.do) is (verdict is Verdict.FAIL)


def test_a_slow_answer_is_no_wrong_clock() -> None:
    assert judge_clock(NOW - timedelta(minutes=5), NOW, NOW).verdict is Verdict.OK


def test_missing_rights_are_named_one_by_one() -> None:
    lacking = judge_rights(["bigquery.jobs.create"], {"d.t": ["bigquery.tables.getData"], "d.u": []})
    assert seen(lacking) == (
        Verdict.FAIL,
        "missing: bigquery.jobs.create on the project, bigquery.tables.getData on d.t",
    )
    assert judge_rights(["bigquery.tables.create"], {"d.t": []}).verdict is Verdict.WARN
    assert judge_rights([], {"d.t": []}).verdict is Verdict.OK


def test_datasets_must_be_together_and_where_jobs_run() -> None:
    assert judge_locations({"a": "US", "b": "US"}, None).verdict is Verdict.OK
    assert judge_locations({"a": "europe-west4"}, "EUROPE-WEST4").verdict is Verdict.OK
    assert judge_locations({}, None).verdict is Verdict.NOT_APPLICABLE
    apart = judge_locations({"a": "US", "b": "EU"}, None)
    assert seen(apart) == (Verdict.FAIL, "datasets are in several locations: a in US, b in EU")
    assert judge_locations({"a": "US"}, "EU").verdict is Verdict.FAIL
    assert judge_locations({"a": "europe-west4"}, None).do == "Set `location` to europe-west4."


def test_quotas_of_the_pacific_day() -> None:
    """Midnight in California is 8:00 UTC in March: what was committed at 7:30 belongs to the day before."""
    records = [
        OutcomeRecord(Partition("d.t", date(2024, 2, 1)), outcome, run_id="r", recorded_at=at)
        for outcome, at in [
            (Outcome.COMMITTED, NOW - timedelta(hours=2.5)),
            (Outcome.COMMITTED, NOW - HOUR),
            (Outcome.RENEWED, NOW - HOUR),
        ]
    ]
    assert changed_today(records, NOW) == {"d.t": 1}
    assert seen(judge_quotas({"d.t": 1, "d.u": 3})) == (
        Verdict.OK,
        "29,997 of 30,000 partition modifications are left to a table",
    )
    assert judge_quotas({}).verdict is Verdict.OK
    assert judge_quotas({"d.t": 15_000}).verdict is Verdict.WARN
    assert judge_quotas({"d.t": 30_000}).verdict is Verdict.FAIL


def test_dates_without_their_raw_rows_are_counted() -> None:
    ledger = {("shop_raw.orders", day): LedgerEntry("shop_raw.orders", day) for day in shop.DAYS[:7]}
    told = judge_inputs(shop.PIPELINE, shop.DAYS[:10], ledger, date(2024, 4, 1))
    assert seen(told) == (Verdict.WARN, f"shop_raw.orders lacks 3 of 10 dates, from {shop.DAYS[7]}")
    assert judge_inputs(shop.PIPELINE, shop.DAYS[:7], ledger, date(2024, 4, 1)).verdict is Verdict.OK
    assert judge_inputs(shop.PIPELINE, shop.DAYS[:10], ledger, shop.DAYS[6]).verdict is Verdict.OK
    assert judge_inputs(shop.PIPELINE, (), ledger, date(2024, 4, 1)).verdict is Verdict.NOT_APPLICABLE


def test_a_full_disk() -> None:
    assert judge_disk({"/a": 2**30, "/b": 2**40}).verdict is Verdict.OK
    assert seen(judge_disk({"/a": 2**20, "/b": 2**40})) == (Verdict.FAIL, "/a has 1 MiB free, 1 GiB is needed")


def test_a_place_for_the_shares_of_the_budget_that_cannot_be_used(tmp_path: Path) -> None:
    file, clock = tmp_path / "shares.json", SystemClock()
    here = Settings(shares=f"file:{file}")
    assert seen(judge_shares(here, clock)) == (Verdict.OK, "no other run has any of the budget")
    file.write_text("{}")
    broken = judge_shares(here, clock)
    assert broken.verdict is Verdict.FAIL
    assert str(file) in broken.what
    assert broken.do == "Empty it while no run is alive."
    assert judge_shares(Settings(shares="none"), clock).verdict is Verdict.NOT_APPLICABLE


def test_whom_the_budget_is_shared_with(tmp_path: Path) -> None:
    file = tmp_path / "shares.json"
    wish = Wish("nightly-1", Priority.DAILY, {"query": 4}, {"query": 2})
    file.write_text(text_of((Share(wish, {"query": 1}, NOW),)))
    found = judge_shares(Settings(shares=f"file:{file}"), SystemClock())
    assert seen(found) == (Verdict.OK, "the budget is shared with nightly-1")
