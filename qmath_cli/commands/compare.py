"""`qmath compare`: how far the predictions of quantized models are from those of another model, on the same text.

The base comes first: a model, or a file that `--save-base` wrote, here or on another machine. One model is loaded at a
time; the base's predictions wait in a file.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.commands.problem import read_text
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.settings import Settings

if TYPE_CHECKING:
    from qmath_cli.benchmark.divergence.base_file import BaseHeader
    from qmath_cli.benchmark.divergence.passage import Passage
    from qmath_cli.benchmark.divergence.statistics import Divergence
    from qmath_cli.engine.llama.model import Model
    from qmath_cli.records import ModelInfo

SCHEMA = "qmath.compare/1"
_CHUNK = 512  # tokens; what llama-perplexity uses


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """The options of one comparison, as given."""

    base: str
    models: tuple[str, ...]
    text: Path | None
    solutions: Path | None
    chunk: int
    chunks: int | None
    save_base: Path | None
    force: bool
    as_json: bool


def command(
    context: typer.Context,
    base: Annotated[
        str, typer.Argument(metavar="BASE", help="The model to compare with, or a file that --save-base wrote.")
    ],
    models: Annotated[list[str] | None, typer.Argument(metavar="MODEL", help="The models to compare.")] = None,
    text: Annotated[Path | None, typer.Option(metavar="FILE", help="A text that the models read, in chunks.")] = None,
    solutions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Problems with solutions, as `qmath eval --from` reads them: of each the first, without what programs "
            "printed.",
        ),
    ] = None,
    chunk: Annotated[
        int,
        typer.Option(min=32, metavar="N", help="Tokens per chunk; the second half of each is scored. Default: 512."),
    ] = _CHUNK,
    chunks: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Chunks, or solutions, at most. Default: all.")
    ] = None,
    save_base: Annotated[
        Path | None,
        typer.Option(
            "--save-base", metavar="FILE", rich_help_panel=o.OUTPUT, help="Keep the base's predictions in a file."
        ),
    ] = None,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    force: o.Force = False,
    json: o.Json = False,
) -> int:
    """Measure how far the predictions of models are from those of a base, on the same text.

    Perplexity, KL divergence and the change of token probabilities, under the names and by the definitions of
    `llama-perplexity --kl-divergence`.
    """
    wanted = CompareOptions(base, tuple(models or ()), text, solutions, chunk, chunks, save_base, force, json)
    here = invocation(context)
    _run(here, here.settings(device=device, gpu_layers=gpu_layers, threads=threads), wanted)
    return ExitCode.OK


def _run(here: Invocation, settings: Settings, wanted: CompareOptions) -> None:
    from qmath_cli.benchmark.divergence.base_file import reading

    _check(wanted)
    found: dict[str, Divergence] = {}
    with _base(here, settings, wanted) as path:
        with reading(path) as reader:
            header = reader.header
        for name in wanted.models:
            found[name] = _compared(here, settings, wanted, name, path)
    _show(here, header, found, as_json=wanted.as_json)


def _check(wanted: CompareOptions) -> None:
    from qmath_cli.benchmark.divergence.base_file import is_base_file

    stored = is_base_file(Path(wanted.base))
    if stored and wanted.save_base is not None:
        raise UsageError(f"{wanted.base} is stored already", "leave out --save-base")
    texts = (wanted.text is not None) + (wanted.solutions is not None)
    if stored and texts:
        raise UsageError(f"{wanted.base} holds its text", "leave out --text and --solutions")
    if not stored and texts != 1:
        raise UsageError("there is no text to compare the models on, or two", "--text FILE, or --solutions FILE")
    if not wanted.models and wanted.save_base is None:
        raise UsageError("there is no model to compare with the base", "qmath compare BASE MODEL --text FILE")
    if wanted.save_base is not None and wanted.save_base.exists():
        raise UsageError(f"{wanted.save_base} is already there", "another name")


@contextmanager
def _base(here: Invocation, settings: Settings, wanted: CompareOptions) -> Iterator[Path]:
    """The file with the base's predictions: the one given, the one to keep, or one that is deleted afterwards."""
    from qmath_cli.benchmark.divergence.base_file import is_base_file
    from qmath_cli.benchmark.divergence.passes import write_base

    given = Path(wanted.base)
    if is_base_file(given):
        yield given
        return
    with tempfile.TemporaryDirectory(dir=_scratch(here)) as scratch:
        path = wanted.save_base or Path(scratch) / "base"
        with _opened(here, settings, wanted, wanted.base) as (model, info, name):
            passages, source = _passages(wanted, model, info)
            write_base(path, model, name, passages, source, _ticks(here, f"reading with {name}"))
        if wanted.save_base is not None:
            here.terminal.note(f"the predictions of {name} are in {path}: {path.stat().st_size / 1e6:,.0f} MB")
        yield path


