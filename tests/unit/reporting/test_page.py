"""The report as a reader's browser sees it: parsed here, with the counts and links that planted rows must give."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

from backcourt.pipeline.calendar import Calendar, Season
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Category, Outcome, Partition
from backcourt.pipeline.processor import Pipeline
from backcourt.pipeline.records import BudgetSample, OutcomeRecord, RunRecord
from backcourt.pipeline.standing import Cell, Standing, cells
from backcourt.reporting.page import Report, render
from tests.unit.pipeline.worlds import processor

NIGHT = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
FIRST = date(2024, 1, 25)
DAYS = tuple(FIRST + timedelta(days=n) for n in range(0, 20, 2))
CALENDAR = Calendar(DAYS, (Season(2023, FIRST),), bootstrap_days=3)
PIPELINE = Pipeline("shop", (processor("a"), processor("b", bootstrap=True)))
AS_OF = DAYS[-1]


class Page(HTMLParser):
    """What is in the page: links, ids, titles, rows of tables, and anything that could reach out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.cells: dict[str, tuple[str, str]] = {}
        self.rows: list[list[str]] = []
        self.stops: list[str] = []
        self.outside: list[str] = []
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self.outside += [v or "" for k, v in attrs if k in ("src", "srcset", "action") or tag == "link"]
        self.ids += [has["id"] or ""] if "id" in has else []
        self.links += [has["href"] or ""] if tag == "a" else []
        if tag == "a" and (has.get("class") or "").startswith("c "):
            self.cells[has["id"] or ""] = ((has["class"] or "")[2:], has["title"] or "")
            self.stops += [has["id"] or ""] if has["tabindex"] == "0" else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.rows[-1][-1] += data


def entry(table: str, day: date, **more: object) -> LedgerEntry:
    whole = LedgerEntry(
        table, day, 1, "c-1", "c-1", processor_version="1", row_count=10, expected_count=10, present_count=10
    )
    return replace(whole, **more)  # type: ignore[arg-type]


def ended(table: str, day: date, outcome: Outcome, category: Category, reason: str) -> OutcomeRecord:
    return OutcomeRecord(
        Partition(table, day), outcome, category, reason, expected_count=10, present_count=7,
        attempts=3 if outcome is Outcome.FAILED else 1, seconds=2.5, run_id="night-1", recorded_at=NIGHT,
    )  # fmt: skip


LEDGER = {("d.a", d): entry("d.a", d) for d in DAYS[:6]} | {
    ("d.a", DAYS[1]): entry("d.a", DAYS[1], present_count=9),
    ("d.a", DAYS[2]): entry("d.a", DAYS[2], present_count=1, forced=True),
}
BLOCKED = ended("d.a", DAYS[6], Outcome.BLOCKED, Category.COVERAGE, "7 of 10 <expected> & more")
FAILED = ended("d.a", DAYS[7], Outcome.FAILED, Category.CODE, "ArithmeticError")
RUN = RunRecord(
    "night-1", 1, NIGHT, NIGHT + timedelta(seconds=95), 5, "0.1.0", "2024-02-12", {"d.a": 10, "d.b": 4},
    {"d.a": {"missing": 9, "stale": 1}},
    {"query": (BudgetSample(1, 16, 4), BudgetSample(2, 8, 16, True)), "read": ()},
)  # fmt: skip


def report(**changes: object) -> Report:
    known = {r.partition: r for r in (BLOCKED, FAILED)}
    shown = cells(PIPELINE, CALENDAR, LEDGER, AS_OF, known, 0.95)
    whole = Report("shop", NIGHT, AS_OF, "0.1.0+abc", shown, RUN, (BLOCKED, FAILED), (RUN,), 30)
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_every_date_of_every_table_has_its_place_and_state() -> None:
    page = Page(render(report()))
    states = [page.cells[f"a-{day}"][0] for day in DAYS]
    assert states == ["done", "warned", "forced", "done", "done", "done", "blocked", "failed", "missing", "not-due"]
    assert [page.cells[f"b-{day}"][0] for day in DAYS] == ["bootstrap"] * 2 + ["missing"] * 7 + ["not-due"]
    assert len(page.cells) == 20
    assert (
        "2024-02-06: blocked by the gate; blocked (data missing) in run night-1: 7 of 10 <expected> & more"
        in (page.cells["a-2024-02-06"][1])
    )


def test_the_file_needs_nothing_from_outside() -> None:
    text = render(report())
    page = Page(text)
    assert page.outside == []
    assert "default-src 'none'" in text
    assert [word for word in ("http://", "https://", "url(", "@import", "fetch(") if word in text] == []


def test_every_link_leads_to_a_place_in_the_page() -> None:
    page = Page(render(report()))
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if link.removeprefix("#") not in page.ids} == set()
    assert "#a-2024-02-06" in page.links


def test_the_tab_key_stops_once_in_each_calendar() -> None:
    assert Page(render(report())).stops == ["a-2024-01-25", "b-2024-01-25"]


def test_what_is_not_there_is_listed_with_cause_and_whether_a_retry_helps() -> None:
    rows = Page(render(report())).rows
    assert ["2024-02-06", "a", "blocked", "data missing", "7 of 10 <expected> & more", "no"] in rows
    assert ["2024-02-08", "a", "failed", "code", "ArithmeticError", "no"] in rows
    assert Counter(row[2] for row in rows if len(row) == 6 and row[1] in ("a", "b")) == {
        "blocked": 1, "failed": 1, "missing": 8,
    }  # fmt: skip


def test_the_plan_stands_beside_what_happened() -> None:
    rows = Page(render(report())).rows
    # planned, why, committed, same rows, blocked, failed, other, no record
    assert ["d.a", "10", "9 missing, 1 stale", "0", "0", "1", "1", "0", "8"] in rows
    assert ["d.b", "4", "", "0", "0", "0", "0", "0", "4"] in rows
    assert ["2024-02-08", "d.a", "2.50", "3", "0"] in rows  # the only one that was retried
    assert "at most 16 in flight, limit 16, lowest 8, quota signals at 1 times" in render(report())


def test_a_report_before_any_run_says_so() -> None:
    text = render(report(run=None, outcomes=(), runs=(), cells=()))
    assert "No run has been recorded." in text
    assert "No coverage has been measured yet." in text
    assert "recorded no samples" in text


def test_ten_thousand_partitions_stay_a_file_that_can_be_mailed() -> None:
    """Eleven tables, 918 dates: the size of the pipeline that this was built for."""
    days = [date(2021, 10, 1) + timedelta(days=n) for n in range(918)]
    many = [
        Cell(Partition(f"nba.table_{t}", day), Standing.DONE, entry(f"nba.table_{t}", day))
        for t in range(11)
        for day in days
    ]
    text = render(report(cells=many))
    assert len(Page(text).cells) == 10_098
    assert len(text.encode()) < 5_000_000
