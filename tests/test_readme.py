"""The README and the recorded help pages have what the program prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import transcripts

if sys.platform == "win32":
    pytest.skip("pseudo-terminals as POSIX has them", allow_module_level=True)


def test_readme_shows_what_the_program_prints(tmp_path: Path) -> None:
    """Every marked block is run again; `python -m tests.transcripts` rewrites them."""
    shown = transcripts.README.read_text(encoding="utf-8")
    assert "<!-- run: qmath" in shown
    assert transcripts.readme(shown, tmp_path) == shown


def test_every_help_page_is_the_recorded_one(tmp_path: Path) -> None:
    """There is one file per command; words are compared, not line breaks."""
    pages = {name: text.split() for name, text in transcripts.help_pages(tmp_path).items()}
    recorded = {path.name: path.read_text(encoding="utf-8").split() for path in transcripts.HELP.glob("*.txt")}
    assert recorded == pages
