"""`qmath bench`: how fast models run on this machine, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.settings import Settings

if TYPE_CHECKING:
    from qmath_cli.benchmark.drafted import DraftReport
    from qmath_cli.benchmark.measure import BenchmarkPlan, BenchmarkReport, ReferenceTool
    from qmath_cli.benchmark.tuning.table import Tuning
    from qmath_cli.engine.llama.model import Model
    from qmath_cli.engine.llama.placement import Placement
    from qmath_cli.records import ModelInfo

SCHEMA = "qmath.bench/1"
_PROBLEM = (
    "A shop sells pens at 3 dollars and books at 7 dollars. Tom pays 64 dollars for 12 things. How many are books?"
)
_MOST_SEQUENCES = 256  # LLAMA_MAX_SEQ of llama.cpp (src/llama-cparams.h)


def command(
    context: typer.Context,
    models: o.Models = None,
    prompt_tokens: Annotated[
        int, typer.Option(min=16, metavar="N", help="Length of the prompt, tokens. Default: 512.")
    ] = 512,
    tokens: Annotated[int, typer.Option(min=8, metavar="N", help="Tokens decoded per sequence. Default: 64.")] = 64,
    sequences: Annotated[
        str, typer.Option(metavar="N,N,...", help="Numbers of sequences that decode at once. Default: 1,2,4,8.")
    ] = "1,2,4,8",
    repeats: Annotated[
        int, typer.Option(min=1, metavar="N", help="Measured runs, each after a warm-up. Default: 3.")
    ] = 3,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A llama-bench, run alternately on the same model; ratios are printed."),
    ] = None,
    server: o.Server = None,
    server_kind: o.ServerKindOption = None,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    kv_type: o.KV = None,
    mlock: o.Mlock = None,
    no_repack: o.NoRepack = False,
    draft: o.Draft = None,
    force: o.Force = False,
    verbose: o.Verbose = False,
    json: o.Json = False,
) -> int:
    """Measure load time, time to the first token, prefill and decode on this machine.

    Also what a step costs by the number of sequences in it, in one batch and in several side by side. This is kept:
    eval, batch and solve -k take the fastest shape from it.
    """
    from qmath_cli.benchmark.measure import BenchmarkPlan

    here = invocation(context)
    flags: dict[str, object] = {"device": device, "gpu_layers": gpu_layers, "threads": threads, "kv_type": kv_type}
    flags |= {"mlock": mlock, "repack": False if no_repack else None, "draft": draft}
    remote: dict[str, object] = {"server": server or None, "server_kind": server_kind}
    wanted: list[str | None] = [*dict.fromkeys(models or ())]
    each = [here.settings(model=model, **flags, **remote) for model in wanted or [None]]
    plan = BenchmarkPlan(prompt_tokens, tokens, _numbers(sequences), repeats)
    if not each[0].server:
        _require(here, each)
    found = []
    for settings in each:
        if settings.server:
            found.append(_run_served(here, settings, plan, against))
        else:
            found.append(_run(here, settings, plan, against, force=force, verbose=verbose))
        if not json:
            _show(here, found[-1], len(found), len(each))
    if json:
        records = [_record(one) for one in found]
        here.terminal.json({"schema": SCHEMA, **(records[0] if len(records) == 1 else {"runs": records})})
    return ExitCode.OK


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One model's report, where it was computed, and what steps cost there; None on servers.

    `drafts` is what drafts gained; None where nothing is drafted, and `undrafted` is why.
    """

    file: ModelInfo
    placement: str
    report: BenchmarkReport
    tuning: Tuning | None = None
    drafts: DraftReport | None = None
    undrafted: str = ""


def _require(here: Invocation, each: Sequence[Settings]) -> None:
    """Raise `ModelMissing` for a model that is not here: better now than after the others were measured."""
    from qmath_cli.models import lockfile
    from qmath_cli.models.describe import describe
    from qmath_cli.runtime.drafts import draft_model

    for settings in each:
        describe(settings.model, here.paths, lockfile.load())
        draft_model(settings, here.paths, lockfile.load())


