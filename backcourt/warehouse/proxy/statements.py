"""What a job's SQL does, read without parsing it: its statements, their verbs, the tables that they change.

One regular expression knows the places where a semicolon is not an end: string literals, quoted names and comments of
GoogleSQL (bq:reference/standard-sql/lexical, read 2026-11). It is fast enough for scripts of hundreds of kilobytes,
which a parser in Python is not.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_PIECES = re.compile(
    r"""
    (?P<comment> --[^\n]* | \#[^\n]* | /\*.*?\*/ )
  | (?P<quoted>
        '''(?:\\.|[^\\])*?''' | \"\"\"(?:\\.|[^\\])*?\"\"\"
      | '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | `(?:\\.|[^`\\])*`
    )
  | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = r"(?:`[^`]*`|[\w-]+)"
_HEAD = re.compile(
    rf"(?P<verb>\w+)(?:\s+(?:INTO|FROM|TABLE)(?=[\s`]))?\s*(?P<table>{_NAME}(?:\s*\.\s*{_NAME})*)?",
    re.IGNORECASE,
)
_CHANGES_ROWS = frozenset({"UPDATE", "DELETE", "MERGE", "TRUNCATE"})


class JobKind(StrEnum):
    """What a job is, as the counters name it. A commit is a script with a transaction."""

    QUERY = "query"
    SCRIPT = "script"
    COMMIT = "commit"
    LOAD = "load"
    COPY = "copy"
    EXTRACT = "extract"
    READ = "read"


@dataclass(frozen=True)
class Statement:
    """One statement without its comments. `table` (`dataset.table`) is the target of DML, else empty."""

    text: str
    verb: str
    table: str

    @property
    def may_change_rows(self) -> bool:
        """Whether rows that exist may be changed: UPDATE, DELETE, MERGE, TRUNCATE. INSERT conflicts with nobody."""
        return self.verb in _CHANGES_ROWS

    @property
    def is_check(self) -> bool:
        """Whether it only reads: in a commit, a check that may raise an error."""
        return self.verb in ("SELECT", "WITH")


def split(sql: str) -> tuple[Statement, ...]:
    """The statements of a script, in order."""
    texts, current, position = [], [], 0
    for piece in _PIECES.finditer(sql):
        current.append(sql[position : piece.start()])
        position = piece.end()
        if piece.lastgroup == "quoted":
            current.append(piece.group())
        elif piece.lastgroup == "comment":
            current.append(" ")
        else:
            texts.append("".join(current))
            current = []
    texts.append("".join([*current, sql[position:]]))
    return tuple(_statement(text.strip()) for text in texts if text.strip())


def kind_of(statements: tuple[Statement, ...]) -> JobKind:
    """Whether these statements are a query, a script or a commit."""
    if len(statements) <= 1:
        return JobKind.QUERY
    return JobKind.COMMIT if any(s.verb == "BEGIN" for s in statements) else JobKind.SCRIPT


def _statement(text: str) -> Statement:
    head = _HEAD.match(text)
    verb = head["verb"].upper() if head else ""
    is_dml = verb == "INSERT" or verb in _CHANGES_ROWS
    return Statement(text, verb, _table(head["table"]) if head and is_dml and head["table"] else "")


def _table(path: str) -> str:
    """The last two parts of a table's path: the project says nothing here, since an emulator has one."""
    parts = [part.strip() for part in path.replace("`", "").split(".")]
    return ".".join(parts[-2:])
