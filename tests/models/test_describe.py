"""The description of a model: from the lock, from the converter's metadata, and from the names in other GGUF files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qmath_cli.errors import ModelMissing
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.store import head_path
from qmath_cli.paths import Paths
from qmath_cli.records import ModelFamily, ModelKind
from tests.models.small_models import Install, with_metadata, write_gguf


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "qmath_cli" / "demo" / "demo-q8_0.gguf"


@pytest.mark.parametrize(
    ("name", "kind", "family"),
    [
        ("7b-instruct", ModelKind.INSTRUCT, ModelFamily.QWEN2_5),
        ("7b", ModelKind.BASE, ModelFamily.QWEN2_5),
        ("qwen2-7b-instruct", ModelKind.INSTRUCT, ModelFamily.QWEN2),
        ("rm-72b", ModelKind.REWARD, ModelFamily.QWEN2_5),
    ],
)
def test_a_named_model_is_what_the_lock_says(
    install: Install, paths: Paths, lock: Lock, name: str, kind: ModelKind, family: ModelFamily
) -> None:
    """Kind, family and base name come from the lock's entry."""
    install(name, "q8_0")
    info = describe(f"{name}:q8_0", paths, lock)
    assert (info.kind, info.family, info.base_name, info.embedded) == (kind, family, name, False)


def test_the_demo_is_embedded_and_knows_chatml(paths: Paths, lock: Lock) -> None:
    """Size and context come from the file."""
    info = describe("demo", paths, lock)
    assert (info.kind, info.embedded, info.chatml) == (ModelKind.INSTRUCT, True, True)
    assert info.size == info.path.stat().st_size
    assert info.context >= 2048


@pytest.mark.parametrize("kind", list(ModelKind))
def test_a_path_is_enough_for_a_file_of_our_converter(
    tmp_path: Path, demo: Path, paths: Paths, lock: Lock, kind: ModelKind
) -> None:
    """`qmath.kind` decides, not the name of the file."""
    path = with_metadata(demo, tmp_path / "renamed.gguf", qmath__kind=str(kind))
    info = describe(str(path), paths, lock)
    assert (info.kind, info.family, info.base_name) == (kind, ModelFamily.QWEN2_5, "")


@pytest.mark.parametrize(
    ("names", "kind", "family"),
    [
        (("Qwen2.5-Math-7B-Instruct-Q4_K_M", "Qwen2.5 Math 7B Instruct", "Instruct"), "instruct", "qwen2.5-math"),
        (("qwen2.5-math-7b-q8_0", "Qwen2.5 Math 7B", None), "base", "qwen2.5-math"),
        (("x", "Qwen2.5 Math 1.5B", None), "base", "qwen2.5-math"),
        (("Qwen2-Math-7B-Instruct.Q8_0", "Qwen2 Math 7B Instruct", "Instruct"), "instruct", "qwen2-math"),
        (("Qwen2.5-Math-RM-72B", "Qwen2.5 Math RM 72B", None), "reward", "qwen2.5-math"),
        (("qwen2.5-coder-1.5b-instruct", "Qwen2.5 Coder 1.5B Instruct", "Instruct"), "instruct", "other"),
        (("anything", "Some Model", None), "instruct", "other"),
        (("normal-model", "A Normal Platform", None), "instruct", "other"),  # "rm" inside a word is no reward model
    ],
)
def test_a_file_by_others_is_read_by_its_names(
    tmp_path: Path,
    demo: Path,
    paths: Paths,
    lock: Lock,
    names: tuple[str, str, str | None],
    kind: str,
    family: str,
) -> None:
    """The file's name, `general.name` and `general.finetune` decide."""
    file, general, finetune = names
    path = with_metadata(
        demo,
        tmp_path / f"{file}.gguf",
        qmath__kind=None,
        general__name=general,
        general__basename=None,
        general__finetune=finetune,
    )
    info = describe(str(path), paths, lock)
    assert (info.kind, info.family) == (kind, family)


def test_a_head_beside_a_file_makes_it_a_reward_model(tmp_path: Path, demo: Path, paths: Paths, lock: Lock) -> None:
    """A file without `qmath.kind` is a reward model if its head exists."""
    path = with_metadata(demo, tmp_path / "body.gguf", qmath__kind=None)
    assert describe(str(path), paths, lock).kind is ModelKind.INSTRUCT
    shutil.copy(demo, head_path(path))
    assert describe(str(path), paths, lock).kind is ModelKind.REWARD


def test_a_vocabulary_without_control_tokens_is_told(tmp_path: Path, paths: Paths, lock: Lock) -> None:
    """Without `<|im_start|>` and `<|im_end|>` in the vocabulary, `chatml` is false."""
    assert not describe(str(write_gguf(tmp_path / "plain.gguf")), paths, lock).chatml


def test_a_path_without_a_file_is_a_missing_model(tmp_path: Path, paths: Paths, lock: Lock) -> None:
    """The hint names the command that lists the models."""
    with pytest.raises(ModelMissing) as caught:
        describe(str(tmp_path / "none.gguf"), paths, lock)
    assert "qmath list" in caught.value.hint
