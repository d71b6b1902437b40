"""Programs that try to escape, to learn something, to stay, or to confuse: none has an effect outside its worker."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from qmath_cli.records import Protection, RunStatus
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits, Switch

from .processes import DEADLINE_S, marked, wait_until, zombies_of
from .watch import ATTACKS, FAMILIES, LIMITED, MARKS, SECRET_VARIABLE, Attack, Watch, load

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's kernel layers")

LIMITS = Limits(seconds=1.0, memory=768 << 20, text=20_000)
PROGRAMS = [attack for family in FAMILIES for attack in load(family)]
ROOT = Path(__file__).resolve().parents[2]


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
    monkeypatch.setenv(SECRET_VARIABLE, watch.secret)


@pytest.mark.parametrize("attack", PROGRAMS, ids=str)
def test_no_attack_has_an_effect_outside(attack: Attack, executor: RestrictedExecutor, watch: Watch) -> None:
    """Folder, listeners, processes and secret are as before; the output is bounded and has no control characters."""
    worker = executor.open()
    output = worker.run(watch.fill(attack.code))
    worker.close()
    assert watch.effects(output.text + output.error) == []
    assert isinstance(output.status, RunStatus)
    assert len(output.text) <= LIMITS.text + 2000
    assert output.seconds < LIMITS.seconds + DEADLINE_S
    assert not any(char in output.text for char in "\x1b\x00\x07\u202e")


@pytest.mark.parametrize("attack", [attack for attack in PROGRAMS if attack.family not in LIMITED], ids=str)
def test_the_kernel_alone_holds_every_attack(attack: Attack, kernel: RestrictedExecutor, watch: Watch) -> None:
    """Also those that Python's own layers refuse earlier and with a better message."""
    worker = kernel.open()
    output = worker.run(watch.fill(attack.code))
    worker.close()
    assert watch.effects(output.text + output.error) == []


@pytest.mark.parametrize("name", ["executor", "kernel"])
def test_nothing_is_left_running(name: str, request: pytest.FixtureRequest) -> None:
    """After all attacks no process but a zygote and a spare is left, none is a zombie, and the executor works."""
    made: RestrictedExecutor = request.getfixturevalue(name)
    worker = made.open()
    assert worker.run("1 + 1").text == "2"
    worker.close()
    mark = str(made.scratch)
    assert wait_until(lambda: len(marked(mark)) <= 2), marked(mark)
    assert wait_until(lambda: zombies_of(marked(mark)) == [])


CONTROLS = [
    ("environment", "import a module from the current folder", "secret in the output"),
    ("files", "read the secret with open", "secret in the output"),
    ("files", "create a file", "changed {folder}/new"),
    ("files", "remove the victim", "changed {folder}/victim.txt"),
    ("imports", "__import__ with a joined name", "changed {folder}/b"),
    ("introspection", "globals of the worker", "changed {folder}/worker"),
    ("introspection", "change the constants of the policy", "changed {folder}/policy"),
    ("libraries", "sympify runs a string", "changed {folder}/sympify"),
    ("native", "call the C library's open", "secret in the output"),
    ("network", "connect by TCP", "received on tcp"),
    ("network", "send a datagram", "received on udp"),
    ("network", "connect to a unix socket", "received on unix"),
    ("network", "send a unix datagram", "received on unix datagram"),
    ("signals", "probe a process", "secret in the output"),
    ("subprocess", "subprocess left running", "process left running"),
]


def run_unconfined(code: str) -> str:
    """Run a program in a throw-away interpreter that has a worker's modules and none of its layers; its output."""
    modules = "import qmath_cli.sandbox.worker.policy, qmath_cli.sandbox.worker.service\n"
    with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as a process that is left running
        subprocess.run(
            [sys.executable, "-c", modules + code],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=DEADLINE_S,
        )
        output.seek(0)
        return output.read().decode("utf-8", "replace")


@pytest.mark.parametrize(("family", "name", "effect"), CONTROLS)
def test_the_watch_detects_the_effect_of_an_unconfined_attack(
    family: str, name: str, effect: str, tmp_path: Path
) -> None:
    """The positive control: at least one attack of each family, and every kind of effect that the watch reports."""
    [attack] = [attack for attack in load(family) if attack.name == name]
    assert not attack.dangerous
    watch = Watch(tmp_path)
    try:
        output = run_unconfined(watch.fill(attack.code))
        assert effect.format(folder=tmp_path) in watch.effects(output), output
    finally:
        watch.close()


def test_every_family_that_layers_hold_has_a_control() -> None:
    """Without one, an attack file could decay into programs that have no effect anywhere."""
    assert {family for family, _, _ in CONTROLS} == set(FAMILIES) - LIMITED


@pytest.mark.parametrize("family", FAMILIES)
def test_every_attack_in_a_file_is_read(family: str) -> None:
    """As many programs as headers, each with a name of its own, Python that compiles, and known marks."""
    lines = (ATTACKS / f"{family}.txt").read_text(encoding="utf-8").splitlines()
    attacks = load(family)
    assert len(attacks) == sum(line.startswith("### ") for line in lines) > 0
    assert len({attack.name for attack in attacks}) == len(attacks)
    for attack in attacks:
        assert attack.code.strip(), attack
        assert attack.marks <= MARKS, attack
        compile(re.sub(r"@[A-Z]+@", "0", attack.code), str(attack), "exec")


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - LIMITED))
def test_every_family_that_layers_hold_aims_at_something_watched(family: str) -> None:
    """A file, a listener, a process or the secret: otherwise its programs could not fail the suite."""
    aimed = [attack for attack in load(family) if attack.marks or SECRET_VARIABLE in attack.code]
    assert len(aimed) >= len(load(family)) / 2


INTERNALS = re.compile(r'(\w+) = .*modules\["(qmath_cli[\w.]*)"\]')


@pytest.mark.parametrize("attack", [attack for attack in PROGRAMS if "qmath_cli" in attack.code], ids=str)
def test_attacks_on_the_workers_internals_name_what_exists(attack: Attack) -> None:
    """A module or a function that was renamed would turn the attack into a plain error."""
    [(variable, module)] = INTERNALS.findall(attack.code)
    names = re.findall(rf"\b{variable}\.(\w+)", attack.code)
    assert names
    assert all(hasattr(import_module(module), name) for name in names)


@pytest.mark.parametrize(
    ("family", "name", "error"),
    [
        ("forgery", "the wire's pack replaced", "RuntimeError: the program broke the channel to its executor"),
        ("forgery", "a result without end from pack", "RuntimeError: the program broke the channel to its executor"),
        ("confusion", "a status of its own", "RuntimeError: the program ended its own process"),
    ],
)
def test_attacks_on_the_workers_internals_end_the_worker(
    family: str, name: str, error: str, executor: RestrictedExecutor
) -> None:
    """The replacement takes effect, in this program or the next, and harms nothing but its own solution."""
    [attack] = [attack for attack in load(family) if attack.name == name]
    worker = executor.open()
    outputs = [worker.run(attack.code), worker.run("1 + 1")]
    worker.close()
    assert error in [output.error for output in outputs]


def test_there_are_at_least_150_attacks_in_14_families() -> None:
    """So a file that is no longer read does not go unnoticed."""
    assert len(PROGRAMS) >= 150
    assert len(FAMILIES) >= 14
