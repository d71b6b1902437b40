"""The door to llama.cpp: quick, quiet, and in nobody's way."""

from __future__ import annotations

import subprocess
import sys


def said_by(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_engine_does_not_pay_for_the_high_level_api() -> None:
    """Loading the bindings imports neither the package's own classes nor what they need."""
    code = "import sys; from qmath_cli.engine.native import native; native(); print('jinja2' in sys.modules)"
    assert said_by(code).strip() == "False"


def test_others_may_import_the_package_afterwards() -> None:
    """The real package comes whole, around the same bindings, and loading before or after it is the same."""
    code = (
        "from qmath_cli.engine.native import native; lib = native().lib\n"
        "import llama_cpp; print(llama_cpp.llama_cpp is lib, hasattr(llama_cpp, 'Llama'))"
    )
    assert said_by(code).strip() == "True True"
    code = (
        "import llama_cpp; from qmath_cli.engine.native import native\n"
        "print(llama_cpp.llama_cpp is native().lib, native().lib.llama_max_devices() > 0)"
    )
    assert said_by(code).strip() == "True True"
