"""The user's own `models.lock`: sizes and hashes of each released model, from its first pull on this machine.

A TOML file in the state folder, of the form of the packaged lock, which knows commits but few hashes. The program
writes it after a pull whose files had the announced hashes, and later pulls are held to it, from whichever hub they
come. A user who has reason to accept other bytes deletes an entry, or the file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmath_cli.errors import IntegrityError
from qmath_cli.files import cannot_write, write_atomically
from qmath_cli.models import lockfile
from qmath_cli.models.lock_entry import inline
from qmath_cli.models.lockfile import LockedFile
from qmath_cli.settings import HubName

_HEAD = """\
# What the first pull of each model found, which later pulls are held to. Written by qmath, shown by
# `qmath verify --lock`.

version = 1
"""
_RELEASED = (".safetensors", ".index.json", "vocab.json", "merges.txt")
_CONFIGURATION = (
    "config.json",
    "generation_config.json",
    "tokenizer",
    "chat_template",
    "special_tokens",
    "added_tokens",
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A model's entry: the hub it came from, the commit (None where the hub's commits are its own), the files."""

    hub: HubName
    revision: str | None
    files: tuple[LockedFile, ...]

    def known_at(self, revision: str | None, hub: HubName) -> tuple[LockedFile, ...]:
        """The files that a pull of a commit from a hub must agree with.

        Another hub may have texts of its own about the same release, such as a model card: they are not compared.
        """
        if None not in (revision, self.revision) and revision != self.revision:
            return ()
        return tuple(file for file in self.files if hub is self.hub or is_part(file.path))


def is_part(name: str) -> bool:
    """Whether a file is part of a released model, and does not only describe it."""
    return name.endswith(_RELEASED) or name.startswith(_CONFIGURATION)


def path_within(state: Path) -> Path:
    """The file of a state folder; it need not exist."""
    return state / "models.lock"


def read(state: Path) -> Mapping[str, Recorded]:
    """All entries by the model's name. Raises `IntegrityError` if the file cannot be read or is damaged."""
    path = path_within(state)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as exc:
        raise _damaged(path, exc) from exc
    try:
        table = tomllib.loads(text)
        if table["version"] != lockfile.SCHEMA:
            raise ValueError(f"version {table['version']!r}")  # noqa: TRY301  like the other ways of being no lock
        return {entry["name"]: _recorded(entry) for entry in table.get("model", ())}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as exc:
        raise _damaged(path, exc) from exc


def record(state: Path, name: str, found: Recorded) -> None:
    """Add a model's files. Known ones of the same commit stay as they are.

    Raises:
        DoesNotFit: the file cannot be written.
        IntegrityError: the present file is damaged.
    """
    entries = dict(read(state))
    before = entries.get(name)
    known = {file.path: file for file in found.files if file.sha256}
    if before is not None and before.revision in (None, found.revision):
        known |= {file.path: file for file in before.known_at(found.revision, found.hub)}
    entries[name] = Recorded(found.hub, found.revision, tuple(known[path] for path in sorted(known)))
    path = path_within(state)
    try:
        write_atomically(path, _HEAD + "".join(_toml(name, entry) for name, entry in sorted(entries.items())))
    except OSError as exc:
        raise cannot_write(path, exc) from exc


def _recorded(entry: Mapping[str, Any]) -> Recorded:
    files = tuple(lockfile.file_entry(item) for item in entry["files"])
    return Recorded(HubName(entry["hub"]), entry.get("revision"), files)


def _toml(name: str, entry: Recorded) -> str:
    lines = ["", "[[model]]", f"name = {json.dumps(name)}", f"hub = {json.dumps(entry.hub)}"]
    lines += [f"revision = {json.dumps(entry.revision)}"] if entry.revision else []
    return "\n".join([*lines, "files = [", *(f"    {inline(file)}," for file in entry.files), "]", ""])


def _damaged(path: Path, exc: Exception) -> IntegrityError:
    return IntegrityError(
        f"{path} cannot be read: {exc}",
        "it holds the hashes of pulled models; delete it, and the next pull writes it anew",
    )
