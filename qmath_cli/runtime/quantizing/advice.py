"""`convert --advise`: the mixture of types that fits a size with the least divergence, for one checkpoint.

Measured are the importance matrix and the sensitivity of every group of matrices, both with an intermediate file and
kept in the cache. They give the cost of every matrix in every type (`costs`), and `qmath_convert.mixture` chooses. The
same costs give what the standard quantizations are expected to cost, to compare the advice with.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qmath_cli.errors import DoesNotFit, UsageError
from qmath_cli.models import fit
from qmath_cli.runtime.quantizing import matrix, sensitivity
from qmath_cli.runtime.quantizing.costs import Costs, costs, matrices
from qmath_cli.runtime.quantizing.intermediate import Intermediate, chosen, intermediates, made
from qmath_cli.runtime.quantizing.matrix import matrix_path, measured, read
from qmath_cli.runtime.quantizing.measuring import Instruments, ReadText

if TYPE_CHECKING:
    from qmath_cli.benchmark.divergence.passage import Passage
    from qmath_cli.engine.llama.model import Model
    from qmath_convert.ggml import GgmlType
    from qmath_convert.imatrix import Importance
    from qmath_convert.pipeline import Plan
    from qmath_convert.source import Source
    from qmath_convert.tensor_types import TypeRule

_PASSAGE, _PASSAGES, _SCORED = 128, 4, 96  # tokens; only the last ones of a passage are scored
_RESERVE = 4096  # bytes of the file for what is recorded about the advice
STANDARD = ("q2_k", "q3_k_s", "q3_k_m", "q3_k_l", "iq4_xs", "q4_k_s", "q4_k_m", "q5_k_s", "q5_k_m", "q6_k", "q8_0")


@dataclass(frozen=True, slots=True)
class ExpectedCost:
    """What a mixture takes, and what it is expected to cost.

    Attributes:
        name: a standard quantization, or `advised`.
        size: bytes of the file.
        bits: bits of the file per weight.
        kld: mean KL divergence from the unquantized weights, in nats.
    """

    name: str
    size: int
    bits: float
    kld: float


@dataclass(frozen=True, slots=True)
class RoleAdvice:
    """The matrices of one role: share of all weights, expected divergence in nats, and how many have each type."""

    role: str
    weights: float
    kld: float
    types: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Advice:
    """The mixture that is advised.

    Attributes:
        types: a type for every matrix.
        advised: what it takes and is expected to cost.
        standard: the same of the standard quantizations, by size.
        roles: what the matrices get, by role.
        text: what was read.
        positions: predictions that were compared for every group.
    """

    types: Mapping[str, GgmlType]
    advised: ExpectedCost
    standard: tuple[ExpectedCost, ...]
    roles: tuple[RoleAdvice, ...]
    text: str
    positions: int = _PASSAGES * _SCORED


@dataclass(frozen=True, slots=True)
class AdviceWanted:
    """What is asked.

    Attributes:
        plan: how the checkpoint would be converted by a standard quantization.
        size: bytes of the file at most.
        rules: types that are given.
        importance: a matrix that is given; None: it is measured.
    """

    plan: Plan
    size: int
    rules: Sequence[TypeRule] = ()
    importance: Importance | None = None


def advise(
    source: Source, wanted: AdviceWanted, text: ReadText, measuring: Instruments, *, chunks: int | None = None
) -> tuple[Advice, Importance]:
    """Measure, and choose a mixture.

    Args:
        source: the checkpoint; it must be there for several passes.
        wanted: what is asked.
        text: what the model reads.
        measuring: the surroundings.
        chunks: chunks of the text for an importance matrix at most; None: as many as `importance_of` reads.

    Returns:
        The advice, and the importance matrix that it is for.

    Raises:
        DoesNotFit: memory or disk do not suffice, or the size is too small for the smallest types.
        UsageError: a reward model, whose predictions are no tokens.
        QmathError: the checkpoint cannot be converted, or llama.cpp fails.
    """
    checkpoint = wanted.plan.checkpoint
    if checkpoint.config.is_reward:
        raise UsageError("a reward model predicts no tokens whose change could be measured", "leave out --advise")
    _require_size(wanted)
    divided = sensitivity.groups(matrices(checkpoint), checkpoint.config.layers)
    importance, kept = _measured(source, wanted, divided, text, measuring, chunks or matrix.CHUNKS)
    standard = _standard_types(wanted)
    more = {tensor.name: {types[tensor.name] for types in standard.values()} for tensor in matrices(checkpoint)}
    for name, kind in _given(wanted).items():
        more[name].add(kind)
    found = costs(checkpoint, importance, divided, kept, more, measuring)
    return _advice(wanted, found, standard, text.name), importance


def _measured(
    source: Source,
    wanted: AdviceWanted,
    divided: Sequence[sensitivity.MatrixGroup],
    text: ReadText,
    measuring: Instruments,
    chunks: int,
) -> tuple[Importance, sensitivity.Sensitivities]:
    """The importance matrix, and every group's divergence; from the cache where that has both."""
    candidates = intermediates(source, wanted.plan.outputs[0].path)
    for one in candidates:
        cached = _cached(source, one, wanted, text, measuring, chunks)
        if cached is not None and all(group.name in cached[1].klds for group in divided):
            measuring.note("the sensitivities were measured before")
            return cached
    one = chosen(candidates, measuring)
    measuring.note(
        f"{len(divided)} groups of matrices are measured first, with the weights in {one.type_name}: "
        f"{fit.size(one.size)} more of disk until it is done"
    )
    with made(one, measuring) as weights:
        if wanted.importance is None:
            measured(weights, one, text, chunks, measuring)
        cached = _cached(source, one, wanted, text, measuring, chunks)
        if cached is None:
            raise ValueError("an importance matrix that was measured is not in the cache")
        importance, kept = cached
        sensitivity.measure(weights, divided, _passages(text), source, importance, measuring, kept)
    return importance, kept


