"""The contribution of each layer: with one left out, the report names what is lost, and an attack confirms it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.records import Protection
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.levels import parse_layer, protection_of
from qmath_cli.sandbox.limits import Guard, Hold, Layer, Limits, Switch

from .watch import Attack, Watch, load

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's kernel layers")

PYTHON = frozenset({Switch.AUDIT, Switch.POLICY})
KERNEL = frozenset({Switch.LANDLOCK, Switch.SECCOMP})


@contextmanager
def executor(*without: Switch) -> Iterator[RestrictedExecutor]:
    """An executor that leaves layers out."""
    limits = Limits(seconds=2.0, memory=1 << 30)
    with RestrictedExecutor(limits, allow_basic=True, preload=("numpy",), without=frozenset(without)) as made:
        if Switch.LANDLOCK not in without and not any("Landlock ABI" in layer.detail for layer in made.layers):
            pytest.skip("this kernel has no Landlock")
        yield made


def holds(made: RestrictedExecutor) -> dict[Guard, Hold]:
    """What was found to hold each guard."""
    return {layer.guard: layer.hold for layer in made.layers}


def effects(made: RestrictedExecutor, family: str, name: str, folder: Path) -> list[str]:
    """What one attack of the suite does to a watched folder."""
    [attack] = [attack for attack in load(family) if attack.name == name]
    assert isinstance(attack, Attack)
    watch = Watch(folder)
    worker = made.open()
    try:
        output = worker.run(watch.fill(attack.code))
        return [effect.replace(str(folder), "") for effect in watch.effects(output.text)]
    finally:
        worker.close()
        watch.close()


def test_all_layers_are_full_protection() -> None:
    """Every guard is held, the four boundaries by the kernel."""
    with executor() as made:
        assert made.protection is Protection.FULL
        assert set(holds(made)) == set(Guard)
        assert Hold.NONE not in holds(made).values()


def test_without_landlock_the_kernel_does_not_refuse_reads(tmp_path: Path) -> None:
    """The report says so, and a program that bypasses Python's checks reads a private file."""
    with executor(Switch.LANDLOCK) as made:
        assert made.protection is Protection.PARTIAL
        assert holds(made)[Guard.READS] is Hold.PYTHON
        assert holds(made)[Guard.WRITES] is Hold.KERNEL
    with executor(Switch.LANDLOCK, *PYTHON) as made:
        assert holds(made)[Guard.READS] is Hold.NONE
        assert effects(made, "files", "read the secret with numpy.fromfile", tmp_path) == ["secret in the output"]


def test_without_seccomp_the_kernel_does_not_refuse_the_network(tmp_path: Path) -> None:
    """The report says so, and a program that bypasses Python's checks sends a datagram."""
    with executor(Switch.SECCOMP) as made:
        assert made.protection is Protection.PARTIAL
        assert holds(made)[Guard.NETWORK] is Hold.PYTHON
        assert holds(made)[Guard.READS] is Hold.KERNEL
    with executor(Switch.SECCOMP, *PYTHON) as made:
        assert holds(made)[Guard.NETWORK] is Hold.NONE
        assert effects(made, "network", "send a datagram", tmp_path) == ["received on udp"]


def test_without_both_only_python_refuses() -> None:
    """This is basic protection."""
    with executor(*KERNEL) as made:
        assert made.protection is Protection.BASIC
        assert {holds(made)[guard] for guard in (Guard.WRITES, Guard.READS, Guard.NETWORK)} == {Hold.PYTHON}


def test_without_any_layer_an_attack_takes_effect(tmp_path: Path) -> None:
    """The positive control: a suite of programs without effect would prove nothing."""
    with executor(*KERNEL, *PYTHON) as made:
        assert holds(made)[Guard.WRITES] is Hold.NONE
        assert "changed /victim.txt" in effects(made, "files", "remove the victim", tmp_path)


def test_basic_protection_needs_consent() -> None:
    """Without it no worker is handed out, and the message says how to consent."""
    with RestrictedExecutor(preload=(), without=KERNEL) as made, pytest.raises(ExecutorUnusable) as caught:
        made.open()
    assert "--allow-basic-executor" in caught.value.hint


def test_a_kernel_without_landlock_opens_no_file_at_all(tmp_path: Path) -> None:
    """Everything is imported before confinement, and the protection is still full."""
    with RestrictedExecutor(preload=("sympy",), without=frozenset({Switch.OLD_KERNEL})) as made:
        assert made.protection is Protection.FULL
        assert effects(made, "files", "read the secret with numpy.fromfile", tmp_path) == []
        worker = made.open()
        assert worker.run("from sympy.stats import Die, E\nE(Die('X', 6))").text == "7/2"
        worker.close()


@pytest.mark.parametrize(
    ("kernel", "level"),
    [
        ([Guard.WRITES, Guard.READS, Guard.NETWORK, Guard.PROCESSES], Protection.FULL),
        ([Guard.WRITES, Guard.MEMORY], Protection.PARTIAL),
        ([Guard.MEMORY], Protection.BASIC),
        ([], Protection.BASIC),
    ],
)
def test_the_level_counts_the_boundaries_that_the_kernel_holds(kernel: list[Guard], level: Protection) -> None:
    """All four, some, or none; a memory limit is not a boundary."""
    assert protection_of([Layer(guard, Hold.KERNEL) for guard in kernel]) is level


@pytest.mark.parametrize("record", [None, 7, [], {}, {"guard": "moon", "hold": "kernel"}, {"guard": "time"}])
def test_an_invalid_finding_is_dropped(record: object) -> None:
    """A worker's report is checked like everything else it sends."""
    assert parse_layer(record) is None
