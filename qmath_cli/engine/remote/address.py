"""A server's URL, as people write it: with or without a scheme, and with the `/v1` that other clients want."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from qmath_cli.errors import UsageError

_SCHEMES = ("http", "https")
_API = re.compile(r"/v1(?:/(?:chat/)?completions|/models)?$")
_EXAMPLE = "for example --server http://gpu-machine:8000"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Attributes:
        base: The URL that paths are appended to, without a slash at its end and without a login.
        login: User name and password, if the URL had them; never shown.
    """

    base: str
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read a URL.

        Raises:
            UsageError: It is no http(s) URL. The message does not show a password.
        """
        given = text.strip()
        split = _split(given if "://" in given else f"http://{given}")
        if split is None or split.scheme.lower() not in _SCHEMES or split.query or split.fragment:
            raise UsageError(f"{_shown(given)!r} is not the URL of a server", _EXAMPLE)
        login = None if split.username is None else (unquote(split.username), unquote(split.password or ""))
        host = split.netloc.rpartition("@")[2]
        path = _API.sub("", split.path.rstrip("/"))
        return cls(urlunsplit((split.scheme.lower(), host, path, "", "")), login)

    def __str__(self) -> str:
        return self.base


def parse_all(text: str) -> tuple[Address, ...]:
    """The addresses in a text, between blanks or commas; each once, in their order.

    Raises:
        UsageError: One of them is no http(s) URL.
    """
    return tuple(dict.fromkeys(Address.parse(word) for word in re.split(r"[\s,]+", text.strip()) if word))


def _split(text: str) -> SplitResult | None:
    """A URL in its parts; None if it has no host, or a port that is none."""
    try:
        split = urlsplit(text)
        _ = split.port
    except ValueError:
        return None
    return split if split.hostname and text.isprintable() and " " not in text else None


def _shown(text: str) -> str:
    return re.sub(r"[^/\s]*@", "", text)
