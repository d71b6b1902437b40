"""What an attack could change, reach or learn: files, listeners, a secret, processes; set up and compared from outside.

The attacks are text files: `### title`, then a program; a title that ends in ` !` marks a dangerous one. Before an
attack runs, `Watch.fill` replaces its marks (`@DIR@`, `@SECRET@`, ...) by the paths and ports of the watch.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from .processes import marked

ATTACKS = Path(__file__).parent / "attacks"
FAMILIES = sorted(path.stem for path in ATTACKS.glob("*.txt"))
LIMITED = frozenset({"cpu", "memory", "output", "forgery", "confusion"})  # held by limits and the parent, not by layers
MARKS = frozenset({"DIR", "VICTIM", "SECRET", "LEAK", "TCP", "UDP", "UNIX", "UNIXD", "QMATH", "SLEEP"})
SECRET_VARIABLE = "QMATH_TEST_SECRET"
SLEEP_SECONDS = 600  # of a program that an attack leaves behind


@dataclass(frozen=True)
class Attack:
    """One program; `dangerous` ones are never run with a layer left out."""

    family: str
    name: str
    code: str
    dangerous: bool

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"

    @property
    def marks(self) -> set[str]:
        """What of the watch this program aims at."""
        return set(re.findall(r"@([A-Z]+)@", self.code))


def load(family: str) -> list[Attack]:
    """The programs of a family, in the order of its file."""
    found = []
    for section in re.split(r"^### ", (ATTACKS / f"{family}.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, code = section.partition("\n")
        found.append(Attack(family, title.removesuffix(" !"), code, title.endswith(" !")))
    return found


class Watch:
    """A folder of victims, listeners on loopback, a secret, a process mark; `effects` lists what happened to them."""

    def __init__(self, folder: Path) -> None:
        self.secret = f"secret{secrets.token_hex(8)}"
        self.folder = folder
        self.sleep = f"{SLEEP_SECONDS}.{secrets.randbelow(10**15):015d}"  # the argument of `sleep`, and its mark
        self._plant()
        self._listeners = {
            "tcp": _listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": _listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "unix": _listen(socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "stream.sock")),
            "unix datagram": _listen(socket.AF_UNIX, socket.SOCK_DGRAM, str(folder / "datagram.sock")),
        }
        self._before = self._snapshot()

    def _plant(self) -> None:
        (self.folder / "victim.txt").write_text("untouched\n", encoding="utf-8")
        (self.folder / "private.txt").write_text(self.secret, encoding="utf-8")
        (self.folder / f"{self.secret}.name").touch()  # a listing of the folder shows the secret
        (self.folder / "link").symlink_to(self.folder / "private.txt")
        (self.folder / "planted.py").write_text(f"print('{self.secret}')\n", encoding="utf-8")
        (self.folder / "empty").mkdir()
        (self.folder / "tree").mkdir()
        (self.folder / "tree" / "leaf").write_text("leaf", encoding="utf-8")
        for path in [self.folder, *self.folder.rglob("*")]:  # open to all users: only the sandbox may refuse
            if not path.is_symlink():
                path.chmod(0o777)

    def fill(self, code: str) -> str:
        """An attack's text with the paths and ports of this watch in place of its marks."""
        values: dict[str, object] = {
            "DIR": self.folder,
            "VICTIM": self.folder / "victim.txt",
            "SECRET": self.folder / "private.txt",
            "LEAK": f'{self.secret[:9]}" "{self.secret[9:]}',  # whole only where it is printed, not where it is quoted
            "TCP": self._listeners["tcp"].getsockname()[1],
            "UDP": self._listeners["udp"].getsockname()[1],
            "UNIXD": self.folder / "datagram.sock",
            "UNIX": self.folder / "stream.sock",
            "QMATH": os.getpid(),
            "SLEEP": self.sleep,
        }
        for mark in MARKS:
            code = code.replace(f"@{mark}@", str(values[mark]))
        return code

    def effects(self, output: str) -> list[str]:
        """What is different from before, and whether the secret is in the output. The next call compares with now."""
        found = [f"received on {name}" for name, listener in self._listeners.items() if _received(listener)]
        after = self._snapshot()
        found += [
            f"changed {path}"
            for path in self._before.keys() | after.keys()
            if self._before.get(path) != after.get(path)
        ]
        if self.secret in output:
            found.append("secret in the output")
        if marked(self.sleep):
            found.append("process left running")
        self._before = after
        return sorted(found)

    def _snapshot(self) -> dict[str, tuple[object, ...]]:
        return {str(path): _state(path) for path in [self.folder, *sorted(self.folder.rglob("*"))]}

    def close(self) -> None:
        """Close the listeners and end the processes that an attack without layers left running."""
        for listener in self._listeners.values():
            listener.close()
        for pid in marked(self.sleep):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _listen(family: int, kind: int, address: object) -> socket.socket:
    listener = socket.socket(family, kind)
    listener.bind(address)  # type: ignore[arg-type]
    listener.setblocking(False)
    if kind == socket.SOCK_STREAM:
        listener.listen()
    return listener


def _received(listener: socket.socket) -> bool:
    """Whether a connection or a datagram has arrived; takes it off the queue."""
    with contextlib.suppress(BlockingIOError):
        if listener.type == socket.SOCK_STREAM:
            listener.accept()[0].close()
        else:
            listener.recv(100)
        return True
    return False


def _state(path: Path) -> tuple[object, ...]:
    """All that should not change; access times and a socket's own details are left out."""
    found = path.lstat()
    content = path.read_bytes() if stat.S_ISREG(found.st_mode) else b""
    extra = tuple(os.listxattr(path, follow_symlinks=False)) if hasattr(os, "listxattr") else ()
    return (found.st_mode, found.st_uid, found.st_gid, found.st_size, found.st_mtime_ns, found.st_nlink, content, extra)
