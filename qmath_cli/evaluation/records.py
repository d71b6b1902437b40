"""What an evaluation stores: its setup, and one record per finished sample.

A setup is everything that could change an outcome; its key is a hash of it, so that a changed model, prompt or setting
starts another run and never mixes with an older one. How many samples or problems are wanted is not part of it: asking
for more continues the run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from qmath_cli.records import Finish, Mark, Mode, Output, ProgramRun, RunStatus, Sample, Sampling, Usage, Verdict

SCHEMA = "qmath.eval-run/1"


@dataclass(frozen=True, slots=True)
class Setup:
    """What was run; `model_sha256` may be empty where nobody hashed the file, then `model_size` must do."""

    data: str
    data_sha256: str
    model: str
    model_sha256: str
    model_size: int
    quantization: str
    mode: Mode
    sampling: Sampling
    max_programs: int
    prompt_sha256: str  # of the first problem's whole prompt: a changed prompt is another run

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that stand for all of it."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def record(self) -> dict[str, Any]:
        """The first line of a run file."""
        return {"schema": SCHEMA, "setup": asdict(self)}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Setup:
        """The setup that `record` wrote."""
        fields = dict(record["setup"])
        fields["mode"] = Mode(fields["mode"])
        fields["sampling"] = Sampling(**fields["sampling"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Group:
    """Samples, by item and number, that are computed together from an empty batch on, `parallel` of them at most.

    What is computed together decides how sums round, and rounding now and then decides what is sampled. So a leg that a
    kill cut short is computed again from its beginning, and its samples come out as if nothing had happened.
    """

    samples: tuple[tuple[str, int], ...]
    parallel: int

    def record(self) -> dict[str, Any]:
        """The leg's line in a run file, written before it begins."""
        return {"leg": [list(key) for key in self.samples], "parallel": self.parallel}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Group:
        """The leg that `record` wrote. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        return cls(tuple((str(item), int(index)) for item, index in record["leg"]), int(record["parallel"]))


@dataclass(frozen=True, slots=True)
class Grades:
    """Both graders' verdicts on one sample, and the answer that the official rules took from its text."""

    prediction: str
    official: Verdict
    strict: Verdict


@dataclass(frozen=True, slots=True)
class Done:
    """One finished sample of one problem; `grades` is None until it was graded, `seconds` and `joules` are shares.

    The shares of all samples add up to the time of the decoding; joules are None where the system does not count them.
    """

    item: str
    sample: Sample
    grades: Grades | None = None
    seconds: float = 0.0
    joules: float | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Which sample of which problem."""
        return self.item, self.sample.index

    def record(self) -> dict[str, Any]:
        """The sample's line in a run file."""
        return {
            "item": self.item,
            "sample": self.sample.index,
            "answer": self.sample.answer,
            "finish_reason": str(self.sample.finish),
            "text": self.sample.text,
            "programs": [_program(run) for run in self.sample.runs],
            "usage": asdict(self.sample.usage),
            "reward": self.sample.reward,
            "grades": asdict(self.grades) if self.grades else None,
            "seconds": round(self.seconds, 3),
            "joules": self.joules,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Done:
        """The sample that `record` wrote. Raises `KeyError` or `ValueError` for anything else."""
        sample = Sample(
            text=record["text"],
            answer=record["answer"],
            finish=Finish(record["finish_reason"]),
            runs=tuple(_run(one) for one in record["programs"]),
            usage=Usage(**record["usage"]),
            reward=record["reward"],
            index=record["sample"],
        )
        return cls(record["item"], sample, _grades(record["grades"]), record["seconds"], record.get("joules"))

    def graded(self, grades: Grades) -> Done:
        """The same sample with (other) grades."""
        return replace(self, grades=grades)


def _program(run: ProgramRun) -> dict[str, Any]:
    return {"code": run.code, "output": run.output.text, "status": str(run.output.status),
            "seconds": round(run.output.seconds, 3), "error": run.output.error}  # fmt: skip


def _run(record: Mapping[str, Any]) -> ProgramRun:
    status = RunStatus(record["status"])
    return ProgramRun(record["code"], Output(record["output"], status, record["seconds"], record["error"]))


def _grades(record: Mapping[str, Any] | None) -> Grades | None:
    if record is None:
        return None
    return Grades(record["prediction"], _verdict(record["official"]), _verdict(record["strict"]))


def _verdict(record: Mapping[str, Any]) -> Verdict:
    return Verdict(Mark(record["mark"]), record["rule"], record["why"])
