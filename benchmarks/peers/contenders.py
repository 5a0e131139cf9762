"""Who takes part, and with which command each does the work."""

import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from benchmarks.averages.ground import Ground, backfill

HERE = Path(__file__).parent
DBT_REQUIREMENTS = HERE / "requirements-dbt.txt"


@dataclass(frozen=True)
class Contender:
    """A way to do the work. The same command again is what one does after it was killed or has failed."""

    name: str
    versions: str
    command: Callable[[Ground], list[str]]
    environment: Callable[[Ground], Mapping[str, str]] = field(default=lambda _: {})


def contenders(dbt: Path) -> dict[str, Contender]:
    """All of them by a short name; `dbt` is the folder of dbt's Python environment."""
    google, ray = f"google-cloud-bigquery {version('google-cloud-bigquery')}", f"Ray {version('ray')}"
    return {
        "threads": Contender("threads, delete and insert", google, _threads("delete-insert")),
        "threads-overwrite": Contender("threads, partition overwritten", google, _threads("overwrite")),
        "dbt": Contender("dbt microbatch", _dbt_versions(), _dbt(dbt), _dbt_environment),
        "ray-data": Contender("Ray Data", ray, _ray_data),
        "backcourt": Contender("backcourt", ray, lambda ground: backfill(ground.work)),
        "backcourt-serial": Contender(
            "backcourt, one worker", "no Ray", lambda ground: [*backfill(ground.work), "--pool", "serial"]
        ),
    }


def install_dbt(folder: Path) -> None:
    """Make dbt's Python environment, unless it is there: its dependencies are not backcourt's."""
    if (folder / "bin" / "dbt").exists():
        return
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--requirement", str(DBT_REQUIREMENTS)]
    subprocess.run(pip, check=True)


def _threads(how: str) -> Callable[[Ground], list[str]]:
    def command(ground: Ground) -> list[str]:
        words = [how, ground.endpoint.project, str(ground.work.dates)]
        return [sys.executable, "-m", "benchmarks.peers.thread_pool", *words]

    return command


def _ray_data(ground: Ground) -> list[str]:
    words = [ground.endpoint.project, ground.endpoint.storage, str(ground.work.dates)]
    return [sys.executable, "-m", "benchmarks.peers.ray_data", *words]


def _dbt(folder: Path) -> Callable[[Ground], list[str]]:
    def command(ground: Ground) -> list[str]:
        days, project = ground.work.days, str(HERE / "dbt")
        span = ["--event-time-start", str(days[0]), "--event-time-end", str(days[-1] + timedelta(days=1))]
        return [str(folder / "bin" / "dbt"), "run", "--project-dir", project, "--profiles-dir", project, *span]

    return command


def _dbt_environment(ground: Ground) -> Mapping[str, str]:
    return {"DBT_TARGET_PATH": str(ground.folder / "dbt-target"), "DBT_LOG_PATH": str(ground.folder / "dbt-logs")}


def _dbt_versions() -> str:
    pins = dict(line.split("==") for line in DBT_REQUIREMENTS.read_text().splitlines() if "==" in line)
    return f"dbt-bigquery {pins['dbt-bigquery']}, dbt-core {pins['dbt-core']}"
