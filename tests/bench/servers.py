"""An evaluation over several servers: busy slots, memory, and what becomes of a killed server's samples.

    python -m tests.bench.servers [PROBLEMS] [SAMPLES] [SLOTS] [TOKEN_SECONDS] [SERVERS]

Four scripted servers or more (vLLM, SGLang and twice llama-server, and again) in processes of their own, with `SLOTS`
slots and so many seconds per token. Half-way one is killed, and one more, which is away until then, is started. The
evaluation is that of
`qmath eval`, but for the programs, which take their time without computing, and the graders, which compare texts:
both would need more processors than this machine has. Printed are the share of slots that were busy until 95 % of the
samples were done (of servers that were there), this process's memory, and whether every sample is stored exactly once.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

from qmath_cli import paths
from qmath_cli.evaluation import schedule
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.records import Setup
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.models import lockfile
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Mode, Output, Protection, RunStatus, Sampling
from qmath_cli.runtime.servers.opening import default_sequences, open_served
from qmath_cli.runtime.servers.reach import described
from qmath_cli.settings import Settings
from qmath_cli.solving.vote import same_text
from tests.engine.remote.client import ASSISTANT
from tests.engine.remote.generation import Asked, Reply
from tests.engine.remote.process import ServerProcess

KINDS = ("vllm", "sglang", "llama-server", "llama-server")
LATE = "sglang"
_PROGRAM_S = 0.05  # what a program takes
_PROBLEM = re.compile(r"Problem (\d+)\.")
_DONE = 0.95  # the share of samples until which slots are counted


def model(asked: Asked) -> Reply:
    """A solution whose length follows from the problem; every third one has a program."""
    found = _PROBLEM.search(asked.text)
    number = int(found.group(1)) if found else 0
    written = asked.text.rpartition(ASSISTANT)[2]
    program = f"```python\nprint({number})\n```\n" if number % 3 == 0 else ""
    steps = "".join(f"Step {step}: {number} + {step} = {number + step}.\n" for step in range(2 + number * 7 % 17))
    first, last = f"We count.\n{program}", f"{steps}So $\\boxed{{{number}}}$."
    if program and "```output" not in written:
        return Reply((first + "```output")[len(written) :])
    rest = written.rpartition("```\n")[2] if program else written
    return Reply((last if program else first + last)[len(rest) :])


@dataclass
class SleepingExecutor:
    """Its programs take their time and no processor."""

    protection: Protection = Protection.FULL

    def open(self) -> SleepingExecutor:
        return self

    def run(self, code: str) -> Output:
        time.sleep(_PROGRAM_S)
        return Output(code.strip().removeprefix("print(").removesuffix(")"), RunStatus.OK, _PROGRAM_S)

    def close(self) -> None: ...


@dataclass
class Fleet:
    """The servers: those that are there, and the one that comes."""

    slots: int
    arguments: tuple[str, ...]
    stack: ExitStack
    running: list[ServerProcess] = field(default_factory=list)
    late_port: int = 0
    servers: int = len(KINDS)

    def start(self) -> list[str]:
        """Start the first ones; returns all addresses."""
        self.running = [
            self.stack.enter_context(ServerProcess(kind, *self.arguments))
            for kind in islice(cycle(KINDS), self.servers)
        ]
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.late_port = int(one.getsockname()[1])
        return [*(server.url for server in self.running), f"http://127.0.0.1:{self.late_port}"]

    def change(self) -> None:
        """Kill one, and start the one that was away."""
        self.running.pop(1).kill()
        late = ServerProcess(LATE, *self.arguments, "--port", str(self.late_port))
        self.running.append(self.stack.enter_context(late))


@dataclass
class Watch:
    """Looks at the servers and at this process's memory, once a second."""

    fleet: Fleet
    done: Callable[[], float]
    busy: list[tuple[float, float]] = field(default_factory=list)  # share done, share of busy slots
    most: int = 0  # requests at the servers at the same time
    memory: list[float] = field(default_factory=list)  # MB
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.ended.wait(1.0):
            shares, there = [], 0
            for server in list(self.fleet.running):
                try:
                    found = server.counters()
                    shares.append(found["running"] / self.fleet.slots)
                    there += found["running"] + found["waiting"]
                except Exception as exc:  # noqa: BLE001  it was killed this very moment
                    print(f"no counters: {type(exc).__name__}")
            if shares:
                self.busy.append((self.done(), sum(shares) / len(shares)))
            self.most = max(self.most, there)
            self.memory.append(resident())


