"""`backcourt export` as a user runs it: simulated games ingested and computed in a local BigQuery, written to files."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backcourt.warehouse.emulator import LocalBigQuery

FIRST, LAST = date(2023, 10, 24), date(2023, 10, 27)
AS_OF = LAST + timedelta(days=1)
DAYS = [str(FIRST + timedelta(days=n)) for n in range((LAST - FIRST).days + 1)]
BEHIND = DAYS[-1]
"""The date that is ingested and not computed at first."""

REPOSITORY = Path(__file__).parents[2]
SCHEMA = json.loads((REPOSITORY / "nba" / "exports" / "game_date.schema.json").read_text())


@dataclass
class League:
    """A simulated league in a local BigQuery, and the command that works on it."""

    server: LocalBigQuery
    folder: Path

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`backcourt <words>` to its end."""
        endpoint = self.server.endpoint
        mine = {
            "PYTHONPATH": str(REPOSITORY),
            "BACKCOURT_PROJECT": endpoint.project,
            "BACKCOURT_ENDPOINT": endpoint.rest,
            "BACKCOURT_STORAGE_ENDPOINT": endpoint.storage,
            "BACKCOURT_CREATE_DATASETS": "true",
            "BACKCOURT_RUN_FOLDER": str(self.folder / "runs"),
            "BACKCOURT_POOL": "serial",
            "BACKCOURT_AS_OF": str(AS_OF),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKCOURT_")}
        return subprocess.run(
            [sys.executable, "-c", "from jobs.cli import main; main()", *words],
            env={**kept, **mine},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def export(self, *words: str, to: Path) -> "subprocess.CompletedProcess[str]":
        return self.run("export", "--to", str(to), *words)


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Iterator[League]:
    folder = tmp_path_factory.mktemp("league")
    with LocalBigQuery(None) as server:
        made = League(server, folder)
        for words in (
            ("simulate", "--to", "files", "--start", str(FIRST), "--end", str(LAST), "--seed", "7"),
            ("ingest", "--source", "folder:files", "--yes"),
            ("backfill", "--end", str(LAST - timedelta(days=1)), "--yes"),
        ):
            done = made.run(*words)
            assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        yield made


def outcomes(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    return {each["day"]: each["outcome"] for each in json.loads(done.stdout)}


def documents(folder: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("2*.json"))}


def test_committed_dates_are_exported_and_the_others_named(league: League, tmp_path: Path) -> None:
    to = tmp_path / "exports"
    tried = league.export("--dry-run", to=to)
    assert "3 dates would be written" in tried.stdout, tried.stderr
    assert not to.exists()

    done = league.export("--json", to=to)
    assert done.returncode == 3, done.stderr
    assert outcomes(done) == {**dict.fromkeys(DAYS, "written"), BEHIND: "blocked"}
    assert "not committed: nba_analytics.team_offense_game_summary, nba_analytics.player_game_summary" in done.stdout
    found = documents(to)
    assert list(found) == DAYS[:-1]
    for day, document in found.items():
        Draft202012Validator(SCHEMA).validate(document)
        assert document["game_date"] == day
        assert {game["status"] for game in document["games"]} == {"final"}
        sums = {
            (p["game_id"], p["team_abbr"]): sum(
                q["line"]["points"]
                for q in document["players"]
                if q["line"] and (q["game_id"], q["team_abbr"]) == (p["game_id"], p["team_abbr"])
            )
            for p in document["players"]
            if p["line"]
        }
        shown = {(g["game_id"], g[s]["team_abbr"]): g[s]["points"] for g in document["games"] for s in ("home", "away")}
        assert sums == shown

    index = json.loads((to / "index.json").read_text())
    assert index["schema"] == SCHEMA["$id"]
    assert index["dates"] == [
        {
            "date": day,
            "file": f"{day}.json",
            "size": (to / f"{day}.json").stat().st_size,
            "sha256": sha256((to / f"{day}.json").read_bytes()).hexdigest(),
        }
        for day in DAYS[:-1]
    ]

    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in to.iterdir()}
    again = league.export("--end", str(LAST - timedelta(days=1)), to=to)
    assert again.returncode == 0, again.stderr
    assert "0 dates written" in again.stdout
    assert "3 unchanged" in again.stdout
    assert {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in to.iterdir()} == before

    (to / f"{DAYS[0]}.json").write_text("half a f")
    (to / f"{DAYS[1]}.json").unlink()
    mended = league.export("--dates", ",".join(DAYS[:2]), "--json", to=to)
    assert mended.returncode == 0, mended.stderr
    assert outcomes(mended) == dict.fromkeys(DAYS[:2], "written")
    assert documents(to) == found
    assert json.loads((to / "index.json").read_text()) == index


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--start", "yesterday"), "not a date"),
        (("--name", "nobody"), "There is no export nobody. There are: game_date."),
        (("--start", "2019-01-01", "--end", "2019-02-01"), "The calendar has no date"),
    ],
)
def test_what_cannot_be_exported_is_a_sentence(
    league: League, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = league.export(*words, to=tmp_path / "exports")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "exports").exists()


def test_a_file_is_no_folder(league: League, tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("mine")
    done = league.export(to=tmp_path / "exports")
    assert (done.returncode, "is a file" in done.stderr) == (2, True)
    assert (tmp_path / "exports").read_text() == "mine"
