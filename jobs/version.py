"""`backcourt version`."""

from importlib.metadata import version as installed
from os import environ

import typer


def code_version() -> str:
    """The package's version, and the commit that the image was built from where BACKCOURT_COMMIT names it."""
    commit = environ.get("BACKCOURT_COMMIT", "")
    return f"{installed('backcourt')}+{commit[:12]}" if commit else installed("backcourt")


def version() -> None:
    """Show the version."""
    typer.echo(f"backcourt {code_version()}")
