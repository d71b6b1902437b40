"""Which attacks take effect when a layer is left out: `python -m tests.bench.executor_layers [-v]`.

Runs the attack suite (dangerous programs apart) with each combination of layers and prints, per family, how many
programs had an effect that shows outside; `-v` names them. Limits, clean environment and the parent's own caution stay
on throughout. The last column is the positive control: what the same programs do when nothing else holds them.
Best run as an ordinary user in a throw-away account or container: with layers left out, the programs do what they say,
within a temporary folder and on loopback.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits, Switch
from tests.sandbox.watch import FAMILIES, Attack, Watch, load

INSIDE = {"cpu", "memory", "output", "forgery", "confusion"}  # these meet the limits and the parent, not the layers
CASES: dict[str, frozenset[Switch]] = {
    "all layers": frozenset(),
    "no Landlock": frozenset({Switch.LANDLOCK}),
    "no seccomp": frozenset({Switch.SECCOMP}),
    "kernel only": frozenset({Switch.AUDIT, Switch.POLICY}),
    "Landlock only": frozenset({Switch.SECCOMP, Switch.AUDIT, Switch.POLICY}),
    "seccomp only": frozenset({Switch.LANDLOCK, Switch.AUDIT, Switch.POLICY}),
    "Python only": frozenset({Switch.LANDLOCK, Switch.SECCOMP}),
    "nothing": frozenset(Switch) - {Switch.OLD_KERNEL},
}


def main() -> None:
    """Run every case and print the table."""
    attacks = [attack for family in FAMILIES if family not in INSIDE for attack in load(family) if not attack.dangerous]
    through = {name: run(attacks, without) for name, without in CASES.items()}
    print(f"{'family':<16}{'programs':>9}" + "".join(f"{name:>15}" for name in CASES))
    for family in sorted({attack.family for attack in attacks}):
        count = sum(attack.family == family for attack in attacks)
        cells = (sum(attack.family == family for attack in found) for found in through.values())
        print(f"{family:<16}{count:>9}" + "".join(f"{cell:>15}" for cell in cells))
    print(f"{'all':<16}{len(attacks):>9}" + "".join(f"{len(found):>15}" for found in through.values()))
    if "-v" in sys.argv:
        for name, found in through.items():
            print(f"\n{name}:" + "".join(f"\n  {attack}: {', '.join(what)}" for attack, what in found.items()))


def run(attacks: list[Attack], without: frozenset[Switch]) -> dict[Attack, list[str]]:
    """The attacks that had an effect, with that effect."""
    found = {}
    for attack in attacks:
        with tempfile.TemporaryDirectory() as folder:
            watch = Watch(Path(folder))
            os.environ["QMATH_TEST_SECRET"] = watch.secret
            worker = executor(without).open()
            output = worker.run(watch.fill(attack.code))
            worker.close()
            if effects := watch.effects(output.text + output.error):
                found[attack] = [effect.replace(folder, "") for effect in effects]
            watch.close()
    return found


_executors: dict[frozenset[Switch], RestrictedExecutor] = {}


def executor(without: frozenset[Switch]) -> RestrictedExecutor:
    """One executor per case."""
    if without not in _executors:
        _executors[without] = RestrictedExecutor(
            Limits(seconds=1.5, memory=768 << 20), allow_basic=True, without=without
        )
    return _executors[without]


if __name__ == "__main__":
    try:
        main()
    finally:
        for each in _executors.values():
            each.close()
