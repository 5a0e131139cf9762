"""A BigQuery in memory for the driver's tests: staging, commits and the ledger's reads, without SQL.

It publishes what a commit's request names (table and dates); the checks of the script are the integration tests'.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from backcourt.warehouse.fake import Call
from backcourt.warehouse.requests import JobRequest, Kind, ReadRequest

LEDGER = pa.schema(
    [
        ("partition_date", pa.date32()),
        ("generation", pa.int64()),
        ("commit_id", pa.string()),
        ("rows_commit", pa.string()),
    ]
)


@dataclass
class MemoryWarehouse:
    """Answers of a FakeWarehouse. `fault` may answer first: an exception is raised instead of the call's work."""

    fault: "Fault" = lambda *_: None
    staged: dict[str, list[pa.Table]] = field(default_factory=dict)
    published: dict[str, dict[date, pa.Table]] = field(default_factory=dict)
    ledger: dict[str, list[tuple[date, str]]] = field(default_factory=dict)
    commits: list[tuple[str, tuple[date, ...]]] = field(default_factory=list)

    def __call__(self, call: Call) -> Any:
        fault = self.fault(self, call)
        if fault is not None:
            return fault
        match call:
            case Call("run", JobRequest(kind=Kind.LOAD) as request):
                self.staged.setdefault(str(request.destination), []).append(request.rows)
            case Call("run", JobRequest(kind=Kind.COMMIT) as request):
                self.commit(request)
            case Call("read", ReadRequest(table=table) as request) if table.name == "ledger":
                return self._ledger_rows(request)
            case Call("read", ReadRequest() as request):
                return self._rows(request)
        return NotImplemented

    def commit(self, request: JobRequest) -> None:
        commit_id = request.job_id.partition("-commit-")[0]
        staging = f"state.staging__{commit_id.replace('-', '_')}"
        rows = pa.concat_tables(self.staged.get(staging, [])) if staging in self.staged else None
        for day in request.dates:
            if rows is not None:
                own = rows.filter(pc.equal(rows.column("day"), pa.scalar(day, pa.date32())))
                self.published.setdefault(request.table, {})[day] = own
            self.ledger.setdefault(request.table, []).append((day, commit_id))
        self.commits.append((commit_id, request.dates))

    def _ledger_rows(self, request: ReadRequest) -> pa.Table:
        found = self.ledger.get(dict(request.equals)["table_name"], [])
        rows = [
            {"partition_date": day, "generation": n, "commit_id": commit, "rows_commit": commit}
            for n, (day, commit) in enumerate(found)
            if request.start <= day <= request.end
        ]
        return pa.Table.from_pylist(rows, LEDGER)

    def _rows(self, request: ReadRequest) -> pa.Table | None:
        found = self.published.get(str(request.table), {})
        tables = [rows for day, rows in found.items() if request.start <= day <= request.end]
        return pa.concat_tables(tables).select(list(request.columns)) if tables else None


Fault = Callable[[MemoryWarehouse, Call], Any]
