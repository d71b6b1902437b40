"""`list --server` and `doctor --server`: what they print, their JSON, and their exit codes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from qmath_cli.app import run
from qmath_cli.errors import ExitCode
from tests.engine.remote.dialects import LLAMA_SERVER, SGLANG, VLLM
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Serving
from tests.terminal.schemas import validate

CHAT = "Llama-3-8B-Instruct"
NOBODY = "http://127.0.0.1:9"  # the port of a service that nothing runs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, 80 columns, and no settings from outside."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    for name in [one for one in os.environ if one.startswith(("QMATH_SERVER", "QMATH_REWARD"))]:
        monkeypatch.delenv(name)


def scores(ids: Sequence[int]) -> list[list[float]]:
    return [[len(ids) / 10]] * len(ids)


def test_list_shows_the_models_of_every_server(capsys: pytest.CaptureFixture[str]) -> None:
    """Their kind, version, width and context, within 80 columns."""
    other = Serving(name=CHAT, context=8192)
    with ScriptedServer(LLAMA_SERVER, Serving(slots=6)) as one, ScriptedServer(VLLM, other) as two:
        assert run(["list", "--server", one.url, "--server", two.url]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [f"{one.url}:", "Qwen2.5-Math-7B-Instruct", f"{two.url}:", CHAT]
    assert "llama-server" in lines[0]
    assert "6 sequences at once" in lines[0]
    assert lines[1].endswith("4096 tokens")
    assert "no Qwen2.5-Math model" in lines[3]
    assert max(map(len, lines)) <= 80


def test_a_server_that_is_away_does_not_hide_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """It is named on stderr, and the exit code says that one is missing."""
    with ScriptedServer(SGLANG) as one:
        assert run(["list", "--server", NOBODY, "--server", one.url]) == ExitCode.ENGINE
    printed = capsys.readouterr()
    assert "Qwen2.5-Math-7B-Instruct" in printed.out
    assert NOBODY in printed.err


def test_the_json_of_both_commands_is_as_published(capsys: pytest.CaptureFixture[str]) -> None:
    """One object each, with a server that is away and one without a known width."""
    with ScriptedServer(VLLM) as one:
        for command in ("list", "doctor"):
            run([command, "--server", one.url, "--server", NOBODY, "--json"])
            record = json.loads(capsys.readouterr().out)
            validate(record)
            if command == "list":
                served, away = record["servers"]
                assert (served["kind"], served["width"], served["models"][0]["context"]) == ("vllm", None, 4096)
                assert NOBODY in away["error"]
            else:
                assert record["ok"] is False
                assert [check["name"] for check in record["checks"]].count("server") == 2


@pytest.mark.parametrize("command", ["list", "doctor"])
@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://user:secret@"])
def test_what_is_no_url_is_a_usage_error(capsys: pytest.CaptureFixture[str], command: str, url: str) -> None:
    """Nothing is asked, and no password is shown."""
    assert run([command, "--server", url]) == ExitCode.USAGE
    assert "secret" not in capsys.readouterr().err


def test_doctor_examines_only_the_server_that_it_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither this machine nor its models."""
    with ScriptedServer(LLAMA_SERVER) as one:
        assert run(["doctor", "--server", one.url]) == ExitCode.OK
    names = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert names == ["server", "models", "model", "context", "width", "latency", "prefixes", "prompts"]


def test_doctor_lets_the_reward_models_server_score(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the model is called there; one that writes cannot."""
    with ScriptedServer(SGLANG, Serving(name="judge", reward=scores)) as one, ScriptedServer(VLLM) as two:
        assert run(["doctor", "--reward-server", one.url]) == ExitCode.OK
        assert "judge scores solutions" in capsys.readouterr().out
        assert run(["doctor", "--reward-server", two.url]) == ExitCode.UNEXPECTED
    assert "--runner pooling" in capsys.readouterr().out


def test_the_key_comes_from_the_environment_and_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the right one the server is used; with a wrong one it says so."""
    with ScriptedServer(VLLM, Serving(key="right-key")) as one:
        for key, code in (("right-key", ExitCode.OK), ("wrong-key", ExitCode.UNEXPECTED), ("", ExitCode.UNEXPECTED)):
            monkeypatch.setenv("QMATH_SERVER_KEY", key)
            assert run(["doctor", "--server", one.url]) == code
    printed = capsys.readouterr()
    assert "QMATH_SERVER_KEY" in printed.out
    assert "-key" not in (printed.out + printed.err).replace("QMATH_SERVER_KEY", "")
