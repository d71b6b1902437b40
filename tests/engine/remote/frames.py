"""Events on the wire: server-sent events, or JSON lines."""

from __future__ import annotations

import json

from tests.engine.remote.serving import Writing


class Frames:
    """How events are framed."""

    def __init__(self, writing: Writing, *, crlf: bool) -> None:
        self._lines = writing.lines
        self._end = "\r\n" if crlf else "\n"
        self.content_type = "application/x-ndjson" if writing.lines else "text/event-stream; charset=utf-8"
        self.done = self.raw("[DONE]") if writing.done else b""

    def event(self, value: object) -> bytes:
        return self.raw(json.dumps(value, ensure_ascii=False))

    def raw(self, text: str) -> bytes:
        return (text + self._end if self._lines else f"data: {text}{self._end}{self._end}").encode()

    def comment(self, text: str) -> bytes:
        return f": {text}{self._end}{self._end}".encode()
