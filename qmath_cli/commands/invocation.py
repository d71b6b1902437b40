"""What every command is handed: the settings before its own flags, the places, and the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import typer

from qmath_cli import paths, settings
from qmath_cli.paths import Paths
from qmath_cli.settings import Resolved, Settings
from qmath_cli.terminal.output import Terminal


@dataclass(frozen=True, slots=True)
class Invocation:
    """The surroundings of one run; tests pass their own."""

    terminal: Terminal
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def paths(self) -> Paths:
        """Folders for configuration, models, state and cache."""
        return paths.find(self.environ)

    def resolve(self, **flags: object) -> Resolved:
        """Settings with their origins: file, environment, and this command's flags (None: not given)."""
        return settings.resolve(self.paths.config_file, self.environ, flags)

    def settings(self, **flags: object) -> Settings:
        """The merged settings."""
        return self.resolve(**flags).settings

    def settings_of(self, context: typer.Context) -> Settings:
        """The merged settings, with those of a command's options that bear a setting's name."""
        names = Settings.__dataclass_fields__
        return self.settings(**{name: value for name, value in context.params.items() if name in names})


def invocation(context: typer.Context) -> Invocation:
    """The frame that `app` put into the context, or the process's own."""
    found = context.find_object(Invocation)
    return found if found is not None else Invocation(Terminal.standard())
