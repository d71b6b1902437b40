"""The Hugging Face cache on this disk, read without a network and never written.

Layout, as huggingface_hub writes it: `models--OWNER--NAME/snapshots/COMMIT/FILE` are links into `blobs/`, or the files
themselves where the file system has no links. A blob of the large-file storage is named by its sha256, any other by
git's sha1. `refs/main` holds a commit, and `.no_exist/COMMIT/FILE` marks a file that the repository does not have.

What is here may be incomplete or damaged: `cached_file` compares sizes only, and its caller the hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.models.hub.remote import RemoteFile, Snapshot

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_INDEX = "model.safetensors.index.json"
_TOKENIZER = frozenset({"vocab.json", "merges.txt"})  # together they are what tokenizer.json is
_DESCRIPTIONS = frozenset({"README.md", "generation_config.json"})


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """What the cache holds of a repository at a commit.

    `missing` are the files without which the checkpoint is not complete, `undescribed` the ones that only describe it.
    """

    snapshot: Snapshot
    missing: tuple[str, ...]
    undescribed: tuple[str, ...]


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The cache's folder: HF_HUB_CACHE or its older name HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else the user's.

    `~` and `$VARIABLE` in them are replaced, as huggingface_hub does.
    """
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if explicit := environ.get(name):
            return _expanded(explicit, environ)
    if home := environ.get("HF_HOME"):
        return _expanded(home, environ) / "hub"
    base = environ.get("XDG_CACHE_HOME")
    return (_expanded(base, environ) if base else Path.home() / ".cache") / "huggingface" / "hub"


def cached_file(cache: Path, snapshot: Snapshot, name: str) -> Path | None:
    """The path of a snapshot's file in the cache; None if it is absent or has another size."""
    path = _repo_folder(cache, snapshot.repo, snapshot.kind) / "snapshots" / snapshot.commit / name
    return path if path.is_file() and path.stat().st_size == snapshot.files[name].size else None


def cached_snapshot(cache: Path, repo: str, revision: str, kind: str = "model") -> CachedSnapshot | None:
    """What the cache holds of a repository; None if it has no snapshot at the revision.

    Args:
        cache: the cache's folder.
        repo: OWNER/NAME.
        revision: a commit of 40 hexadecimal digits, or a branch that the cache has a commit for.
        kind: "model" or "dataset".
    """
    folder = _repo_folder(cache, repo, kind)
    commit = revision if _COMMIT.fullmatch(revision) else _reference(folder, revision)
    place = folder / "snapshots" / (commit or "-")
    if commit is None or not place.is_dir():
        return None
    files = {path.name: _described(path) for path in place.iterdir() if path.is_file()}  # a link to nothing is no file
    absent = {path.name for path in (folder / ".no_exist" / commit).glob("*")}
    here = files.keys() | absent
    undescribed = tuple(sorted(_DESCRIPTIONS - here))
    return CachedSnapshot(Snapshot(repo, commit, files, "", kind), _missing(place, here), undescribed)


def _expanded(text: str, environ: Mapping[str, str]) -> Path:
    filled = _VARIABLE.sub(lambda found: environ.get(found[1] or found[2], found[0]), text)
    return Path(filled).expanduser()


def _repo_folder(cache: Path, repo: str, kind: str) -> Path:
    return cache / f"{kind}s--{repo.replace('/', '--')}"


def _reference(folder: Path, revision: str) -> str | None:
    path = folder / "refs" / revision
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if _COMMIT.fullmatch(text) else None


def _missing(place: Path, here: set[str]) -> tuple[str, ...]:
    """The files that a complete checkpoint has and this snapshot has not."""
    needed = {"config.json", "tokenizer_config.json", *_weights(place, here)}
    if not here >= _TOKENIZER:
        needed.add("tokenizer.json")
    return tuple(sorted(needed - here))


def _weights(place: Path, here: set[str]) -> set[str]:
    if "model.safetensors" in here:
        return {"model.safetensors"}
    if _INDEX not in here:
        return {_INDEX} if any(name.endswith(".safetensors") for name in here) else {"model.safetensors"}
    try:
        return {_INDEX, *json.loads((place / _INDEX).read_text(encoding="utf-8"))["weight_map"].values()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {f"{_INDEX} (what is here is damaged)"}


def _described(path: Path) -> RemoteFile:
    """A cached file, with the hash in its blob's name; without one where the cache has no links."""
    blob = path.resolve().name
    return RemoteFile(
        name=path.name,
        size=path.stat().st_size,
        sha256=blob if _SHA256.fullmatch(blob) else None,
        git_sha1=blob if _COMMIT.fullmatch(blob) else None,
    )
