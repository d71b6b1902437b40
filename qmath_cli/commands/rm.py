"""`qmath rm`: remove models from this disk, and what an interrupted pull or conversion of them left.

Of a file that `qmath add` gave a name, only the name is removed.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import model_names
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, ModelMissing, UsageError
from qmath_cli.files import held
from qmath_cli.models import fit, lockfile, store
from qmath_cli.models.hub.snapshot import source_folder
from qmath_cli.models.lockfile import Lock, LockedModel
from qmath_cli.models.names import ModelName
from qmath_cli.models.store import Installed
from qmath_cli.paths import Paths


def command(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="Models, as `qmath list` shows them: 7b-instruct, or 7b-instruct:q8_0.",
            autocompletion=model_names.complete_removable,
        ),
    ],
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask for confirmation.")] = False,
) -> int:
    """Remove models. Without a quantization, every one of that model goes, and unfinished downloads of it.

    A file that `qmath add` gave a name stays where it is: only the name is removed.
    """
    here = invocation(context)
    lock = lockfile.load()
    entries = [entry for name in names for entry in _meant(name, here.paths, lock)]
    leftovers = [
        path
        for name in names
        if not ModelName.parse(name).quantization
        for path in _leftovers(store.find(name, here.paths, lock), here.paths)
    ]
    if not entries and not leftovers:
        raise ModelMissing(f"nothing of {', '.join(names)} is on this machine", "`qmath list` shows what is")
    _confirm(here, [_shown(entry) for entry in entries] + [str(path) for path in leftovers], yes=yes)
    freed = sum(store.remove(entry) for entry in entries) + sum(_remove(path) for path in leftovers)
    for entry in entries:
        if entry.linked:
            here.terminal.note(f"{entry.name} is no longer a name; {entry.path} stays")
    here.terminal.note(f"{fit.size(freed)} freed")
    return ExitCode.OK


def _shown(entry: Installed) -> str:
    return f"the name {entry.name}, not its file" if entry.linked else entry.name


def _meant(name: str, paths: Paths, lock: Lock) -> list[Installed]:
    named = ModelName.parse(name)
    model = store.find(named.base, paths, lock)
    if model.embedded:
        raise UsageError(f"{model.name} is part of the package", "it is removed with qmath itself")
    found = [entry for entry in store.of_model(model, paths) if named.quantization in ("", entry.quantization)]
    if named.quantization and not found:
        raise ModelMissing(f"{name} is not on this machine", "`qmath list` shows what is")
    return found


def _leftovers(model: LockedModel, paths: Paths) -> Iterator[Path]:
    """Unfinished conversions and downloaded sources of a model."""
    yield from store.unfinished(model, paths)
    if not model.repo:
        return
    for folder in sorted(source_folder(paths, model.repo, "x").parent.glob("*")):
        if folder.is_dir():
            yield folder


def _remove(path: Path) -> int:
    if not path.is_dir():
        size = path.stat().st_size
        path.unlink()
        return size
    with held(path, UsageError(f"another qmath is working in {path}", "wait until it is done, or end it")):
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        shutil.rmtree(path)
    return size


def _confirm(here: Invocation, what: Sequence[str], *, yes: bool) -> None:
    """Ask for confirmation; where there is no terminal, require `--yes`."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"would remove {', '.join(what)}", "--yes removes it without asking")
    here.terminal.err.write(f"remove {', '.join(what)}? [y/N] ")
    here.terminal.err.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was removed")
