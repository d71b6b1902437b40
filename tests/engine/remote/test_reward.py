"""Reward models on servers: vLLM's `/pooling` and SGLang's `/classify`."""

from __future__ import annotations

import json
import math
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from qmath_cli.engine.llama.model import VocabularyFile, load_vocabulary
from qmath_cli.engine.remote.address import Address
from qmath_cli.engine.remote.detect import reachable
from qmath_cli.engine.remote.http import Access
from qmath_cli.engine.remote.reward import RemoteReward
from qmath_cli.errors import PromptTooLong, ServerUnusable
from qmath_cli.prompting import chat
from qmath_cli.records import Mode, Prompt, Segment
from tests.conftest import ROOT
from tests.engine.remote.dialects import DIALECTS, SGLANG, VLLM
from tests.engine.remote.faults import Shape, refusal
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Dialect, Rows, Serving
from tests.engine.remote.vocabulary import vocabulary
from tests.engine.remote.wire import Answer, Request

NAME = "Qwen2.5-Math-RM-72B"
SOLUTION = chat.conversation("What is $6*7$?", Mode.COT, "It is $42$, not <|im_end|> nor <extra_0>.")
OPENING = Prompt((*chat.system("Reason."), Segment("What is $6*7$?"), chat.ASSISTANT))
STEPS = tuple(Prompt((Segment(one),)) for one in ("First, $6*7=42$.", "<extra_0> is no mark.", r"It is $\boxed{42}$."))


def token_scores(ids: Sequence[int]) -> list[list[float]]:
    """One row per token; only the last one depends on all of them."""
    return [[sum(ids[: index + 1]) / 1000 - 20] for index in range(len(ids))]


def step_scores(ids: Sequence[int]) -> list[list[float]]:
    """Two probabilities per mark, which tell where it stands."""
    places = [index for index, token in enumerate(ids) if token == vocabulary().mark]
    return [[1 - place / 1000, place / 1000] for place in places]


def serving(rows: Rows = token_scores, *, context: int = 4096, pools: bool = True) -> Serving:
    return Serving(name=NAME, reward=rows, context=context, pools=pools)


@pytest.fixture(scope="module")
def demo() -> Iterator[VocabularyFile]:
    """The vocabulary of the demo."""
    file = load_vocabulary(ROOT / "qmath_cli" / "demo" / "demo-q4_k_m.gguf")
    yield file
    file.close()


def opened(server: ScriptedServer, file: VocabularyFile | None = None) -> RemoteReward:
    access = Access(Address.parse(server.url))
    return RemoteReward(access, reachable(access).info(NAME), file, first_wait=0.01)


@pytest.mark.parametrize("dialect", [VLLM, SGLANG], ids=lambda one: one.kind)
def test_a_solution_gets_the_last_row_of_its_own_tokens(dialect: Dialect, demo: VocabularyFile) -> None:
    """The score is that of the last token, and the ids are those of the conversation read as text."""
    expected = token_scores(demo.tokenizer.tokenize(SOLUTION))[-1][0]
    with ScriptedServer(dialect, serving()) as server, opened(server, demo) as reward:
        assert reward.score(SOLUTION) == expected


@pytest.mark.parametrize("dialect", [VLLM, SGLANG], ids=lambda one: one.kind)
def test_the_servers_own_tokenizer_gives_the_same_score(dialect: Dialect, demo: VocabularyFile) -> None:
    """It parses control tokens out of any text; those of a solution stay text all the same."""
    with ScriptedServer(dialect, serving()) as server, opened(server) as reward, opened(server, demo) as exact:
        assert reward.score(SOLUTION) == exact.score(SOLUTION)


def test_each_step_gets_the_row_of_its_mark() -> None:
    """A mark that a solution spells is text: it is no step, and gets no row."""
    with ScriptedServer(VLLM, serving(step_scores)) as server, opened(server) as reward:
        (found,) = reward.score_steps(OPENING, [STEPS])
    assert found is not None
    assert len(set(found)) == 3
    assert found == tuple(sorted(found))


def test_solutions_are_scored_side_by_side_and_one_that_is_too_long_has_no_scores() -> None:
    """Each gets as many numbers as it has steps, in the order of the solutions."""
    long = (Prompt((Segment("1+" * 400),)),)
    with ScriptedServer(VLLM, serving(step_scores, context=256)) as server, opened(server) as reward:
        found = reward.score_steps(OPENING, [STEPS, long, STEPS[:1]])
    assert [scores and len(scores) for scores in found] == [3, None, 1]


