"""What a server's response means: go on, try again after a wait, or an error with its reason.

A refusal (401, 403, 404) is told apart by who refuses: the hub, whose `X-Error-Code` says why, or the storage that it
redirects to, whose signed links expire and are renewed by asking the hub again. Waits: `Retry-After` (RFC 9110) and
`RateLimit` (draft-ietf-httpapi-ratelimit-headers-09, as the Hugging Face hub sends it: `"api";r=0;t=200`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from qmath_cli.errors import IntegrityError, NetworkError
from qmath_cli.models.hub.remote import RemoteFile
from qmath_cli.models.hub.tokens import AccessToken

_TRANSIENT_STATUS = frozenset({408, 421, 425, 429})  # and 500 and above
_REFUSALS = frozenset({400, 401, 403, 404, 410})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PARAMETER = re.compile(r"\b(r|t|remaining|reset)\s*=\s*(\d{1,12})\b")
_OLD_NAMES = ("Remaining", "Reset")
_EPOCH = 1e8  # a larger number of seconds is a time of day
_FORBIDDEN = "give the token the permission to read it, or remove it: public models need none"
_LONGEST_MESSAGE = 200  # characters of a server's own words


class Transient(Exception):
    """A failure after which another attempt may succeed.

    `after` is the wait in seconds that the server requested, or None. `responded` is false if no server was reached.
    `whole` is true if the next request should be for the whole file.
    """

    def __init__(
        self, message: str, after: float | None = None, *, responded: bool = False, whole: bool = False
    ) -> None:
        super().__init__(message)
        self.after = after
        self.responded = responded
        self.whole = whole


class Unreachable(NetworkError):
    """No server has responded."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what was asked for, the hub's host, the repository's page, the token that was sent.

    `token_name` and `address_name` are the variables with which the user sets the hub's token and address. `hide`
    removes secrets from a server's own words.
    """

    what: str
    host: str
    page: str
    token: AccessToken | None
    token_name: str
    address_name: str
    hide: Callable[[str], str]


def require_success(response: Any, asked: Asked) -> None:  # noqa: ANN401  the HTTP library's response
    """Return if the response carries what was asked for.

    Raises:
        Transient: another attempt may succeed.
        NetworkError: the server refuses; the message says who and why.
    """
    status, headers = response.status_code, response.headers
    if status in (200, 206):
        return
    if status in _TRANSIENT_STATUS or status >= 500:
        who = f"{asked.host} limits the number of requests" if status == 429 else f"the server responded with {status}"
        raise Transient(who, wait_of(headers), responded=True)
    if status in _REFUSALS and _is_storage(response):
        host = response.url.host
        raise Transient(f"the storage {host} refused its own link ({status})", wait_of(headers), responded=True)
    if status in (401, 403, 404):
        raise _refused(status, headers, asked)
    raise NetworkError(
        f"{asked.what}: the server responded with status {status}", f"check {asked.address_name} and the proxy"
    )


def wait_of(headers: Mapping[str, str]) -> float | None:
    """The wait in seconds that a response asks for; None if it does not say."""
    waits = [_retry_after(headers.get("Retry-After")), *_windows(headers)]
    known = [wait for wait in waits if wait is not None]
    return max(known) if known else None


def first_byte(response: Any, file: RemoteFile, start: int) -> int:  # noqa: ANN401  as above
    """The number of bytes to skip in the response to get to byte `start` of the announced file.

    Raises:
        IntegrityError: the response is for another file.
    """
    for hop in (*response.history, response):
        tag = _tag(hop)
        if file.sha256 and _SHA256.fullmatch(tag) and tag != file.sha256:  # some mirrors have tags of their own
            raise changed(file.name)
    if response.status_code == 200:  # the server ignored the range
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length) != file.size:
            raise changed(file.name)
        return start
    span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    if not span.startswith(f"{start}-") or total not in ("*", str(file.size)):
        raise changed(file.name)
    return 0


def announced(response: Any) -> tuple[int | None, str | None]:  # noqa: ANN401  as above
    """A file's size and sha256, from the response to a request for its first byte; None where it does not say."""
    hops = (*response.history, response)
    sizes = [response.headers.get("Content-Range", "").rpartition("/")[2]]
    sizes += [response.headers.get("Content-Length", "")] if response.status_code == 200 else []
    sizes += [hop.headers.get("X-Linked-Size", "") for hop in hops]
    hashes = [_tag(hop) for hop in hops]
    return (
        next((int(size) for size in sizes if size.isdigit()), None),
        next((tag for tag in hashes if _SHA256.fullmatch(tag)), None),
    )


