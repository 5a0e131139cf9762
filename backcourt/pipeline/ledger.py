"""The ledger: which partitions are committed, by which commit, from what, with what coverage.

It is append-only; the row with the highest generation of a partition counts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from pydantic import TypeAdapter, ValidationError

from backcourt.pipeline.table import Column, FieldType

S, I, F, B, D, T = (  # noqa: E741
    FieldType.STRING,
    FieldType.INT64,
    FieldType.FLOAT64,
    FieldType.BOOL,
    FieldType.DATE,
    FieldType.TIMESTAMP,
)

LEDGER_COLUMNS = (
    Column("partition_date", D, "The partition's date.", required=True),
    Column("table_name", S, "The partition's table, dataset.name.", required=True),
    Column("generation", I, "The table's commit counter; the highest of a partition counts.", required=True),
    Column("commit_id", S, "The commit that wrote this ledger row.", required=True),
    Column(
        "rows_commit",
        S,
        "The commit that wrote the partition's rows: older than commit_id where a later "
        "commit found the same rows and only renewed the ledger.",
        required=True,
    ),
    Column("run_id", S, "The run.", required=True),
    Column("code_version", S, "The version of the code that ran.", required=True),
    Column("processor_version", S, "The version that the processor declares.", required=True),
    Column("row_count", I, "Rows of the partition.", required=True),
    Column("expected_count", I, "Entities that the partition should hold.", required=True),
    Column("present_count", I, "Expected entities that it holds.", required=True),
    Column("coverage", F, "present_count / expected_count; 1 where nothing is expected.", required=True),
    Column("forced", B, "Published below the threshold by --force.", required=True),
    Column("content_hash", S, "Hash of the key-sorted rows without the commit's own columns.", required=True),
    Column("input_versions", S, "JSON: per input the digest of its partitions' commits, how many, and holes."),
    Column("notes", S, "JSON: what the processor had to say of the date, a source decision for example."),
    Column("committed_at", T, "The transaction's instant.", required=True),
)


WITHDRAWN = "withdrawn"
"""In the place of a content hash: `cleanup` took the rows away, and no computed rows can be the same."""


@dataclass(frozen=True, slots=True)
class InputVersion:
    """What one input looked like when a partition was computed from it.

    `digest` identifies the window's committed partitions and the commits that wrote their rows; `dates` counts them;
    `holes` are calendar dates of the window that were not committed.
    """

    digest: str
    dates: int
    holes: tuple[date, ...] = ()


class StoredInputs(Mapping[str, InputVersion]):
    """The ledger's `input_versions`, the reverse of `inputs_to_json`, taken apart when more is asked than `says`.

    What a foreign hand wrote unreadably holds no versions, so that the partition is stale.
    """

    __slots__ = ("_ours", "_text", "_versions")

    def __init__(self, text: str | None) -> None:
        """Take the column's value."""
        self._text = text or "{}"
        self._ours: bool | None = None
        self._versions: dict[str, InputVersion] | None = None

    def says(self, name: str, digest: str) -> bool:
        """Whether the text, being one that we write, gives the input's window this digest; if not, it still may.

        A plan asks this of every partition ever committed, and nothing else of nearly all of them.
        """
        if self._ours is None:
            self._ours = _WITHOUT_HOLES.fullmatch(self._text) is not None
        found = self._text.rfind(f'"{name}":')
        return self._ours and self._text.startswith(f'"{name}":{{"digest":"{digest}"', found)

    def __repr__(self) -> str:
        return repr(self._parsed())

    def __getitem__(self, name: str) -> InputVersion:
        return self._parsed()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def _parsed(self) -> dict[str, InputVersion]:
        if self._versions is None:
            try:
                self._versions = _INPUTS.validate_json(self._text, strict=True)
            except ValidationError:
                self._versions = {}
        return self._versions


_TEXT = r'"[ !#-\[\]-~]*"'
_ONE = rf'{_TEXT}:\{{"digest":{_TEXT},"dates":(?:0|[1-9]\d{{0,8}}),"holes":\[\]\}}'
_WITHOUT_HOLES = re.compile(rf"\{{{_ONE}(?:,{_ONE})*\}}", re.ASCII)
"""What `inputs_to_json` writes of windows without holes, and nothing that is not so written."""
_INPUTS = TypeAdapter(dict[str, InputVersion])


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The ledger's newest row of one partition, or the row that a commit is about to write.

    `generation` and `commit_id` are 0 and "" before the commit has them. Coverage is a share, 0 to 1.
    """

    table: str
    day: date
    generation: int = 0
    commit_id: str = ""
    rows_commit: str = ""
    run_id: str = ""
    code_version: str = ""
    processor_version: str = ""
    row_count: int = 0
    expected_count: int = 0
    present_count: int = 0
    forced: bool = False
    content_hash: str = ""
    inputs: Mapping[str, InputVersion] = field(default_factory=dict)
    notes: str = ""

    @property
    def coverage(self) -> float:
        """Share of the expected entities that are present; 1 where nothing is expected."""
        return self.present_count / self.expected_count if self.expected_count else 1.0

    def saw(self, name: str, digest: str) -> bool:
        """Whether the window of an input had this digest when the partition was computed."""
        if isinstance(self.inputs, StoredInputs) and self.inputs.says(name, digest):
            return True
        seen = self.inputs.get(name)
        return seen is not None and seen.digest == digest

    @property
    def withdrawn(self) -> bool:
        """Whether `cleanup` took the rows away. What was made from them stays true; who needs them computes them."""
        return self.content_hash == WITHDRAWN


def inputs_to_json(inputs: Mapping[str, InputVersion]) -> str:
    """The ledger's `input_versions` column."""
    return json.dumps(
        {
            name: {"digest": v.digest, "dates": v.dates, "holes": [h.isoformat() for h in v.holes]}
            for name, v in sorted(inputs.items())
        },
        separators=(",", ":"),
    )
