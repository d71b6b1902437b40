"""`qmath bench` on the demo model. No test depends on how fast the machine is."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from qmath_cli.benchmark import machine
from qmath_cli.benchmark.llama_cpp import BenchmarkWork, reference_tools
from qmath_cli.benchmark.machine import bandwidth, peak_rss
from qmath_cli.benchmark.measure import (
    BenchmarkPlan,
    BenchmarkReport,
    Comparison,
    Decode,
    ReferenceTool,
    Spread,
    measure,
    prompt_of,
)
from qmath_cli.benchmark.tuning.table import Arrangement, ArrangementCost
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.errors import QmathError, UsageError
from qmath_cli.terminal.reports.bench import step_costs, table
from tests.benchmark.tuning.scripted import AVX2, AVX2_HALF, tuning
from tests.e2e.run import qmath
from tests.terminal.schemas import validate

SMALL = BenchmarkPlan(prompt_tokens=40, tokens=8, sequences=(1, 3), repeats=2)


@pytest.fixture
def demo(root: Path) -> Path:
    return root / "qmath_cli" / "demo" / "demo-q8_0.gguf"


def test_every_sequence_decodes_all_its_tokens(demo: Path) -> None:
    """A plan gives a rate for each number of sequences, although the model would end its turn earlier."""
    reference = ReferenceTool("slow", "decode 3", lambda: 1.0)
    notes: list[str] = []
    report = measure(lambda: load(demo, Options(), Preflight()), SMALL, [reference], notes.append)
    with load(demo, Options(), Preflight()) as model:
        assert report.prompt_tokens == len(model.tokenize(prompt_of(model, 40)))
    assert 30 <= report.prompt_tokens <= 40
    assert [decode.sequences for decode in report.decode] == [1, 3]
    (comparison,) = report.comparisons
    assert (comparison.name, comparison.work, comparison.rate) == ("slow", "decode 3", Spread(1.0, 1.0, 1.0))
    assert comparison.ratio.median == pytest.approx(report.decode[1].rate.median)
    assert notes == ["run 1 of 2", "run 1 of 2: slow, decode 3", "run 2 of 2", "run 2 of 2: slow, decode 3"]


def test_a_comparison_divides_run_by_run(demo: Path) -> None:
    """The ratio is the median of the runs' ratios, and a tool whose work is not in the plan is not compared."""
    rates = iter([2.0, 4.0])
    tools = [ReferenceTool("tool", "decode 1", lambda: next(rates)), ReferenceTool("tool", "decode 8", lambda: 1.0)]
    plan = BenchmarkPlan(prompt_tokens=40, tokens=8, sequences=(1,), repeats=2)
    report = measure(lambda: load(demo, Options(), Preflight()), plan, tools)
    (comparison,) = report.comparisons
    assert comparison.rate == Spread(3.0, 2.0, 4.0)
    rate = report.decode[0].rate
    assert rate.low / 4 <= comparison.ratio.low <= comparison.ratio.high <= rate.high / 2


def test_a_spread_is_a_median_with_its_range() -> None:
    """The median of an even number of values is the mean of the middle two."""
    assert Spread.of([4.0, 1.0, 2.0, 9.0]) == Spread(3.0, 1.0, 9.0)


def test_the_table_has_a_line_for_everything_measured() -> None:
    """What was not measured has no line; a comparison has two."""
    one = Spread(1.0, 1.0, 1.0)
    report = BenchmarkReport(one, one, 40, one, (Decode(1, one), Decode(8, one)))
    assert len(table(report)) == 5
    assert any(line.startswith("decode, 8 at once") for line in table(report))
    compared = replace(report, comparisons=(Comparison("llama-bench", "prefill", one, Spread(2.0, 1.5, 2.5)),))
    assert table(compared)[-2].startswith("llama-bench, prefill")
    assert "1.500 to 2.500" in table(compared)[-1]


