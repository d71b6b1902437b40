"""The hub: what a repository holds at a commit, and ranges of its files. The only code that opens a socket.

huggingface_hub gives what changes with the service (endpoint, token, client, error codes); the transfer is ours,
because the library starts a broken download from zero (huggingface/huggingface_hub#4306). A stream promises exactly
the bytes that were asked for, in order, across cut connections, 429 and 5xx, or it raises: `NetworkError` after too
many failures in a row, `IntegrityError` when the file is not the one that the repository announced. Nothing is written
to the disk.

Honoured: HF_ENDPOINT, HF_TOKEN (or the token `hf auth login` left), HF_HOME, HF_HUB_OFFLINE, proxies. No telemetry.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qmath_cli import __version__
from qmath_cli.errors import IntegrityError, NetworkError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_FAILURES = 8  # in a row, without a byte in between
_FIRST_FAILURES = 4  # before the hub has ever answered: whoever has no network should hear of it soon
_TIMEOUT = 30.0  # seconds without a byte
_LONGEST_WAIT = 60.0
_ON = frozenset({"1", "ON", "YES", "TRUE"})  # what huggingface_hub takes for true


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. `sha256` is known for files in large-file storage, `git_sha1` for the others."""

    name: str
    size: int
    sha256: str | None = None
    git_sha1: str | None = None

    @property
    def identity(self) -> str:
        """A text that changes with the content."""
        return self.sha256 or self.git_sha1 or str(self.size)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository at one commit."""

    repo: str
    commit: str
    files: Mapping[str, RemoteFile]
    licence: str = ""
    kind: str = "model"


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub at an endpoint. `pause` waits between attempts; tests pass one that does not."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    pause: Callable[[float], None] = time.sleep

    @property
    def endpoint(self) -> str:
        """Where the hub is."""
        return self.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")

    @property
    def offline(self) -> bool:
        """Whether the user forbade the network."""
        return any(self.environ.get(name, "").upper() in _ON for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))

    def snapshot(self, repo: str, revision: str, kind: str = "model") -> Snapshot:
        """What a repository holds at a revision, and the commit that this is."""
        info = self._retried(lambda: self._info(repo, revision, kind), f"{repo} at {revision}")
        files = {sibling.rfilename: _remote(sibling) for sibling in info.siblings or ()}
        card = info.card_data
        licence = (card.get("license_name") or card.get("license") or "") if card else ""
        return Snapshot(repo, str(info.sha), files, str(licence), kind)

    def stream(self, snapshot: Snapshot, file: RemoteFile, start: int, end: int) -> Iterator[bytes]:
        """The bytes `start` to `end` of a file, in order, whatever happens on the way."""
        failures = 0
        while start < end:
            try:
                for block in self._attempt(snapshot, file, start, end):
                    start += len(block)
                    failures = 0
                    yield block
                if start < end:
                    raise _Transient("the connection was closed")  # noqa: TRY301  like any other cut
            except _Transient as exc:
                failures += 1
                self._wait(failures, exc, f"{snapshot.repo}/{file.name}")

    def _attempt(self, snapshot: Snapshot, file: RemoteFile, start: int, end: int) -> Iterator[bytes]:
        """One request. Raises `_Transient` for what another one may cure."""
        library = _library(self.environ)
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        url = library.hf_hub_url(
            snapshot.repo, file.name, repo_type=snapshot.kind, revision=snapshot.commit, endpoint=self.endpoint
        )
        skip, left = 0, end - start
        try:
            headers |= library.utils.build_hf_headers(
                token=self._token(), library_name="qmath", library_version=__version__
            )
            session = library.utils.get_session()
            with session.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT) as response:
                _check_status(response.status_code, response.headers, f"{snapshot.repo}/{file.name}")
                skip = _check_same(response, file, start)
                for block in response.iter_raw():
                    wanted = block[skip:][:left]
                    skip -= min(skip, len(block))
                    left -= len(wanted)
                    if wanted:
                        yield wanted
                    if not left:
                        return
        except library.errors.OfflineModeIsEnabled as exc:
            raise offline_error(snapshot.repo) from exc
        except (library.errors.HTTPError, OSError) as exc:  # the client's own family, and sockets
            raise _Transient(str(exc) or type(exc).__name__) from exc

    def _info(self, repo: str, revision: str, kind: str) -> Any:  # noqa: ANN401  ModelInfo or DatasetInfo
        """One request for a repository's metadata."""
        library = _library(self.environ)
        errors = library.errors
        if self.offline:
            raise offline_error(repo)
        api: HfApi = library.HfApi(endpoint=self.endpoint, token=self._token(), library_name="qmath")
        try:
            return api.repo_info(repo, repo_type=kind, revision=revision, files_metadata=True, timeout=_TIMEOUT)
        except errors.OfflineModeIsEnabled as exc:
            raise offline_error(repo) from exc
        except errors.GatedRepoError as exc:
            raise _refused(403, repo) from exc
        except errors.RevisionNotFoundError as exc:
            raise NetworkError(f"{repo} has no revision {revision} on {self.endpoint}") from exc
        except errors.HfHubHTTPError as exc:
            _check_status(exc.response.status_code, exc.response.headers, repo)
            raise NetworkError(f"{repo}: {exc}") from exc
        except (errors.HTTPError, OSError) as exc:
            raise _Transient(str(exc) or type(exc).__name__) from exc
        except (ValueError, TypeError, KeyError) as exc:  # an answer that is not the hub's: a proxy's login page
            raise NetworkError(
                f"{self.endpoint} does not answer like a hub", "check HF_ENDPOINT and the proxy"
            ) from exc

    def _retried(self, attempt: Callable[[], Any], what: str) -> Any:  # noqa: ANN401  as `_info`
        failures = 0
        while True:
            try:
                return attempt()
            except _Transient as exc:
                failures += 1
                self._wait(failures, exc, what, _FAILURES if exc.answered else _FIRST_FAILURES)

    def _wait(self, failures: int, exc: _Transient, what: str, most: int = _FAILURES) -> None:
        """Wait longer after each failure in a row, or as long as the server asked; give up after too many."""
        if failures >= most:
            hint = "check the connection (and HF_ENDPOINT, the proxy); the same command goes on where this one stopped"
            raise NetworkError(f"cannot download {what}: {exc}", hint) from exc
        longest = 0.5 * 2.0**failures
        delay = exc.after if exc.after is not None else random.uniform(longest / 2, longest)  # noqa: S311
        self.pause(min(delay, _LONGEST_WAIT))

    def _token(self) -> str | bool:
        """The user's token; False where there is none, so that the library looks no further."""
        return self.environ.get("HF_TOKEN") or _library(self.environ).get_token() or False


