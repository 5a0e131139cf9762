"""The worked example of docs/pipelines.md: its code, its file and its commands, as they stand there."""

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import REPOSITORY, blocks, commands, is_shown

PAGE = REPOSITORY / "docs" / "pipelines.md"
THIRD_DAY = "2026-03-03,amsterdam,9,3.00\n2026-03-03,copenhagen,10,4.00\n"


def test_the_shop_runs_as_the_page_shows(tmp_path: Path) -> None:
    code = next(block for block in blocks(PAGE, "python") if "daily_revenue" in block)
    assert len([line for line in code.splitlines() if line.strip()]) < 60
    orders = install(tmp_path, code)
    shown = [c for c in commands(PAGE) if c.words[0] == "backcourt"]
    assert [c.words[1] for c in shown] == ["ingest", "backfill"]
    for command in shown:
        done = run(tmp_path, *command.words[1:])
        assert done.returncode == command.code, done.stdout + done.stderr
        assert is_shown(command.shown, done.stdout), done.stdout
    with orders.open("a") as file:
        file.write(THIRD_DAY)
    for command in shown:
        done = run(tmp_path, *command.words[1:])
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 partitions:" in done.stdout


def install(folder: Path, code: str) -> Path:
    """Write the page's module and file; the file's path."""
    (folder / "shop.py").write_text(code)
    info = folder / "shop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[backcourt.pipelines]\nshop = shop:PIPELINE\n")
    orders = folder / "orders" / "orders-2026-03.csv"
    orders.parent.mkdir()
    orders.write_text(blocks(PAGE, "csv")[0])
    return orders


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """`backcourt <words>` in a folder, with the local BigQuery in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BACKCOURT_", "RAY_"))}
    own = {"PYTHONPATH": f"{folder}{os.pathsep}{REPOSITORY}", "BACKCOURT_PIPELINE": "shop", "BACKCOURT_POOL": "serial"}
    command = [sys.executable, "-c", "from jobs.cli import main; main()", *words]
    return subprocess.run(command, check=False, cwd=folder, env=kept | own, capture_output=True, text=True, timeout=300)
