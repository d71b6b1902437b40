"""What a hub announces: a repository at one commit, and its files with sizes and hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository.

    Hugging Face announces a `sha256` for files in large-file storage and a `git_sha1` for others, ModelScope a `sha256`
    for every file. Both are None where nobody knows the file's hash.
    """

    name: str
    size: int
    sha256: str | None = None
    git_sha1: str | None = None

    @property
    def identity(self) -> str:
        """A short text that changes with the content."""
        return self.sha256 or self.git_sha1 or str(self.size)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository (OWNER/NAME) at one commit, with its files by name.

    Attributes:
        repo: OWNER/NAME.
        commit: 40 hexadecimal digits; of a release whose commit is not known, a text that changes with its content.
        files: By name.
        licence: Empty if the hub does not say.
        kind: "model" or "dataset".
        revision: What files are requested at, where that is not the commit: a branch of another hub.
    """

    repo: str
    commit: str
    files: Mapping[str, RemoteFile]
    licence: str = ""
    kind: str = "model"
    revision: str = ""

    @property
    def requested(self) -> str:
        """The revision that requests for files name."""
        return self.revision or self.commit