def fake_tool(path: Path, output: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def test_the_formats_of_llama_cpps_tools_are_read(tmp_path: Path) -> None:
    """llama-bench's JSON, and the JSON Lines of llama-batched-bench from the same folder."""
    fake_tool(tmp_path / "llama-bench", '[{"avg_ts": 12.5}]')
    fake_tool(tmp_path / "llama-batched-bench", 'noise\n{"speed_tg": 40.5}')
    work = BenchmarkWork(Path("m.gguf"), 512, 64, (1, 8), threads=2, gpu_layers=0)
    found = {
        f"{reference.name} {reference.work}": reference.run()
        for reference in reference_tools(tmp_path / "llama-bench", work)
    }
    assert found == {
        "llama-bench prefill": 12.5,
        "llama-bench decode 1": 12.5,
        "llama-batched-bench decode 8": 40.5,
    }


def test_a_tool_that_is_not_there_or_fails_is_an_error(tmp_path: Path) -> None:
    """Raised before anything is measured, with the tool's name."""
    work = BenchmarkWork(Path("m.gguf"), 512, 64, (1,), threads=2, gpu_layers=0)
    with pytest.raises(UsageError, match="llama-bench"):
        reference_tools(tmp_path / "llama-bench", work)
    fake_tool(tmp_path / "llama-bench", "")
    (tmp_path / "llama-bench").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(QmathError, match="llama-bench failed"):
        reference_tools(tmp_path / "llama-bench", work)[0].run()


def test_the_bandwidth_is_that_of_the_fastest_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two buffers per thread are read in each round; the clock here gives rounds of 4, 2, 1 and 3 seconds."""
    clock = iter([0.0, 4.0, 10.0, 12.0, 20.0, 21.0, 30.0, 33.0])
    monkeypatch.setattr(machine, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    assert bandwidth(2) == 2 * 2 * machine._BUFFER_BYTES
    assert next(clock, None) is None


def test_the_peak_memory_is_in_bytes() -> None:
    """It is at least the memory of an interpreter, and covers what was allocated before."""
    held = bytes(1) * (64 << 20)
    peak = peak_rss()
    assert peak is None or peak > len(held)


def test_the_command_gives_one_object(tmp_path: Path) -> None:
    """`qmath bench --json` on the demo model; the keys are the fields of the report."""
    done = qmath(
        tmp_path, "bench", "-m", "demo", "--prompt-tokens", "32", "--tokens", "8", "--sequences", "2", "--json"
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["schema"] == "qmath.bench/1"
    assert record["decode"][0]["sequences"] == 2
    assert record["share"] is None  # it is that of decoding one sequence, which is not in this plan
    assert record["comparisons"] == []
    spreads = [record["load_s"], record["first_token_s"], record["prefill"], record["decode"][0]["rate"]]
    assert all(0 < spread["low"] <= spread["median"] <= spread["high"] for spread in spreads)


def test_several_models_are_measured_one_after_the_other(tmp_path: Path) -> None:
    """`-m A -m B` gives both, in their order; a model that is not here is said before any is measured."""
    short = ("--prompt-tokens", "16", "--tokens", "8", "--sequences", "1", "--repeats", "1")
    models = ("-m", "demo:q8_0", "-m", "demo:q4_k_m")
    record = json.loads(qmath(tmp_path, "bench", *models, *short, "--json").stdout)
    validate(record)
    assert [run["model"] for run in record["runs"]] == ["demo:q8_0", "demo:q4_k_m"]
    shown = qmath(tmp_path, "bench", *models, *short).stdout
    assert [line for line in shown.splitlines() if line.startswith("demo")] == ["demo:q8_0", "demo:q4_k_m"]
    missing = qmath(tmp_path, "bench", *models, "-m", "7b", *short)
    assert (missing.returncode, missing.stdout) == (6, "")


@pytest.mark.parametrize("sequences", ["x", "0", "1,2000", ""])
def test_numbers_that_are_none_are_a_usage_error(tmp_path: Path, sequences: str) -> None:
    """Exit 2, before a model is loaded."""
    assert qmath(tmp_path, "bench", "--sequences", sequences).returncode == 2


def test_what_steps_cost_fits_into_eighty_columns_and_names_the_fastest_shape() -> None:
    """Each width with its cost and its speeds, as far as they were measured; four arrangements, as on eight cores."""
    found = tuning(AVX2, AVX2_HALF)
    lines = step_costs(found)
    assert ["4", "2.13", "30.0", "21.0"] in [line.split() for line in lines]
    assert "fastest: 16 at once on 2 threads, 35.0 tokens/s" in lines
    assert not any("other programs" in line for line in lines)
    several = tuple(
        ArrangementCost(Arrangement(batches, threads), found.steps) for batches, threads in ((1, 8), (2, 4), (4, 2))
    )
    wide = step_costs(replace(found, arrangements=(*several, several[0]), processor=0.1))
    assert max(map(len, wide)) <= 80
    assert any("other programs" in line for line in wide)
