"""The folders that qmath uses.

`QMATH_HOME` puts everything under one folder, `QMATH_MODELS` the models into a folder of their own; otherwise the
folders are the platform's usual ones, and, if the environment has no home folder, they are in the temporary folder.
The code that writes a file creates its folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Absolute folders; none need exist.

    Attributes:
        config: The settings file.
        data: Data sets, saved sessions and the history of solved problems; the models too, unless they have a folder of
            their own.
        state: What was typed in the REPL, stored evaluations, hashes of models, pinned commits.
        cache: Downloaded checkpoints, preflight results, and prefixes that were computed before.
        models: Converted GGUF files, and the records of all installed models.
    """

    config: Path
    data: Path
    state: Path
    cache: Path
    models: Path

    @property
    def config_file(self) -> Path:
        """The settings file; it need not exist."""
        return self.config / "config.toml"

    def with_models(self, folder: str) -> Paths:
        """The same folders, with the models in `folder`; an empty text changes nothing."""
        return replace(self, models=Path(folder).expanduser().absolute()) if folder else self

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
        environ: The environment; only `QMATH_HOME` and `QMATH_MODELS` are read from it, the rest from the process's own
            environment.
    """
    if home := environ.get("QMATH_HOME"):
        return _within(Path(home).expanduser().absolute()).with_models(environ.get("QMATH_MODELS", ""))
    import platformdirs

    try:
        dirs = platformdirs.PlatformDirs("qmath", appauthor=False)
        data = dirs.user_data_path
        found = Paths(dirs.user_config_path, data, dirs.user_state_path, dirs.user_cache_path, data / "models")
    except (RuntimeError, KeyError):  # no HOME and no entry in the password database
        found = _within(Path(tempfile.gettempdir()) / "qmath")
    return found.with_models(environ.get("QMATH_MODELS", ""))


def _within(root: Path) -> Paths:
    return Paths(root / "config", root / "data", root / "state", root / "cache", root / "data" / "models")
