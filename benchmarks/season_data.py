"""The season that is measured: real games where their folder is, else simulated ones."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from backcourt.warehouse.endpoint import Endpoint

START, END, AS_OF = date(2023, 10, 24), date(2024, 4, 14), date(2024, 6, 1)
REAL = Path(os.environ.get("BACKCOURT_NBA_DATA", Path(__file__).resolve().parents[1].parent / "shared/data/nba"))
COMMAND = str(Path(sys.executable).parent / "backcourt")


@dataclass(frozen=True)
class Games:
    """A folder of games, and what to call it."""

    folder: Path
    name: str


@contextmanager
def games() -> Iterator[Games]:
    """The real season where it is, else a simulated one of the same dates, which is gone at the end."""
    if (REAL / "box_scores_2023_24.parquet").exists():
        yield Games(REAL, "the real season 2023-24")
        return
    print(f"No real games in {REAL} (BACKCOURT_NBA_DATA names their folder): a simulated season takes their place.\n")
    with TemporaryDirectory() as folder:
        flags = ["--to", folder, "--seed", "7", "--start", str(START), "--end", str(END)]
        subprocess.run([COMMAND, "simulate", *flags], check=True, stdout=subprocess.DEVNULL)
        yield Games(Path(folder), "a simulated season (seed 7)")


def ingest_command(source: Path) -> list[str]:
    """Load the season's raw tables."""
    return [COMMAND, "ingest", "--source", f"folder:{source}", *_span()]


def backfill_command() -> list[str]:
    """Compute every table of the season."""
    return [COMMAND, "backfill", *_span()]


def environment(endpoint: Endpoint, folder: Path, **settings: object) -> dict[str, str]:
    """Variables that point a command at a local BigQuery, with settings on top."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BACKCOURT_")}
    told: Mapping[str, object] = {
        "endpoint": endpoint.rest,
        "storage_endpoint": endpoint.storage,
        "run_folder": folder,
        "log_format": "json",
        **settings,
    }
    return own | {f"BACKCOURT_{name.upper()}": str(value) for name, value in told.items()}


def _span() -> list[str]:
    return ["--start", str(START), "--end", str(END), "--as-of", str(AS_OF), "--yes"]
