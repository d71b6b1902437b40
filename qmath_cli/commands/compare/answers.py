"""The greedy answers of the base and of every model to the same problems, in runs that survive a kill.

The runs are those of `qmath eval`: what is stored is not computed again, neither after Ctrl-C nor for another model.
"""

from __future__ import annotations

from dataclasses import replace

from qmath_cli.commands.compare.wanted import CompareOptions
from qmath_cli.commands.invocation import Invocation
from qmath_cli.evaluation import datasets, responses
from qmath_cli.evaluation.changed import ModelComparison, changed_answers
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.score import ScoredRun
from qmath_cli.models import lockfile
from qmath_cli.records import Pick
from qmath_cli.runtime import data_sets, held_out
from qmath_cli.runtime.evaluation import Evaluation, open_graders
from qmath_cli.runtime.evaluation_request import EvaluationRequest
from qmath_cli.settings import Grade, Settings
from qmath_cli.terminal.reports.progress import EvaluationProgress


def with_answers(
    here: Invocation, request: EvaluationRequest, base_name: str, found: list[ModelComparison]
) -> tuple[list[ModelComparison], bool]:
    """Solve the problems with the base and every model.

    Args:
        here: this call.
        request: what is solved.
        base_name: the base.
        found: the comparisons of predictions.

    Returns:
        The comparisons with what became of the answers, and whether Ctrl-C ended it early.
    """
    done: list[ModelComparison] = []
    with open_graders(request.data.name) as graders:
        base, partial = _answered(here, request, base_name, graders)
        for one in found:
            if partial:
                done.append(one)
                continue
            run, partial = _answered(here, request, one.model, graders)
            changed = changed_answers(base.samples, run.samples, graders)
            done.append(replace(one, answers=changed if changed.problems else None))
    return done, partial


def _answered(
    here: Invocation, request: EvaluationRequest, model: str, graders: SampleGrader
) -> tuple[ScoredRun, bool]:
    evaluation = Evaluation(request, model, here.paths, lockfile.load(), graders)
    progress = EvaluationProgress(model, request.grade)
    if not here.terminal.status.shown:
        here.terminal.note(f"solving {len(request.data.items)} problems with {model}")
    try:
        with here.terminal.status.during(progress.text):
            return evaluation.run(progress), False
    except KeyboardInterrupt:
        return evaluation.stored(), True


def request_of(here: Invocation, settings: Settings, wanted: CompareOptions) -> EvaluationRequest | None:
    """What is solved, and how; None if nothing is. Raises `DataError` for problems that are not there."""
    if not wanted.problems:
        return None
    greedy = replace(settings, server="", temperature=0.0, top_p=None, top_k=0, min_p=0.0, seed=0, k=1, pick=Pick.MAJ)
    return EvaluationRequest(
        data=_problems(here, wanted),
        settings=greedy,
        grade=Grade.STRICT,
        parallel=0,
        folder=here.paths.state / "comparisons",
        force=wanted.force,
        on_model=lambda notes, _engine: here.notes(*notes),
        tuned=False,
    )


def _problems(here: Invocation, wanted: CompareOptions) -> Dataset:
    if wanted.data is not None:
        found = data_sets.find(wanted.data, None, here.paths, lockfile.load())
        return datasets.select(found.read(skip_bad=False), wanted.problems)
    if wanted.solutions is None:
        return held_out.problems(wanted.problems)
    data, _, _ = responses.read(wanted.solutions)
    return datasets.select(data, wanted.problems)
