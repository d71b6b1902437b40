"""How tokens are drafted: what the settings ask for, what was measured, and what is said where nothing is drafted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from qmath_cli.benchmark.tuning import store
from qmath_cli.benchmark.tuning.table import Tuning
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.drafts.vocabulary import difference
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import ModelMissing, UsageError
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.paths import Paths, find
from qmath_cli.records import ModelInfo, Shape
from qmath_cli.runtime import drafts, tuning
from qmath_cli.runtime.drafts import draft_model, note_on_servers, open_drafts, open_with_drafts
from qmath_cli.settings import Settings, resolve
from tests.benchmark.tuning import scripted

LOCK = lockfile.load()
MEASURED = scripted.tuning(scripted.AVX2, scripted.AVX2_HALF)
KEPT = Tuning.of(MEASURED.record()).steps  # as it comes back from the disk
DEMO_4 = "demo:q4_k_m"
ALONE = Shape(1)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Model, ModelInfo]]:
    """The demo, described as if it were large."""
    paths = find({"QMATH_HOME": str(tmp_path_factory.mktemp("home"))})
    info = describe("demo", paths, LOCK)
    with open_with_drafts(info, Settings(), paths, LOCK) as (model, options):
        assert options == NO_DRAFTS, "steps of the demo are short"
        yield model, replace(info, size=1 << 30)


def kept(folder: Path, info: ModelInfo, found: Tuning = MEASURED) -> Paths:
    """Folders in which a measurement is kept."""
    paths = find({"QMATH_HOME": str(folder)})
    store.write(tuning.key_of(info, Settings()), found, tuning.folder(paths))
    return paths


def opened(
    loaded: tuple[Model, ModelInfo], paths: Paths, draft: str, shape: Shape = ALONE
) -> tuple[DraftOptions, tuple[str, ...]]:
    """The drafts and the notes; a model that drafts is closed again."""
    model, info = loaded
    with open_drafts(info, model, Settings(draft=draft), paths, LOCK, shape=shape) as found:
        return found


@pytest.mark.parametrize("draft", ["auto", "lookup", "LOOKUP", ""])
def test_tokens_are_looked_up_where_the_cost_of_steps_was_measured(
    loaded: tuple[Model, ModelInfo], tmp_path: Path, draft: str
) -> None:
    assert opened(loaded, kept(tmp_path, loaded[1]), draft) == (DraftOptions(KEPT), ())


@pytest.mark.parametrize("draft", ["auto", "off", "lookup", DEMO_4])
def test_without_a_measurement_nothing_is_drafted_and_that_is_said_where_it_was_asked_for(
    loaded: tuple[Model, ModelInfo], tmp_path: Path, draft: str
) -> None:
    options, notes = opened(loaded, find({"QMATH_HOME": str(tmp_path)}), draft)
    assert options == NO_DRAFTS
    assert [f"`qmath bench -m {loaded[1].name}`" in note for note in notes] == [True] * (draft not in {"auto", "off"})


def test_nothing_is_drafted_by_what_does_not_hold_here(loaded: tuple[Model, ModelInfo], tmp_path: Path) -> None:
    """Switched off; several batches side by side; measured beside other programs; steps that are too short."""
    paths = kept(tmp_path / "quiet", loaded[1])
    busy = kept(tmp_path / "busy", loaded[1], replace(MEASURED, processor=0.5))
    small = (loaded[0], replace(loaded[1], size=1))
    for found, why in (
        (opened(loaded, paths, "lookup", Shape(8, 2)), "side by side"),
        (opened(loaded, busy, "lookup"), "other programs"),
        (opened(small, paths, "lookup"), "too short"),
    ):
        assert found[0] == NO_DRAFTS
        assert why in found[1][0]
    assert opened(loaded, paths, "off") == (NO_DRAFTS, ())


def test_a_smaller_model_drafts_with_its_own_cost_or_one_estimated_from_its_size(
    loaded: tuple[Model, ModelInfo], tmp_path: Path
) -> None:
    options, notes = opened(loaded, kept(tmp_path, loaded[1]), DEMO_4)
    assert notes == ()
    assert options.model is not None
    assert options.model.path.name == "demo-q4_k_m.gguf"
    assert options.model_cost is None


@pytest.mark.parametrize(
    ("name", "error"), [("7b-instruct", ModelMissing), ("nothing.gguf", ModelMissing), ("demo-rm", UsageError)]
)
def test_a_model_that_cannot_draft_is_an_error_before_anything_is_loaded(
    tmp_path: Path, loaded: tuple[Model, ModelInfo], name: str, error: type[Exception]
) -> None:
    paths = find({"QMATH_HOME": str(tmp_path)})
    named = str(loaded[1].path.with_name("demo-rm-q8_0.gguf")) if name == "demo-rm" else name
    with pytest.raises(error):
        draft_model(Settings(draft=named), paths, LOCK)


def test_a_name_that_is_none_is_refused_with_the_words_that_are() -> None:
    with pytest.raises(ModelMissing, match=r"--draft of: .*of") as caught:
        draft_model(Settings(draft="of"), find({}), LOCK)
    assert caught.value.hint.startswith("auto, lookup, off, or a model; known: ")


@dataclass
class Words:
    """A vocabulary of these words."""

    words: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.words)

    def text(self, token: int) -> bytes:
        return self.words[token].encode()


def test_vocabularies_are_the_same_but_for_padding_at_the_end() -> None:
    base = ("a", "b", "<|im_end|>")
    for other, said in (
        (base, ""),
        ((*base, *("[PAD]",) * 128), ""),
        (("a", "c", "<|im_end|>"), "token 1 is 'c' there and 'b' here"),
        ((*base, *("x",) * 129), "132 tokens against 3"),
    ):
        assert difference(cast("Any", Words(base)), cast("Any", Words(other))) == said


def test_a_model_with_another_vocabulary_is_refused_with_a_hint(
    loaded: tuple[Model, ModelInfo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured or not."""
    monkeypatch.setattr(drafts, "difference", lambda *_: "token 7 is 'x' there and 'y' here")
    with pytest.raises(UsageError, match="token 7 is 'x' there") as caught:
        opened(loaded, find({"QMATH_HOME": str(tmp_path)}), DEMO_4)
    assert "1.5b-instruct for 7b-instruct" in caught.value.hint


def test_where_servers_compute_drafts_that_were_asked_for_are_said_to_do_nothing() -> None:
    assert note_on_servers(Settings(draft="auto")) == note_on_servers(Settings(draft="off")) == ()
    assert "--draft lookup does nothing" in note_on_servers(Settings(draft="lookup"))[0]


def test_the_setting_comes_from_the_file_or_the_environment_as_well(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("draft = off\n", encoding="utf-8")
    assert resolve(file, {}).settings.draft == "off"
    assert resolve(file, {"QMATH_DRAFT": "1.5b-instruct"}).settings.draft == "1.5b-instruct"
    assert resolve(None, {}).settings.draft == "auto"
