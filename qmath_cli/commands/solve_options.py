"""What `qmath solve` was asked for beside the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.prompting.prompt_format import PromptStyle
from qmath_cli.records import Problem
from qmath_cli.settings import Settings
from qmath_cli.terminal.output import Terminal


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """One solve's options that are no settings."""

    problem: Problem
    timeout: float | None = None
    min_votes: int | None = None
    answer_only: bool = False
    plain: bool = False
    as_json: bool = False
    as_jsonl: bool = False
    quiet: bool = False
    verbose: bool = False
    force: bool = False
    approve: bool = False
    export: Path | None = None
    overwrite: bool = False
    style: PromptStyle = PromptStyle.AUTO
    examples: Path | None = None
    show_prompt: bool = False

    def watched(self, terminal: Terminal, k: int) -> bool:
        """Whether anything shows how far `k` texts are: the terminal, its status line, or the events of `--jsonl`."""
        return k == 1 or self.as_jsonl or terminal.interactive or terminal.status.shown


def with_votes(settings: Settings, min_votes: int | None) -> Settings:
    """The settings under which a vote does not end before `min_votes` samples agree."""
    if min_votes is None:
        return settings
    if min_votes > settings.k:
        samples = f"{settings.k} sample{'s' if settings.k > 1 else ''}"
        hint = f"ask for at least as many samples: -k {min_votes}"
        raise UsageError(f"--min-votes {min_votes} cannot be reached with {samples}", hint)
    return replace(settings, stop_at=max(settings.stop_at, min_votes)) if settings.stop_at else settings
