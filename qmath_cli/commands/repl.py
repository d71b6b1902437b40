"""`qmath repl`: a session with a model; what `qmath` alone does on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.commands.options import complete_model
from qmath_cli.commands.solve import follow
from qmath_cli.commands.wiring import DEMO_NOTE, is_demo, plan_for, wire
from qmath_cli.settings import Settings
from qmath_cli.terminal.repl.background import Ready
from qmath_cli.terminal.repl.conversation import Hooks
from qmath_cli.terminal.repl.loop import repl
from qmath_cli.terminal.style import style_for


def command(
    context: typer.Context,
    model: o.Model = None,
    mode: o.ModeOption = None,
    k: o.Samples = None,
    seed: o.Seed = None,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    ctx: o.Context = None,
    kv_type: o.KV = None,
    mlock: o.Mlock = None,
    force: o.Force = False,
    allow_basic_executor: o.AllowBasic = None,
    render: o.RenderOption = None,
) -> int:
    """Talk to a model: problems and /commands. Every problem starts afresh unless /follow is on."""
    here = invocation(context)
    settings = here.settings_of(context)
    shown = style_for(here.terminal, here.environ, settings.render)
    return repl(here.terminal, shown, settings, _hooks(here, force=force), here.environ)


def _hooks(here: Invocation, *, force: bool) -> Hooks:
    @contextmanager
    def open_(settings: Settings) -> Iterator[Ready]:
        with wire(here, settings, force=force) as wired:
            yield Ready(wired.model, wired.tools, wired.protection, wired.load_s)

    return Hooks(
        open=open_,
        plan_for=plan_for,
        follow=follow,
        models=lambda: tuple(complete_model("")),
        sessions=here.paths.data / "sessions",
        history=here.paths.state / "history",
        note_for=lambda ready: DEMO_NOTE if is_demo(ready.model) else "",
    )
