"""The client of a hub: a repository's files at a commit, and byte ranges of them.

The transfer is our own, because huggingface_hub restarts a broken download from zero (huggingface_hub#4306). A stream
yields exactly the requested bytes, in order, across cut connections, 429 and 5xx. It raises `NetworkError` after too
many failures in a row, and `IntegrityError` if the file differs from the one that the repository announced. Nothing is
written to disk. No error contains a token, a password or a signed address (see `tokens`).

Environment: HF_ENDPOINT, HF_TOKEN (or the token that `hf auth login` saved), HF_HOME, HF_HUB_OFFLINE,
TRANSFORMERS_OFFLINE; MODELSCOPE_ENDPOINT, MODELSCOPE_API_TOKEN; SSL_CERT_FILE, SSL_CERT_DIR and the proxy variables.
Telemetry is off.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from qmath_cli import __version__
from qmath_cli.errors import NetworkError
from qmath_cli.models.hub import network, responses
from qmath_cli.models.hub.remote import RemoteFile, Snapshot
from qmath_cli.models.hub.responses import Asked, Transient, Unreachable
from qmath_cli.models.hub.services import UNKNOWN, Declined, Service, service
from qmath_cli.models.hub.tokens import hidden, without_login
from qmath_cli.settings import HubName

__all__ = ["Hub", "RemoteFile", "Snapshot", "offline_error"]

_MAX_FAILURES = 8  # in a row, without a byte between them
_MAX_UNREACHED = 4  # for metadata, while no server responds: without a network the error should come soon
_TIMEOUT_S = 30.0  # without a byte
_LONGEST_BACKOFF_S = 60.0  # between two attempts, where the server does not say
_LONGEST_WAIT_S = 3600.0  # that a server may ask for; windows of rate limits are minutes
_NOTED_WAIT_S = 5.0  # a longer wait is announced


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub.

    Attributes:
        environ: Its settings.
        pause: Waits that many seconds.
        name: Which hub.
        note: Called with a sentence for people.
        protocol: How it is spoken to, where it is none of `HubName`; None: as its name says.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    pause: Callable[[float], None] = time.sleep
    name: HubName = HubName.HUGGINGFACE
    note: Callable[[str], None] = lambda _: None
    protocol: Service | None = None

    @property
    def service(self) -> Service:
        """Its protocol."""
        return self.protocol or service(self.name)

    @property
    def endpoint(self) -> str:
        """The hub's address. Raises `UsageError` if the user has set one that is none."""
        return self.service.endpoint(self.environ)

    @property
    def offline(self) -> bool:
        """Whether the user has switched the network off."""
        return network.is_offline(self.environ)

    def snapshot(self, repo: str, revision: str, kind: str = "model") -> Snapshot:
        """A repository's files at a revision (a commit, branch or tag), and its commit.

        Raises:
            NetworkError: the hub cannot be reached, refuses, or does not have the repository or revision.
        """
        path = self.service.listing(repo, revision, kind)
        record = self._retried(lambda: self._record(path, repo, f"{repo} at {revision}"), f"{repo} at {revision}")
        try:
            found = self.service.snapshot(repo, revision, kind, record)
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise self._not_a_hub() from exc
        except Declined as exc:
            raise NetworkError(f"{self._host} has no {repo}: {self._hidden(str(exc))}", "check the name") from None
        files = {name: self.described(found, file) for name, file in found.files.items() if "/" not in name}
        return replace(found, files=files)

    def stream(self, snapshot: Snapshot, file: RemoteFile, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive) of a file, in order, with as many requests as it takes.

        Raises:
            NetworkError: too many failures in a row, or the hub refuses.
            IntegrityError: the file differs from the announced one.
        """
        failures, whole = 0, False
        while start < end:
            try:
                for block in self._attempt(snapshot, file, start, end, whole=whole):
                    start += len(block)
                    failures = 0
                    yield block
                if start < end:
                    raise Transient("the connection was closed")  # noqa: TRY301  like any other cut
            except Transient as exc:
                failures += 1
                whole = whole or exc.whole
                self._wait(failures, exc, f"{snapshot.repo}/{file.name}")

    def _attempt(
        self, snapshot: Snapshot, file: RemoteFile, start: int, end: int, *, whole: bool = False
    ) -> Iterator[bytes]:
        """Send one request. Raises `Transient` if another attempt may succeed."""
        span = {} if whole else {"Range": f"bytes={start}-{end - 1}"}
        path = self.service.file(snapshot, file.name)
        asked = self._asked(snapshot.repo, f"{snapshot.repo}/{file.name}")
        left = end - start
        with self._response(path, asked, span | {"Accept-Encoding": "identity"}) as response:
            responses.require_range(response, file)
            responses.require_success(response, asked)
            skip = responses.first_byte(response, file, start)
            for block in response.iter_raw():
                wanted = block[skip:][:left]
                skip -= min(skip, len(block))
                left -= len(wanted)
                if wanted:
                    yield wanted
                if not left:
                    return

    def _record(self, path: str, repo: str, what: str) -> Any:  # noqa: ANN401  JSON
        """Send one request for a record. Raises `Transient` if another attempt may succeed."""
        asked = self._asked(repo, what)
        with self._response(path, asked, {}) as response:
            responses.require_success(response, asked)
            response.read()
            try:
                return response.json()
            except ValueError as exc:  # not a hub's, but a proxy's login page
                raise self._not_a_hub() from exc

    def described(self, snapshot: Snapshot, file: RemoteFile) -> RemoteFile:
        """A file with its size and, if it holds weights, its hash: some mirrors leave them out of the listing.

        Raises:
            NetworkError: the hub cannot be reached, refuses, or does not say how long the file is.
        """
        if file.size != UNKNOWN and (file.sha256 or not file.name.endswith(".safetensors")):
            return file
        what = f"{snapshot.repo}/{file.name}"
        found: RemoteFile = self._retried(lambda: self._probed(snapshot, file), what)
        if found.size == UNKNOWN:
            raise NetworkError(f"{self._host} does not say how long {what} is", "try another mirror")
        return found

    def _probed(self, snapshot: Snapshot, file: RemoteFile) -> RemoteFile:
        """A file with what the response to a request for its first byte says about it."""
        asked = self._asked(snapshot.repo, f"{snapshot.repo}/{file.name}")
        path = self.service.file(snapshot, file.name)
        with self._response(path, asked, {"Range": "bytes=0-0", "Accept-Encoding": "identity"}) as response:
            if response.status_code != 416:  # an empty file has no first byte
                responses.require_success(response, asked)
            size, sha256 = responses.announced(response)
        known = file.size if file.size != UNKNOWN else UNKNOWN if size is None else size
        return replace(file, size=known, sha256=file.sha256 or sha256)

    @contextmanager
    def _response(self, path: str, asked: Asked, headers: Mapping[str, str]) -> Iterator[Any]:
        """The open response to a request. Errors of the library and of sockets in the block are translated."""
        if self.offline:
            raise offline_error(asked.what)
        library = network.library(self.environ)
        sent = {"User-Agent": f"qmath/{__version__}", **headers, **(asked.token.header if asked.token else {})}
        session = network.session(self.environ)
        try:
            with session.stream(
                "GET", self.endpoint + path, headers=sent, follow_redirects=True, timeout=_TIMEOUT_S
            ) as response:
                yield response
        except library.errors.OfflineModeIsEnabled as exc:
            raise offline_error(asked.what) from exc
        except (library.errors.HTTPError, OSError) as exc:  # the client's own family, and sockets
            if (final := network.failure(exc)) is not None:
                raise final from None
            raise Transient(self._hidden(str(exc)) or type(exc).__name__) from None  # the cause may show a token

    def _asked(self, repo: str, what: str) -> Asked:
        hub = self.service
        return Asked(
            what=what,
            host=self._host,
            page=f"{without_login(self.endpoint)}/{repo}",
            token=hub.token(self.environ),
            token_name=hub.token_name,
            address_name=hub.address_name,
            hide=self._hidden,
        )

    @property
    def _host(self) -> str:
        return urlsplit(self.endpoint).netloc.rpartition("@")[2]

    def _hidden(self, text: str) -> str:
        token = self.service.token(self.environ)
        return hidden(text, self.environ, token.value if token else "")

    def _not_a_hub(self) -> NetworkError:
        shown = without_login(self.endpoint)
        return NetworkError(
            f"the response of {shown} is not a hub's", f"check {self.service.address_name} and the proxy"
        )

    def _retried(self, attempt: Callable[[], Any], what: str) -> Any:  # noqa: ANN401  what `attempt` returns
        failures = 0
        while True:
            try:
                return attempt()
            except Transient as exc:
                failures += 1
                self._wait(failures, exc, what, _MAX_FAILURES if exc.responded else _MAX_UNREACHED)

    def _wait(self, failures: int, exc: Transient, what: str, most: int = _MAX_FAILURES) -> None:
        """Wait longer after each failure in a row, or as long as the server requested. Raises after too many."""
        hint = f"check the connection (and {self.service.address_name}, the proxy); the same command resumes"
        if failures >= most:
            kind = NetworkError if exc.responded else Unreachable
            raise kind(f"cannot download {what}: {exc}", hint) from exc
        if exc.after is not None and exc.after > _LONGEST_WAIT_S:
            raise NetworkError(
                f"cannot download {what}: {exc}, and asks to wait {exc.after / 3600:.1f} hours",
                "the same command resumes then",
            ) from exc
        longest = min(0.5 * 2.0**failures, _LONGEST_BACKOFF_S)
        delay = exc.after if exc.after is not None else random.uniform(longest / 2, longest)  # noqa: S311
        if delay >= _NOTED_WAIT_S:
            self.note(f"{exc}: waiting {delay:.0f} s")
        self.pause(delay)


def offline_error(repo: str, missing: Sequence[str] = ()) -> NetworkError:
    """The error for a repository that needs the network while HF_HUB_OFFLINE is set.

    Args:
        repo: OWNER/NAME.
        missing: the files that the cache lacks; empty: it has nothing of the repository.
    """
    what = f"the local cache of {repo} lacks {', '.join(missing)}" if missing else f"{repo} is not in the local cache"
    return NetworkError(f"{what}, and HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE")
