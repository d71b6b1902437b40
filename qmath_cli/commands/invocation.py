"""What every command works with: the terminal, the environment, the folders, and the settings before its own flags."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import typer

from qmath_cli import paths, settings
from qmath_cli.paths import Paths
from qmath_cli.runtime.ahead import Ahead
from qmath_cli.settings import Resolved, Settings
from qmath_cli.terminal.output import Terminal


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the program, and what was started ahead for it. Tests pass their own terminal and environment."""

    terminal: Terminal
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    ahead: Ahead = field(default_factory=Ahead)

    @property
    def paths(self) -> Paths:
        """Folders for configuration, models, state and cache. Raises `UsageError` for a broken config file."""
        return paths.find(self.environ).with_models(self.settings().models)

    def resolve(self, **flags: object) -> Resolved:
        """Settings with their origins: file, environment, and this command's flags (None: not given)."""
        return settings.resolve(paths.find(self.environ).config_file, self.environ, flags)

    def settings(self, **flags: object) -> Settings:
        """The merged settings."""
        return self.resolve(**flags).settings

    def settings_of(self, context: typer.Context) -> Settings:
        """The merged settings, with those of a command's options.

        An option counts that is called like a setting, or `no_` and one; `--force` sets `try_unknown`.
        """
        names = Settings.__dataclass_fields__.keys() - {"models"}  # a folder, which no command has an option for
        flags = {name: value for name, value in context.params.items() if name in names and value not in ([], ())}
        off = {name: False for name in names if context.params.get(f"no_{name}")}
        tries = {"try_unknown": True} if context.params.get("force") else {}
        return self.settings(**flags, **off, **tries)

    def notes(self, *notes: str, engine: Iterable[str] = ()) -> None:
        """Tell the user what a command found out about the model or the device; `engine`: llama.cpp's own warnings."""
        for note in notes:
            self.terminal.note(f"warning: {note}")
        for line in engine:
            self.terminal.note(f"llama.cpp: {line}")


def invocation(context: typer.Context) -> Invocation:
    """The invocation that `app` put into the context; outside of `app`, one on the process's own streams."""
    found = context.find_object(Invocation)
    return found if found is not None else Invocation(Terminal.standard())
