"""`/score`: the latest solution with the scores of its steps, which go into the session, the history and exports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from qmath_cli.errors import ModelMissing, UsageError
from qmath_cli.history.store import History
from qmath_cli.terminal.repl.slash import dispatch
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf
from tests.engine.remote.dialects import VLLM
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Serving
from tests.engine.remote.vocabulary import vocabulary
from tests.terminal.repl.conversations import Scripted, scripted

RECIPE = Recipe(layers=1, reward=True, form="Qwen2ForProcessRewardModel")
TEXT = "First.\n\nSecond $x$.\n\nSo \\boxed{2}."


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    made = checkpoints.add_mark(checkpoints.write(folder / "p", RECIPE), RECIPE)
    to_gguf(made, folder / "process.gguf", Quant.F16)
    return folder / "process.gguf"


def written(talk: Scripted) -> str:
    """What was written to stdout since the last call."""
    text = talk.out.getvalue()
    talk.out.seek(0)
    talk.out.truncate()
    return text


def test_the_latest_solution_is_shown_with_the_scores_of_its_steps(process: Path, tmp_path: Path) -> None:
    """They are kept: in the session, in the history, and in an exported page."""
    talk = scripted(tmp_path, TEXT, reward_model=str(process), history=True)
    talk.conversation.ask("1 + 1")
    written(talk)
    dispatch(talk.conversation, "/score")
    lines = written(talk).splitlines()
    assert [line[8:] for line in lines if line[:6].strip()][:3] == ["First.", "Second $x$.", "So \\boxed{2}."]
    assert lines[-1].startswith("3 steps, ")
    kept = History(tmp_path / "data" / "history.sqlite").solved(1).solution.samples[0]
    assert kept.steps is not None
    assert kept == talk.session.picked()
    dispatch(talk.conversation, f"/export {tmp_path / 'out.html'}")
    assert (tmp_path / "out.html").read_text(encoding="utf-8").count('class="score"') == 3


def test_without_a_solution_or_a_reward_model_it_says_what_is_missing(process: Path, tmp_path: Path) -> None:
    """And a model that is named but scores nothing, or is not here."""
    talk = scripted(tmp_path, TEXT)
    with pytest.raises(UsageError, match="no solution yet"):
        dispatch(talk.conversation, f"/score {process}")
    talk.conversation.ask("1 + 1")
    with pytest.raises(UsageError, match="no reward model"):
        dispatch(talk.conversation, "/score demo")
    with pytest.raises(ModelMissing, match="prm-72b is not on this machine"):
        dispatch(talk.conversation, "/score prm-72b")
    assert talk.session.picked().steps is None


def test_a_reward_server_scores_the_latest_solution(tmp_path: Path) -> None:
    """The setting names it; what is named behind the command is one of its models."""

    def right(ids: Sequence[int]) -> list[list[float]]:
        return [[0.25, 0.75]] * ids.count(vocabulary().mark)

    with ScriptedServer(VLLM, Serving(name="Qwen2.5-Math-PRM-7B", reward=right)) as server:
        talk = scripted(tmp_path, TEXT, reward_server=server.url)
        talk.conversation.ask("1 + 1")
        dispatch(talk.conversation, "/score")
        steps = talk.session.picked().steps
        assert steps is not None
        assert [one.score for one in steps] == [0.75] * 3
        dispatch(talk.conversation, "/score prm-7b")
        with pytest.raises(ModelMissing, match="does not have rm-72b"):
            dispatch(talk.conversation, "/score rm-72b")
    assert f"scoring with Qwen2.5-Math-PRM-7B on {server.url}" in talk.err.getvalue()
