"""Small charts as inline SVG: coverage over the dates, and the budget of a run over its time."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

from backcourt.pipeline.records import BudgetSample
from backcourt.reporting.calendar_section import short
from backcourt.reporting.trend import arrow, stretches

WIDTH, HEIGHT = 300.0, 80.0
"""Size of a chart's coordinates; the page stretches it."""
POINTS = 200
"""Points of a curve at most."""


def coverage_charts(series: Mapping[str, Sequence[tuple[date, float]]]) -> str:
    """A curve of coverage for each table, its lowest value of each stretch of dates; all with one scale."""
    if not series:
        return '<p class="soft">No coverage has been measured yet.</p>'
    floor = min(0.8, *(share for found in series.values() for _, share in found))
    charts = "".join(_coverage(name, found, floor) for name, found in series.items())
    return f'<p class="soft">Every curve from {floor:.0%} to 100%.</p><div class="charts">{charts}</div>'


def _coverage(table: str, found: Sequence[tuple[date, float]], floor: float) -> str:
    values = [share for _, share in found]
    shown = stretches(values, POINTS)
    shown = shown * 2 if len(shown) == 1 else shown
    points = " ".join(
        f"{at * WIDTH / (len(shown) - 1):.1f},{(1 - (v - floor) / (1 - floor)) * (HEIGHT - 8) + 4:.1f}"
        for at, v in enumerate(shown)
    )
    lowest_day, lowest = min(found, key=lambda item: item[1])
    said = f"{values[-1]:.1%} last {arrow(values)}"
    link = ""
    if lowest < 1:
        said += f", {lowest:.1%} lowest"
        link = f', <a href="#{short(table)}-{lowest_day}">{lowest_day}</a>'
    return (
        f"<figure><figcaption><b>{escape(short(table))}</b><br>{said}{link}</figcaption>"
        f"{_svg(f'Coverage of {table} from {found[0][0]} to {found[-1][0]}: {said}', _line('curve', points))}</figure>"
    )


def budget_charts(budget: Mapping[str, Sequence[BudgetSample]]) -> str:
    """Each kind over the run: limit (dashed), permits in flight (filled), quota signals (red), rests (shaded)."""
    used = {kind: samples for kind, samples in budget.items() if samples}
    if not used:
        return '<p class="soft">This run recorded no samples of its budget: it ended at once, or is older.</p>'
    return f'<div class="charts">{"".join(_budget(kind, samples) for kind, samples in used.items())}</div>'


def _budget(kind: str, samples: Sequence[BudgetSample]) -> str:
    top = max(max(s.limit, s.in_flight) for s in samples) or 1
    end = samples[-1].at or 1.0

    def y(number: float) -> float:
        return HEIGHT - 4 - number / top * (HEIGHT - 12)

    starts = [0.0, *(s.at for s in samples[:-1])]
    limit = " ".join(
        f"{at * WIDTH / end:.1f},{y(s.limit):.1f}"
        for s, begun in zip(samples, starts, strict=True)
        for at in (begun, s.at)
    )
    flying = " ".join(
        f"{at * WIDTH / end:.1f},{y(s.in_flight):.1f}"
        for s, begun in zip(samples, starts, strict=True)
        for at in (begun, s.at)
    )
    signals = "".join(
        f'<line class="signal" x1="{s.at * WIDTH / end:.1f}" x2="{s.at * WIDTH / end:.1f}" y1="0" y2="8"/>'
        for s in samples
        if s.signalled
    )
    rests = "".join(
        f'<rect class="parked" x="{begun * WIDTH / end:.1f}" width="{(s.at - begun) * WIDTH / end:.1f}" y="0" '
        f'height="{HEIGHT:.0f}"/>'
        for s, begun in zip(samples, starts, strict=True)
        if s.parked
    )
    count = sum(s.signalled for s in samples)
    parked = sum(s.at - begun for s, begun in zip(samples, starts, strict=True) if s.parked)
    most, lowest = max(s.in_flight for s in samples), min(s.limit for s in samples)
    said = f"at most {most} in flight, limit {samples[0].limit}"
    said += f", lowest {lowest}" if lowest < samples[0].limit else ""
    said += f", quota signals at {count} times" if count else ", no quota signal"
    said += f", parked for {parked:.0f} s" if parked else ""
    area = f'<polygon class="area" points="0,{y(0):.1f} {flying} {WIDTH:.0f},{y(0):.1f}"/>'
    drawing = rests + area + _line("limit", limit) + signals
    return (
        f"<figure><figcaption><b>{escape(kind)}</b><br>{said}; {end:.0f} s</figcaption>{_svg(said, drawing)}</figure>"
    )


def _line(kind: str, points: str) -> str:
    return f'<polyline class="{kind}" points="{points}"/>'


def _svg(label: str, drawing: str) -> str:
    size = f"0 0 {WIDTH:.0f} {HEIGHT:.0f}"
    return f'<svg viewBox="{size}" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">{drawing}</svg>'
