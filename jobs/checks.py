"""The checks of a preflight: what a run needs of the warehouse, of its data and of this machine.

The local BigQuery knows no credentials, rights, locations and quotas of its own: there a check says so.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from backcourt.clock import Clock
from backcourt.pipeline.outcomes import Outcome
from backcourt.pipeline.plan import Ledger, is_due
from backcourt.pipeline.processor import Pipeline
from backcourt.pipeline.records import OutcomeRecord
from backcourt.sharing.store import SharesUnreachable, SharesUnusable
from backcourt.warehouse.definitions import definition_of, inspect, state_tables
from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.history_reads import OutcomeFilter
from backcourt.warehouse.inspection import DATASET_RIGHTS, PROJECT_RIGHTS, TABLE_RIGHTS, Inspection
from backcourt.warehouse.requests import TableDefinition, TableRef, TableState
from jobs.checking import Check, Finding, Verdict
from jobs.session import Session
from jobs.settings import Settings
from jobs.sharing import open_shares
from ray_tasks.lookback import read_outcomes
from ray_tasks.prepare import Ground, read_calendar, read_ledger

CLOCK_SECONDS = 60.0
"""How far our clock may be off: signed requests are refused from some minutes on, and history would lie."""
FREE_BYTES = 2**30
"""Free room that a disk needs for logs, staging files and what Ray spills."""
SHARED_BYTES = 2**28
"""Free shared memory below which Ray keeps its objects on the disk."""
PARTITION_CHANGES = 30_000
"""Partition modifications a table and day (Quotas and limits, read 2026-11)."""
QUOTA_ZONE = ZoneInfo("America/Los_Angeles")
"""A day of quotas ends at midnight, Pacific time (Quotas and limits, read 2026-11)."""
NEAR = 0.5
"""From this share of a limit on it is worth a word."""


@dataclass(frozen=True)
class Site:
    """What the checks look at: a session, and the dates from `start` to `end` that are to be computed."""

    session: Session
    ground: Ground
    inspection: Inspection
    start: date
    end: date

    @property
    def is_local(self) -> bool:
        """Whether it is the BigQuery of this machine."""
        return self.session.connection.endpoint.is_local

    @property
    def definitions(self) -> list[TableDefinition]:
        """Every table that a run works with."""
        declared = [p.table for p in self.session.pipeline.processors]
        return [*state_tables(self.session.state_dataset, declared), *map(definition_of, declared)]

    @property
    def datasets(self) -> list[str]:
        """Their logical datasets."""
        return sorted({d.ref.dataset for d in self.definitions})


def all_checks(site: Site) -> list[Check]:
    """Every check, in the order in which they are shown."""
    made: tuple[tuple[str, Callable[[Site], Finding], bool], ...] = (
        ("credentials", credentials, True),
        ("datasets", datasets, True),
        ("locations", locations, True),
        ("schemas", schemas, False),
        ("permissions", permissions, False),
        ("quotas", quotas, False),
        ("inputs", inputs, False),
        ("streaming", streaming, False),
        ("shares", shares, False),
        ("disk", disk, True),
        ("object-store", object_store, True),
        ("clock", clock, True),
    )
    return [Check(name, lambda ask=ask: ask(site), cheap) for name, ask, cheap in made]  # type: ignore[misc]


def credentials(site: Site) -> Finding:
    """The service answers and takes the credentials."""
    site.inspection.knock()
    if site.is_local:
        return _not_applicable("the local BigQuery takes no credentials; it answers")
    return Finding(Verdict.OK, f"project {site.session.connection.endpoint.project} answers")


def datasets(site: Site) -> Finding:
    """Every dataset is there, or may be created."""
    missing = [name for name in site.datasets if site.inspection.location(name) is None]
    if not missing:
        return Finding(Verdict.OK, f"{len(site.datasets)} datasets are there")
    if site.session.creates_datasets:
        return Finding(Verdict.OK, f"{', '.join(missing)} will be created")
    names = ", ".join(site.session.warehouse.names.dataset(name) for name in missing)
    where = site.session.settings.location or "the location of the others"
    return Finding(
        Verdict.FAIL, f"missing: {names}", f"Create them in {where} (`bq mk --dataset`), or map them by `datasets`."
    )


def locations(site: Site) -> Finding:
    """All datasets are in one location, and it is the one that jobs run in."""
    if site.is_local:
        return _not_applicable("the local BigQuery has no locations")
    found = {name: site.inspection.location(name) for name in site.datasets}
    return judge_locations({n: where for n, where in found.items() if where}, site.session.settings.location)


def judge_locations(found: dict[str, str], setting: str | None) -> Finding:
    """A transaction reaches only one location, and only US and EU are found without a setting."""
    places = sorted(set(found.values()))
    if not places:
        return _not_applicable("no dataset is there yet")
    if len(places) > 1:
        told = ", ".join(f"{name} in {where}" for name, where in sorted(found.items()))
        return Finding(Verdict.FAIL, f"datasets are in several locations: {told}", "Move them into one location.")
    if setting and setting.lower() != places[0].lower():
        return Finding(Verdict.FAIL, f"they are in {places[0]}, `location` says {setting}", "Correct `location`.")
    if not setting and places[0] not in ("US", "EU"):
        return Finding(Verdict.FAIL, f"they are in {places[0]}", f"Set `location` to {places[0]}.")
    return Finding(Verdict.OK, f"all in {places[0]}")


def schemas(site: Site) -> Finding:
    """Tables that exist are as declared."""
    missing, wrong = inspect(site.ground.warehouse, site.definitions)
    wrong = tuple(text for text in wrong if not text.startswith("dataset "))
    if wrong:
        return Finding(Verdict.FAIL, "; ".join(wrong), "Rename or migrate these tables.")
    new = f", {len(missing)} will be created" if missing else ""
    return Finding(Verdict.OK, f"{len(site.definitions) - len(missing)} tables are as declared{new}")


def permissions(site: Site) -> Finding:
    """What may be missing is named, right by right."""
    if site.is_local:
        return _not_applicable("the local BigQuery has no rights")
    existing = [table.definition.ref for table in _existing(site)]
    return judge_rights(
        site.inspection.lacking_on_project((*PROJECT_RIGHTS, *DATASET_RIGHTS)),
        {str(ref): site.inspection.lacking_on_table(ref, TABLE_RIGHTS) for ref in existing},
    )


def judge_rights(on_project: Sequence[str], on_tables: dict[str, Sequence[str]]) -> Finding:
    """Rights that only the project can give fail; one that datasets can give too is a warning."""
    lacking = [right for right in on_project if right not in DATASET_RIGHTS]
    told = [f"{right} on the project" for right in lacking]
    told += [f"{right} on {table}" for table, rights in sorted(on_tables.items()) for right in rights]
    do = "Grant roles/bigquery.user on the project, and roles/bigquery.dataEditor on its datasets."
    if told:
        return Finding(Verdict.FAIL, f"missing: {', '.join(told)}", do)
    unseen = [right for right in on_project if right in DATASET_RIGHTS]
    if unseen:
        what = f"{', '.join(unseen)} is not granted on the project; whether datasets grant it cannot be asked"
        return Finding(Verdict.WARN, what, "Grant roles/bigquery.dataEditor on every dataset.")
    return Finding(Verdict.OK, f"all rights on the project and {len(on_tables)} tables")


def quotas(site: Site) -> Finding:
    """What backcourt itself has used today of the limit that it may come near."""
    if site.is_local:
        return _not_applicable("the local BigQuery has no quotas")
    now = site.ground.clock.now()
    recorded = read_outcomes(site.ground, OutcomeFilter((now - timedelta(days=1)).date()))
    return judge_quotas(changed_today(recorded, now))


def changed_today(recorded: Iterable[OutcomeRecord], now: datetime) -> Counter[str]:
    """Partitions that were committed since midnight in Mountain View, where quotas begin anew, by table."""
    today = now.astimezone(QUOTA_ZONE).date()
    return Counter(
        record.partition.table
        for record in recorded
        if record.outcome is Outcome.COMMITTED and record.recorded_at.astimezone(QUOTA_ZONE).date() == today
    )


def judge_quotas(used: Mapping[str, int]) -> Finding:
    """Partition modifications today by table, against the limit of a table and day."""
    table, most = max(used.items(), key=lambda item: item[1], default=("", 0))
    if most >= PARTITION_CHANGES:
        what = f"{table} has used its {PARTITION_CHANGES:,} partition modifications of today"
        return Finding(Verdict.FAIL, what, "Wait until midnight, Pacific time.")
    left = PARTITION_CHANGES - most
    verdict = Verdict.WARN if most >= NEAR * PARTITION_CHANGES else Verdict.OK
    do = f"Plan no more than {left:,} partitions of it today." if verdict is Verdict.WARN else ""
    return Finding(verdict, f"{left:,} of {PARTITION_CHANGES:,} partition modifications are left to a table", do)


def inputs(site: Site) -> Finding:
    """The raw tables hold what the dates need."""
    days = read_calendar(site.ground).between(site.start, site.end)
    ledger = read_ledger(site.ground, site.start, site.end)
    return judge_inputs(site.session.pipeline, days, ledger, site.session.as_of)


def judge_inputs(pipeline: Pipeline, days: Iterable[date], ledger: Ledger, as_of: date) -> Finding:
    """How many due dates of each raw table are committed."""
    wanted = tuple(days)
    if not wanted:
        return _not_applicable("the calendar has no date in this range")
    holes = {}
    for processor in (p for p in pipeline.processors if p.is_raw):
        due = [day for day in wanted if is_due(processor, day, as_of)]
        lacking = [day for day in due if (processor.name, day) not in ledger]
        if lacking:
            holes[processor.name] = (len(lacking), len(due), lacking[0])
    if not holes:
        return Finding(Verdict.OK, f"every raw table has its dates, {wanted[0]} to {wanted[-1]}")
    told = "; ".join(f"{name} lacks {n} of {of} dates, from {first}" for name, (n, of, first) in holes.items())
    return Finding(Verdict.WARN, told, "Run `backcourt ingest`; what lacks its input will be blocked.")


def streaming(site: Site) -> Finding:
    """Nobody streams into our tables: such rows cannot be deleted for a while, so that commits would fail."""
    held = [str(table.definition.ref) for table in _existing(site) if table.has_streaming_buffer]
    if held:
        do = "Stop whoever streams into them, then wait up to 90 minutes."
        return Finding(Verdict.FAIL, f"rows are in the streaming buffer of {', '.join(held)}", do)
    return Finding(Verdict.OK, "no streaming buffer holds rows")


def shares(site: Site) -> Finding:
    """The place where runs share the budget can be read."""
    return judge_shares(site.session.settings, site.session.clock)


def judge_shares(settings: Settings, clock: Clock) -> Finding:
    """A place that is wrong ends a run with 4; one that does not answer now only makes it wait."""
    if settings.shares == "none":
        return _not_applicable("runs from here share no budget")
    try:
        with open_shares(settings, clock) as store:
            found = store.read().shares if store else ()
    except SharesUnusable as error:
        return Finding(Verdict.FAIL, error.what.rstrip("."), error.do)
    except SharesUnreachable as error:
        return Finding(Verdict.WARN, error.what.rstrip("."), "A run waits until they answer.")
    others = ", ".join(share.run for share in found)
    return Finding(
        Verdict.OK, f"the budget is shared with {others}" if others else "no other run has any of the budget"
    )


def disk(site: Site) -> Finding:
    """There is room on the disks that a run writes to."""
    folders = (Path(tempfile.gettempdir()), _existing_parent(site.session.settings.run_folder))
    return judge_disk({str(folder): shutil.disk_usage(folder).free for folder in folders})


def judge_disk(free: dict[str, int]) -> Finding:
    """Free bytes by folder."""
    full = {folder: room for folder, room in free.items() if room < FREE_BYTES}
    if full:
        told = ", ".join(f"{folder} has {room / 2**20:.0f} MiB" for folder, room in full.items())
        return Finding(Verdict.FAIL, f"{told} free, {FREE_BYTES / 2**30:.0f} GiB is needed", "Free some room there.")
    return Finding(Verdict.OK, f"{min(free.values()) / 2**30:.0f} GiB free")


def object_store(site: Site) -> Finding:
    """Ray finds shared memory for its objects."""
    settings, folder = site.session.settings, Path("/dev/shm")  # noqa: S108 (Ray's own place for objects)
    if settings.pool == "serial" or settings.ray_address:
        return _not_applicable("no Ray is started here")
    if not folder.is_dir():
        return _not_applicable("this system has no shared memory folder")
    free = shutil.disk_usage(folder).free
    if free < SHARED_BYTES:
        do = "Give the container more shared memory; without it Ray works from the disk, slowly."
        return Finding(Verdict.WARN, f"{folder} has {free / 2**20:.0f} MiB free", do)
    return Finding(Verdict.OK, f"{free / 2**30:.1f} GiB of shared memory free")


def clock(site: Site) -> Finding:
    """Our clock is the service's."""
    before = site.ground.clock.now()
    theirs = site.inspection.server_time()
    return judge_clock(before, theirs, site.ground.clock.now())


