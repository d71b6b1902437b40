"""`qmath doctor`: what works here; with --config, every setting and where its value came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Annotated

import typer

from qmath_cli import paths
from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.doctor.results import CheckResult, Status
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.settings import Resolved, Settings
from qmath_cli.terminal.reports.doctor import findings
from qmath_cli.terminal.style import Style, style_for
from qmath_cli.terminal.tables import columns

SCHEMA = "qmath.doctor/1"
CONFIG = "qmath.config/1"


def command(
    context: typer.Context,
    model: o.Model = None,
    server: o.Server = None,
    server_kind: o.ServerKindOption = None,
    reward_server: o.RewardServer = None,
    device: o.Device = None,
    config: Annotated[
        bool, typer.Option("--config", help="Show every setting, its value, and where it comes from.")
    ] = False,
    json: o.Json = False,
) -> int:
    """Examine this installation: each line is ok, a warning or a problem, with one command that helps.

    With --server or --reward-server only these servers are examined.

    Exit code: 1 where there is a problem.
    """
    here = invocation(context)
    if config:
        return _config(here, here.resolve(model=model, device=device), as_json=json)
    if server or reward_server:
        return _examine_servers(here, here.settings_of(context), as_json=json)
    return _examine(here, model, device, as_json=json)


def _examine_servers(here: Invocation, settings: Settings, *, as_json: bool) -> int:
    from qmath_cli.doctor import servers
    from qmath_cli.models import lockfile

    shown = style_for(here.terminal, here.environ, settings.render)
    return _report(here, servers.examine(settings, lockfile.load()), shown, as_json=as_json)


def _examine(here: Invocation, model: str | None, device: str | None, *, as_json: bool) -> int:
    from qmath_cli.doctor.installation import Installation, Screen, examine
    from qmath_cli.models import lockfile

    results: list[CheckResult] = []
    folders = paths.find(here.environ)
    try:
        settings = here.settings(model=model, device=device)
        folders = here.paths
    except UsageError as exc:
        results.append(CheckResult("settings", Status.PROBLEM, exc.message, exc.hint))
        settings = Settings()
    shown = style_for(here.terminal, here.environ, settings.render)
    encoding = getattr(here.terminal.out, "encoding", None) or "unknown encoding"
    screen = Screen(here.terminal.interactive, encoding, shown.unicode, shown.colour, shown.width())
    examined = examine(Installation(settings, folders, lockfile.load(), screen))
    return _report(here, chain(results, examined), shown, as_json=as_json)


def _report(here: Invocation, results: Iterable[CheckResult], shown: Style, *, as_json: bool) -> int:
    """Show each result as soon as it is there, or all of them as one object."""
    found: list[CheckResult] = []
    with here.terminal.status.during(lambda: f"examining · {len(found)} done"):
        for result in results:
            found.append(result)
            if not as_json:
                here.terminal.write(findings([result], shown))
    ok = all(result.status is not Status.PROBLEM for result in found)
    if as_json:
        here.terminal.json({"schema": SCHEMA, "ok": ok, "checks": [asdict(result) for result in found]})
    return ExitCode.OK if ok else ExitCode.UNEXPECTED


def _config(here: Invocation, resolved: Resolved, *, as_json: bool) -> int:
    rows = [(name, origin.value, origin.source) for name, origin in resolved.origins.items()]
    if as_json:
        entries = [{"name": name, "value": value, "source": source} for name, value, source in rows]
        here.terminal.json({"schema": CONFIG, "file": str(here.paths.config_file), "settings": entries})
        return ExitCode.OK
    exists = "" if here.paths.config_file.is_file() else " (there is none; it would be read)"
    here.terminal.line(f"config file: {here.paths.config_file}{exists}")
    for line in columns(_cells(rows)):
        here.terminal.line(line)
    return ExitCode.OK


def _cells(rows: Sequence[tuple[str, object, str]]) -> list[tuple[str, str, str]]:
    return [(name, "-" if value is None or value == "" else str(value), source) for name, value, source in rows]
