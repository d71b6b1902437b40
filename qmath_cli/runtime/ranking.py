"""The reward stage of an evaluation: every sample gets its reward, once the model that wrote them is closed.

Memory holds one of the two models. Whatever ends the stage early, the rewards that were computed are stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.evaluation.records import GradedSample, Setup
from qmath_cli.evaluation.rewards import reward
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.evaluation.schedule import EvaluationPlan
from qmath_cli.records import ModelKind, ServerInfo
from qmath_cli.records.activity import OnActivity, Ranking
from qmath_cli.runtime.rewards import RewardLoader, scoring_server
from qmath_cli.settings import Settings


class RankingStage:
    """The rewards of one run.

    Args:
        loader: The reward model, reached or described; None: no rewards are wanted.
        settings: Which it is, and how the scores of steps become one number.

    Attributes:
        scorer: The server that scores; None for none.
    """

    def __init__(self, loader: RewardLoader | None, settings: Settings) -> None:
        self._loader = loader
        self._settings = settings
        self.scorer: ServerInfo | None = scoring_server(loader, settings)

    def run(
        self, plan: EvaluationPlan, samples: Sequence[GradedSample], file: RunFile, setup: Setup, observe: OnActivity
    ) -> list[GradedSample]:
        """The samples with their rewards; those that have one of this model already keep it."""
        if self._loader is None:
            return list(samples)
        observe(Ranking(0, len(samples)))
        rated: list[GradedSample] = []
        try:
            with self._loader() as model:
                for one in reward(plan, list(samples), model, self._at_once, self._rater):
                    rated.append(one)
                    observe(Ranking(len(rated), len(samples)))
        except BaseException:  # Ctrl-C too; raised again
            file.rewrite(setup, [*rated, *samples[len(rated) :]])
            raise
        return rated

    @property
    def _at_once(self) -> int:
        """Problems whose samples are scored together."""
        if self.scorer is None:
            return 1
        from qmath_cli.runtime.servers.rewards import PROBLEMS_AT_ONCE

        return PROBLEMS_AT_ONCE

    @property
    def _rater(self) -> str:
        """What the rewards come from: those of another model, or of another aggregate, are made again."""
        settings = self._settings
        name = settings.reward_model if self.scorer is None else self.scorer.model
        return f"{name}, {settings.aggregate}" if settings.pick.kind is ModelKind.PROCESS_REWARD else name
