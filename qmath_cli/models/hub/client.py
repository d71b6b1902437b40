"""The client of the Hugging Face hub: a repository's files at a commit, and byte ranges of them.

huggingface_hub provides what depends on the service: endpoint, token, HTTP client, error codes. The transfer is our
own, because the library restarts a broken download from zero (huggingface/huggingface_hub#4306). A stream yields
exactly the requested bytes, in order, across cut connections, 429 and 5xx. It raises `NetworkError` after too many
failures in a row, and `IntegrityError` if the file differs from the one that the repository announced. Nothing is
written to disk.

Environment: HF_ENDPOINT, HF_TOKEN (or the token that `hf auth login` saved), HF_HOME, HF_HUB_OFFLINE,
TRANSFORMERS_OFFLINE and the proxy variables. Telemetry is off.
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

_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_FAILURES = 8  # in a row, without a byte between them
_MAX_UNREACHED = 4  # for metadata, while no server responds: without a network the error should come soon
_TIMEOUT_S = 30.0  # without a byte
_MAX_WAIT_S = 60.0  # between two attempts
_ON = frozenset({"1", "ON", "YES", "TRUE"})  # what huggingface_hub takes for true


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. The hub has a `sha256` for files in large-file storage, and a `git_sha1` for others."""

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
    """A repository (OWNER/NAME) at one commit, with its files by name. `kind` is "model" or "dataset"."""

    repo: str
    commit: str
    files: Mapping[str, RemoteFile]
    licence: str = ""
    kind: str = "model"


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub. `environ` holds its settings; `pause` waits that many seconds between attempts."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    pause: Callable[[float], None] = time.sleep

    @property
    def endpoint(self) -> str:
        """The hub's address."""
        return self.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")

    @property
    def offline(self) -> bool:
        """Whether the user has switched the network off."""
        return any(self.environ.get(name, "").upper() in _ON for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))

    def snapshot(self, repo: str, revision: str, kind: str = "model") -> Snapshot:
        """A repository's files at a revision (a commit, branch or tag), and its commit.

        Raises:
            NetworkError: the hub cannot be reached, refuses, or does not have the repository or revision.
        """
        info = self._retried(lambda: self._info(repo, revision, kind), f"{repo} at {revision}")
        files = {sibling.rfilename: _remote(sibling) for sibling in info.siblings or ()}
        card = info.card_data
        licence = (card.get("license_name") or card.get("license") or "") if card else ""
        return Snapshot(repo, str(info.sha), files, str(licence), kind)

    def stream(self, snapshot: Snapshot, file: RemoteFile, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive) of a file, in order, with as many requests as it takes.

        Raises:
            NetworkError: too many failures in a row, or the hub refuses.
            IntegrityError: the file differs from the announced one.
        """
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
        """Send one request. Raises `_Transient` if another attempt may succeed."""
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
            with session.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT_S) as response:
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
        """Send one request for a repository's metadata. Raises `_Transient` if another attempt may succeed."""
        library = _library(self.environ)
        errors = library.errors
        if self.offline:
            raise offline_error(repo)
        api: HfApi = library.HfApi(endpoint=self.endpoint, token=self._token(), library_name="qmath")
        try:
            return api.repo_info(repo, repo_type=kind, revision=revision, files_metadata=True, timeout=_TIMEOUT_S)
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
        except (ValueError, TypeError, KeyError) as exc:  # the response is not a hub's, but a proxy's login page
            raise NetworkError(
                f"the response of {self.endpoint} is not a hub's", "check HF_ENDPOINT and the proxy"
            ) from exc

    def _retried(self, attempt: Callable[[], Any], what: str) -> Any:  # noqa: ANN401  as `_info`
        failures = 0
        while True:
            try:
                return attempt()
            except _Transient as exc:
                failures += 1
                self._wait(failures, exc, what, _MAX_FAILURES if exc.responded else _MAX_UNREACHED)

    def _wait(self, failures: int, exc: _Transient, what: str, most: int = _MAX_FAILURES) -> None:
        """Wait longer after each failure in a row, or as long as the server requested. Raises after too many."""
        if failures >= most:
            hint = "check the connection (and HF_ENDPOINT, the proxy); the same command resumes the download"
            raise NetworkError(f"cannot download {what}: {exc}", hint) from exc
        longest = 0.5 * 2.0**failures
        delay = exc.after if exc.after is not None else random.uniform(longest / 2, longest)  # noqa: S311
        self.pause(min(delay, _MAX_WAIT_S))

    def _token(self) -> str | bool:
        """The user's token. Without one it is False, with which the library sends none."""
        return self.environ.get("HF_TOKEN") or _library(self.environ).get_token() or False


class _Transient(Exception):
    """A failure after which another attempt may succeed.

    `after` is the wait in seconds that the server requested, or None. `responded` is false if no server was reached.
    """

    def __init__(self, message: str, after: float | None = None, *, responded: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.responded = responded


def offline_error(repo: str) -> NetworkError:
    """The error for a repository that needs the network while HF_HUB_OFFLINE is set."""
    return NetworkError(f"{repo} is not in the local cache, and HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE")


def _library(environ: Mapping[str, str]) -> Any:  # noqa: ANN401  a module
    """huggingface_hub, imported on first use; it reads the telemetry variable when it is imported."""
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
    if status in _TRANSIENT_STATUS:
        raise _Transient(
            f"the server responded with status {status}", _seconds(headers.get("Retry-After")), responded=True
        )
    if status in (401, 403):
        raise _refused(status, what)
    if status == 416:
        raise _changed(what)
    if status == 404:
        raise NetworkError(f"there is no {what}", "check the name, and HF_ENDPOINT if it is set")
    raise NetworkError(f"{what}: the server responded with status {status}")


def _check_same(response: Any, file: RemoteFile, start: int) -> int:  # noqa: ANN401  the client's Response
    """Check that the response is for the announced file. Returns the number of bytes to skip to get to `start`."""
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
        "it was changed after it was announced, or altered in transit; try again later",
    )


def _refused(status: int, what: str) -> NetworkError:
    why = "needs a token" if status == 401 else "is not open to this token"
    return NetworkError(f"{what}: {why} ({status})", "accept the licence on the model's page, then set HF_TOKEN")


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isdigit() else None