def _run(
    here: Invocation,
    settings: Settings,
    plan: BenchmarkPlan,
    against: Path | None,
    *,
    force: bool,
    verbose: bool,
) -> Benchmark:
    from qmath_cli.benchmark.machine import peak_rss
    from qmath_cli.benchmark.measure import measure
    from qmath_cli.models import lockfile
    from qmath_cli.models.describe import describe
    from qmath_cli.records import Shape
    from qmath_cli.runtime.tuning import measured
    from qmath_cli.runtime.weights import notes, open_model

    paths, lock, before = here.paths, lockfile.load(), peak_rss()
    file = describe(settings.model, paths, lock)
    opened = partial(open_model, file, settings, paths, lock, shape=Shape(max(plan.sequences)), force=force)
    with opened() as model:  # for its context and placement; this first load reads the file from the disk
        _check_room(plan, model)
        references = _references(against, file, model, plan)
        placement = model.placement
        here.notes(*notes(file, model), engine=model.warnings if verbose else ())
        here.terminal.note(f"{file.name} ({file.quantization}) on {placement}")
        here.terminal.note("what a step costs, by the number of sequences in it")
        tuning = measured(model, file, settings, paths, most=_most(here, file, settings, force=force))
        drafts, undrafted = _drafts(here, file, model, settings, plan, force=force)
    report = _with_machine(measure(opened, plan, references, here.terminal.note), placement, file)
    if report.peak_rss == before:  # it is that of a larger model before
        report = replace(report, peak_rss=None)
    return Benchmark(file, str(placement), report, tuning, drafts, undrafted)


def _drafts(
    here: Invocation, file: ModelInfo, model: Model, settings: Settings, plan: BenchmarkPlan, *, force: bool
) -> tuple[DraftReport | None, str]:
    """What drafts gain, after the cost of steps was measured; or None, and why nothing is drafted."""
    from qmath_cli.benchmark.drafted import measure_drafts
    from qmath_cli.models import lockfile
    from qmath_cli.prompting.select import select
    from qmath_cli.records import Language, Shape
    from qmath_cli.runtime.drafts import draft_model, open_drafts, why_not
    from qmath_cli.settings import Draft

    if file.kind.scores:
        return None, "a reward model writes nothing"
    small, one = draft_model(settings, here.paths, lockfile.load()), Shape(1)
    source = str(Draft.LOOKUP) if small is None else small.name
    with open_drafts(file, model, settings, here.paths, lockfile.load(), shape=one, force=force) as (options, _):
        if not options.can_gain:
            why = why_not(file, settings, here.paths, one)
            return None, why or "several rows cost too much here, even if every draft were accepted"
        prompt = select(file, Language.EN, settings.mode).typed(_PROBLEM)
        here.terminal.note(f"drafts: {source}")
        return measure_drafts(model, prompt, options, source, max(2 * plan.tokens, 2), plan.repeats), ""


def _most(here: Invocation, file: ModelInfo, settings: Settings, *, force: bool) -> int:
    """Sequences at once for which there is memory, up to what is measured."""
    from qmath_cli.benchmark.tuning.measure import MOST_ROWS
    from qmath_cli.models import lockfile
    from qmath_cli.records import Shape
    from qmath_cli.runtime.need import fitting

    fits = fitting(file, settings, here.paths, lockfile.load(), loaded=True)
    return next((most for most in (MOST_ROWS, 8, 2) if force or fits(Shape(most))), 1)