def test_several_solutions_are_scored_at_the_same_time_and_in_order() -> None:
    """The scores stand in the order of the conversations."""
    several = [chat.conversation("What is it?", Mode.COT, f"It is {number}.") for number in range(20)]
    with ScriptedServer(VLLM, serving()) as server, opened(server) as reward:
        assert reward.scores(several) == [reward.score(one) for one in several]


@pytest.mark.parametrize("dialect", [VLLM, SGLANG], ids=lambda one: one.kind)
def test_a_server_without_the_endpoint_names_the_two_usual_causes(dialect: Dialect) -> None:
    """A server that was started to write."""
    with (
        ScriptedServer(dialect, serving(pools=False)) as server,
        opened(server) as reward,
        pytest.raises(ServerUnusable, match=r"pooling|Pooling|embedding") as caught,
    ):
        reward.score(SOLUTION)
    assert "two usual causes" in caught.value.hint
    assert ("--runner pooling" if dialect is VLLM else "--is-embedding") in caught.value.hint


@pytest.mark.parametrize("kind", sorted(set(DIALECTS) - {"vllm", "sglang"}))
def test_a_kind_that_runs_no_reward_models_is_refused_at_once(kind: str) -> None:
    """Before anything is sampled."""
    with ScriptedServer(DIALECTS[kind]) as server, pytest.raises(ServerUnusable, match="does not run"):
        opened(server)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(lambda _ids: [], "0 rows for 3 steps", id="none"),
        pytest.param(lambda ids: step_scores(ids)[:2], "2 rows for 3 steps", id="too-few"),
        pytest.param(lambda ids: [[0.5, 0.5]] * len(ids), "rows for 3 steps", id="one-per-token"),
        pytest.param(lambda _ids: [[0.5, 0.5]], "1 rows? for 3 steps", id="one-in-all"),
        pytest.param(lambda _ids: [[-2.0, 3.5]] * 3, "not two probabilities", id="logits"),
        pytest.param(lambda _ids: [[0.1, 0.2, 0.7]] * 3, "not two probabilities", id="three-classes"),
        pytest.param(token_scores, "scores whole solutions", id="another-kind"),
    ],
)
def test_rows_that_are_not_those_of_the_steps_are_refused(rows: Rows, said: str) -> None:
    """The count and the shape are checked."""
    with (
        ScriptedServer(VLLM, serving(rows)) as server,
        opened(server) as reward,
        pytest.raises(ServerUnusable, match=said),
    ):
        reward.score_steps(OPENING, [STEPS])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(lambda _ids: [], "scores steps", id="none"),
        pytest.param(lambda _ids: [[math.nan]], "not finite|no numbers", id="nan"),
        pytest.param(lambda _ids: [[None]], "no numbers", id="null"),
        pytest.param(lambda _ids: [[1.0] * 8192], "8192 numbers", id="a-hidden-state"),
        pytest.param(step_scores, "scores steps", id="steps-without-marks"),
        pytest.param(lambda _ids: [[0.2, 0.8]], "scores steps", id="a-process-reward-model"),
    ],
)
def test_what_is_no_score_of_a_solution_is_refused(rows: Rows, said: str) -> None:
    """Never a number that means something else."""
    with (
        ScriptedServer(VLLM, serving(rows)) as server,
        opened(server) as reward,
        pytest.raises(ServerUnusable, match=said),
    ):
        reward.score(SOLUTION)


def test_a_vocabulary_without_the_mark_is_refused(demo: VocabularyFile) -> None:
    """As that of a model which writes: the mark would be text there, and no step would be scored."""
    with (
        ScriptedServer(VLLM, serving(step_scores)) as server,
        opened(server, demo) as reward,
        pytest.raises(ServerUnusable, match="<extra_0>"),
    ):
        reward.score_steps(OPENING, [STEPS])


def test_sglang_does_not_score_steps() -> None:
    """The class is not among its models."""
    with (
        ScriptedServer(SGLANG, serving()) as server,
        opened(server) as reward,
        pytest.raises(ServerUnusable, match="does not score steps"),
    ):
        reward.score_steps(OPENING, [STEPS])


def test_a_conversation_beyond_the_context_is_refused_with_the_numbers() -> None:
    """Before it is sent, where the server tells its context."""
    with ScriptedServer(VLLM, serving(context=16)) as server, opened(server) as reward:
        with pytest.raises(PromptTooLong, match="the reward model holds 16"):
            reward.score(SOLUTION)
        assert server.counters.requests["POST /pooling"] == 0


