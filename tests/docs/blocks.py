"""Code blocks of the documentation, and how what a command prints is compared with what its block shows.

In a block, `…` stands for any text, and a line that is only `…` for any lines. A block's first line may say which exit
code its last command has: ```console exit=3.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGES = (
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "benchmarks" / "README.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
)
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command of a page with the lines shown below it; `line` is where its block begins."""

    page: Path
    line: int
    text: str
    shown: tuple[str, ...]
    code: int = 0

    @property
    def words(self) -> list[str]:
        """The command as a shell would split it, without a folder in front of the program."""
        words = shlex.split(self.text, comments=True)
        return [words[0].rpartition("/")[2], *words[1:]] if words else []

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line} {self.text}"


def blocks(page: Path, language: str) -> list[str]:
    """Contents of a page's code blocks of a language."""
    return [text for name, _, text in _FENCE.findall(page.read_text(encoding="utf-8")) if name == language]


def commands(page: Path) -> list[Command]:
    """Every command of a page's console blocks, in order."""
    text = page.read_text(encoding="utf-8")
    found: list[Command] = []
    for match in _FENCE.finditer(text):
        if match[1] == "console":
            at = text.count("\n", 0, match.start()) + 1
            code = re.search(r"exit=(\d+)", match[2])
            found += _commands(page, at, match[3], int(code[1]) if code else 0)
    return found


def is_shown(shown: tuple[str, ...], printed: str) -> bool:
    """Whether the lines that a page shows are what was printed."""
    if not shown:
        return True
    parts = ["(?:.*\n)*?" if line.strip() == "…" else _line(line) + "\n" for line in shown]
    lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return re.fullmatch("".join(parts), lines) is not None


def _line(text: str) -> str:
    """A shown line as a pattern; how wide columns are is left open."""
    words = re.split(r"\s+", text.strip())
    return r"\s*" + r"\s+".join(".*".join(map(re.escape, word.split("…"))) for word in words)


def _commands(page: Path, line: int, block: str, code: int) -> list[Command]:
    parts = re.split(r"^\$ ", block.replace("\\\n", ""), flags=re.MULTILINE)[1:]
    found = []
    for number, part in enumerate(parts, start=1):
        text, *shown = part.rstrip("\n").split("\n")
        found.append(Command(page, line, text, tuple(shown), code if number == len(parts) else 0))
    return found