def require_range(response: Any, file: RemoteFile) -> None:  # noqa: ANN401  as above
    """Raise if the server says that a range within the announced file does not exist (416).

    Raises:
        IntegrityError: the server's file is shorter or longer than the announced one.
        Transient: it has the announced length, or does not say: the next request is for the whole file.
    """
    if response.status_code != 416:
        return
    length = response.headers.get("Content-Range", "").rpartition("/")[2]
    if length.isdigit() and int(length) != file.size:
        raise changed(file.name)
    raise Transient("the server refused a range of the file (416)", responded=True, whole=True)


def changed(what: str) -> IntegrityError:
    """The error for a file that differs from the announced one."""
    return IntegrityError(
        f"{what} on the hub is not the file that the repository announces",
        "it was changed after it was announced, or altered in transit; try again later",
    )


def _tag(response: Any) -> str:  # noqa: ANN401  as above
    """The hub's tag of a large file, which is its sha256; mirrors may have another one."""
    return str(response.headers.get("X-Linked-Etag", "")).removeprefix("W/").strip('"').lower()


def _is_storage(response: Any) -> bool:  # noqa: ANN401  as above
    """Whether the response is not the hub's own: after a redirect to another host, or to a path that is no hub's."""
    if not response.history or "X-Error-Code" in response.headers:
        return False
    asked, got = response.history[0].url, response.url
    return (asked.host, asked.port) != (got.host, got.port) or not re.search(r"/(resolve|api)/", got.path)


def _refused(status: int, headers: Mapping[str, str], asked: Asked) -> NetworkError:
    """The error for a refusal of the hub itself, by its own code where it gives one."""
    code, said = headers.get("X-Error-Code", ""), asked.hide(headers.get("X-Error-Message", ""))[:_LONGEST_MESSAGE]
    what, host, token = asked.what, asked.host, asked.token
    name = f"check the name, and {asked.address_name} if it is set"
    if code == "GatedRepo":
        then = f"{token.origin} may not read it yet" if token else f"then set {asked.token_name}"
        message, hint = f"{what} is open only to those who accept its licence", f"accept it at {asked.page}; {then}"
    elif code == "RevisionNotFound":
        message, hint = f"{host} has no revision of that name: {what}", name
    elif code == "EntryNotFound":
        message, hint = f"{host} has no file {what}", "the checkpoint is incomplete there"
    elif said == "Access to this resource is disabled.":
        message, hint = f"{host} has disabled {what}", f"see {asked.page}"
    elif status == 401 and token is not None and not _is_absent(code, said):
        message = f"{host} does not accept {token.origin}: it is expired or mistyped"
        hint = "renew the token, or remove it: public models need none"
    elif status == 403 and not _is_absent(code, said):
        message = f"{host} refuses {what}" + (f" to {token.origin}" if token else "") + (f": {said}" if said else "")
        hint = (
            _FORBIDDEN if token else f"check the proxy and {asked.address_name}; private models need {asked.token_name}"
        )
    else:  # the hub's 401 without a token means this too
        private = f"; if it is private, set {asked.token_name}" if asked.token_name and not token else ""
        message, hint = f"there is no public {what} on {host}", name + private
    return NetworkError(f"{message} ({status})", hint)


def _is_absent(code: str, said: str) -> bool:
    return code == "RepoNotFound" or said.lower().startswith("repository not found")


def _windows(headers: Mapping[str, str]) -> Iterator[float]:
    """Seconds until each window in which nothing is left is over.

    Drafts before 08 spell it `remaining=0, reset=200`, or as two headers; some servers give the time of day instead.
    """
    left, reset = (headers.get(f"RateLimit-{name}", headers.get(f"X-RateLimit-{name}", "")) for name in _OLD_NAMES)
    items = [dict(_PARAMETER.findall(item)) for item in re.split(r",\s*(?=\")", headers.get("RateLimit", ""))]
    for item in [*items, {"r": left or "0", "t": reset}]:
        remaining, until = item.get("r", item.get("remaining", "0")), item.get("t", item.get("reset", ""))
        if remaining.strip("0 ") == "" and until.isdigit():
            seconds = float(until)
            yield seconds if seconds < _EPOCH else max(0.0, seconds - time.time())


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number of seconds or a date."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
