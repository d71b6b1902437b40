"""What an attack could change or learn, prepared and looked at from outside: files, listeners, a secret, processes."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

ATTACKS = Path(__file__).parent / "attacks"
SLEEPER = "31337.25"  # an argument no other program on this system is started with


@dataclass(frozen=True)
class Attack:
    """One program; `dangerous` ones are never run with a layer left out."""

    family: str
    name: str
    code: str
    dangerous: bool

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


def load(family: str) -> list[Attack]:
    """The programs of a family, in the order of its file."""
    found = []
    for section in (ATTACKS / f"{family}.txt").read_text(encoding="utf-8").split("### ")[1:]:
        title, _, code = section.partition("\n")
        found.append(Attack(family, title.removesuffix(" !"), code, title.endswith(" !")))
    return found


FAMILIES = sorted(path.stem for path in ATTACKS.glob("*.txt"))


class Watch:
    """A folder of victims, listeners on loopback, and a secret: `effects` says what an attack did to them."""

    def __init__(self, folder: Path) -> None:
        self.secret = f"secret{secrets.token_hex(8)}"
        self.folder = folder
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
        (self.folder / f"{self.secret}.name").touch()  # for those who only list
        (self.folder / "link").symlink_to(self.folder / "private.txt")
        (self.folder / "planted.py").write_text(f"print('{self.secret}')\n", encoding="utf-8")
        (self.folder / "empty").mkdir()
        (self.folder / "tree").mkdir()
        (self.folder / "tree" / "leaf").write_text("leaf", encoding="utf-8")
        for path in [self.folder, *self.folder.rglob("*")]:  # as open as can be: only the sandbox may refuse
            if not path.is_symlink():
                path.chmod(0o777)

    def fill(self, code: str) -> str:
        """An attack's text with this watch's places in it."""
        for mark, value in self._marks().items():
            code = code.replace(f"@{mark}@", str(value))
        return code

    def _marks(self) -> dict[str, object]:
        return {
            "DIR": self.folder,
            "VICTIM": self.folder / "victim.txt",
            "SECRET": self.folder / "private.txt",
            "LEAK": f'{self.secret[:9]}" "{self.secret[9:]}',  # whole only when it is printed, not when it is quoted
            "TCP": self._listeners["tcp"].getsockname()[1],
            "UDP": self._listeners["udp"].getsockname()[1],
            "UNIXD": self.folder / "datagram.sock",
            "UNIX": self.folder / "stream.sock",
            "QMATH": os.getpid(),
        }

    def effects(self, said: str) -> list[str]:
        """What is different from before, and whether the secret was said; puts back what can be put back."""
        found = [f"heard on {name}" for name, listener in self._listeners.items() if _heard(listener)]
        after = self._snapshot()
        found += [
            f"changed {path}"
            for path in self._before.keys() | after.keys()
            if self._before.get(path) != after.get(path)
        ]
        if self.secret in said:
            found.append("said the secret")
        self._before = after
        return sorted(found)

    def _snapshot(self) -> dict[str, tuple[object, ...]]:
        return {str(path): _state(path) for path in [self.folder, *sorted(self.folder.rglob("*"))]}

    def close(self) -> None:
        """Stop listening."""
        for listener in self._listeners.values():
            listener.close()


def _listen(family: int, kind: int, address: object) -> socket.socket:
    listener = socket.socket(family, kind)
    listener.bind(address)  # type: ignore[arg-type]
    listener.setblocking(False)
    if kind == socket.SOCK_STREAM:
        listener.listen()
    return listener


def _heard(listener: socket.socket) -> bool:
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


def processes(word: str) -> list[int]:
    """Processes (zombies apart, which have no command line) started with `word` among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def zombies() -> list[int]:
    """Children of this process that nobody has waited for."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
                if fields[0] == "Z" and int(fields[1]) == os.getpid():
                    found.append(int(entry.name))
    return found
