"""The description of a model: from the lock, from the converter's metadata, and from the names in other GGUF files."""

from __future__ import annotations

import shutil
from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_cli.errors import IntegrityError, ModelMissing, QmathError, UsageError
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.store import head_path
from qmath_cli.paths import Paths
from qmath_cli.records import ModelFamily, ModelKind
from tests.gguf_file.made import finish, split_model
from tests.models.small_models import Install, rewritten, with_metadata


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
        (("Qwen2.5-Math-PRM-7B-Q4_K_M", "Qwen2.5 Math PRM 7B", None), "process-reward", "qwen2.5-math"),
        (("AceMath-7B-RM", "AceMath 7B RM", None), "reward", "qwen2.5-math"),
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


@pytest.mark.parametrize(
    ("values", "base_name", "kind"),
    [
        ({"general.name": "Qwen2.5 Math 7B Instruct"}, "7b-instruct", ModelKind.INSTRUCT),
        ({"general.name": "Qwen2.5-Math-1.5B-Instruct-GGUF"}, "1.5b-instruct", ModelKind.INSTRUCT),
        ({"general.name": "Qwen/Qwen2.5-Math-72B"}, "72b", ModelKind.BASE),
        ({"general.name": "qwen2.5-math-7b-instruct-UD-Q4_K_XL"}, "7b-instruct", ModelKind.INSTRUCT),
        ({"general.name": "Qwen2.5_Math_7B.i1-IQ3_XXS"}, "7b", ModelKind.BASE),
        ({"general.name": "Qwen2 Math 7B Instruct"}, "qwen2-7b-instruct", ModelKind.INSTRUCT),
        (
            {"general.basename": "Qwen2.5-Math", "general.size_label": "7B", "general.finetune": "Instruct"},
            "7b-instruct",
            ModelKind.INSTRUCT,
        ),
        ({"general.name": "Qwen2.5 Math 7B Instruct Polish Tutor"}, "", ModelKind.INSTRUCT),
        ({"general.name": "Qwen2.5 7B Instruct"}, "", ModelKind.INSTRUCT),
    ],
)
def test_a_copy_of_a_released_model_is_that_model(
    tmp_path: Path,
    demo: Path,
    paths: Paths,
    lock: Lock,
    values: dict[str, str],
    base_name: str,
    kind: ModelKind,
) -> None:
    """Whatever its file is called: its metadata says so. A fine-tune of it has another name."""
    drop = ["qmath.kind", "general.name", "general.size_label"]
    path = rewritten(demo, tmp_path / "download (1).gguf", values=values, drop=drop)
    info = describe(str(path), paths, lock)
    assert (info.base_name, info.kind) == (base_name, kind)
    assert len(info.warnings) == (info.family is ModelFamily.OTHER)


def test_a_sound_model_needs_no_warning(paths: Paths, lock: Lock) -> None:
    """The demo."""
    assert describe("demo", paths, lock).warnings == ()


@pytest.mark.parametrize("token", ["<|im_start|>", "<|im_end|>"])
@pytest.mark.parametrize("other", ["<|im_begin|>", "x", "<|IM_START|>", "<|im_start|> ", "a<|im_start|>b"])
def test_a_vocabulary_without_control_tokens_is_told(
    tmp_path: Path, demo: Path, paths: Paths, lock: Lock, token: str, other: str
) -> None:
    """Exactly these texts, as tokens of their own; a base model is not asked with them."""
    path = rewritten(demo, tmp_path / "x.gguf", rename={token: other})
    info = describe(str(path), paths, lock)
    assert not info.chatml
    assert "<|im_start|>" in " ".join(info.warnings)
    base = rewritten(demo, tmp_path / "base.gguf", rename={token: other}, values={"qmath.kind": "base"})
    assert describe(str(base), paths, lock).warnings == ()


@pytest.mark.parametrize("kind", [gguf.TokenType.NORMAL, gguf.TokenType.USER_DEFINED])
def test_control_tokens_of_another_type_are_control_tokens(
    tmp_path: Path, demo: Path, paths: Paths, lock: Lock, kind: gguf.TokenType
) -> None:
    """They are used by their ids: no warning."""
    info = describe(str(rewritten(demo, tmp_path / "x.gguf", types={"<|im_start|>": kind})), paths, lock)
    assert (info.chatml, info.warnings) == (True, ())


@pytest.mark.parametrize("pre", [None, "", "default", "llama-bpe"])
def test_a_file_without_qwens_pre_tokenizer_is_told(
    tmp_path: Path, demo: Path, paths: Paths, lock: Lock, pre: str | None
) -> None:
    """llama.cpp then cuts text at other places."""
    values = {} if pre is None else {"tokenizer.ggml.pre": pre}
    path = rewritten(demo, tmp_path / "x.gguf", drop=["tokenizer.ggml.pre"], values=values)
    (warning,) = describe(str(path), paths, lock).warnings
    assert "pre-tokenizer" in warning
    assert pre is None or pre in warning


@pytest.mark.parametrize("name", ["Qwen2.5 Coder 1.5B Instruct", "DeepSeek R1 Distill Qwen 1.5B", "Phi"])
def test_a_model_that_is_no_math_model_is_told_in_one_line(
    tmp_path: Path, demo: Path, paths: Paths, lock: Lock, name: str
) -> None:
    """It runs; the line has its own name."""
    path = rewritten(demo, tmp_path / "x.gguf", drop=["qmath.kind"], values={"general.name": name})
    (warning,) = describe(str(path), paths, lock).warnings
    assert name in warning


