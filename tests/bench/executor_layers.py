"""Which attacks take effect when a layer is left out: `python -m tests.bench.executor_layers [-v]`.

Runs the attack suite (without dangerous programs) with each combination of layers, and prints per family how many
programs had an effect outside; `-v` names them. Limits, the clean environment and the parent's checks stay on
throughout. The last column is the positive control: the same programs without any layer.

Run it as an ordinary user in a throw-away account or container: where layers are left out, the programs take effect,
within a temporary folder and on loopback.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits, Switch
from tests.sandbox.watch import FAMILIES, LIMITED, SECRET_VARIABLE, Attack, Watch, load

LIMITS = Limits(seconds=1.5, memory=768 << 20)
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
    families = [family for family in FAMILIES if family not in LIMITED]
    attacks = [attack for family in families for attack in load(family) if not attack.dangerous]
    effective = {name: run(attacks, without) for name, without in CASES.items()}
    print(f"{'family':<16}{'programs':>9}" + "".join(f"{name:>15}" for name in CASES))
    for family in families:
        count = sum(attack.family == family for attack in attacks)
        cells = (sum(attack.family == family for attack in found) for found in effective.values())
        print(f"{family:<16}{count:>9}" + "".join(f"{cell:>15}" for cell in cells))
    print(f"{'all':<16}{len(attacks):>9}" + "".join(f"{len(found):>15}" for found in effective.values()))
    if "-v" in sys.argv:
        for name, found in effective.items():
            print(f"\n{name}:" + "".join(f"\n  {attack}: {', '.join(what)}" for attack, what in found.items()))


def run(attacks: list[Attack], without: frozenset[Switch]) -> dict[Attack, list[str]]:
    """Run the attacks with these layers left out; return those that had an effect, with that effect."""
    found = {}
    with RestrictedExecutor(LIMITS, allow_basic=True, without=without) as executor:
        for attack in attacks:
            with tempfile.TemporaryDirectory() as folder:
                if effects := effects_of(attack, executor, Path(folder)):
                    found[attack] = [effect.replace(folder, "") for effect in effects]
    return found


def effects_of(attack: Attack, executor: RestrictedExecutor, folder: Path) -> list[str]:
    """What one attack does to a watched folder."""
    watch = Watch(folder)
    os.environ[SECRET_VARIABLE] = watch.secret
    worker = executor.open()
    output = worker.run(watch.fill(attack.code))
    worker.close()
    try:
        return watch.effects(output.text + output.error)
    finally:
        watch.close()


if __name__ == "__main__":
    main()
