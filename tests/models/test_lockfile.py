"""The lock of this project, and locks that break the schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.errors import IntegrityError, ModelMissing
from qmath_cli.models import lockfile
from qmath_cli.models.lockfile import Lock
from qmath_cli.records import ModelKind

RELEASED = ("1.5b-instruct", "7b-instruct", "72b-instruct", "1.5b", "7b", "72b", "rm-72b")
ENTRY = "version = 1\n[[model]]\nname = 'x'\nkind = 'base'\nfamily = 'qwen2-math'\n"


@pytest.mark.parametrize("name", RELEASED)
def test_every_released_checkpoint_is_pinned_to_a_commit(lock: Lock, name: str) -> None:
    """The seven Qwen2.5-Math checkpoints have a repository, a commit and a licence."""
    model = lock.get(name)
    assert model.repo.startswith("Qwen/Qwen2.5-Math-")
    assert model.revision is not None
    assert model.licence


def test_predecessors_are_known_but_not_pinned(lock: Lock) -> None:
    """Qwen2-Math is in the lock, without commits."""
    old = [model for model in lock.models if model.repo.startswith("Qwen/Qwen2-Math-")]
    assert len(old) == 7
    assert all(model.revision is None for model in old)


@pytest.mark.parametrize("name", ["7B-Instruct", "qwen2.5-math-7b-instruct", "Qwen/Qwen2.5-Math-7B-Instruct"])
def test_a_model_answers_to_its_short_name_and_its_repository(lock: Lock, name: str) -> None:
    """The short name, the repository and its last part are equivalent, in any case."""
    assert lock.get(name).name == "7b-instruct"


def test_a_typing_error_gets_the_nearest_names(lock: Lock) -> None:
    """The hint has similar names."""
    with pytest.raises(ModelMissing) as caught:
        lock.get("7b-instrct")
    assert "7b-instruct" in caught.value.hint


def test_only_reward_models_are_of_the_reward_kinds(lock: Lock) -> None:
    """A model scores solutions if its name has the part `rm`, and their steps if it has the part `prm`."""
    for model in lock.models:
        parts = model.name.split("-")
        assert (model.kind is ModelKind.REWARD) == ("rm" in parts)
        assert (model.kind is ModelKind.PROCESS_REWARD) == ("prm" in parts)


@pytest.mark.parametrize(
    "text",
    [
        "version = 2\n",
        "version = 1\n[[model]]\nname = 'x'\n",
        ENTRY + "source = {repo='a/b', revision='main'}\n",
        ENTRY + "files = [{path='f', sha256='12'}]\n",
        ENTRY + "files = [{path='f', size=-1}]\n",
        "version = 1\nmodel = 3\n",
        "version =",
        "\udcff",
    ],
)
def test_a_lock_that_breaks_the_schema_is_an_integrity_error(tmp_path: Path, text: str) -> None:
    """A wrong version, a missing field, a commit or hash of the wrong form, or no TOML at all."""
    path = tmp_path / "models.lock"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(IntegrityError):
        lockfile.load(path)


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    """A lock with two models of one name breaks the schema."""
    entry = "[[model]]\nname = 'x'\nkind = 'base'\nfamily = 'qwen2-math'\n"
    path = tmp_path / "models.lock"
    path.write_text("version = 1\n" + entry + entry)
    with pytest.raises(IntegrityError, match="twice"):
        lockfile.load(path)


def test_a_model_that_forbids_commercial_use_says_so(lock: Lock) -> None:
    """Only such a model has a restriction."""
    assert [model.name for model in lock.models if model.restriction] == ["acemath-7b-rm"]
    assert "commercial" in lock.get("nvidia/AceMath-7B-RM").restriction
