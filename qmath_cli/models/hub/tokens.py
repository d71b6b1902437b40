"""Tokens and passwords: read without the blanks around them, sent in one header, and never part of a message.

`hidden` removes every secret of an environment from a text. All text that a library or a server has written passes
through it before it becomes part of an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from qmath_cli.errors import UsageError

_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN")
_ADDRESSES = ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT", "http_proxy", "https_proxy", "all_proxy")
_MASK = "***"
_LOGIN = r"[^/@\s'\"]+@(?=[^\s@])"
_USER = re.compile(rf"(?<=://){_LOGIN}|(?<![^\s'\"]){_LOGIN}")
_QUERY = re.compile(r"(?<=[^\s?])\?[^\s'\"<>]*=[^\s'\"<>]*")  # of an address: signatures of the storage are in it
_BEARER = re.compile(r"(?i)\bbearer\s+[^\s'\",;]+")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A user's token, and where it was found: a variable's name, or a sentence's part such as "the saved token"."""

    value: str = field(repr=False)
    origin: str

    @property
    def header(self) -> dict[str, str]:
        """The header that carries it."""
        return {"Authorization": f"Bearer {self.value}"}


def token(text: str, origin: str) -> AccessToken | None:
    """A token from a variable or a file, without blanks, line ends and quotation marks around it; None if it is empty.

    Raises:
        UsageError: it holds a character that no header can carry; the message does not show it.
    """
    value = _bare(text)
    if not value:
        return None
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(
            f"{origin} is not a token: it holds a blank or a character that no token has",
            "copy the token again; public models need none",
        )
    return AccessToken(value, origin)


def without_login(address: str) -> str:
    """An address without user name and password."""
    return _USER.sub("", address)


def hidden(text: str, environ: Mapping[str, str], *more: str) -> str:
    """A text without the environment's secrets, and without those in `more`.

    Addresses lose their user name and their query, in which storages have signatures.
    """
    for secret in sorted({*_secrets(environ), *filter(None, more)}, key=len, reverse=True):
        for form in (secret, repr(secret)[1:-1], quote(secret, safe="")):
            text = text.replace(form, _MASK)
    return _BEARER.sub(f"Bearer {_MASK}", _QUERY.sub("", _USER.sub("", text)))


def _bare(text: str) -> str:
    return text.strip().lstrip("\ufeff").strip("\"'").strip()


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    for name in _TOKENS:
        raw = environ.get(name, "")
        yield from (form for form in (raw.strip(), _bare(raw)) if form)
        yield from (word for word in raw.split() if len(word) > 7)  # a token that was pasted with something around it
    for name in _ADDRESSES:
        for spelling in (name, name.upper()):
            yield from _passwords(environ.get(spelling, ""))


def _passwords(address: str) -> Iterator[str]:
    found = re.match(r"\s*(?:\w+://)?[^/@\s:]*:([^/@\s]+)@", address)  # not urlsplit: it may be no address at all
    if found:
        yield found[1]
        yield unquote(found[1])