def _run_served(here: Invocation, settings: Settings, plan: BenchmarkPlan, against: Path | None) -> Benchmark:
    from qmath_cli.benchmark.served import measure_served
    from qmath_cli.models import lockfile
    from qmath_cli.runtime.drafts import note_on_servers
    from qmath_cli.runtime.servers.opening import open_served
    from qmath_cli.runtime.servers.reach import described

    if against is not None:
        raise UsageError("--against compares with a tool on this machine", "leave it out where --server is given")
    paths, lock = here.paths, lockfile.load()
    served = described(settings, paths, lock)
    here.notes(*served.warnings, *note_on_servers(settings))
    opened = partial(open_served, served, settings, paths, lock, max(plan.sequences), endless=True)
    place = ", ".join(f"{one.kind} {one.version} at {one.address}" for one in served.servers)
    here.terminal.note(f"{served.name} on {place}")
    return Benchmark(served, place, measure_served(opened, plan, here.terminal.note))


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError as exc:
        raise UsageError(f"--sequences {text!r} is not a list of numbers", "--sequences 1,2,4,8") from exc
    if not all(1 <= number <= _MOST_SEQUENCES for number in numbers):
        raise UsageError(f"--sequences takes numbers from 1 to {_MOST_SEQUENCES}", "--sequences 1,2,4,8")
    return numbers


def _check_room(plan: BenchmarkPlan, model: Model) -> None:
    wanted = plan.prompt_tokens + plan.tokens + 4
    if wanted > model.context_length:
        raise UsageError(
            f"{wanted} tokens do not fit into the context of {model.context_length}",
            "ask for fewer tokens",
        )


def _references(against: Path | None, file: ModelInfo, model: Model, plan: BenchmarkPlan) -> list[ReferenceTool]:
    from qmath_cli.benchmark.llama_cpp import BenchmarkWork, reference_tools
    from qmath_cli.benchmark.measure import prompt_of

    if against is None:
        return []
    length = len(model.tokenize(prompt_of(model, plan.prompt_tokens)))
    placed = model.placement
    return reference_tools(
        against, BenchmarkWork(file.path, length, plan.tokens, plan.sequences, placed.threads, placed.gpu_layers)
    )


def _with_machine(report: BenchmarkReport, placement: Placement, file: ModelInfo) -> BenchmarkReport:
    """The report with the bandwidth of the memory, where the CPU decodes, and the peak memory."""
    from qmath_cli.benchmark.machine import bandwidth, peak_rss

    peak = peak_rss()  # before the buffers of the bandwidth measurement
    if placement.device is not None:
        return replace(report, peak_rss=peak)
    found = bandwidth(placement.threads)
    single = next((decode.rate.median for decode in report.decode if decode.sequences == 1), None)
    share = single * _read_per_token(file.path) / found if single else None
    return replace(report, peak_rss=peak, bandwidth=found, share=share)


def _read_per_token(path: Path) -> int:
    """Bytes of weights read per token: all tensors, but not an embedding that is separate from the output matrix."""
    from qmath_cli import gguf_file

    header = gguf_file.read(path)
    names = {tensor.name for tensor in header.tensors}
    return sum(
        tensor.size for tensor in header.tensors if tensor.name != "token_embd.weight" or "output.weight" not in names
    )


def _record(one: Benchmark) -> dict[str, object]:
    head = {"model": one.file.name, "quantization": one.file.quantization, "device": one.placement}
    return {**head, **asdict(one.report), **_measured(one)}


def _measured(one: Benchmark) -> dict[str, object]:
    """What steps cost, and what drafts gained."""
    return {
        "tuning": None if one.tuning is None else one.tuning.record(),
        "drafts": None if one.drafts is None else asdict(one.drafts),
    }


def _show(here: Invocation, one: Benchmark, number: int, several: int) -> None:
    """The table of a model; of several, each under its name."""
    from qmath_cli.terminal.reports.bench import drafts, step_costs, table

    if several > 1:
        here.terminal.write("\n" if number > 1 else "")
        here.terminal.line(one.file.name)
    costs = [] if one.tuning is None else step_costs(one.tuning) + drafts(one.drafts, one.undrafted)
    for line in [*table(one.report), *costs]:
        here.terminal.line(line)
