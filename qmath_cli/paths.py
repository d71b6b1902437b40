"""Where qmath keeps things on this disk.

`QMATH_HOME` puts everything under one folder (handy for tests); otherwise the platform's own places are used, and a
temporary folder where the environment is so bare that there is no home. Folders are named here, made by whoever writes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Absolute folders: configuration, converted models and sessions, state (history, logs, runs), cache."""

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


def find(environ: Mapping[str, str]) -> Paths:
    """The places for this environment."""
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