def _scratch(here: Invocation) -> Path:
    folder = here.paths.cache
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _passages(wanted: CompareOptions, model: Model, info: ModelInfo) -> tuple[list[Passage], str]:
    """What the models read, and what it is in words."""
    from qmath_cli.benchmark.divergence.passage import chunks
    from qmath_cli.evaluation import responses
    from qmath_cli.runtime.solution_passages import solution_passages

    if wanted.solutions is None:
        text, _ = read_text(wanted.text, str(wanted.text))
        found = chunks(model.tokenize_plain(text.encode()), wanted.chunk, wanted.chunks)
        return found, f"{wanted.text}, {len(found)} chunks of {wanted.chunk} tokens"
    data, samples, _ = responses.read(wanted.solutions)
    first = {one.item: one.sample.text for one in reversed(samples)}
    pairs = [(item, first[item.id]) for item in data.items][: wanted.chunks]
    found = solution_passages(pairs, model, info)
    return found, f"{wanted.solutions}, {len(found)} solutions"


def _compared(here: Invocation, settings: Settings, wanted: CompareOptions, name: str, path: Path) -> Divergence:
    from qmath_cli.benchmark.divergence.base_file import reading
    from qmath_cli.benchmark.divergence.passes import positions_against
    from qmath_cli.benchmark.divergence.statistics import divergence

    with _opened(here, settings, wanted, name) as (model, _info, shown), reading(path) as reader:
        found = positions_against(reader, model, _ticks(here, f"reading with {shown}"))
    return divergence([position for passage in found for position in passage])


@contextmanager
def _opened(
    here: Invocation, settings: Settings, wanted: CompareOptions, name: str
) -> Iterator[tuple[Model, ModelInfo, str]]:
    from qmath_cli.runtime.weights import notes, open_model

    lock = lockfile.load()
    info = describe(name, here.paths, lock)
    with open_model(info, settings, here.paths, lock, force=wanted.force) as model:
        here.notes(*notes(info, model))
        yield model, info, f"{info.name}:{info.quantization}" if info.quantization else info.name


def _ticks(here: Invocation, what: str) -> Callable[[int, int], None]:
    here.terminal.note(what)
    return lambda _done, _total: None


def _show(here: Invocation, base: BaseHeader, found: Mapping[str, Divergence], *, as_json: bool) -> None:
    from qmath_cli.terminal.reports.divergence import lines

    if as_json:
        here.terminal.json(record(base, found))
        return
    for line in lines(base, found):
        here.terminal.line(line)


def record(base: BaseHeader, found: Mapping[str, Divergence]) -> dict[str, object]:
    """`compare --json`: the base, the text, and the statistics of every model; shares between 0 and 1, nats."""
    return {
        "schema": SCHEMA,
        "base": base.model,
        "text": base.source,
        "models": [{"model": name, **_finite(asdict(one))} for name, one in found.items()],
    }


def _finite(values: dict[str, object]) -> dict[str, object]:
    """JSON has no NaN; the names of quantiles are text there."""
    changed: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            changed[key] = None
        elif isinstance(value, dict):
            changed[key] = _finite({str(name): one for name, one in value.items()})
        else:
            changed[key] = value
    return changed
