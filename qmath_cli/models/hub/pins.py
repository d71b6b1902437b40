"""Commits of models that the lock does not pin: fixed on this machine at the first pull, and kept from then on.

One JSON file in the state folder, repository -> commit. Deleting it (or the entry) is how a user asks for a newer one.
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
        """The commit that this machine uses of a repository."""
        commit = self._read().get(repo)
        return commit if isinstance(commit, str) else None

    def put(self, repo: str, commit: str) -> None:
        """Fix a repository's commit."""
        write_json(self.path, self._read() | {repo: commit})

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # absent or damaged: nothing is pinned
            return {}
        return found if isinstance(found, dict) else {}
