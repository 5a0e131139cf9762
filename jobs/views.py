"""Tables that commands print: a plan, the results of a run."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from backcourt.pipeline.breaker import HeldBack, Phase
from backcourt.pipeline.estimate import Estimate
from backcourt.pipeline.holds import KeptOff
from backcourt.pipeline.outcomes import Category, Outcome, PartitionOutcome
from backcourt.pipeline.plan import Plan, Reason, TablePlan
from jobs.console import bytes_text, grid, spans

REASONS_SHOWN = 15
"""How many dates that did not go through are explained below the results."""


REASON_LENGTH = 240
"""Characters of a reason in a line that stands for many dates; history has it whole."""


def show_plan(out: Console, plan: Plan, estimate: Estimate) -> None:
    """What a run will do, table by table, and what it needs at most."""
    columns = ("table", "wave", "to do", "dates", "why", "done", "bootstrap", "not due")
    out.print(grid(f"Plan {plan.request.run_id}, as of {plan.request.as_of}", columns, map(_plan_row, plan.tables)))
    if plan.no_games:
        out.print(f"No games on {', '.join(map(str, plan.no_games))}: nothing to do there.")
    if not plan.total:
        out.print("Nothing is left to do.")
        return
    out.print(
        f"{plan.total} partitions: {estimate.blocks} blocks to read ({bytes_text(estimate.read_bytes)}), "
        f"at most {estimate.loads} loads and {estimate.commits} commits "
        f"({bytes_text(estimate.query_bytes)} billed), at most ${estimate.dollars:.2f} at list price."
    )
    for use in estimate.near_limits:
        out.print(f"Near a limit: {use.limit}, {use.used:,} of {use.allowed:,}.")


def show_held(out: Console, held: Sequence[HeldBack]) -> None:
    """What circuit breakers keep out of the run."""
    for each in held:
        told = (
            "one date is tried" if each.phase is Phase.HALF_OPEN else f"skipped until {each.until:%Y-%m-%d %H:%M} UTC"
        )
        out.print(
            f"Circuit breaker: {each.breaker.table} failed {each.breaker.failures} times in a row, {told}; "
            f"{each.left_out} dates left out.",
            markup=False,
        )


def show_kept_off(out: Console, kept: Sequence[KeptOff]) -> None:
    """What holds keep out of the run."""
    for each in kept:
        out.print(f"{each.hold.table} is {each.hold}; {len(each.partitions)} dates left out.", markup=False)


def show_results(out: Console, plan: Plan, outcomes: Collection[PartitionOutcome], seconds: float) -> None:
    """What became of each table, with coverage, and what did not go through; outcomes in the plan's order."""
    columns = ("table", "committed", "same rows", "blocked", "failed", "other", "rows", "coverage", "lowest")
    by_table = groupby(outcomes, key=lambda o: o.partition.table)
    rows = [_result_row(table, tuple(found)) for table, found in by_table]
    out.print(grid(f"Run {plan.request.run_id}: {len(outcomes)} partitions in {seconds:.1f} s", columns, rows))
    for line in explanations(outcomes):
        out.print(line, markup=False)


def show_unknown(out: Console, commits: Sequence[str]) -> None:
    """Commits that were sent, or on their way, when the run ended: BigQuery may have published them or not."""
    for commit in commits:
        what = f"How commit {commit} ended is not known: BigQuery did not say while the run lived."
        out.print(f"{what} Run the same command again: it awaits it first, and does nothing twice.", markup=False)


def show_billed(out: Console, billed: int, planned: int) -> None:
    """What BigQuery billed beside what the plan said; nothing where it bills nothing, as on this machine."""
    if billed:
        out.print(f"Billed {bytes_text(billed)}; the plan said at most {bytes_text(planned)}.")


