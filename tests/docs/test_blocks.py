"""Reading commands off a page, and comparing what they print."""

from pathlib import Path

import pytest

from tests.docs.blocks import commands, is_shown


def test_commands_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A\n\n```console exit=3\n$ one --a \\\n  b\nout\n$ x/two 'a b' # why\n```\n\n```python\n$ no\n```\n"
    )
    first, second = commands(page)
    assert (first.words, first.shown, first.code, first.line) == (["one", "--a", "b"], ("out",), 0, 3)
    assert (second.words, second.shown, second.code) == (["two", "a b"], (), 3)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (("a  b",), "a b\n", True),
        (("a b",), "a c\n", False),
        (("a … z",), "a 1 2 z\n", True),
        (("a",), "a\nb\n", False),
        (("a", "…"), "a\nb\nc\n", True),
        (("…", "c"), "a\nb\nc\n", True),
        (("…", "b"), "a\nb\nc\n", False),
        ((), "anything", True),
    ],
)
def test_what_is_shown(shown: tuple[str, ...], printed: str, same: bool) -> None:
    assert is_shown(shown, printed) is same
