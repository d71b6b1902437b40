"""`qmath repl`: a session with a model; what `qmath` alone does on a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import invocation
from qmath_cli.terminal.repl.loop import repl
from qmath_cli.terminal.style import style_for


def command(
    context: typer.Context,
    model: o.Model = None,
    mode: o.ModeOption = None,
    language: o.LanguageOption = None,
    k: o.Samples = None,
    seed: o.Seed = None,
    server: o.Server = None,
    server_kind: o.ServerKindOption = None,
    reward_server: Annotated[
        str | None,
        typer.Option(
            "--reward-server",
            metavar="URL",
            rich_help_panel=o.MODEL,
            help="/score scores on this server (vLLM or SGLang); /score NAME says by which of its models.",
        ),
    ] = None,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    ctx: o.Context = None,
    kv_type: o.KV = None,
    mlock: o.Mlock = None,
    no_repack: o.NoRepack = False,
    draft: o.Draft = None,
    force: o.Force = False,
    verbose: o.Verbose = False,
    allow_basic_executor: o.AllowBasic = None,
    render: o.RenderOption = None,
    no_history: Annotated[
        bool,
        typer.Option("--no-history", rich_help_panel=o.OUTPUT, help="Keep neither problems nor what is typed."),
    ] = False,
) -> int:
    """Talk to a model: problems and /commands. Every problem starts afresh unless /follow is on."""
    here = invocation(context)
    settings = here.settings_of(context)
    style = style_for(here.terminal, here.environ, settings.render)
    return repl(
        here.terminal,
        style,
        settings,
        here.paths,
        here.environ,
        force=force,
        verbose=verbose,
        executor=here.ahead.executor,
    )
