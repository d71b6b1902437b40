"""Copies text to the clipboard, with a program of the desktop or with the terminal's OSC 52, which works over ssh."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Mapping

from qmath_cli.errors import UsageError
from qmath_cli.terminal.output import Terminal

_MAX_BYTES = 74_994  # xterm and tmux accept no more in one OSC 52 sequence
_TIMEOUT_S = 5
_PROGRAMS = (  # the environment variable that a program needs, and its command line
    ("WAYLAND_DISPLAY", ["wl-copy"]),
    ("DISPLAY", ["xclip", "-selection", "clipboard"]),
    ("", ["pbcopy"]),
    ("", ["clip.exe"]),
)


def copy(text: str, terminal: Terminal, environ: Mapping[str, str]) -> str:
    """Copy a text.

    Args:
        text: The text.
        terminal: Used if there is no program.
        environ: The environment.

    Returns:
        A sentence for the user about how it was copied.

    Raises:
        UsageError: There is no clipboard, or the text is too long for the terminal's.
    """
    remote = "SSH_CONNECTION" in environ
    for variable, command in _PROGRAMS:
        if not remote and (not variable or environ.get(variable)) and shutil.which(command[0]):
            done = subprocess.run(command, input=text.encode(), check=False, timeout=_TIMEOUT_S)
            if done.returncode == 0:
                return f"copied with {command[0]}"
    if not terminal.interactive or environ.get("TERM", "dumb") == "dumb":
        raise UsageError("there is no clipboard here", "/raw prints the text")
    if len(text.encode()) > _MAX_BYTES:
        raise UsageError("too long for this terminal's clipboard", "/export FILE.md writes it to a file")
    terminal.write(f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07")
    return "copied through the terminal (OSC 52), if it allows that"
