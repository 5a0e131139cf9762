"""A table as Markdown, columns aligned so that it reads well in a terminal too."""

from collections.abc import Sequence


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Header and rows; columns of figures to the right, columns of words to the left."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]
    figures = [at > 0 and all(not row[at] or row[at][0].isdigit() for row in cells[1:]) for at in range(len(header))]
    lines = ["| " + " | ".join(_aligned(row, widths, figures)) + " |" for row in cells]
    rule = "|".join("-" * (w + 1) + (":" if right else "-") for w, right in zip(widths, figures, strict=True))
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def _aligned(row: Sequence[str], widths: Sequence[int], figures: Sequence[bool]) -> list[str]:
    return [c.rjust(w) if right else c.ljust(w) for c, w, right in zip(row, widths, figures, strict=True)]
