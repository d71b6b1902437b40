"""The options that several commands share, each spelled and explained once.

All default to None, which means "not given": defaults live in `settings`, so that a config file or the environment can
set them. The group of an option is where `--help` shows it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import model_names
from qmath_cli.commands.options.panels import DATA as DATA
from qmath_cli.commands.options.panels import MODEL, OUTPUT, PROBLEM, SAMPLING
from qmath_cli.commands.options.panels import PROGRAMS as PROGRAMS
from qmath_cli.commands.options.programs import AllowBasic as AllowBasic
from qmath_cli.commands.options.programs import Approve as Approve
from qmath_cli.commands.options.programs import ExecMemory as ExecMemory
from qmath_cli.commands.options.programs import ExecTimeout as ExecTimeout
from qmath_cli.commands.options.programs import MaxPrograms as MaxPrograms
from qmath_cli.commands.options.servers import RewardServer as RewardServer
from qmath_cli.commands.options.servers import Server as Server
from qmath_cli.commands.options.servers import ServerKindOption as ServerKindOption
from qmath_cli.records import Aggregate, AnswerLanguage, Mode, Pick
from qmath_cli.settings import KVType, Render

# ---------------------------------------------------------------- problem

File = Annotated[
    Path | None,
    typer.Option("-f", "--file", metavar="FILE", rich_help_panel=PROBLEM, help="Read the problem from a file."),
]
ModeOption = Annotated[
    Mode | None,
    typer.Option(
        "--mode",
        metavar="tir|cot",
        rich_help_panel=PROBLEM,
        help="tir: the model writes programs, which run here; cot: words only. Default: tir where the model has it.",
    ),
]
LanguageOption = Annotated[
    AnswerLanguage | None,
    typer.Option("--language", metavar="auto|en|zh", rich_help_panel=PROBLEM, help="Of the solution. Default: auto."),
]

# ---------------------------------------------------------------- model and device

Model = Annotated[
    str | None,
    typer.Option(
        "-m",
        "--model",
        metavar="NAME|FILE",
        rich_help_panel=MODEL,
        help="A model's name (7b-instruct, 1.5b-instruct:q8_0, demo) or a .gguf file. Default: the best one installed.",
        autocompletion=model_names.complete_model,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "-m",
        "--model",
        metavar="NAME|FILE",
        rich_help_panel=MODEL,
        help="A model's name or a .gguf file; repeat to compare several.",
        autocompletion=model_names.complete_model,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="NAME", rich_help_panel=MODEL, help="auto, cpu, metal, cuda, or a device's own name."),
]
GpuLayers = Annotated[
    str | None,
    typer.Option(metavar="auto|N", rich_help_panel=MODEL, help="Layers on the GPU; auto: as many as fit."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        rich_help_panel=MODEL,
        help="CPU threads. Default: physical cores; for a model under 64 MB, one. Given, no other number is tried.",
    ),
]
Context = Annotated[
    int | None,
    typer.Option("--ctx", min=64, metavar="TOKENS", rich_help_panel=MODEL, help="Context length. Default: 4096."),
]
KV = Annotated[
    KVType | None,
    typer.Option("--kv-type", metavar="f16|q8_0", rich_help_panel=MODEL, help="Element type of the KV cache."),
]
Mlock = Annotated[
    bool | None, typer.Option("--mlock", rich_help_panel=MODEL, help="Lock the weights in memory, against swapping.")
]
NoRepack = Annotated[
    bool,
    typer.Option("--no-repack", rich_help_panel=MODEL, help="No copy of weights for this CPU: less memory, slower."),
]
Draft = Annotated[
    str | None,
    typer.Option(
        "--draft",
        metavar="HOW",
        rich_help_panel=MODEL,
        help="Verify several likely tokens at once where that gains: auto, lookup, off, or a smaller model's name.",
        autocompletion=model_names.complete_model,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        rich_help_panel=MODEL,
        help="Load the model even if it does not seem to fit; let the demo try a kind of problem it does not know.",
    ),
]

Parallel = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        metavar="N",
        rich_help_panel=MODEL,
        help="Sequences that decode at once, here at most 256. Default: what was measured to be fastest here (qmath "
        "bench), else 16; 32 for a model under 64 MB; on servers as many as they take. With 1, texts are the same on "
        "every run.",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("-v", "--verbose", rich_help_panel=OUTPUT, help="Also print llama.cpp's own warnings, on stderr."),
]

# ---------------------------------------------------------------- sampling and choosing

Samples = Annotated[
    int | None,
    typer.Option(
        "-k", "--samples", min=1, max=64, metavar="N", rich_help_panel=SAMPLING, help="Samples per problem, 1 to 64."
    ),
]
PickOption = Annotated[
    Pick | None,
    typer.Option(
        "--pick",
        metavar="HOW",
        rich_help_panel=SAMPLING,
        help="Choose among samples by majority (maj), by a reward model (rm), by one that scores steps (prm), by votes "
        "weighted with either (rm-vote, prm-vote), or take the first (first). prm-7b pays for a 7b model in words "
        "(published: 67.6 % against 66.2 % by vote), not for a 72b one; with programs nobody has measured it.",
    ),
]
RewardModel = Annotated[
    str | None,
    typer.Option(
        "--reward-model",
        metavar="NAME|FILE",
        rich_help_panel=SAMPLING,
        help="The reward model of --pick: rm-72b for rm, prm-7b for prm.",
        autocompletion=model_names.complete_reward,
    ),
]
AggregateOption = Annotated[
    Aggregate | None,
    typer.Option(
        "--aggregate",
        metavar="product|min|last",
        rich_help_panel=SAMPLING,
        help="How the scores of steps become one number. Default: product.",
    ),
]
StopAt = Annotated[
    str | None,
    typer.Option(
        "--stop-at",
        metavar="N|off",
        rich_help_panel=SAMPLING,
        help="Stop sampling once N answers are equal. Default: 3.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", rich_help_panel=SAMPLING, help="The first sample's seed; others count up."),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        metavar="T",
        rich_help_panel=SAMPLING,
        help="0 is greedy. Default: 0 for one sample, 0.7 for several.",
    ),
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p",
        min=0.0,
        max=1.0,
        metavar="P",
        rich_help_panel=SAMPLING,
        help="Nucleus sampling. Default: 1 if greedy, else 0.8.",
    ),
]
TopK = Annotated[
    int | None,
    typer.Option("--top-k", min=0, metavar="N", rich_help_panel=SAMPLING, help="Keep the N likeliest tokens; 0: all."),
]
MinP = Annotated[
    float | None,
    typer.Option(
        "--min-p",
        min=0.0,
        max=1.0,
        metavar="P",
        rich_help_panel=SAMPLING,
        help="Drop tokens less likely than P times the likeliest; 0: none.",
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens", min=1, metavar="N", rich_help_panel=SAMPLING, help="Tokens per sample. Default: 2048."
    ),
]

# ---------------------------------------------------------------- output

Json = Annotated[bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print exactly one JSON object.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", rich_help_panel=OUTPUT, help="Replace the exported file if it exists.")
]
NoHistory = Annotated[
    bool,
    typer.Option("--no-history", rich_help_panel=OUTPUT, help="Add nothing to the history."),
]
RenderOption = Annotated[
    Render | None,
    typer.Option(
        "--render",
        metavar="auto|line|ascii|off",
        rich_help_panel=OUTPUT,
        help="How mathematics is drawn in a terminal: in two dimensions, on one line, in ASCII, or not.",
    ),
]
