"""The hubs of the released checkpoints, and GitHub: addresses, tokens, and how they describe a repository.

Hugging Face: `GET /api/models/OWNER/NAME/revision/REVISION?blobs=true` and `/OWNER/NAME/resolve/COMMIT/FILE`.
ModelScope, as its package modelscope-hub 0.5 speaks to it (`_legacy_api.py`, `errors.py`):
`GET /api/v1/models/OWNER/NAME/repo/files?Revision=master&Recursive=True`, which lists every file with `Path`, `Size`
and `Sha256` in `{"Code": 200, "Data": {"Files": [...]}}`, and `/api/v1/models/OWNER/NAME/repo?Revision=..&FilePath=..`.
GitHub, for benchmarks only: `/OWNER/NAME/COMMIT/PATH` of raw.githubusercontent.com, without a listing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

from qmath_cli.errors import UsageError
from qmath_cli.models.hub import network, tokens
from qmath_cli.models.hub.remote import RemoteFile, Snapshot
from qmath_cli.models.hub.tokens import AccessToken
from qmath_cli.settings import HubName

UNKNOWN = -1  # the size of a file that the listing has no size for
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Declined(Exception):
    """A record that says that there is no such repository, in the hub's own words."""


class Service(Protocol):
    """A hub's protocol. `snapshot` raises `ValueError`, `TypeError` or `KeyError` for what is no hub's record."""

    @property
    def token_name(self) -> str:
        """The variable of the user's token."""
        ...

    @property
    def address_name(self) -> str:
        """The variable of the hub's address."""
        ...

    def endpoint(self, environ: Mapping[str, str]) -> str:
        """The hub's address."""
        ...

    def token(self, environ: Mapping[str, str]) -> AccessToken | None:
        """The user's token."""
        ...

    def listing(self, repo: str, revision: str, kind: str) -> str:
        """The path of a repository's description."""
        ...

    def snapshot(self, repo: str, revision: str, kind: str, record: Any) -> Snapshot:  # noqa: ANN401  JSON
        """A repository from its description. A file's size may be `UNKNOWN`."""
        ...

    def file(self, snapshot: Snapshot, name: str) -> str:
        """The path of a file."""
        ...


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """huggingface.co, and mirrors of it."""

    token_name: str = "HF_TOKEN"  # noqa: S105  a name
    address_name: str = "HF_ENDPOINT"

    def endpoint(self, environ: Mapping[str, str]) -> str:
        """`HF_ENDPOINT`."""
        return network.address(self.address_name, environ, "https://huggingface.co")

    def token(self, environ: Mapping[str, str]) -> AccessToken | None:
        """`HF_TOKEN`, else the token that `hf auth login` saved."""
        if found := tokens.token(environ.get(self.token_name, ""), self.token_name):
            return found
        from huggingface_hub import get_token

        try:
            return tokens.token(get_token() or "", "the token that `hf auth login` saved")
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError("the token that `hf auth login` saved cannot be read", "hf auth login") from exc

    def listing(self, repo: str, revision: str, kind: str) -> str:
        """With the files' sizes and hashes."""
        return f"/api/{kind}s/{repo}/revision/{quote(revision, safe='')}?blobs=true"

    def snapshot(self, repo: str, revision: str, kind: str, record: Any) -> Snapshot:  # noqa: ANN401  JSON
        """The commit is the hub's, or the requested one where a mirror names none."""
        commit = str(record.get("sha") or revision)
        if not _COMMIT.fullmatch(commit):
            raise ValueError(commit)
        card = record.get("cardData")
        licence = (card.get("license_name") or card.get("license") or "") if isinstance(card, dict) else ""
        files = {entry["rfilename"]: _sibling(entry) for entry in record["siblings"]}
        return Snapshot(repo, commit, files, licence if isinstance(licence, str) else "", kind)

    def file(self, snapshot: Snapshot, name: str) -> str:
        """At the commit."""
        kind = f"/{snapshot.kind}s" if snapshot.kind != "model" else ""
        return f"{kind}/{snapshot.repo}/resolve/{quote(snapshot.requested, safe='')}/{quote(name)}"


