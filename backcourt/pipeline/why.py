"""Why one partition is not there, step by step: plan, ledger, inputs, gate, missing names, last error, what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from backcourt.pipeline.barriers import Barrier
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Category, Outcome, Partition
from backcourt.pipeline.plan import Frozen, Ledger, is_due, versions_of
from backcourt.pipeline.processor import Input, Pipeline, Processor
from backcourt.pipeline.records import OutcomeRecord
from backcourt.pipeline.versions import TableVersions

DATES_SHOWN = 5
"""How many dates a step names; it counts the others."""

REMEDIES: Mapping[str, str] = {
    Category.COVERAGE: "Complete its inputs or its source, then run {command}. If nothing more will come, {forced} "
    "publishes it as it is and records that.",
    Category.ROWS: "Correct the rows of its inputs or the processor; --force does not help. Then run {command}.",
    Category.CODE: "Correct the processor (the last error says where), deploy it, then run {command}.",
    Category.QUOTA: "Nothing is wrong with the date. Run {command} again, later or with a smaller --budget.",
    Category.TIMEOUT: "Nothing is wrong with the date. Run {command} again.",
    Category.INTERRUPTED: "Nothing is wrong with the date: its run was stopped. Run {command} again.",
    Category.HELD: "Nothing is wrong with the date: an operator holds its table, as `backcourt hold --list` tells. Run "
    "{command} once it is let go.",
    Category.WORKER: "Run {command} again with --workers 1; if the worker dies again, it needs more memory.",
    Category.WAREHOUSE: "Look at the last error, correct what BigQuery names, then run {command}.",
}
"""What to do about the cause of an outcome, by category."""


class Step(Frozen):
    """One look. `ok` is None where the look decides nothing."""

    name: str
    ok: bool | None
    text: str


class Why(Frozen):
    """The explanation of one partition: a verdict in one sentence, the steps to it, and what to do."""

    table: str
    day: date
    verdict: str
    steps: tuple[Step, ...]
    remedy: str = ""


@dataclass(frozen=True)
class Grounds:
    """What an explanation looks at: `last` is the newest record of each partition, `barriers` are by table."""

    pipeline: Pipeline
    calendar: Calendar
    ledger: Ledger
    as_of: date
    last: Mapping[Partition, OutcomeRecord]
    barriers: Mapping[str, tuple[Barrier, ...]] = field(default_factory=dict)


def explain(grounds: Grounds, partition: Partition) -> Why:
    """Go through everything that can keep a partition from being there; the first thing found is the verdict."""
    processor = grounds.pipeline.processor(partition.table)
    plan = _plan_step(grounds, processor, partition.day)
    entry = grounds.ledger.get((partition.table, partition.day))
    if not plan.ok and entry is None:
        return _why(partition, plan.text, (plan,), "Nothing is to be done.")
    versions = versions_of(grounds.pipeline, grounds.calendar, grounds.ledger, grounds.as_of)
    record = grounds.last.get(partition)
    inputs = tuple(_input_steps(grounds, processor, partition.day, versions, entry))
    steps = (plan, _ledger_step(entry), *_barrier_steps(grounds, partition), *inputs, *_record_steps(record))
    if entry:
        return _there(grounds, partition, entry, steps)
    causes = root_causes(grounds, partition, versions)
    if causes:
        first, command = causes[0], command_for(grounds.pipeline, partition)
        return _why(
            partition,
            f"It waits for {first}, {_ending(grounds.last.get(first))}.",
            steps,
            " ".join((_remedy(grounds, first), *_lifts(grounds, partition), f"Then run {command}.")),
        )
    return _why(partition, f"It is not there: {_ending(record)}.", steps, _remedy(grounds, partition))


def root_causes(grounds: Grounds, partition: Partition, versions: Mapping[str, TableVersions]) -> tuple[Partition, ...]:
    """The partitions upstream that must be there first and for which nothing else is lacking; none for a free one."""
    found: dict[Partition, None] = {}
    seen: set[Partition] = set()

    def walk(at: Partition) -> bool:
        """Whether something upstream of `at` is lacking."""
        lacking = [p for p in _lacking(grounds, at, versions) if p not in seen]
        seen.update(lacking)
        for each in lacking:
            if not walk(each):
                found[each] = None
        return bool(lacking)

    walk(partition)
    return tuple(found)


def command_for(pipeline: Pipeline, partition: Partition) -> str:
    """The command that makes one partition."""
    selection = f"--tables {partition.table} --dates {partition.day}"
    if pipeline.processor(partition.table).is_raw:
        return f"`backcourt ingest --source SOURCE {selection}`"
    return f"`backcourt backfill {selection}`"


def _lacking(grounds: Grounds, partition: Partition, versions: Mapping[str, TableVersions]) -> Iterator[Partition]:
    """Direct inputs that block the partition because they are not committed."""
    for each in grounds.pipeline.processor(partition.table).table_inputs:
        for day in _blocking_holes(grounds.calendar, each, partition.day, versions[each.name]):
            yield Partition(each.name, day)


def _blocking_holes(calendar: Calendar, each: Input, day: date, versions: TableVersions) -> tuple[date, ...]:
    holes = versions.window(each.window.first(day, calendar), each.window.last(day)).holes if each.holes_block else ()
    absent = each.window.same_date and not each.optional and versions.expects(day) and day not in versions
    return tuple(sorted({*holes, *((day,) if absent else ())}))


# --- the steps ----------------------------------------------------------------------------------------------------


def _plan_step(grounds: Grounds, processor: Processor, day: date) -> Step:
    calendar = grounds.calendar
    if day not in calendar:
        near = calendar.between(date.min, day)[-1:] + calendar.between(day, date.max)[:1]
        beside = " and ".join(map(str, near)) or "none"
        return Step(
            name="plan",
            ok=False,
            text=f"The schedule has nothing on {day}, so that no partition is expected; dates beside it: {beside}.",
        )
    if processor.bootstrap and calendar.is_bootstrap(day):
        start, length = calendar.season_start(day), calendar.bootstrap_days
        text = f"{day} is among the first {length} days of the season that began on {start}, which this table skips."
        return Step(name="plan", ok=False, text=text)
    if not is_due(processor, day, grounds.as_of):
        why = "its games are over" if processor.needs_final_games else "it has come"
        return Step(name="plan", ok=False, text=f"{day} is due only once {why}; today is {grounds.as_of}.")
    return Step(name="plan", ok=True, text=f"{day} is in the schedule and due.")


def _ledger_step(entry: LedgerEntry | None) -> Step:
    if entry is None:
        return Step(name="ledger", ok=False, text="No commit has published it.")
    forced = ", forced" if entry.forced else ""
    text = (
        f"Published by commit {entry.rows_commit} of code {entry.code_version}: {entry.row_count} rows, "
        f"coverage {entry.coverage:.1%}{forced}."
    )
    return Step(name="ledger", ok=True, text=text)


def _barrier_steps(grounds: Grounds, partition: Partition) -> Iterator[Step]:
    for each in grounds.barriers.get(partition.table, ()):
        yield Step(name=each.name, ok=False, text=each.text)


def _input_steps(
    grounds: Grounds, processor: Processor, day: date, versions: Mapping[str, TableVersions], entry: LedgerEntry | None
) -> Iterator[Step]:
    for each in processor.table_inputs:
        window = versions[each.name].window(each.window.first(day, grounds.calendar), each.window.last(day))
        blocking = _blocking_holes(grounds.calendar, each, day, versions[each.name])
        text = f"{each.name} ({each.window.describe()}): {window.dates} dates committed"
        if window.holes:
            effect = "which blocks this date" if blocking else "which does not block"
            text += f", {len(window.holes)} not: {_dates(window.holes)}, {effect}"
        changed = entry is not None and not entry.saw(each.name, window.digest)
        if changed:
            text += "; it has changed since this partition was computed"
        yield Step(name="input", ok=not blocking and not changed, text=f"{text}.")


def _record_steps(record: OutcomeRecord | None) -> Iterator[Step]:
    if record is None:
        yield Step(name="last try", ok=None, text="No run has recorded an outcome for it.")
        return
    when = f"{record.recorded_at:%Y-%m-%d %H:%M} UTC in run {record.run_id}"
    tries = f"{record.attempts} attempt{'' if record.attempts == 1 else 's'}, {record.seconds:.1f} s"
    yield Step(name="last try", ok=record.went_through, text=f"{record.outcome.value.capitalize()} at {when}, {tries}.")
    if record.expected_count:
        missing = record.expected_count - record.present_count
        text = f"{record.present_count} of {record.expected_count} expected entities, {record.coverage:.1%}."
        yield Step(name="gate", ok=record.category != Category.COVERAGE, text=text)
        if record.missing:
            more = missing - len(record.missing)
            names = ", ".join(record.missing) + (f" and {more} more" if more > 0 else "")
            yield Step(name="missing", ok=False, text=f"{names}.")
    if record.reason and not record.went_through:
        again = "the same command may succeed" if record.retry_can_help else "the same command alone will not help"
        label = record.category or record.outcome.value
        yield Step(name="last error", ok=False, text=f"{label}: {record.reason}; {again}.")


# --- verdicts -----------------------------------------------------------------------------------------------------


def _there(grounds: Grounds, partition: Partition, entry: LedgerEntry, steps: tuple[Step, ...]) -> Why:
    command = command_for(grounds.pipeline, partition)
    if any(step.name == "input" and "has changed" in step.text for step in steps):
        return _why(partition, "It is there, but stale: an input has changed since.", steps, f"Run {command}.")
    now = grounds.pipeline.processor(partition.table).version
    if entry.processor_version != now:
        verdict = f"It is there, made by version {entry.processor_version} of its processor; now it is {now}."
        return _why(partition, verdict, steps, f"Run {command[:-1]} --stale` to make it again.")
    return _why(partition, "It is there, and current.", steps)


def _remedy(grounds: Grounds, partition: Partition) -> str:
    """What to do about one partition: first what keeps runs off its table, then its own trouble."""
    return " ".join((*_lifts(grounds, partition), _own_remedy(grounds, partition)))


def _lifts(grounds: Grounds, partition: Partition) -> tuple[str, ...]:
    return tuple(each.lift for each in grounds.barriers.get(partition.table, ()))


def _own_remedy(grounds: Grounds, partition: Partition) -> str:
    record, command = grounds.last.get(partition), command_for(grounds.pipeline, partition)
    if record is None or record.went_through or record.category == Category.UPSTREAM:
        return f"Run {command}."
    return REMEDIES.get(record.category, "Run {command} again.").format(
        command=command, forced=f"{command[:-1]} --force`"
    )


def _ending(record: OutcomeRecord | None) -> str:
    if record is None:
        return "no run has tried it yet"
    if record.went_through:
        return f"run {record.run_id} had it, but its commit is not in the ledger any more"
    if record.category == Category.UPSTREAM:
        return f"run {record.run_id} lacked an input that is there by now"
    what = {Outcome.BLOCKED: "the gate blocked it", Outcome.FAILED: "it failed", Outcome.LEFT: "it was left"}
    return f"{what[record.outcome]} in run {record.run_id} ({record.category or 'unknown'})"


def _dates(days: tuple[date, ...]) -> str:
    shown = ", ".join(map(str, days[:DATES_SHOWN]))
    return shown + (f" and {len(days) - DATES_SHOWN} more" if len(days) > DATES_SHOWN else "")


def _why(partition: Partition, verdict: str, steps: tuple[Step, ...], remedy: str = "") -> Why:
    return Why(table=partition.table, day=partition.day, verdict=verdict, steps=steps, remedy=remedy)
