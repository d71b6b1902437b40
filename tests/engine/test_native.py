"""The door to llama.cpp: quick, quiet, and in nobody's way."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.model import Options, load
from qmath_cli.engine.native import native
from qmath_cli.engine.preflight import Preflight


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


def test_what_logs_runs_where_no_signal_handler_does(demo: Path) -> None:
    """A handler's exception inside the log hook would be lost: loading and making a context log on another thread."""
    library, heard_on = native(), set()

    def hear(_level: int, _text: bytes, _data: object) -> None:
        heard_on.add(threading.current_thread())

    log = library.lib.llama_log_callback(hear)
    library.lib.llama_log_set(log, None)
    try:
        with load(demo, Options(), Preflight()) as model:
            loaded_on = set(heard_on)
            Batch(model).close()
    finally:
        library.lib.llama_log_set(library._log, None)
    assert loaded_on
    assert threading.main_thread() not in heard_on
