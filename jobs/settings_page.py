"""docs/settings.md, made from the settings themselves: `python -m jobs.settings_page > docs/settings.md`."""

import sys
import typing
from types import NoneType, UnionType
from typing import Any, Literal

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from jobs.settings import Settings

_INTRO = """# Settings

Every setting is a variable, a line of the YAML file given to `--config`, and for many a flag. Flags win over variables,
variables over the file, the file over the defaults below. `python -m jobs.settings_page` makes this page.

| setting | variable | values | default | what it is |
|---|---|---|---|---|
"""


def settings_page() -> str:
    """The page as Markdown: one row a setting, a nested one by its path."""
    return _INTRO + "".join(_rows(Settings, "", "BACKCOURT_"))


def _rows(model: type[BaseModel], path: str, variable: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            rows += _rows(inner, f"{path}{name}.", f"{variable}{name.upper()}__")
        else:
            cells = (f"`{path}{name}`", f"`{variable}{name.upper()}`", _values(field), _default(field))
            rows.append(f"| {' | '.join(cells)} | {field.description} |\n")
    return rows


def _values(field: FieldInfo) -> str:
    limits = [
        f"{word} {getattr(m, word_name)}"
        for m in field.metadata
        for word_name, word in _LIMITS
        if hasattr(m, word_name)
    ]
    return ", ".join([_kind(field.annotation), *limits])


_LIMITS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


def _kind(annotation: Any) -> str:
    if typing.get_origin(annotation) is Literal:
        return " or ".join(f"`{v}`" for v in typing.get_args(annotation))
    if typing.get_origin(annotation) in (UnionType, typing.Union):
        return " or ".join(_kind(a) for a in typing.get_args(annotation) if a is not NoneType)
    if typing.get_origin(annotation) is dict:
        return "names to names"
    names = {int: "whole number", float: "number", str: "text", SecretStr: "text", bool: "true or false"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    return (
        "–"
        if default in (None, "", {}, SecretStr(""))
        else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    )


if __name__ == "__main__":
    sys.stdout.write(settings_page())
