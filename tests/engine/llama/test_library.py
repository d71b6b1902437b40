"""Loading the shared library."""

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
    ("given", "expected"),
    [({}, "5000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "passive"}, "None")],
)
def test_openmp_threads_spin_as_the_user_sets_or_else_briefly(given: dict[str, str], expected: str) -> None:
    """OpenMP reads the variables when it is loaded. They are set before, and the user's values are kept."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP_", "OMP_"))}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=kept | given, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
