"""The clipboard: the desktop's own program where there is one, else the terminal's (OSC 52, which crosses ssh)."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Mapping

from qmath_cli.errors import UsageError
from qmath_cli.terminal.output import Terminal

_LIMIT = 74_994  # bytes; more than this xterm and tmux do not take in one OSC 52
_PROGRAMS = (
    ("WAYLAND_DISPLAY", ["wl-copy"]),
    ("DISPLAY", ["xclip", "-selection", "clipboard"]),
    ("", ["pbcopy"]),
    ("", ["clip.exe"]),
)


def copy(text: str, terminal: Terminal, environ: Mapping[str, str]) -> str:
    """Copy `text`; returns how. Raises `UsageError` where there is no way."""
    remote = "SSH_CONNECTION" in environ
    for variable, command in _PROGRAMS:
        if not remote and (not variable or environ.get(variable)) and shutil.which(command[0]):
            done = subprocess.run(command, input=text.encode(), check=False, timeout=5)
            if done.returncode == 0:
                return f"copied with {command[0]}"
    if not terminal.interactive or environ.get("TERM", "dumb") == "dumb":
        raise UsageError("there is no clipboard here", "/raw prints the text")
    if len(text.encode()) > _LIMIT:
        raise UsageError("too long for this terminal's clipboard", "/export FILE.md writes it to a file")
    terminal.write(f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07")
    return "copied through the terminal (OSC 52), if it allows that"
