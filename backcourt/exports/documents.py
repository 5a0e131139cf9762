"""An exported document: from a value to the bytes of its file, checked against the published schema on the way."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from jsonschema import Draft202012Validator, SchemaError

from backcourt.errors import DataError, UsageError


class Documents:
    """Makes the files of one export. The schema itself is checked once, here."""

    def __init__(self, export: str, schema: Mapping[str, Any]) -> None:
        """Take the JSON Schema that every document must fit.

        Raises:
            UsageError: it is no JSON Schema of 2020-12.
        """
        self._export = export
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise UsageError(
                f"The schema of export {export} is none: {error.message}.", "Correct the pipeline's declaration."
            ) from None
        self._validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def encoded(self, day: date, value: Any) -> bytes:
        """The document as JSON in UTF-8: the same value, the same bytes.

        What is checked is what a reader will see: the text, read again.

        Raises:
            DataError: JSON cannot hold the value, or it does not fit the schema; says where.
        """
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        except (TypeError, ValueError) as error:
            raise DataError(f"Export {self._export} of {day} is no JSON: {error}.", "Correct its builder.") from None
        problem = next(iter(self._validator.iter_errors(json.loads(text))), None)
        if problem is not None:
            why = f"{problem.json_path}: {problem.message[:200]}"
            raise DataError(
                f"Export {self._export} of {day} does not fit its schema at {why}.",
                "Correct its builder, or publish a new schema.",
            )
        return text.encode() + b"\n"


def _plain(value: object) -> str:
    """Dates and instants as text; nothing else is made to fit."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} {value!r} has no form in it")
