from pathlib import Path

from jobs.settings_page import settings_page


def test_the_page_in_docs_is_the_one_that_the_settings_make() -> None:
    page = Path(__file__).parents[3] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == settings_page()
