"""Every command that README and docs show is run, or, where it needs a cluster or an account, held against its program.

`backcourt` commands run in a league of four weeks in which the box scores of one date are incomplete; the names that a
reader replaces (RUN, PATH, …) are replaced here. What a page shows below a command must be printed.
"""

import importlib.util
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
import yaml

from backcourt.warehouse.emulator import LocalBigQuery
from jobs.cli import app
from tests.docs.blocks import PAGES, REPOSITORY, Command, commands, is_shown
from tests.integration.nba_league import League

FIRST, LAST = date(2023, 10, 24), date(2023, 11, 20)
INCOMPLETE = date(2023, 11, 14)
PAGE_OF_ITS_OWN = "pipelines.md"
"""Its worked example has its own test."""
ENDLESS = ("emulator", "drain", "submit", "cancel", "runs")
"""Commands that serve until they are stopped, or that need a cluster or a run that is alive."""
ALL = [command for page in PAGES if page.name != PAGE_OF_ITS_OWN for command in commands(page)]
OURS = [command for command in ALL if command.words[0] == "backcourt"]


@dataclass(frozen=True)
class Damaged:
    """The league after its first night: one date is blocked, and with it what depends on it."""

    league: League
    folder: Path
    run_id: str

    def words(self, command: Command) -> list[str]:
        """The command's words with what a reader would put in."""
        known = {
            "RUN": self.run_id,
            "folder:/data/nba": f"folder:{self.folder}",
            "folder:PATH": f"folder:{self.folder}",
        }
        return [known.get(word, word) for word in command.words[1:]]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    folder = tmp_path_factory.mktemp("docs")
    files = folder / "league"
    with LocalBigQuery(None) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        league = League(server, folder, "docs", date(2023, 11, 21))
        league.done("simulate", "--to", str(files), "--seed", "7", "--start", str(FIRST), "--end", str(LAST))
        whole = folder / "whole.parquet"
        (box_scores,) = files.rglob("*box_scores*.parquet")
        shutil.copy(box_scores, whole)
        frame = pl.read_parquet(whole)
        day = next(name for name, kind in frame.schema.items() if kind == pl.Date)
        frame.filter((pl.col(day) != INCOMPLETE) | (pl.int_range(pl.len()) % 2 == 0)).write_parquet(box_scores)
        league.run("ingest", "--source", f"folder:{files}", "--yes")
        league.run("backfill", "--start", str(FIRST), "--end", str(LAST), "--yes", "--run", "first-night")
        yield Damaged(league, files, "first-night")


@pytest.mark.parametrize("command", [c for c in OURS if c.words[1] not in ENDLESS and "://" not in c.text], ids=str)
def test_a_command_does_what_its_page_shows(damaged: Damaged, command: Command) -> None:
    told = (
        damaged.league.run(*damaged.words(command), "--yes")
        if asks(command)
        else damaged.league.run(*damaged.words(command))
    )
    assert told.code == command.code, told.text
    assert is_shown(command.shown, told.text), told.text


@pytest.mark.parametrize("command", OURS, ids=str)
def test_its_flags_exist(command: Command) -> None:
    known = flags(command.words[1])
    assert {word.partition("=")[0] for word in command.words[2:] if word.startswith("--")} <= known


@pytest.mark.parametrize("command", [c for c in ALL if c not in OURS], ids=str)
def test_another_program_is_called_as_it_can_be(command: Command) -> None:
    program, *words = command.words
    if program == "make":
        assert re.search(rf"^{words[0]}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    elif program == "python":
        assert importlib.util.find_spec(words[words.index("-m") + 1])
    elif program == "helm":
        values = yaml.safe_load((REPOSITORY / "helm" / "backcourt" / "values.yaml").read_text())
        for setting in [w for flag, w in pairwise(words) if flag == "--set"]:
            for assigned in setting.split(","):
                assert found(values, assigned.partition("=")[0].split("."))
    else:
        assert program in ("kubectl", "kind", "docker", "export", "git", "pip")


def asks(command: Command) -> bool:
    """Whether the command would ask a person."""
    return "--yes" in flags(command.words[1]) and "--yes" not in command.words


def flags(name: str) -> set[str]:
    """Every flag of a `backcourt` command."""
    group: Any = typer.main.get_command(app)
    with typer.Context(group) as context:
        _, found, _ = group.resolve_command(context, [name])
    return {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help"
    }


def found(values: Any, path: list[str]) -> bool:
    """Whether the chart has a value of that path."""
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True
