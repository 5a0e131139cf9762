"""Values in a script: one function makes a literal of a date, an integer or a string, and of nothing else.

Scripts carry literals because the local BigQuery gives them no parameters. Strings are in single quotes with the
escapes that BigQuery and its emulator read alike; a double quote is left as it is, because the emulator keeps the
backslash before it (Lexical structure and syntax, read 2026-11; both are fuzzed in the tests).
"""

from datetime import date, datetime

from backcourt.errors import UsageError
from backcourt.pipeline.table import FieldType

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_INT64 = range(-(2**63), 2**63)


def literal(value: date | int | str | None, null_type: FieldType = FieldType.STRING) -> str:
    """The value as SQL text.

    Args:
        value: a date (not a datetime), an INT64, a string, or None.
        null_type: the type of a NULL, which has to be said in an array of structs.

    Raises:
        UsageError: the value is of another type, out of range, or a string that UTF-8 or SQL cannot hold.
    """
    match value:
        case None:
            return f"CAST(NULL AS {null_type.value})"
        case date() if not isinstance(value, datetime):
            return f"DATE '{value.isoformat()}'"
        case int() if not isinstance(value, bool) and value in _INT64:
            return str(value)
        case str() if _is_text(value):
            return f"'{value.translate(_ESCAPES)}'"
    raise UsageError(f"{value!r:.80} cannot be written into a script.", "Pass a date, an INT64 or a string.")


def _is_text(value: str) -> bool:
    """Whether UTF-8 can hold it and no NUL, at which C code stops, is in it."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
