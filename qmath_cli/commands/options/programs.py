"""The options of the programs that a model writes."""

from __future__ import annotations

from typing import Annotated

import typer

from qmath_cli.commands.options.panels import PROGRAMS

MaxPrograms = Annotated[
    int | None,
    typer.Option(
        "--max-programs", min=0, metavar="N", rich_help_panel=PROGRAMS, help="Programs per sample. Default: 4."
    ),
]
ExecTimeout = Annotated[
    float | None,
    typer.Option(
        "--exec-timeout",
        min=0.1,
        metavar="SECONDS",
        rich_help_panel=PROGRAMS,
        help="Time limit of a program. Default: 10.",
    ),
]
ExecMemory = Annotated[
    int | None,
    typer.Option(
        "--exec-memory",
        min=64,
        metavar="MIB",
        rich_help_panel=PROGRAMS,
        help="Memory limit of a program. Default: 1536.",
    ),
]
Approve = Annotated[
    bool, typer.Option("--approve", rich_help_panel=PROGRAMS, help="Show each program and ask before it runs.")
]
AllowBasic = Annotated[
    bool | None,
    typer.Option(
        "--allow-basic-executor",
        rich_help_panel=PROGRAMS,
        help="Run programs even where only Python itself, not the kernel, restricts them.",
    ),
]
