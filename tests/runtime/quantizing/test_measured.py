"""What a conversion measures first, with a small random checkpoint: matrices, sensitivities, and what is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import DoesNotFit, UsageError
from qmath_cli.models import lockfile
from qmath_cli.paths import find
from qmath_cli.runtime.quantizing.advice import Advice, AdviceWanted, advise
from qmath_cli.runtime.quantizing.intermediate import intermediates
from qmath_cli.runtime.quantizing.matrix import importance_of
from qmath_cli.runtime.quantizing.measuring import Instruments, ReadText
from qmath_cli.settings import Settings
from qmath_convert.ggml import GgmlType
from qmath_convert.imatrix import Importance
from qmath_convert.pipeline import plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from qmath_convert.tensor_types import parse_rule
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe

CHUNKS = 2


@dataclass
class Conversion:
    """A checkpoint, and everything that a measurement reports."""

    folder: Path
    home: Path
    notes: list[str] = field(default_factory=list)
    counted: list[tuple[str, int]] = field(default_factory=list)
    stop_at: tuple[str, int] = ("", -1)
    disk: list[int] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.home / "out.gguf"

    @property
    def measuring(self) -> Instruments:
        def on_count(what: str, _unit: str, done: int, _total: int) -> None:
            self.counted.append((what, done))
            if (what, done) == self.stop_at:
                raise KeyboardInterrupt

        return Instruments(
            Settings(),
            find({"QMATH_HOME": str(self.home)}),
            lockfile.load(),
            lambda *_: None,
            on_count,
            self.notes.append,
            self.disk.append,
        )

    def importance(self) -> Importance:
        source = LocalFolder(self.folder)
        return importance_of(source, self.output, TEXT, self.measuring, chunks=CHUNKS)

    def advice(self, size: int | None = None, *rules: str) -> tuple[Advice, Importance]:
        source = LocalFolder(self.folder)
        first = plan(source, {self.output: Quant.Q4_K_M})
        given = [parse_rule(rule) for rule in rules]
        wanted = AdviceWanted(first, size or first.output_bytes, given)
        return advise(source, wanted, TEXT, self.measuring, chunks=CHUNKS)

    def left(self) -> list[str]:
        """The files beside the output."""
        return [path.name for path in self.home.glob("out.gguf*")]


def tokens(model: Model) -> Sequence[int]:
    return model.tokenize_plain(b"The sum of 12 and 30 is 42, and the root of 49 is 7. " * 40)


TEXT = ReadText("sums", "0", tokens)
MEASURING = "measuring sensitivity"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of two layers."""
    return checkpoints.write(tmp_path_factory.mktemp("checkpoint") / "m", Recipe(layers=2))


@pytest.fixture(scope="module")
def advised(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Conversion, Advice, Importance]:
    """An advice at the size of Q4_K_M."""
    one = Conversion(folder, tmp_path_factory.mktemp("advised"))
    return one, *one.advice()


def test_a_matrix_is_measured_once(folder: Path, tmp_path: Path) -> None:
    """The intermediate file is gone then; the second time nothing is written, and the matrix is the same."""
    one = Conversion(folder, tmp_path)
    first = one.importance()
    assert one.left() == []
    assert (first.dataset, first.chunks, first.file) == ("sums", CHUNKS, "m.imatrix.gguf")
    assert "blk.1.ffn_down.weight" in first.weights
    assert len(one.disk) == 1
    again = one.importance()
    assert len(one.disk) == 1
    assert again.digest == first.digest
    assert "measured before" in one.notes[-1]


def test_another_checkpoint_is_measured_anew(folder: Path, tmp_path: Path) -> None:
    """Even one with the same shapes, under the same name."""
    one = Conversion(folder, tmp_path)
    other = Conversion(checkpoints.write(tmp_path / "other" / "m", Recipe(layers=2, seed=1)), tmp_path)
    assert one.importance().digest != other.importance().digest