@dataclass(frozen=True, slots=True)
class ModelScope:
    """modelscope.cn. It has commits of its own, so a release there is known by its files' hashes only."""

    token_name: str = "MODELSCOPE_API_TOKEN"  # noqa: S105  a name
    address_name: str = "MODELSCOPE_ENDPOINT"

    def endpoint(self, environ: Mapping[str, str]) -> str:
        """`MODELSCOPE_ENDPOINT`."""
        return network.address(self.address_name, environ, "https://modelscope.cn")

    def token(self, environ: Mapping[str, str]) -> AccessToken | None:
        """`MODELSCOPE_API_TOKEN`."""
        return tokens.token(environ.get(self.token_name, ""), self.token_name)

    def listing(self, repo: str, revision: str, kind: str) -> str:
        """All files, those in folders too."""
        return f"/api/v1/{kind}s/{repo}/repo/files?Revision={quote_plus(revision)}&Recursive=True"

    def snapshot(self, repo: str, revision: str, kind: str, record: Any) -> Snapshot:  # noqa: ANN401  JSON
        """The commit is a text that changes with the files' content."""
        if record.get("Code", 200) != 200 or record.get("Success") is False:  # an error that came with status 200
            raise Declined(str(record.get("Message") or record.get("Code")))
        data = record["Data"]
        entries = data["Files"] if isinstance(data, dict) else data
        listed = [_entry(entry) for entry in entries if entry.get("Type") != "tree"]
        files = {file.name: file for file in sorted(listed, key=lambda file: file.name)}
        content = "".join(f"{file.name} {file.identity}\n" for file in files.values())
        commit = f"modelscope-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
        return Snapshot(repo, commit, files, "", kind, revision)

    def file(self, snapshot: Snapshot, name: str) -> str:
        """At the branch that was listed."""
        where = f"Revision={quote_plus(snapshot.requested)}&FilePath={quote_plus(name)}"
        return f"/api/v1/{snapshot.kind}s/{snapshot.repo}/repo?{where}"


@dataclass(frozen=True, slots=True)
class GitHub:
    """Files of public repositories on GitHub, at commits that are known. Nothing is listed there, and no token sent."""

    token_name: str = ""
    address_name: str = "GITHUB_RAW_ENDPOINT"

    def endpoint(self, environ: Mapping[str, str]) -> str:
        """`GITHUB_RAW_ENDPOINT`."""
        return network.address(self.address_name, environ, "https://raw.githubusercontent.com")

    def token(self, environ: Mapping[str, str]) -> AccessToken | None:  # noqa: ARG002  as the others have it
        """None: what is read there is public."""
        return None

    def listing(self, repo: str, revision: str, kind: str) -> str:
        """Raises `NotImplementedError`: the files' names, sizes and hashes are those of models.lock."""
        raise NotImplementedError

    def snapshot(self, repo: str, revision: str, kind: str, record: Any) -> Snapshot:  # noqa: ANN401  JSON
        """Raises `NotImplementedError`, as `listing`."""
        raise NotImplementedError

    def file(self, snapshot: Snapshot, name: str) -> str:
        """At the commit."""
        return f"/{snapshot.repo}/{quote(snapshot.requested, safe='')}/{quote(name)}"


def service(name: HubName) -> Service:
    """The protocol of a hub."""
    return ModelScope() if name is HubName.MODELSCOPE else HuggingFace()


def _sibling(entry: Mapping[str, Any]) -> RemoteFile:
    """A file as Hugging Face lists it. The `blobId` of a large file is that of its pointer, not of its content."""
    large = entry.get("lfs")
    if isinstance(large, dict):
        return RemoteFile(
            entry["rfilename"], _size(large.get("size", entry.get("size"))), _hex(large.get("sha256"), _SHA256)
        )
    return RemoteFile(entry["rfilename"], _size(entry.get("size")), None, _hex(entry.get("blobId"), _COMMIT))


def _entry(entry: Mapping[str, Any]) -> RemoteFile:
    """A file as ModelScope lists it."""
    return RemoteFile(entry.get("Path") or entry["Name"], _size(entry.get("Size")), _hex(entry.get("Sha256"), _SHA256))


def _size(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else UNKNOWN


def _hex(value: object, pattern: re.Pattern[str]) -> str | None:
    return value.lower() if isinstance(value, str) and pattern.fullmatch(value.lower()) else None