def judge_clock(before: datetime, theirs: datetime, after: datetime) -> Finding:
    """The server's time, told to the second, against ours before and after it was asked."""
    if theirs < before:
        ahead = before - theirs - timedelta(seconds=1)
        offset, word = max(ahead, timedelta(0)), "ahead of"
    else:
        offset, word = max(theirs - after, timedelta(0)), "behind"
    seconds = offset.total_seconds()
    if seconds > CLOCK_SECONDS:
        what = f"this machine's clock is {_duration(seconds)} {word} the service's"
        return Finding(Verdict.FAIL, what, "Set the clock by NTP (`timedatectl set-ntp true`, or the node's own).")
    return Finding(Verdict.OK, f"within {max(1.0, seconds):.0f} s of the service's")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"


def _existing(site: Site) -> list[TableState]:
    """The tables that are there."""
    found = []
    for definition in site.definitions:
        try:
            state = site.ground.warehouse.describe(TableRef.of(str(definition.ref)))
        except NotFound:
            continue
        if state is not None:
            found.append(state)
    return found


def _existing_parent(folder: Path) -> Path:
    whole = folder.absolute()
    return next(each for each in (whole, *whole.parents) if each.exists())


def _not_applicable(why: str) -> Finding:
    return Finding(Verdict.NOT_APPLICABLE, why)