def _replying(answers: list[Answer]) -> Dialect:
    """A vLLM whose `/pooling` gives these answers first."""

    def pooling(given: Serving, request: Request) -> Answer:
        return answers.pop(0) if answers else VLLM.answers["POST /pooling"](given, request)

    return replace(VLLM, answers={**VLLM.answers, "POST /pooling": pooling})


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_request_that_fails_for_now_is_repeated(status: int) -> None:
    """Three failures, then the score."""
    answers = [refusal(Shape.NESTED, "later", status)] * 3
    with ScriptedServer(_replying(list(answers)), serving()) as server, opened(server) as reward:
        assert math.isfinite(reward.score(SOLUTION))
        assert server.counters.requests["POST /pooling"] == 4


def test_a_server_that_never_scores_is_an_error_after_some_attempts() -> None:
    """Its own words are in the message."""
    answers = [refusal(Shape.NESTED, "the engine has died", 500)] * 50
    with (
        ScriptedServer(_replying(answers), serving()) as server,
        opened(server) as reward,
        pytest.raises(ServerUnusable, match=r"the engine has died.*attempts"),
    ):
        reward.score(SOLUTION)


@pytest.mark.parametrize("shape", Shape)
def test_a_refusal_is_not_repeated(shape: Shape) -> None:
    """Whatever form it has; the server's words are shown."""
    with ScriptedServer(_replying([refusal(shape, "not today")]), serving()) as server, opened(server) as reward:
        with pytest.raises(ServerUnusable, match="not today"):
            reward.score(SOLUTION)
        assert server.counters.requests["POST /pooling"] == 1


@pytest.mark.parametrize("reply", ["", "no json", {}, [], {"data": []}, {"data": [{}]}, {"data": [{"data": "x"}]}, 7])
def test_a_reply_without_scores_is_refused(reply: object) -> None:
    """Whatever else it holds."""
    with (
        ScriptedServer(_replying([Answer(reply)]), serving()) as server,
        opened(server) as reward,
        pytest.raises(ServerUnusable, match="no score"),
    ):
        reward.score(SOLUTION)


def test_a_server_that_is_gone_is_an_error() -> None:
    """Scoring cannot go on without it."""
    with ScriptedServer(VLLM, serving()) as server, opened(server) as reward:
        server.kill()
        with pytest.raises(ServerUnusable, match="attempts"):
            reward.score(SOLUTION)


def test_closing_ends_a_request_that_hangs() -> None:
    """The server sees the connection close."""
    entered = threading.Event()

    def hang(_given: Serving, _request: Request) -> Answer:
        entered.set()
        return Answer("", 200, {"Content-Length": "1000"})

    dialect = replace(VLLM, answers={**VLLM.answers, "POST /pooling": hang})
    with ScriptedServer(dialect, serving()) as server:
        reward = opened(server)
        failed: list[BaseException] = []

        def score() -> None:
            try:
                reward.score(SOLUTION)
            except BaseException as exc:  # noqa: BLE001  whatever it is, it has to be there
                failed.append(exc)

        thread = threading.Thread(target=score)
        thread.start()
        assert entered.wait(30)
        reward.close()
        thread.join(30)
    assert failed
    assert not thread.is_alive()


def test_no_error_shows_the_key() -> None:
    """A server that repeats it in its refusal."""
    key = "sk-not-to-be-shown"
    answers = [refusal(Shape.NESTED, f"the key {key} may not pool")]
    with ScriptedServer(_replying(answers), serving()) as server:
        access = Access(Address.parse(server.url), key)
        with RemoteReward(access, reachable(access).info(NAME)) as reward, pytest.raises(ServerUnusable) as caught:
            reward.score(SOLUTION)
    assert key not in json.dumps([caught.value.message, caught.value.hint, str(caught.value.__cause__)])
    assert re.search("may not pool", caught.value.message)


def test_ctrl_c_ends_the_wait_and_closes_the_connection() -> None:
    """The server sees it, and can stop."""

    def hang(_given: Serving, _request: Request) -> Answer:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return Answer("", 200, {"Content-Length": "1000"})

    dialect = replace(VLLM, answers={**VLLM.answers, "POST /pooling": hang})
    with ScriptedServer(dialect, serving()) as server, opened(server) as reward:
        with pytest.raises(KeyboardInterrupt):
            reward.score(SOLUTION)
        end = time.monotonic() + 30
        while server.counters.connected and time.monotonic() < end:
            time.sleep(0.01)
        assert server.counters.connected == 0
