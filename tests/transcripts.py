"""The program's own words in the documentation: what README shows and what `--help` says, made by running it.

    python -m tests.transcripts          rewrite them
    python -m tests.transcripts --check  say which are stale, and exit 1

In README a block after `<!-- run: qmath ... -->` is what a terminal of 80 columns without colours shows on stdout; in a
block after `<!-- shell -->` every `$ ` line is run by bash and followed by what it prints. The help pages are files in
`tests/data/help`.
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

_BLOCK = re.compile(r"(<!-- (?:run: (?P<run>.+?)|shell) -->\n```\n)(?P<text>.*?)(```\n)", re.DOTALL)


def environment(home: Path) -> dict[str, str]:
    """Where nothing of this machine shows: a home of its own, 80 columns, no colours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QMATH_", "LC_"))}
    more = {"QMATH_HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "80"}
    return {**kept, **more, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "convert")])}


def on_terminal(command: str, home: Path) -> str:
    """What a command writes to a terminal; stderr is not shown."""
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
    said = b""
    while piece := _read(leader):
        said += piece
    child.wait()
    return said.decode("utf-8").replace("\r\n", "\n")


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # Linux says EIO where the other side is gone
        return b""


def in_shell(transcript: str, home: Path) -> str:
    """A transcript with the output of its `$ ` lines made anew."""
    said = ""
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
            said += f"{line}\n{done.stdout}"
    return said


def readme(text: str, home: Path) -> str:
    """README with every marked block made anew."""

    def again(found: re.Match[str]) -> str:
        command = found["run"]
        body = on_terminal(command, home) if command else in_shell(found["text"], home)
        return f"{found[1]}{body}{found[4]}"

    return _BLOCK.sub(again, text)


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
    """Every file that this script keeps, with what it should say."""
    pages = {HELP / name: text for name, text in help_pages(home).items()}
    return {README: readme(README.read_text(encoding="utf-8"), home), **pages}


def main() -> int:
    """Write what is stale, or with `--check` name it."""
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