def test_a_split_model_has_the_size_of_all_its_parts(tmp_path: Path, paths: Paths, lock: Lock) -> None:
    """It is named by its first part."""
    parts = split_model(tmp_path)
    info = describe(str(parts[0]), paths, lock)
    assert info.size == sum(part.stat().st_size for part in parts)
    with pytest.raises(UsageError, match="part 2 of 3"):
        describe(str(parts[1]), paths, lock)


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "qwen2vl"])
def test_another_architecture_is_refused_before_it_is_loaded(
    tmp_path: Path, demo: Path, paths: Paths, lock: Lock, architecture: str
) -> None:
    """By every command alike."""
    path = rewritten(demo, tmp_path / "x.gguf", values={"general.architecture": architecture})
    with pytest.raises(UsageError, match=f"the {architecture} architecture"):
        describe(str(path), paths, lock)


@pytest.mark.parametrize(
    "values",
    [
        {"qwen2.block_count": 0},
        {"qwen2.block_count": 2**31 - 1},
        {"qwen2.context_length": 0},
        {"qwen2.attention.head_count": 0},
        {"qwen2.attention.head_count": 3},
        {"qwen2.attention.head_count_kv": 0},
        {"qwen2.attention.head_count_kv": 3},
        {"qwen2.attention.key_length": 0},
        {"qwen2.attention.key_length": 7},
        {"tokenizer.ggml.token_type": 1},
    ],
)
def test_metadata_that_would_crash_llama_cpp_is_refused(
    tmp_path: Path, demo: Path, paths: Paths, lock: Lock, values: dict[str, int]
) -> None:
    """It ends the process where numbers make no sense."""
    path = rewritten(demo, tmp_path / "x.gguf", values=values)
    with pytest.raises(IntegrityError, match="its metadata has"):
        describe(str(path), paths, lock)


def test_a_vocabulary_whose_types_are_fewer_than_its_tokens_is_refused(
    tmp_path: Path, paths: Paths, lock: Lock
) -> None:
    """llama.cpp would read behind the end of the types."""
    writer = gguf.GGUFWriter(tmp_path / "x.gguf", "qwen2")
    writer.add_token_list(["a", "b", "c"])
    writer.add_token_types([1, 1])
    writer.add_tensor("token_embd.weight", np.zeros((3, 32), np.float32))
    finish(writer)
    with pytest.raises(IntegrityError, match="3 tokens, and 2 entries"):
        describe(str(tmp_path / "x.gguf"), paths, lock)


@pytest.mark.parametrize("kind", ["llama", "bert", "none"])
def test_another_kind_of_vocabulary_is_refused(tmp_path: Path, demo: Path, paths: Paths, lock: Lock, kind: str) -> None:
    """The model is qwen2, its tokens are not."""
    path = rewritten(demo, tmp_path / "x.gguf", values={"tokenizer.ggml.model": kind})
    with pytest.raises(UsageError, match=kind):
        describe(str(path), paths, lock)


@pytest.mark.parametrize("name", ["x" * 5000, "~nobody_here/model", "a\0b", "x" * 5000 + ".gguf"])
def test_a_name_that_is_no_path_is_a_missing_model(paths: Paths, lock: Lock, name: str) -> None:
    """Too long, the home of a user that does not exist, a byte that no path has."""
    with pytest.raises(QmathError):
        describe(name, paths, lock)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("Qwen/Qwen2.5-Math-7B-Instruct-GGUF", "qmath pull 7b-instruct"),
        ("bartowski/Qwen2.5-Math-1.5B-Instruct-GGUF:Q4_K_M", "qmath pull 1.5b-instruct"),
        ("mradermacher/Qwen2.5-Math-72B-i1-GGUF", "qmath pull 72b"),
        ("hf.co/lmstudio-community/Qwen2.5-Math-7B-Instruct-GGUF", "qmath pull 7b-instruct"),
        ("https://huggingface.co/Qwen/Qwen2.5-Math-7B", "qmath pull 7b"),
        ("qwen2.5-math-7b-instruct-q4_k_m", "qmath pull 7b-instruct"),
        ("Qwen2.5-Math-7B-Instruct-AWQ", "qmath pull 7b-instruct"),
    ],
)
def test_the_repository_of_a_gguf_suggests_the_model_that_it_holds(
    paths: Paths, lock: Lock, name: str, command: str
) -> None:
    """Not Qwen2-Math, whose name is nearer by letters."""
    with pytest.raises(ModelMissing) as caught:
        describe(name, paths, lock)
    assert command in caught.value.hint
    assert "qwen2-7b" not in caught.value.hint


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-7B-Instruct-GGUF", "Qwen2.5-Coder-1.5B", "Qwen2.5-7B"])
def test_another_qwen_suggests_no_math_model_of_another_family(paths: Paths, lock: Lock, name: str) -> None:
    """A file that was downloaded runs by its path."""
    with pytest.raises(ModelMissing) as caught:
        describe(name, paths, lock)
    assert "qwen2-" not in caught.value.hint
    assert ".gguf" in caught.value.hint


def test_a_path_without_a_file_is_a_missing_model(tmp_path: Path, paths: Paths, lock: Lock) -> None:
    """The hint names the command that lists the models."""
    with pytest.raises(ModelMissing) as caught:
        describe(str(tmp_path / "none.gguf"), paths, lock)
    assert "qmath list" in caught.value.hint
