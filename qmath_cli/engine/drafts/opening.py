"""What a batch is told of drafts, and the drafts that it opens for itself."""

from __future__ import annotations

from dataclasses import dataclass

from qmath_cli.engine.drafts.drafts import MOST_ROWS, Drafts, worth_drafting
from qmath_cli.engine.drafts.source import LookupSource
from qmath_cli.engine.llama.compute_thread import Team
from qmath_cli.engine.llama.model import Model
from qmath_cli.records import StepCost

_NOTHING_GAINS = StepCost(((1, 0.0),))


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """How the tokens of a batch are drafted.

    Attributes:
        cost: What steps cost, measured for this model on this machine; None: not known, and nothing is drafted.
        model: A smaller model with the same vocabulary, loaded; None: drafts are looked up.
        model_cost: What its steps cost; None: estimated from the sizes of the two.
    """

    cost: StepCost | None = None
    model: Model | None = None
    model_cost: StepCost | None = None

    @property
    def can_gain(self) -> bool:
        """Whether one sequence could gain from drafts if all of them were accepted."""
        return self.cost is not None and worth_drafting(self.cost, 1)

    @property
    def rows(self) -> int:
        """Rows of a step that drafts can need; 0 where they cannot gain, however many sequences decode."""
        cost = self.cost
        gains = cost is not None and any(worth_drafting(cost, rows) for rows in range(1, cost.most))
        return MOST_ROWS if gains else 0


NO_DRAFTS = DraftOptions()


def open_drafts(options: DraftOptions, model: Model, slots: int, cells: int, team: Team) -> Drafts:
    """The drafts of a batch; without a known cost they never propose anything.

    Args:
        options: How tokens are drafted.
        model: The batch's model.
        slots: Slots of the batch, those for retained sequences included.
        cells: KV cells of the batch.
        team: Who computes the batch.

    Raises:
        DoesNotFit: There is no memory for the KV cache of the model that drafts.
        UsageError: Its vocabulary is another.
    """
    if options.cost is None:
        return Drafts(LookupSource(), _NOTHING_GAINS, model.context_length)
    if options.model is None:
        return Drafts(LookupSource(), options.cost, model.context_length)
    from qmath_cli.engine.drafts.draft_model import DraftModelSource  # rarely needed

    cost = options.model_cost or _estimated(options.cost, options.model.facts.size / model.facts.size)
    source = DraftModelSource(options.model, cost, model.vocabulary, slots, cells, team)
    return Drafts(source, options.cost, model.context_length)


def _estimated(cost: StepCost, share: float) -> StepCost:
    """The cost of a model of this share of another's size: decoding takes as long as reading the weights."""
    return StepCost(tuple((rows, seconds * share) for rows, seconds in cost.points))
