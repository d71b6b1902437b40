"""The folders that qmath uses.

`QMATH_HOME` puts everything under one folder; otherwise the folders are the platform's usual ones, and, if the
environment has no home folder, they are in the temporary folder. The code that writes a file creates its folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Absolute folders; none need exist.

    Attributes:
        config: The settings file.
        data: Converted models, data sets, saved sessions, and the history of solved problems.
        state: What was typed in the REPL, stored evaluations, hashes of models, pinned commits.
        cache: Downloaded checkpoints, preflight results, and prefixes that were computed before.
    """

    config: Path
    data: Path
    state: Path
    cache: Path

    @property
    def config_file(self) -> Path:
        """The settings file; it need not exist."""
        return self.config / "config.toml"

    @property
    def models(self) -> Path:
        """Converted GGUF files."""
        return self.data / "models"

    @property
    def history(self) -> Path:
        """All solved problems."""
        return self.data / "history.sqlite"

    @property
    def typed(self) -> Path:
        """The messages that were typed in the REPL, for its arrow keys."""
        return self.state / "history"


def find(environ: Mapping[str, str]) -> Paths:
    """The folders for an environment.

    Args:
        environ: The environment; only `QMATH_HOME` is read from it, the rest from the process's own environment.
    """
    if home := environ.get("QMATH_HOME"):
        root = Path(home).expanduser().absolute()
        return Paths(root / "config", root / "data", root / "state", root / "cache")
    import platformdirs

    try:
        dirs = platformdirs.PlatformDirs("qmath", appauthor=False)
        return Paths(dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path)
    except (RuntimeError, KeyError):  # no HOME and no entry in the password database
        root = Path(tempfile.gettempdir()) / "qmath"
        return Paths(root / "config", root / "data", root / "state", root / "cache")
