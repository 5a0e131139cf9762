"""Draws the course of both runs of `benchmarks.deadlock`: requests and refusals a second, jobs in flight.

    .venv/bin/python -m benchmarks.deadlock_plot [--json FILE] [--svg FILE]

The picture has no background of its own and its greys follow the reader's light or dark mode.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.deadlock import OLD, OURS
from benchmarks.recorded import RESULTS, recorded

PICTURE = Path(__file__).parents[1] / "docs" / "256-workers.svg"
WIDTH, LEFT, RIGHT, TOP, PANEL, GAP, FOOT = 720, 52, 16, 44, 92, 34, 30
BIN_SECONDS = 3.0
"""Seconds over which requests are averaged."""
STYLE = """<style>
text { font: 12px sans-serif; fill: #666 } .title { font-weight: 600 } .line { fill: none; stroke-width: 1.8 }
.grid { stroke: #999; stroke-opacity: .35 } .a { stroke: #d9730d } .b { stroke: #2f7fd1 }
text.a { fill: #d9730d; stroke: none } text.b { fill: #2f7fd1; stroke: none }
@media (prefers-color-scheme: dark) { text { fill: #ccc } }
</style>"""
Point = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One diagram: its title and a course for each design, seconds and figure."""

    title: str
    courses: Mapping[str, Sequence[Point]]

    @property
    def top(self) -> float:
        """The end of its scale: the largest figure, rounded up to two digits."""
        largest = max((figure for course in self.courses.values() for _, figure in course), default=0.0)
        step = float(10 ** max(len(str(int(largest))) - 2, 0))
        return max(-(-largest // step) * step, 1.0)


def panels(runs: Mapping[str, Any]) -> list[Panel]:
    """The three diagrams."""
    samples = {design: runs[design]["samples"] for design in (OLD, OURS)}
    return [
        Panel("requests a second", {name: a_second(found, "requests") for name, found in samples.items()}),
        Panel("refused a second", {name: a_second(found, "refused") for name, found in samples.items()}),
        Panel(
            "jobs and reads in flight",
            {name: [(each["seconds"], each["in_flight"]) for each in found] for name, found in samples.items()},
        ),
    ]


def a_second(samples: Sequence[Mapping[str, float]], figure: str) -> list[Point]:
    """How fast a count grew, averaged over some seconds each."""
    kept = [samples[0]]
    for each in samples[1:]:
        if each["seconds"] - kept[-1]["seconds"] >= BIN_SECONDS:
            kept.append(each)
    return [
        ((a["seconds"] + b["seconds"]) / 2, (b[figure] - a[figure]) / (b["seconds"] - a["seconds"]))
        for a, b in pairwise(kept)
    ]


def svg(runs: Mapping[str, Any]) -> str:
    """The picture."""
    found = panels(runs)
    seconds = max(runs[design]["seconds"] for design in (OLD, OURS))
    height = TOP + len(found) * (PANEL + GAP) + FOOT
    what = f"{runs[OLD]['dates']} dates × {runs[OLD]['players']} players"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>The old design and backcourt, {what}</title>",
        STYLE,
        f'<text x="{LEFT}" y="16" class="title">{what}, the service’s view</text>',
        f'<text x="{WIDTH - RIGHT - 210}" y="16" class="a">■ old design</text>',
        f'<text x="{WIDTH - RIGHT - 90}" y="16" class="b">■ backcourt</text>',
    ]
    for number, panel in enumerate(found):
        parts += _drawn(panel, TOP + number * (PANEL + GAP), seconds)
    parts += _seconds(TOP + len(found) * (PANEL + GAP) - GAP, seconds)
    return "\n".join([*parts, "</svg>", ""])


def _drawn(panel: Panel, y: float, seconds: float) -> list[str]:
    right, bottom = WIDTH - RIGHT, y + PANEL
    parts = [f'<text x="{LEFT}" y="{y - 6}">{panel.title}</text>']
    for share in (0.0, 0.5, 1.0):
        at, figure = bottom - share * PANEL, share * panel.top
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{right}" y2="{at}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{figure:g}</text>')
    for (_, course), colour in zip(panel.courses.items(), "ab", strict=True):
        line = " ".join(
            f"{LEFT + s / seconds * (right - LEFT):.1f},{bottom - f / panel.top * PANEL:.1f}" for s, f in course
        )
        parts.append(f'<polyline class="line {colour}" points="{line}"/>')
    return parts


def _seconds(y: float, seconds: float) -> list[str]:
    step = next(s for s in (5, 10, 20, 30, 60, 120) if seconds / s <= 10)
    places = [LEFT + at / seconds * (WIDTH - LEFT - RIGHT) for at in range(0, int(seconds) + 1, step)]
    labels = [f'<text x="{x:.0f}" y="{y + 16}" text-anchor="middle">{n * step}</text>' for n, x in enumerate(places)]
    return [*labels, f'<text x="{WIDTH - RIGHT}" y="{y + 30}" text-anchor="end">seconds</text>']


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=RESULTS / "deadlock.json")
    parser.add_argument("--svg", type=Path, default=PICTURE)
    given = parser.parse_args()
    given.svg.write_text(svg(recorded(given.json)), encoding="utf-8")


if __name__ == "__main__":
    main()
