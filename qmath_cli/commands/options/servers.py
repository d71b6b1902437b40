"""The options of model servers."""

from __future__ import annotations

from typing import Annotated

import typer

from qmath_cli.commands.options.panels import MODEL, SAMPLING
from qmath_cli.records import ServerKind

Server = Annotated[
    list[str] | None,
    typer.Option(
        "--server",
        metavar="URL",
        rich_help_panel=MODEL,
        help="Compute on this model server (vLLM, SGLang, llama-server, Ollama and others); repeat to spread the work "
        "over several. QMATH_SERVER_KEY has the key.",
    ),
]
ServerKindOption = Annotated[
    ServerKind | None,
    typer.Option(
        "--server-kind",
        metavar="KIND",
        rich_help_panel=MODEL,
        help="vllm, sglang, llama-server, ollama, lm-studio, mlx-lm or generic. Default: found out.",
    ),
]
RewardServer = Annotated[
    str | None,
    typer.Option(
        "--reward-server",
        metavar="URL",
        rich_help_panel=SAMPLING,
        help="Score on this server (vLLM or SGLang); --reward-model says which of its models, if it has several.",
    ),
]