def _cached(
    source: Source, one: Intermediate, wanted: AdviceWanted, text: ReadText, measuring: Instruments, chunks: int
) -> tuple[Importance, sensitivity.Sensitivities] | None:
    """The importance matrix and the groups that are measured; None where the matrix is not."""
    importance = wanted.importance
    if importance is None:
        path = matrix_path(one, text, chunks, measuring)
        if not path.is_file():
            return None
        importance = read(path, source)
    parts = (one.fingerprint, text.digest, importance.digest, sensitivity.BANDS, _PASSAGE, _PASSAGES, _SCORED)
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return importance, sensitivity.Sensitivities(measuring.paths.cache / "sensitivity" / f"{digest}.json")


def _passages(text: ReadText) -> Callable[[Model], list[Passage]]:
    """Parts of the text, evenly spaced."""

    def passages(model: Model) -> list[Passage]:
        from qmath_cli.benchmark.divergence.passage import Passage

        tokens = text.tokens(model)
        last = len(tokens) - _PASSAGE
        if last < 0:
            raise UsageError(f"the text has {len(tokens)} tokens; {_PASSAGE} are needed", "a longer text")
        starts = [i * last // (_PASSAGES - 1) for i in range(_PASSAGES)]
        return [Passage(tuple(tokens[start : start + _PASSAGE]), _PASSAGE - 1 - _SCORED) for start in starts]

    return passages


def _given(wanted: AdviceWanted) -> dict[str, GgmlType]:
    """The matrices whose type the user has chosen."""
    from qmath_convert.recipe import fitting

    found = {}
    for tensor in matrices(wanted.plan.checkpoint):
        kind = next((rule.kind for rule in wanted.rules if rule.matches(tensor.name)), None)
        if kind is not None:
            found[tensor.name] = fitting(kind, tensor.stored.columns)
    return found


def _standard_types(wanted: AdviceWanted) -> dict[str, Mapping[str, GgmlType]]:
    """The types of all tensors in each standard quantization."""
    from qmath_convert.plan import shape_of
    from qmath_convert.recipe import Quant
    from qmath_convert.tensor_types import tensor_types

    checkpoint = wanted.plan.checkpoint
    dims = {tensor.name: tensor.stored.dims for tensor in checkpoint.body}
    shape = shape_of(checkpoint, has_importance=True)
    return {name: tensor_types(dims, Quant(name), shape) for name in STANDARD}


def _kinds(wanted: AdviceWanted) -> dict[str, tuple[GgmlType, ...]]:
    """The types that every matrix can have."""
    from qmath_convert.rounding import types_for

    given = _given(wanted)
    return {
        tensor.name: (given[tensor.name],) if tensor.name in given else types_for(tensor.stored.columns)
        for tensor in matrices(wanted.plan.checkpoint)
    }


def _rest(wanted: AdviceWanted) -> int:
    """Bytes of the file without its matrices."""
    layout, kinds = wanted.plan.outputs[0].layout, _kinds(wanted)
    return layout.size - sum(tensor.spec.padded_bytes for tensor in layout.tensors if tensor.spec.name in kinds)


def _require_size(wanted: AdviceWanted) -> None:
    """Raise `DoesNotFit` if the smallest types make a larger file."""
    from qmath_convert.layout import TensorSpec

    least = _rest(wanted) + _RESERVE
    kinds = _kinds(wanted)
    for tensor in matrices(wanted.plan.checkpoint):
        specs = (TensorSpec(tensor.name, tensor.stored.dims, kind) for kind in kinds[tensor.name])
        least += min(spec.padded_bytes for spec in specs)
    if least > wanted.size:
        mb = -(-least // 10**4) / 100
        raise DoesNotFit(f"the smallest file has {mb:,.2f} MB", f"--size {mb}MB, or more")


def _advice(wanted: AdviceWanted, found: Costs, standard: Mapping[str, Mapping[str, GgmlType]], text: str) -> Advice:
    from qmath_convert.mixture import mixture

    rest = _rest(wanted)
    choices = {name: [found.choice(name, kind) for kind in kinds] for name, kinds in _kinds(wanted).items()}
    chosen_types = mixture(choices, wanted.size - rest - _RESERVE)
    if chosen_types is None:
        raise ValueError("a size was found large enough, and is not")
    types = {name: one.kind for name, one in chosen_types.items()}
    weights = sum(tensor.stored.rows * tensor.stored.columns for tensor in wanted.plan.checkpoint.body)

    def expected(name: str, given_types: Mapping[str, GgmlType], extra: int) -> ExpectedCost:
        size, kld = found.total(given_types)
        return ExpectedCost(name, size + extra, 8 * (size + extra) / weights, kld)

    others = sorted((expected(name, one, rest) for name, one in standard.items()), key=lambda one: one.size)
    return Advice(types, expected("advised", types, rest + _RESERVE), tuple(others), _roles(types, found), text)


def _roles(types: Mapping[str, GgmlType], found: Costs) -> tuple[RoleAdvice, ...]:
    weights: Counter[str] = Counter()
    klds: dict[str, float] = {}
    kinds: dict[str, Counter[str]] = {}
    for name, kind in types.items():
        role = name.split(".")[2] if name.startswith("blk.") else name.split(".")[0]
        weights[role] += _elements(found.dims[name])
        klds[role] = klds.get(role, 0.0) + found.choice(name, kind).cost
        kinds.setdefault(role, Counter())[kind.name.lower()] += 1
    total = weights.total()
    return tuple(
        RoleAdvice(role, weights[role] / total, klds[role], dict(sorted(kinds[role].items()))) for role in kinds
    )


def _elements(dims: tuple[int, ...]) -> int:
    return dims[0] * dims[-1] if len(dims) > 1 else dims[0]
