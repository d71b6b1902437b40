"""`qmath add`: a name for a GGUF that is already here, or for a checkpoint, which is converted into the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import convert
from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, IntegrityError, ModelMissing, UsageError
from qmath_cli.models import lockfile, own
from qmath_cli.models.installed import Installed
from qmath_cli.models.names import ModelName
from qmath_cli.terminal.progress import byte_progress

SCHEMA = "qmath.add/1"


def command(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name, which every command then takes: mine, or mine:q8_0.")
    ],
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|FOLDER",
            help="A .gguf, which stays where it is; or a checkpoint's folder, which is converted into the store.",
        ),
    ],
    quant: Annotated[
        list[str] | None,
        typer.Option(
            "-q", "--quant", metavar="TYPE", help="q4_k_m, q8_0 and others; repeat for several. Default: q4_k_m."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", rich_help_panel=o.OUTPUT, help="Replace the model that has this name.")
    ] = False,
    json: o.Json = False,
) -> int:
    """Give a GGUF or a checkpoint of one's own a name.

    A .gguf is neither copied nor moved: its path and hash are recorded, and `qmath rm NAME` removes only the name.
    """
    here = invocation(context)
    lock = lockfile.load()
    wanted = own.checked_name(name, lock)
    if os.path.isfile(Path(source).expanduser()):
        if quant:
            raise UsageError("-q is for a checkpoint that is converted", "a .gguf keeps its quantization")
        entries = [_add_file(here, wanted, Path(source), force=force)]
    elif source.lower().endswith(".gguf") and not os.path.isdir(source):
        raise ModelMissing(f"there is no file {source}", "give the path of a .gguf, or the folder of a checkpoint")
    else:
        entries = convert.into_store(here, wanted, source, quant or [], force=force)
    return _report(here, entries, as_json=json)


def _add_file(here: Invocation, name: ModelName, path: Path, *, force: bool) -> Installed:
    from qmath_cli.runtime.own_models import add_file

    with byte_progress(here.terminal) as progress:
        try:
            return add_file(
                name,
                path,
                here.paths,
                lockfile.load(),
                lambda done, total: progress.update("hashing", done, total),
                force=force,
            )
        except OSError as exc:
            raise IntegrityError(f"cannot read {path}: {exc.strerror or exc}", "check the file and the disk") from exc


def _report(here: Invocation, entries: list[Installed], *, as_json: bool) -> int:
    if as_json:
        models = [
            {
                "name": entry.name,
                "path": str(entry.path),
                "quantization": entry.quantization,
                "kind": entry.model.kind,
                "size": entry.size,
                "sha256": entry.parts[0].sha256,
                "linked": entry.linked,
            }
            for entry in entries
        ]
        here.terminal.json({"schema": SCHEMA, "models": models})
        return ExitCode.OK
    for entry in entries:
        here.terminal.line(f"{entry.name}  {entry.path}")
        if entry.linked:
            here.terminal.note("the file stays where it is, and `qmath rm` removes only its name")
    here.terminal.note(f"qmath solve -m {entries[0].model.name} 'PROBLEM'")
    return ExitCode.OK
