"""A local BigQuery with the work's source in it, the `backcourt` command pointed at it, and what the target holds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.endpoint import Endpoint
from benchmarks.averages.pipeline import write_scores
from benchmarks.averages.work import TARGET, Verdict, Work, judge

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-c", "from jobs.cli import main; main()")
ENTRY_POINT = "[backcourt.pipelines]\naverages = benchmarks.averages.pipeline:PIPELINE\n"


@dataclass(frozen=True)
class Ground:
    """Where a contender works: a server, the work, a folder for its files."""

    server: LocalBigQuery
    work: Work
    folder: Path

    @property
    def endpoint(self) -> Endpoint:
        """Where the server answers."""
        return self.server.endpoint

    def environment(self, **more: str) -> dict[str, str]:
        """Variables of a contender's process; backcourt finds the pipeline, Google's client the server."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("BACKCOURT_", "RAY_", "DBT_"))}
        mine = {
            "PYTHONPATH": f"{self.folder / 'installed'}{os.pathsep}{REPOSITORY}",
            "BIGQUERY_EMULATOR_HOST": self.endpoint.rest,
            "BACKCOURT_PIPELINE": "averages",
            "BACKCOURT_PROJECT": self.endpoint.project,
            "BACKCOURT_ENDPOINT": self.endpoint.rest,
            "BACKCOURT_STORAGE_ENDPOINT": self.endpoint.storage,
            "BACKCOURT_CREATE_DATASETS": "true",
            "BACKCOURT_RUN_FOLDER": str(self.folder / "runs"),
            "BACKCOURT_DASHBOARD": "false",
            "BACKCOURT_AS_OF": str(self.work.days[-1] + timedelta(days=30)),
        }
        return own | mine | more

    def client(self) -> bigquery.Client:
        """Google's own client, pointed at the server."""
        options = ClientOptions(api_endpoint=self.endpoint.rest)
        return bigquery.Client(self.endpoint.project, AnonymousCredentials(), client_options=options)

    def verdict(self) -> Verdict:
        """What the target holds beside the truth."""
        try:
            rows = list(self.client().query(f"SELECT day, player, average FROM {TARGET}").result())
        except NotFound:
            rows = []
        return judge(self.work, ((row["day"], row["player"], row["average"]) for row in rows))

    def _ingest(self) -> None:
        scores = self.folder / "scores"
        scores.mkdir()
        write_scores(self.work, scores)
        words = ["ingest", "--source", f"folder:{scores}", "--pool", "serial", "--yes", *span(self.work.source_days)]
        subprocess.run([*COMMAND, *words], env=self.environment(), check=True, stdout=subprocess.DEVNULL)


def span(days: tuple[date, ...]) -> list[str]:
    """Flags of a command that is to do these days."""
    return ["--start", str(days[0]), "--end", str(days[-1])]


def backfill(work: Work) -> list[str]:
    """The command with which backcourt does the work."""
    return [*COMMAND, "backfill", "--yes", *span(work.days)]


@contextmanager
def ground(work: Work) -> Iterator[Ground]:
    """A server of its own in memory, which holds the source, for the length of a `with` block.

    SIGTERM ends the block in order, so that no contender outlives its contest.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with TemporaryDirectory() as folder, LocalBigQuery(None) as server:
        found = Ground(server, work, Path(folder))
        info = found.folder / "installed" / "averages-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: averages\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(ENTRY_POINT)
        found._ingest()
        yield found
