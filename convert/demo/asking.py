"""Many problems at once on a converted demo, through the package's own engine, executor and solving loop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import check
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Mode, ModelInfo, Prompt, Sample, SampleFinished, Sampling
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.solving.attempts import Attempts

_DEMO = ModelInfo("demo", Path("demo.gguf"))  # an Instruct model, whose prompt is Qwen2.5-Math's chat


@dataclass(frozen=True, slots=True)
class Question:
    """A problem with its answer, its kind and its language."""

    problem: str
    answer: str
    kind: str
    language: str


def prompt_of(question: Question, mode: Mode) -> Prompt:
    """The prompt of a question, as the package builds it for an Instruct model."""
    return select(_DEMO, Language.EN, mode).build(question.problem)


def read(path: Path, count: int | None = None) -> list[Question]:
    """The first `count` questions of a file that `heldout.py` wrote."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Question(**row) for row in rows[:count]]


@contextmanager
def attempts_on(gguf: Path, slots: int, threads: int) -> Iterator[Attempts]:
    """Attempts on a loaded model with an executor, for the duration of the block."""
    with TemporaryDirectory() as cache:
        verdict = check(gguf, Path(cache))
    verdict.require()
    with (
        load(gguf, Options(threads=threads), verdict) as model,
        Batch(model, slots) as batch,
        closing(RestrictedExecutor()) as executor,
        closing(Attempts(batch, executor)) as attempts,
    ):
        yield attempts


def ask(
    attempts: Attempts, questions: Sequence[Question], mode: Mode, samplings: Sequence[Sampling], slots: int
) -> Iterator[tuple[int, Sample]]:
    """Yield (index in `questions`, finished sample) for every question and sampling, in the order of finishing."""
    waiting = iter(enumerate(questions))
    asked: dict[int, int] = {}
    more = True
    while more or asked:
        while more and len(asked) <= slots - len(samplings):
            place, question = next(waiting, (-1, None))
            more = question is not None
            if question is not None:
                asked |= dict.fromkeys(attempts.launch(prompt_of(question, mode), samplings, mode), place)
        for key, event in attempts.step():
            if isinstance(event, SampleFinished):
                yield asked.pop(key), event.sample