class _Transient(Exception):
    """A failure that another attempt may cure; `after` is the wait in seconds that the server asked for.

    `answered` tells a server that said no from one that nobody reached.
    """

    def __init__(self, message: str, after: float | None = None, *, answered: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.answered = answered


def offline_error(repo: str) -> NetworkError:
    """The network is forbidden, and what was asked for needs it."""
    return NetworkError(f"{repo} is not in the local cache, and HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE")


def _library(environ: Mapping[str, str]) -> Any:  # noqa: ANN401  a module
    """huggingface_hub, imported on first use; it reads its switches when it is imported."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", environ.get("HF_HUB_DISABLE_TELEMETRY", "1"))
    import huggingface_hub
    import huggingface_hub.errors
    import huggingface_hub.utils

    return huggingface_hub


def _remote(sibling: Any) -> RemoteFile:  # noqa: ANN401  RepoSibling
    lfs = sibling.lfs
    if lfs is not None:
        return RemoteFile(sibling.rfilename, int(lfs.size), str(lfs.sha256))
    return RemoteFile(sibling.rfilename, int(sibling.size or 0), None, sibling.blob_id)


def _check_status(status: int, headers: Mapping[str, str], what: str) -> None:
    if status in (200, 206):
        return
    if status in _TRANSIENT:
        raise _Transient(f"the server answered {status}", _seconds(headers.get("Retry-After")), answered=True)
    if status in (401, 403):
        raise _refused(status, what)
    if status == 416:
        raise _changed(what)
    if status == 404:
        raise NetworkError(f"there is no {what}", "check the name, and HF_ENDPOINT if it is set")
    raise NetworkError(f"{what}: the server answered {status}")


def _check_same(response: Any, file: RemoteFile, start: int) -> int:  # noqa: ANN401  the client's Response
    """Whether the answer is about the file that was announced; returns how many bytes to skip to get to `start`."""
    etags = [hop.headers.get("X-Linked-Etag") for hop in (*response.history, response)]
    for etag in filter(None, etags):
        if file.sha256 and etag.removeprefix("W/").strip('"') != file.sha256:
            raise _changed(file.name)
    if response.status_code == 200:  # the server ignored the range
        length = response.headers.get("Content-Length")
        if length is not None and int(length) != file.size:
            raise _changed(file.name)
        return start
    span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    if not span.startswith(f"{start}-") or total not in ("*", str(file.size)):
        raise _changed(file.name)
    return 0


def _changed(what: str) -> IntegrityError:
    return IntegrityError(
        f"{what} on the hub is not the file that the repository announces",
        "it changed under its name, or something on the way altered it; try again later",
    )


def _refused(status: int, what: str) -> NetworkError:
    why = "needs a token" if status == 401 else "is not open to this token"
    return NetworkError(f"{what}: {why} ({status})", "accept the licence on the model's page, then set HF_TOKEN")


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isdigit() else None
