"""In which shape a model computes: how many sequences at once, in how many batches, on how many threads.

What the user asked for counts first, then how a run began, then what was measured on this machine. Long work is worth a
measurement before it begins; nothing that somebody waits for is. What chooses and measures is imported where there is
something to choose from or to measure.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qmath_cli.engine.batch import MOST_CONTEXTS
from qmath_cli.engine.llama.devices import physical_cores
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.llama.placement import SMALL
from qmath_cli.errors import DoesNotFit
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.records import ModelInfo, Shape, ShapeDecision, ShapeReason, Work
from qmath_cli.records.activity import OnActivity, unobserved
from qmath_cli.runtime import tuning
from qmath_cli.runtime.need import fitting
from qmath_cli.runtime.weights import open_model, require_local
from qmath_cli.settings import Settings

if TYPE_CHECKING:
    from qmath_cli.benchmark.tuning.table import Arrangement, Tuning

_WORTH = 32  # samples from which on measuring first takes some hundredths of the time
_LARGE, _FEW_BYTES = 16, 32  # sequences at once by default; of a model whose steps are mostly overhead


@dataclass(frozen=True, slots=True)
class ShapeRequest:
    """What a shape is wanted for.

    Attributes:
        work: What is to be computed.
        parallel: Sequences at once that the user asked for; 0: free.
        begun: The shape in which a run began that goes on now; None: it begins now.
        default: Where nothing was measured; None: as suits the model's size, at most as many as there are samples.
        unhurried: Whether nobody waits for the first answer: then long work begins with a measurement.
    """

    work: Work
    parallel: int = 0
    begun: Shape | None = None
    default: Shape | None = None
    unhurried: bool = False


def default_width(info: ModelInfo) -> int:
    """Sequences at once where nothing was measured: more for a model whose decode steps are mostly overhead."""
    return _FEW_BYTES if info.size < SMALL else _LARGE


def decide(
    info: ModelInfo,
    request: ShapeRequest,
    found: Tuning | None,
    allows: Callable[[], Callable[[Shape], bool]],
) -> ShapeDecision:
    """The shape for some work.

    Args:
        info: The model.
        request: What the shape is for.
        found: What was measured.
        allows: Gives the question whether there is memory for a shape; called only where it has to be asked.
    """
    default = request.default or Shape(min(default_width(info), request.work.samples))
    if request.parallel:
        default = replace(default, width=request.parallel)
    reason = ShapeReason.ASKED if request.parallel else ShapeReason.MEASURED
    if not request.parallel and request.begun is not None:
        return ShapeDecision(request.begun, ShapeReason.RESUMED)
    unmeasured = ShapeDecision(default, ShapeReason.ASKED if request.parallel else ShapeReason.DEFAULT)
    if found is None or (info.size < SMALL and found.disturbed):
        return unmeasured
    from qmath_cli.benchmark.tuning.choose import choose, expected

    choice = choose(found, request.work, width=request.parallel, allows=allows())
    if choice is None:
        return unmeasured
    placed = _placed(default, info, found.arrangements[0].arrangement)
    default_rate = expected(found, request.work, placed)
    return ShapeDecision(choice.shape, reason, choice.rate, default_rate, found.disturbed)


def _placed(default: Shape, info: ModelInfo, whole: Arrangement) -> Shape:
    """A shape with what it leaves open, as `engine.llama.placement` decides it; `whole`: one batch on all threads."""
    if default.batches:
        return replace(default, threads=default.threads or whole.threads)
    if info.size < SMALL:
        return replace(default, batches=min(whole.threads, MOST_CONTEXTS, default.width), threads=1)
    return replace(default, batches=1, threads=whole.threads)


def open_shaped(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    request: ShapeRequest,
    stack: ExitStack,
    *,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> tuple[Model, ShapeDecision]:
    """The weights in memory, and the shape in which they compute; the stack closes the model.

    Args:
        info: The model, on this machine.
        settings: How it is run.
        paths: Where measurements are kept.
        lock: models.lock.
        request: What the shape is for.
        stack: Closes the model.
        force: Load the model even if it does not seem to fit.
        on_activity: Told how far loading and measuring have come.

    Raises:
        DoesNotFit, EngineUnusable, IntegrityError, UsageError: As `open_model`.
    """

    def allows(*, loaded: bool = False) -> Callable[[Shape], bool]:
        return (lambda _shape: True) if force else fitting(info, settings, paths, lock, loaded=loaded)

    if request.begun is not None and not _continues(request.begun, settings):
        request = replace(request, begun=None)
    kept = tuning.known(info, settings, paths)
    decision = decide(info, request, kept, allows)
    shape = decision.shape
    require_local(shape.width)
    model = stack.enter_context(
        open_model(info, settings, paths, lock, shape=shape, force=force, on_activity=on_activity)
    )
    if _is_worth(info, request, kept):
        from qmath_cli.benchmark.tuning.measure import MOST_ROWS

        most = max(MOST_ROWS, shape.width) if allows(loaded=True)(Shape(MOST_ROWS)) else shape.width
        try:
            found = tuning.measured(model, info, settings, paths, most=most, briefly=True, on_activity=on_activity)
        except DoesNotFit:
            return model, decision  # the default may still fit
        decision = decide(info, request, found, lambda: allows(loaded=True))
    return model, decision


def sentence(info: ModelInfo, decision: ShapeDecision | None) -> str:
    """What a run says of its shape; nothing on servers, or of a small model that nothing was measured of."""
    if decision is None:
        return ""
    resumed = decision.reason is ShapeReason.RESUMED and decision.shape.batches > 0
    if info.size < SMALL and decision.rate is None and not resumed:
        return ""
    return str(decision)


def _continues(begun: Shape, settings: Settings) -> bool:
    """Whether a run can go on in a shape: this machine has as many cores, and the user gave no other threads."""
    if begun.threads == 0:
        return True
    free = settings.threads in {0, begun.threads}
    return free and begun.threads * max(begun.batches, 1) <= max(physical_cores(), settings.threads)


def _is_worth(info: ModelInfo, request: ShapeRequest, kept: Tuning | None) -> bool:
    """Whether the work begins with a measurement."""
    free = request.unhurried and not request.parallel and request.begun is None
    return free and (kept is None or kept.disturbed) and info.size >= SMALL and request.work.samples >= _WORTH
