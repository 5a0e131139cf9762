"""The image alone, on Docker or Podman: `make image` builds it and runs these. tests/cluster tries it in pods."""

import json
import os
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

IMAGE = os.environ.get("BACKCOURT_TEST_IMAGE", "")
ENGINE = os.environ.get("BACKCOURT_ENGINE", "docker")
RUN_ARGS = shlex.split(os.environ.get("BACKCOURT_RUN_ARGS", ""))
"""What this machine's engine needs besides, such as limits that it may not raise."""
LOCKED_DOWN = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not IMAGE or not shutil.which(ENGINE), reason="No image, or no engine to run it: `make image`."
)


def engine(*words: str) -> str:
    done = subprocess.run([ENGINE, *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_image(*command: str) -> str:
    """What a command prints as the image's own user, on a root that cannot be written, without capabilities."""
    return engine("run", "--rm", *LOCKED_DOWN, *RUN_ARGS, IMAGE, *command)


def test_it_tells_its_version_and_commit() -> None:
    labels = json.loads(engine("image", "inspect", IMAGE))[0]["Config"]["Labels"]
    commit = labels["org.opencontainers.image.revision"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert in_image("backcourt", "version").strip() == f"backcourt {version}+{commit[:12]}"
    assert labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_it_is_nobody_special_and_writes_only_where_it_may() -> None:
    script = "id -u; touch /tmp/x && echo written; touch /opt/backcourt/x || echo refused"
    assert in_image("sh", "-c", script).split() == ["10001", "written", "refused"]


def test_no_build_tools_are_left_in_it() -> None:
    assert in_image("sh", "-c", "for t in gcc cc make git pip uv; do command -v $t; done; echo none").split() == [
        "none"
    ]


def test_a_backfill_runs_in_it() -> None:
    """With the local BigQuery inside, one worker, and no network but its own."""
    script = (
        "backcourt simulate --to /tmp/league --seed 7 --start 2023-10-24 --end 2023-10-26 >/dev/null"
        " && backcourt ingest --source folder:/tmp/league --yes >/dev/null"
        " && backcourt backfill --yes --json"
    )
    told = json.loads(in_image("env", "BACKCOURT_POOL=serial", "sh", "-c", script))
    assert told["exit_code"] == 0
    summaries = [p for p in told["partitions"] if p["table"] == "nba_analytics.player_game_summary"]
    assert {p["outcome"] for p in summaries} == {"committed"}
    assert len(summaries) == 3
