"""Loading a model: which files and options are errors, and the tokens of text."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.errors import EngineUnusable, IntegrityError, ModelMissing, QmathError, UsageError
from qmath_cli.records import Mode, Prompt, Sampling, Segment
from qmath_cli.settings import KVType
from tests.engine.driving import collect
from tests.engine.llama.replacing import Replacing
from tests.prompts import chat


def refuse(path: Path, options: Options | None = None) -> QmathError:
    with pytest.raises(QmathError) as caught:
        load(path, options or Options(), Preflight())
    return caught.value


def test_a_missing_file(tmp_path: Path) -> None:
    """The message has the path."""
    error = refuse(tmp_path / "none.gguf")
    assert isinstance(error, ModelMissing)
    assert "none.gguf" in error.message


def test_a_folder(tmp_path: Path) -> None:
    """The folder of a checkpoint is not a model; the hint has the command that converts it."""
    assert "qmath convert" in refuse(tmp_path).hint


@pytest.mark.parametrize("content", [b"", b"GG", b"not a model at all, but long enough to be one", b"GGUF\x03\x00"])
def test_a_file_that_is_not_gguf(tmp_path: Path, content: bytes) -> None:
    """Neither another file nor the first bytes of a GGUF file can be loaded."""
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    assert isinstance(refuse(path), IntegrityError)


def test_an_unknown_gguf_version(tmp_path: Path) -> None:
    """The message has the version."""
    path = tmp_path / "x.gguf"
    path.write_bytes(struct.pack("<4sIQQ", b"GGUF", 9, 0, 0))
    assert "version 9" in refuse(path).message


@pytest.mark.parametrize("keep", [0.02, 0.5, 0.99])
def test_a_truncated_file(tmp_path: Path, demo: Path, keep: float) -> None:
    """Cut inside the header or inside the weights: the message has a reason."""
    content = demo.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(content[: int(len(content) * keep)])
    error = refuse(path)
    assert isinstance(error, IntegrityError)
    assert "gives no reason" not in error.message


def test_another_architecture(tmp_path: Path, demo: Path) -> None:
    """The message names it; llama.cpp does not try to load the file."""
    path = tmp_path / "other.gguf"
    path.write_bytes(demo.read_bytes().replace(b"qwen2", b"llama"))
    error = refuse(path)
    assert isinstance(error, UsageError)
    assert "llama" in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission(tmp_path: Path, demo: Path) -> None:
    """The hint has the command that gives it."""
    path = tmp_path / "closed.gguf"
    path.write_bytes(demo.read_bytes())
    path.chmod(0)
    assert "chmod" in refuse(path).hint


def test_more_context_than_the_model_was_trained_on(demo: Path) -> None:
    """The hint has the largest value."""
    error = refuse(demo, Options(ctx=100_000))
    assert isinstance(error, UsageError)
    assert "--ctx 4096" in error.hint


def test_a_missing_device(demo: Path) -> None:
    """The hint has the devices that exist."""
    error = refuse(demo, Options(device="tpu"))
    assert isinstance(error, UsageError)
    assert "cpu" in error.hint


def test_loading_prints_nothing(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """llama.cpp writes nothing to stdout or stderr."""
    with load(demo, Options(), Preflight()):
        pass
    assert capfd.readouterr() == ("", "")


def test_only_the_template_has_control_tokens(model: Model) -> None:
    """A problem that spells a control token stays text."""
    spelled = "Is <|im_end|> a number?"
    user = Prompt((Segment("<|im_start|>user\n", special=True), Segment(spelled), Segment("<|im_end|>", special=True)))
    tokens = model.tokenize(user)
    assert [model.ends(token) for token in tokens].count(True) == 2
    assert model.ends(tokens[0])
    assert model.ends(tokens[-1])
    assert b"".join(map(model.piece, tokens)).decode() == "user\n" + spelled


def test_text_is_tokenized_across_segments(model: Model) -> None:
    """Where the text of the template and of the user meet, the tokens are those of the whole text."""
    parts = Prompt((Segment("Solve x^2", special=True), Segment(" = 12"), Segment("34 for x.", special=True)))
    assert model.tokenize(parts) == model.tokenize_plain(b"Solve x^2 = 1234 for x.")


def test_the_tokens_of_a_text_have_its_bytes(model: Model) -> None:
    """English, Chinese, LaTeX, code, emoji, control characters."""
    for text in ("x = \\frac{1}{2}\n", "求方程的根。", "def f(x):\n\treturn x\n", "🙂 €", "\x00\x7f"):
        tokens = model.tokenize_plain(text.encode())
        assert b"".join(map(model.piece, tokens)) == text.encode()


def test_a_token_longer_than_the_buffer_is_read_again(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp returns minus the size it needs; the second buffer has it."""
    token = max(range(model.vocabulary), key=lambda token: len(model.piece(token)))
    monkeypatch.setattr("qmath_cli.engine.llama.tokenizer._PIECE_BYTES", 1)
    assert model.tokenizer._decode(token) == model.piece(token)
    assert len(model.piece(token)) > 1


def test_a_tokenizer_that_needs_a_larger_buffer_is_an_error(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp returns minus the size it needs; no token is read from the buffer."""
    monkeypatch.setattr(model.tokenizer, "lib", Replacing(model.lib, llama_tokenize=lambda *_arguments: -7))
    with pytest.raises(EngineUnusable, match="7 tokens"):
        model.tokenize_plain(b"1 + 1")


@pytest.mark.usefixtures("without_gc")
def test_ctrl_c_ends_a_load(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception is raised although C code is running, and the next load works."""
    real = library().lib.llama_model_load_from_file

    def slow(path: bytes, parameters: object) -> object:
        time.sleep(0.3)  # the load of a large file; the signal arrives during it
        return real(path, parameters)

    monkeypatch.setattr(library().lib, "llama_model_load_from_file", slow)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            load(demo, Options(), Preflight())
    finally:
        signal.signal(signal.SIGALRM, before)
    monkeypatch.undo()
    load(demo, Options(), Preflight()).close()


LIMITED_MEMORY = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.errors import DoesNotFit
with load(Path(sys.argv[1]), Options(), Preflight()) as model:
    try:
        Batch(model, cells=1_000_000)
    except DoesNotFit as exc:
        print(exc.message, "|", exc.hint)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited with setrlimit")
def test_a_context_that_does_not_fit_into_memory(demo: Path) -> None:
    """The message has the number of tokens, the hint what to change."""
    command = [sys.executable, "-c", LIMITED_MEMORY, str(demo)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "1000000 tokens" in done.stdout, done.stderr
    assert "--ctx" in done.stdout


def test_a_quantized_kv_cache_works(demo: Path) -> None:
    """With --kv-type q8_0 the demo writes its program."""
    question = chat("What is 12 + 30?", Mode.TIR)
    with load(demo, Options(kv_type=KVType.Q8_0), Preflight()) as small, Batch(small) as batch:
        (key,) = batch.start(question, [Sampling(max_tokens=200)])
        assert "```python" in collect(batch, [key])[key][0]
