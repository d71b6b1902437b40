"""Programs that try to get out, to learn something, to stay, or to confuse: none has an effect that shows outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.records import Protection, RunStatus
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits, Switch

from .watch import FAMILIES, SLEEPER, Attack, Watch, load, processes, zombies

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's kernel layers")

LIMITS = Limits(seconds=1.0, memory=768 << 20, text=20_000)
LIMITED = {"cpu", "memory", "output", "forgery", "confusion"}  # families that limits and the parent hold, not layers
PROGRAMS = [attack for family in FAMILIES for attack in load(family)]


@pytest.fixture(scope="module")
def executor() -> Iterator[RestrictedExecutor]:
    with RestrictedExecutor(LIMITS) as made:
        if made.protection is not Protection.FULL:
            pytest.skip("this kernel cannot confine a worker fully")
        yield made


@pytest.fixture(scope="module")
def kernel() -> Iterator[RestrictedExecutor]:
    """The kernel's layers alone: no rules, no audit hook, no facades."""
    with RestrictedExecutor(LIMITS, without=frozenset({Switch.AUDIT, Switch.POLICY})) as made:
        if made.protection is not Protection.FULL:
            pytest.skip("this kernel cannot confine a worker fully")
        yield made


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    made = Watch(tmp_path_factory.mktemp("watched"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _secret_in_the_environment(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMATH_TEST_SECRET", watch.secret)


@pytest.mark.parametrize("attack", PROGRAMS, ids=str)
def test_no_attack_has_an_effect_outside(attack: Attack, executor: RestrictedExecutor, watch: Watch) -> None:
    """A watched folder, four listeners and a secret are as they were; the answer is bounded and well formed."""
    worker = executor.open()
    output = worker.run(watch.fill(attack.code))
    worker.close()
    assert watch.effects(output.text + output.error) == []
    assert isinstance(output.status, RunStatus)
    assert len(output.text) <= LIMITS.text + 2000
    assert output.seconds < LIMITS.seconds + 5
    assert not any(char in output.text for char in "\x1b\x00\x07\u202e")


@pytest.mark.parametrize("attack", [attack for attack in PROGRAMS if attack.family not in LIMITED], ids=str)
def test_the_kernel_alone_holds_every_attack(attack: Attack, kernel: RestrictedExecutor, watch: Watch) -> None:
    """What Python's own layers refuse earlier and in better words would have been refused without them."""
    worker = kernel.open()
    output = worker.run(watch.fill(attack.code))
    worker.close()
    assert watch.effects(output.text + output.error) == []


def test_nothing_is_left_running(executor: RestrictedExecutor) -> None:
    """After all of that, no process of an attack's is alive, none waits to be reaped, and the executor still works."""
    assert processes(SLEEPER) == []
    assert zombies() == []
    worker = executor.open()
    assert worker.run("1 + 1").text == "2"
    worker.close()


def test_the_suite_is_as_large_as_it_says() -> None:
    """At least 150 programs, in at least the families that the executor's documentation names."""
    assert len(PROGRAMS) >= 150
    assert len({attack.family for attack in PROGRAMS}) >= 14
    assert Path(__file__).parent.name == "sandbox"
