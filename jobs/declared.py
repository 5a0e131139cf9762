"""A pipeline's export or training by its name, or the only one that it declares."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from backcourt.errors import UsageError


class Named(Protocol):
    """What a pipeline declares under a name."""

    @property
    def name(self) -> str:
        """The name."""


Declared = TypeVar("Declared", bound=Named)


def find_declared(pipeline: str, kind: str, declared: Sequence[Declared], name: str | None) -> Declared:
    """The one of that name; the only one where none is given. `kind` is its word in the singular.

    Raises:
        UsageError: there is none, or more than one to choose from.
    """
    names = ", ".join(each.name for each in declared)
    if not declared:
        raise UsageError(f"Pipeline {pipeline} declares no {kind}.", f"Add it to the Pipeline's {kind}s.")
    if name is None and len(declared) > 1:
        raise UsageError(f"Pipeline {pipeline} has several {kind}s.", f"Choose one by --name: {names}.")
    found = next((each for each in declared if name in (None, each.name)), None)
    if found is None:
        raise UsageError(f"There is no {kind} {name}.", f"There are: {names}.")
    return found
