"""The options that several commands share, each spelled and explained once.

All default to None, which means "not given": defaults live in `settings`, so that a config file or the environment can
set them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.records import Language, Mode, Pick
from qmath_cli.settings import KVType, Render


def complete_model(incomplete: str) -> list[str]:
    """Names for shell completion, without importing llama_cpp."""
    from qmath_cli.models.lockfile import load

    return [entry.name for entry in load().models if entry.name.startswith(incomplete)]


_MODEL = "Model"
_SAMPLING = "Sampling"
_PROGRAMS = "Programs"
_OUTPUT = "Output"

# ---------------------------------------------------------------- model and device

Model = Annotated[
    str | None,
    typer.Option(
        "-m",
        "--model",
        metavar="NAME|FILE",
        rich_help_panel=_MODEL,
        help="A model's name (7b-instruct, 1.5b-instruct:q8_0, demo ...) or a .gguf file.",
        autocompletion=complete_model,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="DEVICE", rich_help_panel=_MODEL, help="auto, cpu, metal, cuda, or a device's own name."),
]
GpuLayers = Annotated[
    str | None,
    typer.Option(metavar="auto|N", rich_help_panel=_MODEL, help="How many layers to offload; auto: what fits."),
]
Threads = Annotated[
    int | None,
    typer.Option(min=0, rich_help_panel=_MODEL, help="CPU threads; 0: physical cores, or one for a model under 64 MB."),
]
Context = Annotated[int | None, typer.Option("--ctx", min=64, rich_help_panel=_MODEL, help="Context length, tokens.")]
KV = Annotated[KVType | None, typer.Option("--kv-type", rich_help_panel=_MODEL, help="Element type of the KV cache.")]
Mlock = Annotated[bool | None, typer.Option("--mlock", rich_help_panel=_MODEL, help="Keep the weights in memory.")]
Force = Annotated[bool, typer.Option("--force", rich_help_panel=_MODEL, help="Load even if it does not seem to fit.")]

# ---------------------------------------------------------------- sampling and choosing

ModeOption = Annotated[
    Mode | None, typer.Option("--mode", help="tir: the model writes programs that run here; cot: words only.")
]
LanguageOption = Annotated[
    Language | None, typer.Option("--language", help="The problem's language; found from its text by default.")
]
Samples = Annotated[
    int | None, typer.Option("-k", "--samples", min=1, max=64, rich_help_panel=_SAMPLING, help="How many samples.")
]
PickOption = Annotated[
    Pick | None,
    typer.Option("--pick", rich_help_panel=_SAMPLING, help="How to choose among samples: votes or a reward model."),
]
RewardModel = Annotated[
    str | None,
    typer.Option("--reward-model", metavar="NAME|FILE", rich_help_panel=_SAMPLING, help="For --pick rm and rm-vote."),
]
StopAt = Annotated[
    str | None,
    typer.Option("--stop-at", metavar="N|off", rich_help_panel=_SAMPLING, help="Equal answers that end a vote early."),
]
Seed = Annotated[int | None, typer.Option(min=0, rich_help_panel=_SAMPLING, help="Seed of the first sample.")]
Temperature = Annotated[
    float | None, typer.Option(min=0.0, rich_help_panel=_SAMPLING, help="0 is greedy; 0.7 where k > 1 by default.")
]
TopP = Annotated[float | None, typer.Option("--top-p", min=0.0, max=1.0, rich_help_panel=_SAMPLING)]
TopK = Annotated[int | None, typer.Option("--top-k", min=0, rich_help_panel=_SAMPLING, help="0: off.")]
MinP = Annotated[float | None, typer.Option("--min-p", min=0.0, max=1.0, rich_help_panel=_SAMPLING, help="0: off.")]
MaxTokens = Annotated[
    int | None, typer.Option("--max-tokens", min=1, rich_help_panel=_SAMPLING, help="Tokens the model may write.")
]

# ---------------------------------------------------------------- programs

MaxPrograms = Annotated[
    int | None, typer.Option("--max-programs", min=0, rich_help_panel=_PROGRAMS, help="Programs per sample.")
]
ExecTimeout = Annotated[
    float | None, typer.Option("--exec-timeout", min=0.1, rich_help_panel=_PROGRAMS, help="Seconds per program.")
]
ExecMemory = Annotated[
    int | None, typer.Option("--exec-memory", min=64, rich_help_panel=_PROGRAMS, help="MiB per program.")
]
Approve = Annotated[
    bool, typer.Option("--approve", rich_help_panel=_PROGRAMS, help="Show each program and ask before it runs.")
]
AllowBasic = Annotated[
    bool | None,
    typer.Option(
        "--allow-basic-executor",
        rich_help_panel=_PROGRAMS,
        help="Run programs even where only Python itself holds them back.",
    ),
]

# ---------------------------------------------------------------- output

Json = Annotated[bool, typer.Option("--json", rich_help_panel=_OUTPUT, help="Exactly one JSON object on stdout.")]
RenderOption = Annotated[
    Render | None, typer.Option("--render", rich_help_panel=_OUTPUT, help="How mathematics is drawn in a terminal.")
]
File = Annotated[Path | None, typer.Option("-f", "--file", metavar="FILE", help="Read the problem from a file.")]
