"""One server over HTTP: requests that wait for a whole body, and streams.

What goes wrong becomes one of two errors. `Broken`: another attempt, or another server, may succeed; it does not leave
this package. `ServerUnusable`: the server refuses, with its own words. TLS is verified and proxies are used as httpx2
does by default. The key is sent as a bearer token, and no error contains it.
"""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qmath_cli import __version__
from qmath_cli.engine.remote.address import Address
from qmath_cli.errors import ServerUnusable, UsageError

if TYPE_CHECKING:  # imported where it is used: only a run with servers pays for it
    import httpx2

KEY_VARIABLE = "QMATH_SERVER_KEY"
_SHOWN = 300  # characters of a server's own message
_CONNECT_S = 10.0
_CONNECT_MANY_S = 30.0  # to each of many at once, from a machine that may be busy
_LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})  # another attempt may succeed


class Broken(Exception):
    """A request failed in a way that another attempt may cure.

    Attributes:
        reason: For people.
        wait: Seconds that the server asks for; None if it does not say.
        busy: Whether the server has too much to do, instead of being away.
        loading: Whether it is reading its model.
        silent: Whether nothing came for too long.
    """

    def __init__(
        self,
        reason: str,
        *,
        wait: float | None = None,
        busy: bool = False,
        loading: bool = False,
        silent: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.busy = busy
        self.loading = loading
        self.silent = silent


class RequestRefused(ServerUnusable):
    """The server refuses a request with a status that no other attempt changes."""

    def __init__(self, message: str, hint: str, status: int, words: str) -> None:
        super().__init__(message, hint)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Access:
    """Where a server is and with which key; the key is in no `repr`."""

    address: Address
    key: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request. Raises `UsageError` for a key that no header can carry."""
        found = {"User-Agent": f"qmath/{__version__}"}
        key = self.key.strip()
        if key:
            if not key.isascii() or not key.isprintable() or " " in key:
                raise UsageError(f"{KEY_VARIABLE} holds a blank or a character that no key has", "copy the key again")
            found["Authorization"] = f"Bearer {key}"
        return found

    def arguments(self, timeout: float, connections: int = 8, connect: float = _CONNECT_S) -> dict[str, Any]:
        """The arguments of an httpx2 client; `connect`: seconds for a new connection."""
        import httpx2

        return {
            "base_url": str(self.address),
            "headers": self.headers,
            "auth": None if "Authorization" in self.headers else self.address.login,
            "timeout": httpx2.Timeout(timeout, connect=connect, pool=None),
            "limits": httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        }


class Connection:
    """Requests one after the other, for what is asked once. Close it, or use it in a `with` block."""

    def __init__(self, access: Access, timeout: float = 10.0) -> None:
        """Prepare; nothing is sent yet. Raises `UsageError` or `ServerUnusable` for settings that cannot be used."""
        self.access = access
        import httpx2

        with _translated(access.address):
            self._client = httpx2.Client(**access.arguments(timeout))

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._client.close()

    def json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """The JSON of a reply.

        Raises:
            Broken: Another attempt may succeed.
            RequestRefused: The server refuses; `status` says how.
        """
        return self.reply(method, path, body)[0]

    def reply(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[Any, Mapping[str, str]]:
        """The JSON of a reply (None where it is none), and its headers. Raises as `json`."""
        with _translated(self.access.address):
            response = self._client.request(method, path, json=body)
            _require(self.access, response, response.content)
            return _value(response.content), response.headers


class Streams:
    """Requests at the same time on one event loop, streamed or not."""

    def __init__(self, access: Access, *, silence: float, connections: int) -> None:
        """Prepare; nothing is sent yet. `silence`: seconds without a byte after which a request is given up."""
        self.access = access
        import httpx2

        with _translated(access.address):
            self._client = httpx2.AsyncClient(**access.arguments(silence, connections, _CONNECT_MANY_S))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def json(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  as the server sends it
        """The JSON of a reply to a POST. Raises as `Connection.json`."""
        with _translated(self.access.address):
            response = await self._client.post(path, json=body)
            _require(self.access, response, response.content)
            return _value(response.content)

    @contextlib.asynccontextmanager
    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of a reply as it arrives. Leaving the block early closes the connection: the server stops then.

        Raises:
            Broken: Also inside the block, when the connection is lost.
            RequestRefused: The server refuses.
        """
        with _translated(self.access.address):
            async with self._client.stream("POST", path, json=body) as response:
                if response.status_code != 200:
                    _require(self.access, response, await response.aread())
                yield response.aiter_bytes()


@contextlib.contextmanager
def _translated(address: Address) -> Iterator[None]:
    import httpx2

    try:
        yield
    except httpx2.TimeoutException as exc:
        raise Broken(f"{address} does not respond", silent=isinstance(exc, httpx2.ReadTimeout)) from exc
    except httpx2.InvalidURL as exc:
        raise UsageError(f"{address} is not the URL of a server: {exc}") from exc
    except httpx2.UnsupportedProtocol as exc:
        raise ServerUnusable(f"{address}: {exc}", "the URL begins with http:// or https://") from exc
    except httpx2.HTTPError as exc:
        if _untrusted(exc):
            hint = "SSL_CERT_FILE names a file with its certificate authority"
            raise ServerUnusable(f"the certificate of {address} is not trusted here", hint) from exc
        raise Broken(f"{address}: {_why(exc)}") from exc


def _require(access: Access, response: httpx2.Response, body: bytes) -> None:
    """Raise for a status that is no success."""
    status = response.status_code
    if status == 200:
        return
    words = _words(body)
    if access.key.strip():
        words = words.replace(access.key.strip(), "***")
    said = f"{access.address} replies {status}" + (f": {words}" if words else "")
    if status in _LATER:
        loading = status == 503 and "load" in words.lower()
        raise Broken(said, wait=_wait(response), busy=status in {429, 503, 529}, loading=loading)
    if status in {401, 403}:
        hint = f"the key in {KEY_VARIABLE} is not the server's" if access.key.strip() else f"set {KEY_VARIABLE}"
        raise RequestRefused(f"{access.address} wants a key ({status})", hint, status, words)
    if status in {301, 302, 307, 308}:
        where = response.headers.get("location", "")[:_SHOWN]
        raise RequestRefused(f"{access.address} has moved to {where}", "give --server the new URL", status, words)
    raise RequestRefused(said, "qmath doctor --server URL shows what the server is", status, words)


def _words(body: bytes) -> str:
    """A server's own message: `{"error": {"message"}}`, `{"message"}`, `{"error"}`, `{"detail"}`, or plain text."""
    found: Any = _value(body)
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and name in found:
            found = found[name]
    if isinstance(found, dict):
        found = found.get("message", "")
    text = found if isinstance(found, str) else body.decode("utf-8", "replace")
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:_SHOWN]


def _value(body: bytes) -> Any:  # noqa: ANN401  as the server sends it
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _wait(response: httpx2.Response) -> float | None:
    """Seconds of Retry-After; None where it is missing, or a date."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 3600 else None


def _untrusted(exc: BaseException) -> bool:
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _why(exc: httpx2.HTTPError) -> str:
    import httpx2

    if isinstance(exc, httpx2.ConnectError):
        return "no server there, or it does not accept connections"
    return f"the connection was lost ({type(exc).__name__})"
