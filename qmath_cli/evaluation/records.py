"""The records of an evaluation: its setup, the groups in which samples are computed, and the samples.

A setup holds everything that can change a sample. Its key is a hash of it, so that a changed model, prompt or setting
starts another run and never mixes with an older one. The number of samples and of problems is not part of it: a larger
number continues the run. Decoding returns `ItemSample`s; `GradedSample`s are stored and scored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qmath_cli.records import Mark, Mode, Rating, Sample, Sampling, ServerInfo, Shape, Verdict
from qmath_cli.solving.sample_record import record_of, sample_of, server_of, server_record

SCHEMA = "qmath.eval-run/2"

SampleKey = tuple[str, int]
"""A problem's id, and the number of one of its samples."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What is run. `model_sha256` is empty if the file was never hashed; `model_size` (bytes) identifies it then.

    `servers` compute it, if it does not run on this machine. Which ones they are is recorded, and does not make another
    run: one goes on after they were started again elsewhere.
    """

    data: str
    data_sha256: str
    model: str
    model_sha256: str
    model_size: int
    quantization: str
    mode: Mode
    sampling: Sampling
    max_programs: int
    prompt_sha256: str  # of the prompt of a made-up problem, and of the stop strings
    servers: tuple[ServerInfo, ...] = ()

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that identify the setup."""
        text = json.dumps(self._identity | ({"served": True} if self.servers else {}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def record(self, source: Path | None = None) -> dict[str, Any]:
        """The first line of a run file; `source` is the file of the problems."""
        servers = {"servers": [server_record(one) for one in self.servers]} if self.servers else {}
        where = str(source.absolute()) if source else None
        return {"schema": SCHEMA, "setup": self._identity | servers, "source": where}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Setup:
        """The setup that `record` wrote. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        servers = tuple(server_of(one) for one in record.get("servers", ()))
        read = {"mode": Mode(record["mode"]), "sampling": Sampling(**record["sampling"]), "servers": servers}
        found = cls(**{**record, **read})
        if not isinstance(found.data, str) or not isinstance(found.model, str):
            raise TypeError("a name is no text")
        return found

    @property
    def _identity(self) -> dict[str, Any]:
        """What makes it another run than others."""
        found = asdict(self)
        del found["servers"]
        return found


@dataclass(frozen=True, slots=True)
class Group:
    """Samples that are computed together, starting with empty batches, at most `parallel` at a time.

    `batches` and `threads` are those of the `Shape`; 0: as the model is placed.

    The composition of a batch affects how sums are rounded, and rounding can affect a sampled token. An interrupted
    group is therefore computed again from its start, so that its samples are those of an uninterrupted run.
    """

    samples: tuple[SampleKey, ...]
    parallel: int
    batches: int = 0
    threads: int = 0

    @property
    def shape(self) -> Shape:
        """The shape in which they are computed."""
        return Shape(self.parallel, self.batches, self.threads)

    def record(self) -> dict[str, Any]:
        """The group's line in a run file, written before it starts."""
        chosen = {"batches": self.batches, "threads": self.threads}
        more = {name: number for name, number in chosen.items() if number}
        return {"group": [list(key) for key in self.samples], "parallel": self.parallel, **more}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Group:
        """The group that `record` wrote. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        samples = tuple((str(item), int(index)) for item, index in record["group"])
        return cls(samples, int(record["parallel"]), int(record.get("batches", 0)), int(record.get("threads", 0)))


@dataclass(frozen=True, slots=True)
class Grades:
    """Both graders' verdicts on one sample, and the answer that the official rules extracted from its text."""

    prediction: str
    official: Verdict
    strict: Verdict


@dataclass(frozen=True, slots=True)
class ItemSample:
    """One finished sample of one problem.

    Attributes:
        item: The problem's id.
        sample: The sample.
        seconds: Its share of the wall clock; the shares of a run add up to the time of its decoding.
        joules: Its share of the energy; None if the system does not count it.
    """

    item: str
    sample: Sample
    seconds: float = 0.0
    joules: float | None = None

    @property
    def key(self) -> SampleKey:
        """Which sample of which problem."""
        return self.item, self.sample.index


@dataclass(frozen=True, slots=True)
class GradedSample:
    """A finished sample with both graders' verdicts: what a run file stores, and what is scored.

    Attributes:
        made: The sample.
        grades: The verdicts.
        rater: The reward model that has rated it; empty for none, and in files of earlier versions.
        unrated: Why that one could not; empty if it could.
    """

    made: ItemSample
    grades: Grades
    rater: str = ""
    unrated: str = ""

    @property
    def item(self) -> str:
        """The problem's id."""
        return self.made.item

    @property
    def sample(self) -> Sample:
        """The sample."""
        return self.made.sample

    @property
    def key(self) -> SampleKey:
        """Which sample of which problem."""
        return self.made.key

    def rated(self, rating: Rating | str, rater: str = "") -> GradedSample:
        """The same with the rating of a reward model, or with the reason why it has none."""
        value, steps, why = (None, None, rating) if isinstance(rating, str) else (rating.value, rating.steps, "")
        made = replace(self.made, sample=replace(self.made.sample, reward=value, steps=steps))
        return replace(self, made=made, rater=rater, unrated=why)

    def record(self) -> dict[str, Any]:
        """The sample's line in a run file."""
        return {
            "item": self.item,
            **record_of(self.sample),
            "grades": asdict(self.grades),
            "seconds": round(self.made.seconds, 3),
            "joules": self.made.joules,
            **({"rater": self.rater} if self.rater else {}),
            **({"unrated": self.unrated} if self.unrated else {}),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> GradedSample:
        """The sample that `record` wrote. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        made = ItemSample(record["item"], sample_of(record), record["seconds"], record["joules"])
        return cls(made, _grades(record["grades"]), str(record.get("rater", "")), str(record.get("unrated", "")))


def _grades(record: Mapping[str, Any]) -> Grades:
    return Grades(record["prediction"], _verdict(record["official"]), _verdict(record["strict"]))


def _verdict(record: Mapping[str, Any]) -> Verdict:
    return Verdict(Mark(record["mark"]), record["rule"], record["why"])
