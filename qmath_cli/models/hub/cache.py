"""The Hugging Face cache on this disk, read without a network and never written.

Layout, as huggingface_hub writes it: `models--OWNER--NAME/snapshots/COMMIT/FILE` are links into `blobs/`. A blob of the
large-file storage is named by its sha256, any other by git's sha1. `refs/main` holds a commit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from qmath_cli.models.hub.client import RemoteFile, Snapshot

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The cache's folder: HF_HUB_CACHE, else HF_HOME/hub, else the user's cache folder."""
    if explicit := environ.get("HF_HUB_CACHE"):
        return Path(explicit).expanduser()
    if home := environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "huggingface" / "hub"


def cached_file(cache: Path, snapshot: Snapshot, name: str) -> Path | None:
    """The path of a snapshot's file in the cache; None if it is absent or has another size."""
    path = _repo_folder(cache, snapshot.repo, snapshot.kind) / "snapshots" / snapshot.commit / name
    return path if path.is_file() and path.stat().st_size == snapshot.files[name].size else None


def cached_snapshot(cache: Path, repo: str, revision: str, kind: str = "model") -> Snapshot | None:
    """A snapshot of which the cache holds every shard, so that no request to the hub is needed; None otherwise.

    Args:
        cache: the cache's folder.
        repo: OWNER/NAME.
        revision: a commit of 40 hexadecimal digits, or a branch that the cache has a commit for.
        kind: "model" or "dataset".
    """
    folder = _repo_folder(cache, repo, kind)
    commit = revision if _COMMIT.fullmatch(revision) else _reference(folder, revision)
    snapshot = folder / "snapshots" / (commit or "-")
    if commit is None or not snapshot.is_dir():
        return None
    files = {path.name: _described(path) for path in snapshot.iterdir() if path.is_file()}
    if not _needed(snapshot) <= files.keys():
        return None
    return Snapshot(repo, commit, files, "", kind)


def _repo_folder(cache: Path, repo: str, kind: str) -> Path:
    return cache / f"{kind}s--{repo.replace('/', '--')}"


def _reference(folder: Path, revision: str) -> str | None:
    path = folder / "refs" / revision
    text = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    return text if _COMMIT.fullmatch(text) else None


def _needed(snapshot: Path) -> set[str]:
    """The files that a complete checkpoint must have."""
    index = snapshot / "model.safetensors.index.json"
    if not index.is_file():
        return {"config.json", "model.safetensors"}
    try:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError):  # a damaged index: a name that no file has
        return {"config.json", "?"}
    return {"config.json", *shards}


def _described(path: Path) -> RemoteFile:
    """A cached file, with the hash in its blob's name."""
    blob = path.resolve().name
    return RemoteFile(
        name=path.name,
        size=path.stat().st_size,
        sha256=blob if _SHA256.fullmatch(blob) else None,
        git_sha1=blob if _COMMIT.fullmatch(blob) else None,
    )