def test_an_interrupted_measurement_goes_on(folder: Path, tmp_path: Path) -> None:
    """The intermediate file and what is measured stay, and the result is that of an uninterrupted run."""
    one = Conversion(folder, tmp_path, stop_at=("measuring importance", 1))
    with pytest.raises(KeyboardInterrupt):
        one.importance()
    assert len(one.left()) == 1
    assert "goes on" in one.notes[-1]
    one.stop_at = ("", -1)
    assert one.importance().digest == Conversion(folder, tmp_path / "whole").importance().digest
    assert len(one.disk) == 1
    assert one.left() == []


def test_weights_that_do_not_fit_into_memory_are_measured_with_in_eight_bits(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are refused where these do not fit either, before anything is written."""
    from qmath_cli.models import memory
    from qmath_cli.runtime import need
    from qmath_cli.runtime.quantizing import intermediate

    one = Conversion(folder, tmp_path)
    exact, rounded = intermediates(LocalFolder(folder), one.output)
    assert exact.size > rounded.size
    free = memory.memory()
    assert free is not None
    header = intermediate.gguf_file.parse(exact.plan.outputs[0].layout.header, exact.size)
    short = need.judge(header, Settings(), (), None).need.total - 1
    monkeypatch.setattr(memory, "memory", lambda: dataclasses.replace(free, available=short))
    assert intermediate.chosen((exact, rounded), one.measuring).type_name == "Q8_0"
    monkeypatch.setattr(memory, "memory", lambda: dataclasses.replace(free, available=1000))
    with pytest.raises(DoesNotFit, match="Q8_0"):
        one.importance()
    assert one.left() == []


def test_the_advice_fits_and_is_expected_to_cost_no_more(advised: tuple[Conversion, Advice, Importance]) -> None:
    """Than the quantization whose size it has; every matrix has a type."""
    one, advice, importance = advised
    planned = plan(LocalFolder(one.folder), {one.output: Quant.Q4_K_M}, importance)
    (same,) = [other for other in advice.standard if other.name == "q4_k_m"]
    assert advice.advised.size <= planned.output_bytes
    assert 0 < advice.advised.kld <= same.kld
    assert len(advice.types) == 2 * 7 + 2
    assert sum(role.weights for role in advice.roles) == pytest.approx(1)
    assert sum(role.kld for role in advice.roles) == pytest.approx(advice.advised.kld)


def test_more_room_is_more_exact(advised: tuple[Conversion, Advice, Importance]) -> None:
    """From the cache, so without an intermediate file; the smallest types have no room in too little."""
    one, advice, _ = advised
    one.counted.clear()
    larger, _ = one.advice(int(1.3 * advice.advised.size))
    assert one.counted == []
    assert larger.advised.kld < 0.7 * advice.advised.kld
    assert len(one.disk) == 1
    with pytest.raises(DoesNotFit, match="smallest file"):
        one.advice(10_000)


def test_types_that_are_given_stay(advised: tuple[Conversion, Advice, Importance]) -> None:
    """And the others make room for them."""
    one, advice, _ = advised
    found, _ = one.advice(None, "attn_v=q8_0")
    assert {found.types[f"blk.{i}.attn_v.weight"] for i in range(2)} == {GgmlType.Q8_0}
    assert found.advised.size <= advice.advised.size + 32


def test_interrupted_groups_are_not_measured_again(
    folder: Path, tmp_path: Path, advised: tuple[Conversion, Advice, Importance]
) -> None:
    """The run goes on behind the last group, and the advice is that of an uninterrupted run."""
    one = Conversion(folder, tmp_path, stop_at=(MEASURING, 3))
    with pytest.raises(KeyboardInterrupt):
        one.advice()
    one.counted.clear()
    one.stop_at = ("", -1)
    found, _ = one.advice()
    again = next(done for what, done in one.counted if what == MEASURING)
    assert again == 3
    assert found.types == advised[1].types


def test_a_reward_model_has_no_predictions(tmp_path: Path) -> None:
    """So no advice."""
    reward = checkpoints.write(tmp_path / "Qwen2.5-Math-RM", Recipe(layers=2, reward=True))
    with pytest.raises(UsageError, match="reward model"):
        Conversion(reward, tmp_path).advice()
