"""As much of HTTP/1.1 as an inference server speaks: requests read, answers and chunked streams written."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class ClientGone(Exception):
    """The client has closed its connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body has arrived."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body; empty for none."""
        found = json.loads(self.body) if self.body else {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in one piece; text is sent as it is, everything else as JSON."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Head and body."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)
        kind = "text/plain; charset=utf-8" if isinstance(self.body, str) else "application/json"
        body = text.encode()
        return head(self.status, {"Content-Type": kind, "Content-Length": str(len(body)), **self.headers}) + body


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and the headers."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None once the client has closed it."""
    try:
        top = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = top.rstrip("\r\n").split("\r\n")
        method, target, _version = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Request(method, target.partition("?")[0], headers, body)


class Stream:
    """An answer that is written piece by piece.

    Args:
        reader: Of the connection; it ends when the client closes.
        writer: Of the connection.
        fragment: Split everything into HTTP chunks of so many bytes; 0 sends each piece whole.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fragment: int = 0) -> None:
        self._reader = reader
        self._writer = writer
        self._fragment = fragment

    @property
    def gone(self) -> bool:
        """Whether the client has closed."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def begin(self, content_type: str) -> None:
        """Send the head."""
        await self._write(head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"}))

    async def send(self, piece: bytes) -> None:
        """Send bytes of the body."""
        size = self._fragment or max(1, len(piece))
        for start in range(0, len(piece), size):
            part = piece[start : start + size]
            await self._write(b"%x\r\n%b\r\n" % (len(part), part))

    async def end(self) -> None:
        """Send the end of the body."""
        await self._write(b"0\r\n\r\n")

    async def cut(self, answer: bytes) -> None:
        """Send the first half of an answer; its head promises all of it."""
        await self._write(answer[: len(answer) // 2])

    def reset(self) -> None:
        """Drop the connection so that the client sees a reset."""
        found = self._writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def wait(self, seconds: float) -> None:
        """Wait, but not longer than the client does."""
        await asyncio.sleep(0)  # the loop reads what the client sent, its close too
        if self.gone:
            raise ClientGone
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(min(left, 0.25))
            if self.gone:
                raise ClientGone

    async def _write(self, data: bytes) -> None:
        if self.gone:
            raise ClientGone
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError as exc:
            raise ClientGone from exc
