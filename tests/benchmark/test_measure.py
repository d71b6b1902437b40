"""The bench measures real work; its numbers are never asserted, only that they are what they claim to be."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from qmath_cli.benchmark.llama_cpp import BenchmarkWork, reference_tools
from qmath_cli.benchmark.machine import bandwidth, peak_rss
from qmath_cli.benchmark.measure import (
    BenchmarkPlan,
    BenchmarkReport,
    Decode,
    ReferenceTool,
    Spread,
    measure,
    prompt_of,
)
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.errors import QmathError, UsageError
from qmath_cli.terminal.reports.bench import table
from tests.e2e.run import qmath

SMALL = BenchmarkPlan(prompt_tokens=40, tokens=8, sequences=(1, 3), repeats=2)


@pytest.fixture
def demo(root: Path) -> Path:
    return root / "qmath_cli" / "demo" / "demo-q8_0.gguf"


def test_every_sequence_decodes_all_its_tokens(demo: Path) -> None:
    """A plan gives a rate for each number of sequences, though the model would like to stop earlier."""
    opponent = ReferenceTool("slow", "decode 3", lambda: 1.0)
    report = measure(lambda: load(demo, Options(), Preflight()), SMALL, [opponent])
    with load(demo, Options(), Preflight()) as model:
        assert report.prompt_tokens == len(model.tokenize(prompt_of(model, 40)))
    assert 30 <= report.prompt_tokens <= 40
    assert [decode.sequences for decode in report.decode] == [1, 3]
    (rival,) = report.rivals
    assert rival.ratio.median == pytest.approx(report.decode[1].rate.median)


def test_a_spread_is_a_median_with_its_range() -> None:
    """Of an even number of values, the middle between the middle two."""
    assert Spread.of([4.0, 1.0, 2.0, 9.0]) == Spread(3.0, 1.0, 9.0)


def test_the_table_has_a_line_for_everything_measured() -> None:
    """What was not measured has no line."""
    one = Spread(1.0, 1.0, 1.0)
    report = BenchmarkReport(one, one, 40, one, (Decode(1, one), Decode(8, one)))
    assert len(table(report)) == 5
    assert any(line.startswith("decode, 8 at once") for line in table(report))


def fake_tool(path: Path, said: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def test_the_formats_of_llama_cpps_tools_are_read(tmp_path: Path) -> None:
    """llama-bench's JSON, and llama-batched-bench's lines where it lies beside it."""
    fake_tool(tmp_path / "llama-bench", '[{"avg_ts": 12.5}]')
    fake_tool(tmp_path / "llama-batched-bench", 'noise\n{"speed_tg": 40.5}')
    work = BenchmarkWork(Path("m.gguf"), 512, 64, (1, 8), threads=2, gpu_layers=0)
    found = {
        f"{opponent.name} {opponent.work}": opponent.run()
        for opponent in reference_tools(tmp_path / "llama-bench", work)
    }
    assert found == {
        "llama-bench prefill": 12.5,
        "llama-bench decode 1": 12.5,
        "llama-batched-bench decode 8": 40.5,
    }


def test_a_tool_that_is_not_there_or_fails_is_an_error(tmp_path: Path) -> None:
    """Said before anything is measured, and with the tool's name."""
    work = BenchmarkWork(Path("m.gguf"), 512, 64, (1,), threads=2, gpu_layers=0)
    with pytest.raises(UsageError, match="llama-bench"):
        reference_tools(tmp_path / "llama-bench", work)
    fake_tool(tmp_path / "llama-bench", "")
    (tmp_path / "llama-bench").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(QmathError, match="llama-bench failed"):
        reference_tools(tmp_path / "llama-bench", work)[0].run()


def test_the_machine_is_measured() -> None:
    """Some bandwidth, and at least the memory of an interpreter."""
    assert bandwidth(1) > 1e8
    peak = peak_rss()
    assert peak is None or peak > 5_000_000


def test_the_command_gives_one_object(tmp_path: Path) -> None:
    """`qmath bench --json` on the demo model."""
    done = qmath(
        tmp_path, "bench", "-m", "demo", "--prompt-tokens", "32", "--tokens", "8", "--sequences", "2", "--json"
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["schema"] == "qmath.bench/1"
    assert record["decode"][0]["sequences"] == 2
    assert record["share"] is None  # of one sequence's decoding, which was not asked for


@pytest.mark.parametrize("sequences", ["x", "0", "1,2000", ""])
def test_numbers_that_are_none_are_a_usage_error(tmp_path: Path, sequences: str) -> None:
    """Exit 2, before a model is loaded."""
    assert qmath(tmp_path, "bench", "--sequences", sequences).returncode == 2
