"""How the library is loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os
from qmath_cli.engine.llama.library import library
library()
print(os.environ.get("GOMP_SPINCOUNT"))
"""


@pytest.mark.parametrize(
    ("given", "seen"),
    [({}, "5000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "passive"}, "None")],
)
def test_threads_wait_at_barriers_as_the_user_says_or_else_not_for_long(given: dict[str, str], seen: str) -> None:
    """OpenMP reads its environment when it is loaded: it must be there by then, and a user's own must stay."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP_", "OMP_"))}
    said = subprocess.run([sys.executable, "-c", SCRIPT], env=kept | given, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == seen
