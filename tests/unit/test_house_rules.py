"""Holds the rules of CONTRIBUTING.md that no linter holds: sizes, names, docstrings, and what may touch the machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("backcourt", "ray_tasks", "jobs", "nba")
CLOCK = ROOT / "backcourt" / "clock.py"

VAGUE_NAMES = {"utils", "helpers", "common", "base", "misc", "impl", "manager"}
IMPURE_CALLS = {
    "time": {"sleep", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
SEEDED = {"Generator", "Random", "SeedSequence", "default_rng"}
"""All that may be used of random and numpy.random; a generator must be given its seed."""

MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:work|root|Users)/|(?<![\w.~-])/(?:home)/(?!ray\b)")
PACKAGE_INDEXES = re.compile(r"pypi\.org|pythonhosted\.org|--(?:extra-)?index-url|--find-(?:links)", re.IGNORECASE)

MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def is_public(name: str) -> bool:
    return not name.startswith("_")


def undocumented(node: ast.Module | ast.ClassDef, where: str) -> Iterator[str]:
    """Public classes and functions without a docstring, below a module or a class."""
    for child in node.body:
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not is_public(child.name):
            continue
        name = f"{where}.{child.name}"
        if ast.get_docstring(child) is None and "overload" not in map(ast.unparse, child.decorator_list):
            yield name
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, name)


def impurities(tree: ast.Module) -> Iterator[str]:
    """Where a module looks at the machine's clock, sleeps, or draws numbers that no seed decides."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if any(name.name in {"random", "secrets"} for name in names):
                yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.ImportFrom(module="time", names=names) if any(n.name in IMPURE_CALLS["time"] for n in names):
                yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.ImportFrom(module="random" | "secrets" | "numpy.random", names=names) if any(
                name.name not in SEEDED for name in names
            ):
                yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.Attribute(value=ast.Attribute(attr="random"), attr=attr) if attr not in SEEDED:
                yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.Attribute(value=ast.Name(id=owner), attr=attr) if attr in IMPURE_CALLS.get(owner, ()):
                yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.Attribute(value=ast.Attribute(attr=owner), attr=attr) if attr in IMPURE_CALLS.get(owner, ()):
                yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.Call(
                func=ast.Attribute(attr="default_rng" | "Random") | ast.Name(id="default_rng" | "Random"),
                args=[],
                keywords=[],
            ):
                yield f"line {node.lineno}: {ast.unparse(node)} without a seed"


def written_files() -> Iterator[Path]:
    """Every file of the checkout that .gitignore does not name."""
    ignored = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()} | {".git"}
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if any(path.match(pattern) for pattern in ignored):
                continue
            if path.is_dir():
                folders.append(path)
            elif path.is_file():
                yield path


def test_the_rules_see_the_code() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(PACKAGES)
    assert CLOCK in MODULES


@every_module
def test_a_module_is_short(path: Path) -> None:
    assert lines(path) <= 400


@every_module
def test_a_function_is_short(path: Path) -> None:
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions(ast.parse(path.read_text()))}
    assert {name: length for name, length in lengths.items() if length > 60} == {}


@every_module
def test_a_module_is_named_after_what_it_does(path: Path) -> None:
    assert VAGUE_NAMES.isdisjoint(path.relative_to(ROOT).with_suffix("").parts)


@every_module
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if path.name != "__init__.py":
        assert ast.get_docstring(tree) is not None
    assert list(undocumented(tree, path.stem)) == []


@every_module
def test_clock_sleep_and_chance_are_passed_in(path: Path) -> None:
    found = list(impurities(ast.parse(path.read_text())))
    if path == CLOCK:
        assert found != []
    else:
        assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from random import choice",
        "from random import Random\nRandom()",
        "from time import sleep",
        "import time\ntime.sleep(1)",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import date\ndate.today()",
        "import numpy as np\nnp.random.normal()",
        "import numpy as np\nnp.random.default_rng()",
    ],
)
def test_an_impure_module_is_found(source: str) -> None:
    assert len(list(impurities(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.default_rng(7)",
        "from random import Random\nRandom(7)",
        "clock.sleep(1)\nclock.now()",
    ],
)
def test_what_is_passed_in_is_fine(source: str) -> None:
    assert list(impurities(ast.parse(source))) == []


def test_an_init_is_short() -> None:
    assert {str(path): lines(path) for path in MODULES if path.name == "__init__.py" and lines(path) > 30} == {}


def test_no_file_names_a_machine_or_a_package_index() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in written_files()
        for pattern in (MACHINE_PATHS, PACKAGE_INDEXES)
        for match in pattern.finditer(path.read_text(errors="replace"))
    ]
    assert found == []


def test_the_lock_holds_no_address() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert [path.name for path in locks] == ["base.txt", "build.txt", "dev.txt", "local.txt"]
    assert [path.name for path in locks if "://" in path.read_text()] == []
    assert [path.name for path in locks if " @ " in path.read_text()] == []


def test_nothing_large_is_committed() -> None:
    """A wheel or a data file that came along with `git add` stays in every clone for good."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert len(paths) > 100
    assert [path.name for path in paths if path.is_file() and path.stat().st_size > 500_000] == []
