"""Runs the examples of the README and writes their output into it; records the help pages of all commands.

    python -m tests.transcripts          update README and help pages
    python -m tests.transcripts --check  print the names of outdated files, and exit with 1 if there are any

In the README, a block after `<!-- run: qmath ... -->` has the stdout of the command on a terminal with 80 columns and
without colours. In a block after `<!-- shell -->`, bash runs every line that starts with `$ `, and the lines below it
are its output. The block below a Python block after `<!-- python -->` has the output of that program. The help pages
are files in `tests/data/help`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
HELP = ROOT / "tests" / "data" / "help"
QMATH = shlex.join([sys.executable, "-m", "qmath_cli"])

_PYTHON = re.compile(r"(<!-- python -->\n```python\n(?P<code>.*?)```\n```\n)(?P<text>.*?)(```\n)", re.DOTALL)
_BLOCK = re.compile(r"(<!-- (?:run: (?P<run>.+?)|shell) -->\n```\n)(?P<text>.*?)(```\n)", re.DOTALL)


def environment(home: Path) -> dict[str, str]:
    """An environment that does not depend on the machine: this home folder, 80 columns, no colours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QMATH_", "LC_"))}
    more = {"QMATH_HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "80"}
    return {**kept, **more, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "convert")])}


def on_terminal(command: str, home: Path) -> str:
    """The stdout of a command that runs in a pseudo-terminal."""
    import pty

    leader, follower = pty.openpty()
    line = re.sub(r"^qmath\b", lambda _: QMATH, command)
    child = subprocess.Popen(
        ["bash", "-c", line],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env=environment(home),
        cwd=home,
    )
    os.close(follower)
    output = b""
    while piece := _read(leader):
        output += piece
    child.wait()
    return output.decode("utf-8").replace("\r\n", "\n")


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # EIO on Linux: the child has closed the terminal
        return b""


def in_shell(transcript: str, home: Path) -> str:
    """Run the `$ ` lines of a transcript; returns them with their output."""
    output = ""
    for line in transcript.splitlines():
        if line.startswith("$ "):
            script = f'qmath() {{ {QMATH} "$@"; }}; {line[2:]}'
            done = subprocess.run(
                ["bash", "-c", script],
                env=environment(home),
                cwd=home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=300,
            )
            output += f"{line}\n{done.stdout}"
    return output


def readme(text: str, home: Path) -> str:
    """The text of the README with the current output in every marked block."""

    def again(found: re.Match[str]) -> str:
        command = found["run"]
        body = on_terminal(command, home) if command else in_shell(found["text"], home)
        return f"{found[1]}{body}{found[4]}"

    return _PYTHON.sub(lambda found: f"{found[1]}{by_python(found['code'], home)}{found[4]}", _BLOCK.sub(again, text))


def by_python(code: str, home: Path) -> str:
    """The stdout of a Python program, which runs outside the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout


def help_pages(home: Path) -> dict[str, str]:
    """The help page of the program and of every command, by file name."""
    from qmath_cli.app import COMMANDS

    pages = {}
    for name in ("", *COMMANDS):
        done = subprocess.run(
            [sys.executable, "-m", "qmath_cli", *([name] if name else []), "--help"],
            env=environment(home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        pages[f"{name or 'qmath'}.txt"] = done.stdout
    return pages


def wanted(home: Path) -> dict[Path, str]:
    """All files that this script writes, with their current content."""
    pages = {HELP / name: text for name, text in help_pages(home).items()}
    return {README: readme(README.read_text(encoding="utf-8"), home), **pages}


def main() -> int:
    """Update outdated files, or with `--check` print their names."""
    with tempfile.TemporaryDirectory() as home:
        files = wanted(Path(home))
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