def explanations(outcomes: Collection[PartitionOutcome]) -> list[str]:
    """Why partitions did not go through: each cause with its dates, what merely waits for them in a line a table.

    What another run had published first is no failure, and is told because this run's rows are not there.
    """
    bad = [o for o in outcomes if o.outcome in (Outcome.BLOCKED, Outcome.FAILED) or (o.warned and o.reason)]
    causes = _together(o for o in bad if o.category is not Category.UPSTREAM)
    lines = [_cause(found) for found in causes[:REASONS_SHOWN]]
    if len(causes) > REASONS_SHOWN:
        counts = Counter(_word(o) for found in causes[REASONS_SHOWN:] for o in found)
        lines.append("… and " + ", ".join(f"{n} more {word}" for word, n in counts.items()))
    lines += _waiting(o for o in bad if o.category is Category.UPSTREAM)
    lines += [_cause(found) for found in _together(o for o in outcomes if o.outcome is Outcome.SUPERSEDED)]
    left = sum(o.outcome is Outcome.LEFT for o in outcomes)
    if left:
        lines.append(f"{left} partitions are left to do; the same command goes on with them.")
    return lines


def _together(outcomes: Iterable[PartitionOutcome]) -> list[list[PartitionOutcome]]:
    """Outcomes of a table that ended alike for the same reason, in order of their first."""
    found: dict[tuple[str, str, str], list[PartitionOutcome]] = {}
    for outcome in outcomes:
        found.setdefault((_word(outcome), outcome.partition.table, outcome.reason), []).append(outcome)
    return list(found.values())


def _cause(alike: Sequence[PartitionOutcome]) -> str:
    first = alike[0]
    if len(alike) == 1:
        return f"{_word(first)}: {first.partition}: {first.reason}"
    dates = spans([o.partition.day for o in alike])
    return f"{_word(first)}: {first.partition.table}: {len(alike)} dates, {dates}: {first.reason}"


def _waiting(blocked: Iterable[PartitionOutcome]) -> Iterable[str]:
    by_table: dict[str, list[PartitionOutcome]] = {}
    for outcome in blocked:
        by_table.setdefault(outcome.partition.table, []).append(outcome)
    for table, found in by_table.items():
        first = found[0]
        reason = first.reason if len(first.reason) <= REASON_LENGTH else f"{first.reason[:REASON_LENGTH]}…"
        dates = spans([o.partition.day for o in found])
        if len(found) == 1:
            yield f"blocked: {first.partition}: {reason}"
        else:
            yield f"blocked: {table}: {len(found)} dates, {dates}; {first.partition.day}: {reason}"


def _word(outcome: PartitionOutcome) -> str:
    if outcome.outcome is Outcome.COMMITTED:
        return "forced" if outcome.category.value == "forced" else "warned"
    return outcome.outcome.value


def _plan_row(table: TablePlan) -> tuple[str, ...]:
    reasons = Counter(p.reason for p in table.to_do)
    why = ", ".join(
        f"{n} {reason.value}" for reason, n in sorted(reasons.items(), key=lambda item: list(Reason).index(item[0]))
    )
    numbers = (table.done, table.bootstrap, table.not_due)
    return (table.table, str(table.wave), str(len(table.to_do)), spans(table.days), why, *map(str, numbers))


def _result_row(table: str, outcomes: Sequence[PartitionOutcome]) -> tuple[str | Text, ...]:
    counts = Counter(o.outcome for o in outcomes)
    same = counts[Outcome.RENEWED] + counts[Outcome.UNCHANGED] + counts[Outcome.CURRENT]
    other = counts[Outcome.SUPERSEDED] + counts[Outcome.LEFT]
    measured = [o for o in outcomes if o.expected_count]
    expected = sum(o.expected_count for o in measured)
    present = sum(o.present_count for o in measured)
    lowest = min(measured, key=lambda o: o.coverage, default=None)
    return (
        table,
        str(counts[Outcome.COMMITTED]),
        str(same),
        Text(str(counts[Outcome.BLOCKED]), style="yellow" if counts[Outcome.BLOCKED] else ""),
        Text(str(counts[Outcome.FAILED]), style="red" if counts[Outcome.FAILED] else ""),
        str(other),
        f"{sum(o.row_count for o in outcomes if o.outcome not in (Outcome.BLOCKED, Outcome.FAILED)):,}",
        f"{present / expected:.1%}" if expected else "–",
        f"{lowest.coverage:.1%} {lowest.partition.day}" if lowest and lowest.coverage < 1 else "–",
    )
