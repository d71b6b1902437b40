"""Commits of repositories that models.lock does not pin. The first pull records them, later pulls use them.

One JSON file in the state folder, repository -> commit. A user who wants a newer commit deletes the file or the entry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.files import write_json


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins of a state folder; `path` need not exist."""

    path: Path

    @classmethod
    def within(cls, state: Path) -> Pins:
        """The pins of a state folder."""
        return cls(state / "pins.json")

    def get(self, repo: str) -> str | None:
        """The commit that was recorded for a repository; None if there is none."""
        commit = self._read().get(repo)
        return commit if isinstance(commit, str) else None

    def put(self, repo: str, commit: str) -> None:
        """Record a repository's commit."""
        write_json(self.path, self._read() | {repo: commit})

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # absent or damaged: nothing is pinned
            return {}
        return found if isinstance(found, dict) else {}
