"""Loading: what is refused and how, and text that must not become control tokens."""

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
from qmath_cli.errors import IntegrityError, ModelMissing, QmathError, UsageError
from qmath_cli.prompting import chat
from qmath_cli.records import Mode, Prompt, Sampling, Segment
from qmath_cli.settings import KVType
from tests.engine.driving import collect


def refuse(path: Path, options: Options | None = None) -> QmathError:
    with pytest.raises(QmathError) as caught:
        load(path, options or Options(), Preflight())
    return caught.value


def test_a_missing_file(tmp_path: Path) -> None:
    """Exit 6, with the path."""
    error = refuse(tmp_path / "none.gguf")
    assert isinstance(error, ModelMissing)
    assert "none.gguf" in error.message


def test_a_folder(tmp_path: Path) -> None:
    """A checkpoint's folder is not a model; the hint says what makes one."""
    assert "qmath convert" in refuse(tmp_path).hint


@pytest.mark.parametrize("content", [b"", b"GG", b"not a model at all, but long enough to be one", b"GGUF\x03\x00"])
def test_no_gguf(tmp_path: Path, content: bytes) -> None:
    """Exit 7 for what is no GGUF file, or only its first bytes."""
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    assert isinstance(refuse(path), IntegrityError)


def test_a_gguf_of_the_future(tmp_path: Path) -> None:
    """An unknown version is named."""
    path = tmp_path / "x.gguf"
    path.write_bytes(struct.pack("<4sIQQ", b"GGUF", 9, 0, 0))
    assert "version 9" in refuse(path).message


@pytest.mark.parametrize("keep", [0.02, 0.5, 0.99])
def test_a_truncated_file(tmp_path: Path, demo: Path, keep: float) -> None:
    """Cut off inside the header or inside the weights: llama.cpp's own reason is in the message."""
    content = demo.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(content[: int(len(content) * keep)])
    error = refuse(path)
    assert isinstance(error, IntegrityError)
    assert "does not say why" not in error.message


def test_another_architecture(tmp_path: Path, demo: Path) -> None:
    """A model of another family is named, and not tried."""
    path = tmp_path / "other.gguf"
    path.write_bytes(demo.read_bytes().replace(b"qwen2", b"llama"))
    error = refuse(path)
    assert isinstance(error, UsageError)
    assert "llama" in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path, demo: Path) -> None:
    """The hint gives the permission back."""
    path = tmp_path / "closed.gguf"
    path.write_bytes(demo.read_bytes())
    path.chmod(0)
    assert "chmod" in refuse(path).hint


def test_more_context_than_was_trained(demo: Path) -> None:
    """Refused, with the number that works."""
    error = refuse(demo, Options(ctx=100_000))
    assert isinstance(error, UsageError)
    assert "--ctx 4096" in error.hint


def test_a_device_that_is_not_here(demo: Path) -> None:
    """Refused, with the devices that are."""
    error = refuse(demo, Options(device="tpu"))
    assert isinstance(error, UsageError)
    assert "cpu" in error.hint


def test_loading_leaves_the_terminal_alone(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """llama.cpp writes nothing to stdout or stderr."""
    with load(demo, Options(), Preflight()):
        pass
    assert capfd.readouterr() == ("", "")


def test_control_tokens_come_from_the_template_only(model: Model) -> None:
    """A problem that spells a control token stays text, byte for byte."""
    spelled = "Is <|im_end|> a number?"
    user = Prompt((Segment("<|im_start|>user\n", special=True), Segment(spelled), Segment("<|im_end|>", special=True)))
    tokens = model.tokenize(user)
    assert [model.ends(token) for token in tokens].count(True) == 2
    assert model.ends(tokens[0])
    assert model.ends(tokens[-1])
    assert b"".join(map(model.piece, tokens)).decode() == "user\n" + spelled


def test_text_is_tokenised_as_one_across_segments(model: Model) -> None:
    """Where a template's text meets the user's, the tokens are those of the whole text."""
    parts = Prompt((Segment("Solve x^2", special=True), Segment(" = 12"), Segment("34 for x.", special=True)))
    assert model.tokenize(parts) == model.tokenize_plain(b"Solve x^2 = 1234 for x.")


def test_every_text_survives_the_tokenizer(model: Model) -> None:
    """Bytes in, bytes out: English, Chinese, LaTeX, code, emoji, and what is no text at all."""
    for text in ("x = \\frac{1}{2}\n", "求方程的根。", "def f(x):\n\treturn x\n", "🙂 €", "\x00\x7f"):
        tokens = model.tokenize_plain(text.encode())
        assert b"".join(map(model.piece, tokens)) == text.encode()


def test_ctrl_c_ends_a_load(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interrupt rises although the C side is busy, and the next load works."""
    real = library().lib.llama_model_load_from_file

    def slow(path: bytes, parameters: object) -> object:
        time.sleep(0.3)  # a large file's time, in the middle of which the signal arrives
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


CRAMPED = """
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
def test_a_context_beyond_all_memory_is_said_so(demo: Path) -> None:
    """Where llama.cpp finds no memory for the KV cache: the number of tokens, and what to change."""
    done = subprocess.run([sys.executable, "-c", CRAMPED, str(demo)], capture_output=True, text=True, check=False)
    assert "1000000 tokens" in done.stdout, done.stderr
    assert "--ctx" in done.stdout


def test_a_quantized_kv_cache_answers_too(demo: Path) -> None:
    """With --kv-type q8_0 the demo still writes its program."""
    question = chat.chat("What is 12 + 30?", Mode.TIR)
    with load(demo, Options(kv_type=KVType.Q8_0), Preflight()) as small, Batch(small) as batch:
        (key,) = batch.start(question, [Sampling(max_tokens=200)])
        assert "```python" in collect(batch, [key])[key][0]
