"""Draws the adaptive budget of `benchmarks.adaptive_budget` beside what the service bears.

    .venv/bin/python -m benchmarks.adaptive_budget_plot [--svg FILE]

The picture has no background of its own and its greys follow the reader's light or dark mode.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.adaptive_budget import SETTING, runs
from benchmarks.simulated_service import Weather

PICTURE = Path(__file__).parents[1] / "docs" / "adaptive-budget.svg"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT = 720, 230, 40, 16, 34, 40
STYLE = """<style>
text { font: 12px sans-serif; fill: #444 } .title { font-weight: 600 } .line { fill: none; stroke-width: 1.8 }
.grid { stroke: #999; stroke-opacity: .35 } .bears { stroke: #999; stroke-dasharray: 5 4 } .limit { stroke: #2f7fd1 }
text.limit { fill: #2f7fd1; stroke: none } .refused { stroke: #d33; stroke-width: 2 }
text.refused { fill: #d33; stroke: none }
@media (prefers-color-scheme: dark) { text { fill: #ccc } }
</style>"""
Point = tuple[float, float]


def svg(weather: Weather) -> str:
    """The picture of one run."""
    samples = runs(weather)["adaptive"].samples
    bears: list[Point] = []
    for number, most in enumerate(weather.limits):
        bears += [(number * weather.phase_seconds, most), ((number + 1) * weather.phase_seconds, most)]
    starts = [0.0, *(sample.at for sample in samples[:-1])]
    limit = [(at, s.limit) for s, begun in zip(samples, starts, strict=True) for at in (begun, s.at)]
    refused = [sample.at for sample in samples if sample.signalled]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            "<title>The adaptive budget against what the service bears</title>",
            STYLE,
            f'<text x="{LEFT}" y="16" class="title">Jobs at once, simulated</text>',
            f'<text x="{WIDTH - RIGHT - 330}" y="16">┅ the service bears</text>',
            f'<text x="{WIDTH - RIGHT - 200}" y="16" class="limit">━ adaptive budget</text>',
            f'<text x="{WIDTH - RIGHT - 70}" y="16" class="refused">❘ refused</text>',
            *_grid(weather.seconds),
            _line("bears", bears, weather.seconds),
            _line("limit", limit, weather.seconds),
            *(f'<line class="refused" {_across(at, weather.seconds)} y1="{_y(0)}" y2="{_y(0.8)}"/>' for at in refused),
            "</svg>",
            "",
        ]
    )


def _grid(seconds: float) -> list[str]:
    parts = []
    for jobs in range(0, SETTING + 1, 4):
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{_y(jobs)}" x2="{WIDTH - RIGHT}" y2="{_y(jobs)}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{_y(jobs) + 4}" text-anchor="end">{jobs}</text>')
    minutes = range(0, int(seconds / 60) + 1, 5)
    labels = (f'<text x="{_x(m * 60, seconds):.0f}" y="{_y(0) + 16}" text-anchor="middle">{m}</text>' for m in minutes)
    return [*parts, *labels, f'<text x="{WIDTH - RIGHT}" y="{_y(0) + 32}" text-anchor="end">minutes</text>']


def _line(kind: str, points: Sequence[Point], seconds: float) -> str:
    drawn = " ".join(f"{_x(at, seconds):.1f},{_y(jobs):.1f}" for at, jobs in points)
    return f'<polyline class="line {kind}" points="{drawn}"/>'


def _across(at: float, seconds: float) -> str:
    return f'x1="{_x(at, seconds):.1f}" x2="{_x(at, seconds):.1f}"'


def _x(at: float, seconds: float) -> float:
    return LEFT + at / seconds * (WIDTH - LEFT - RIGHT)


def _y(jobs: float) -> float:
    return HEIGHT - FOOT - jobs / SETTING * (HEIGHT - FOOT - TOP)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--svg", type=Path, default=PICTURE)
    parser.parse_args().svg.write_text(svg(Weather()), encoding="utf-8")


if __name__ == "__main__":
    main()
