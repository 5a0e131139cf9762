"""Windows and their versions against plain loops over the calendar."""

import json
import pickle
from datetime import date
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcourt.pipeline.calendar import Calendar, Season, calendar_of
from backcourt.pipeline.ledger import InputVersion, LedgerEntry, StoredInputs, inputs_to_json
from backcourt.pipeline.plan import Request
from backcourt.pipeline.processor import EVERYTHING_BEFORE, SAME_DATE, SEASON, Pipeline, Window
from backcourt.pipeline.versions import TableVersions
from tests.unit.pipeline.worlds import World, day, processor, random_calendar, random_window, reads

SEEDS = st.integers(0, 10**9)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_a_window_holds_the_dates_that_its_words_say(seed: int) -> None:
    random = Random(seed)
    calendar, window = random_calendar(random), random_window(random)
    request = Request(run_id="r", tables=(), days=(), as_of=day(0))
    world = World(Pipeline("p", (processor("a"),)), calendar, request)
    for of in calendar.dates:
        assert list(window.dates(of, calendar)) == world.window(reads("a", window), of)


def test_windows_do_not_cross_into_the_season_before() -> None:
    dates = (date(2023, 6, 10), date(2023, 10, 24), date(2023, 10, 25))
    calendar = calendar_of({dates[0]: 2022, dates[1]: 2023, dates[2]: 2023}, bootstrap_days=1)
    assert SEASON.dates(dates[2], calendar) == (dates[1],)
    assert SEASON.dates(dates[1], calendar) == ()
    assert EVERYTHING_BEFORE.dates(dates[2], calendar) == dates[:2]
    assert SAME_DATE.dates(dates[1], calendar) == (dates[1],)
    assert Window(days=1).dates(dates[2], calendar) == (dates[1],)
    assert Window(days=1).dates(dates[1], calendar) == ()
    assert [calendar.is_bootstrap(d) for d in dates] == [True, True, False]


def test_a_date_before_every_season_has_none() -> None:
    calendar = Calendar((day(0), day(9)), (Season(2024, day(5)),), 3)
    assert calendar.season(day(0)) is None
    assert not calendar.is_bootstrap(day(0))
    assert SEASON.dates(day(0), calendar) == ()


def as_ledgers_have_it(content: frozenset[tuple[date, str]]) -> str:
    """A window's digest as every ledger holds it: another one would make all that was ever committed stale."""
    hashes = (sha256(f"{d} {commit}".encode()).hexdigest()[:24] for d, commit in content)
    return f"{sum(int(each, 16) for each in hashes) % 2**96:024x}"


def test_a_commit_of_many_dates_is_kept_once_however_often_it_is_told() -> None:
    calendar = Calendar(tuple(day(n) for n in range(3)))
    versions = TableVersions(calendar, lambda _: True, {day(0): "commit 1", day(1): "commit 1"})
    for commit in ("commit 1", "commit 2"):
        for each in (day(1), day(2)):  # as worker after worker tells it, each in a text of its own
            versions.update(pickle.loads(pickle.dumps({each: commit})))
    assert [versions.commit_of(day(n)) for n in range(3)] == ["commit 1", "commit 2", "commit 2"]
    assert versions.commit_of(day(1)) is versions.commit_of(day(2))
    versions.update(pickle.loads(pickle.dumps({day(1): "commit 2"})))
    assert versions.commit_of(day(1)) is versions.commit_of(day(2))


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_versions_against_a_loop_over_the_window(seed: int) -> None:
    """Through random updates: counts, holes, and digests that are equal exactly when the commits are."""
    random = Random(seed)
    calendar = random_calendar(random)
    unexpected = {d for d in calendar.dates if random.random() < 0.2}
    committed = {d: random.choice("xy") for d in calendar.dates if random.random() < 0.7}
    versions = TableVersions(calendar, lambda d: d not in unexpected, committed)
    seen: dict[str, frozenset[tuple[date, str]]] = {}
    for _ in range(12):
        change = {random.choice(calendar.dates): random.choice("xyz") for _ in range(random.randrange(3))}
        versions.update(change)
        committed |= change
        for _ in range(8):
            first, last = day(random.randrange(-3, 80)), day(random.randrange(-3, 80))
            window = [d for d in calendar.dates if first <= d <= last]
            found = versions.window(first, last)
            assert found.dates == sum(d in committed for d in window)
            assert found.holes == tuple(d for d in window if d not in committed and d not in unexpected)
            content = frozenset((d, committed[d]) for d in window if d in committed)
            assert found.digest == versions.digest(first, last) == as_ledgers_have_it(content)
            assert seen.setdefault(found.digest, content) == content
    assert len(set(seen.values())) == len(seen)