def resident() -> float:
    """This process's resident memory in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def evaluate(urls: list[str], problems: int, samples: int, folder: Path, on_done: Callable[[int], None]) -> Path:
    """Evaluate; returns the run's file."""
    items = tuple(Item(str(n), f"Problem {n}. What is {n}?", str(n), str(n), Language.EN) for n in range(problems))
    settings, found, lock = Settings(server=" ".join(urls)), paths.find({"QMATH_HOME": str(folder)}), lockfile.load()
    info = described(settings, found, lock)
    prompts = select(info, Language.EN, Mode.TIR)
    sampling, parallel = Sampling(0.7, 0.8), default_sequences(info)
    plan = schedule.EvaluationPlan(
        Dataset("math", items, ""), Mode.TIR, sampling, lambda item: prompts.build(item.problem), samples, parallel,
        grouped=False,
    )  # fmt: skip
    setup = Setup("math", "", info.name, "", 0, "", Mode.TIR, sampling, 4, "", info.servers)
    grader = SampleGrader("math", lambda _grade: same_text)
    with (
        RunFile(folder, setup) as file,
        open_served(info, settings, found, lock, parallel, note=print, watched=False) as engine,
    ):
        for number, _ in enumerate(schedule.run(plan, engine, SleepingExecutor(), file, grader), 1):
            on_done(number)
        return file.path


def stored(path: Path) -> Iterator[tuple[str, int, str | None]]:
    """The samples of a run's file: problem, index, answer."""
    for line in path.read_text().splitlines()[1:]:
        record = json.loads(line)
        yield record["item"], record["index"], record["answer"]


def main() -> None:
    """Run it and print the figures."""
    given = [float(word) for word in sys.argv[1:]]
    problems, samples, slots, token_s, servers = given + [5000, 4, 64, 0.03, len(KINDS)][len(given) :]
    total = int(problems) * int(samples)
    arguments = ("--slots", str(int(slots)), "--token-s", str(token_s), "--prefill-tps", "4000", "--per-piece", "32",
                 "--model", "tests.bench.servers:model")  # fmt: skip
    done = [0]
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(int(slots), arguments, stack, servers=int(servers))
        urls = fleet.start()
        watch = Watch(fleet, lambda: done[0] / total)
        thread = threading.Thread(target=watch.run)
        thread.start()
        started = time.perf_counter()

        def on_done(number: int) -> None:
            done[0] = number
            if number == total // 2:
                fleet.change()

        try:
            path = evaluate(urls, int(problems), int(samples), Path(folder), on_done)
        finally:
            watch.ended.set()
            thread.join()
        report(watch, list(stored(path)), total, time.perf_counter() - started)


def report(watch: Watch, records: list[tuple[str, int, str | None]], total: int, seconds: float) -> None:
    """Print the figures."""
    counted = [share for done, share in watch.busy if 0 < done < _DONE]
    tenth = len(watch.memory) // 10
    right = sum(answer == item for item, _, answer in records)
    print(f"{total} samples in {seconds:.0f} s; busy slots until {_DONE:.0%}: {sum(counted) / len(counted):.1%}")
    print("busy slots by tenth:", *(f"{_mean(watch.busy, tenth / 10):.0%}" for tenth in range(10)))
    print(f"memory: {watch.memory[tenth]:.0f} MB after a tenth of the time, {max(watch.memory[tenth:]):.0f} MB at most")
    print(f"at most {watch.most} sequences at the servers")
    print(f"stored {len(records)}, different {len({record[:2] for record in records})}, right {right}")


def _mean(busy: list[tuple[float, float]], start: float) -> float:
    found = [share for done, share in busy if start <= done < start + 0.1]
    return sum(found) / len(found) if found else 0.0


if __name__ == "__main__":
    main()
