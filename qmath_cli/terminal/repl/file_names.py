"""Names of files for completion, as a shell completes them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def completions(typed: str, suffixes: Collection[str]) -> list[str]:
    """The names that begin like what was typed: folders with a slash, and files with one of these suffixes.

    Args:
        typed: The beginning of a path; a tilde stands for the home folder and stays one. Hidden names are completed
            only where the beginning has their dot.
        suffixes: In lower case, with their dots.
    """
    head, slash, name = typed.rpartition("/")
    try:
        folder = Path(head + slash).expanduser() if slash else Path()
        entries = sorted(folder.iterdir())
        found = [entry for entry in entries if entry.name.startswith(name) and _meant(entry, name)]
        return [f"{head}{slash}{one.name}{'/' if one.is_dir() else ''}" for one in found if _fits(one, suffixes)]
    except (OSError, RuntimeError, ValueError):  # no such folder, no such user, a name that no file can have
        return []


def _meant(entry: Path, name: str) -> bool:
    return name.startswith(".") or not entry.name.startswith(".")


def _fits(entry: Path, suffixes: Collection[str]) -> bool:
    return entry.is_dir() or entry.suffix.lower() in suffixes