def test_commits_of_dates_outside_the_calendar_change_nothing() -> None:
    versions = TableVersions(Calendar((day(0), day(2))), lambda _: True, {day(0): "x"})
    before = versions.window(day(0), day(2))
    versions.update({day(1): "x"})
    assert versions.window(day(0), day(2)) == before
    assert before.holes == (day(2),)


def test_input_versions_survive_the_ledger() -> None:
    inputs = {"d.b": InputVersion("ff", 3, (day(1), day(2))), "d.a": InputVersion("00", 0)}
    stored = StoredInputs(inputs_to_json(inputs))
    assert stored == inputs
    assert inputs == pickle.loads(pickle.dumps(stored))
    assert list(stored) == ["d.a", "d.b"]


GOOD = '"d.a":{"digest":"ab","dates":1,"holes":[]}'


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "null",
        "{",
        '{"d.a": 1}',
        '{"d.a":{"digest":"ab"}}',
        "{" + GOOD,
        "{" + GOOD[:-1],
        "{" + GOOD + "} x",
        "{" + GOOD + ',"d.b":7}',
        "{" + GOOD + ",}",
        "{" + GOOD.replace("1", "01") + "}",
        "{" + GOOD.replace("1", "null") + "}",
        "{" + GOOD.replace("1", "9" * 5_000) + "}",
        "{" + GOOD.replace("d.a", "d.a\n") + "," + GOOD + "}",
        "{" + GOOD.replace("[]", '["?"]') + "}",
        "{" + GOOD.replace("[]", '["2024-02-30"]') + "}",
        "{" + GOOD.replace("[]", "[0]") + "}",
    ],
)
def test_what_cannot_be_read_from_the_ledger_counts_as_no_versions(text: str | None) -> None:
    assert not LedgerEntry("d.t", day(0), inputs=StoredInputs(text)).saw("d.a", "ab")
    assert StoredInputs(text) == {}


@pytest.mark.parametrize(
    ("text", "digests"),
    [
        ("{" + GOOD + "," + GOOD.replace("ab", "zz") + "}", {"zz"}),  # of two the last counts, as JSON has it
        ('{"d.a":{"digest":"ab","digest":"zz","dates":1,"holes":[]}}', {"zz"}),
        ('{"d.b":{"digest":"","dates":1,"holes":[],"x":{' + GOOD + "}}}", set()),
        ("{" + GOOD.replace("[]", '["2024-01-19"]') + "}", {"ab"}),
    ],
)
def test_a_text_by_a_foreign_hand_says_what_it_is_read_as(text: str, digests: set[str]) -> None:
    entry = LedgerEntry("d.t", day(0), inputs=StoredInputs(text))
    assert {digest for digest in ("ab", "zz", "") if entry.saw("d.a", digest)} == digests
    assert {v.digest for name, v in entry.inputs.items() if name == "d.a"} == digests


@given(st.text(alphabet='{}[]",:0 1d.ab\\x', max_size=12), st.integers(0, 60), st.integers(0, 60))
def test_a_damaged_text_is_never_the_same_without_being_readable(put: str, cut: int, end: int) -> None:
    whole = "{" + GOOD + "," + GOOD.replace("d.a", "d.b") + "}"
    damaged = whole[:cut] + put + whole[max(cut, end) :]
    read = StoredInputs(damaged).get("d.a")
    assert LedgerEntry("d.t", day(0), inputs=StoredInputs(damaged)).saw("d.a", "ab") == (
        read is not None and read.digest == "ab"
    )


NAMES = st.sampled_from(["d.a", "d.ab", "d.é", 'd."'])
DIGESTS = st.sampled_from(["", "0a", "0a0", "b"])


@given(st.dictionaries(NAMES, st.builds(InputVersion, DIGESTS, st.integers(0, 9))), NAMES, DIGESTS, st.booleans())
def test_a_window_is_recognised_in_the_text_as_in_what_it_says(
    inputs: dict[str, InputVersion], name: str, digest: str, spaced: bool
) -> None:
    text = inputs_to_json(inputs)
    stored = StoredInputs(json.dumps(json.loads(text), indent=1) if spaced else text)
    truth = name in inputs and inputs[name].digest == digest
    assert LedgerEntry("d.t", day(0), inputs=stored).saw(name, digest) == truth
    assert LedgerEntry("d.t", day(0), inputs=inputs).saw(name, digest) == truth
    if not spaced and name == "d.a" and inputs.keys() <= {"d.a", "d.ab"}:  # without what JSON would escape
        assert stored.says(name, digest) == truth
