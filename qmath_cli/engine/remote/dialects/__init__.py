"""What each kind of server is sent, and how its records are read. `of` gives the dialect of a kind."""

from __future__ import annotations

from qmath_cli.engine.remote.dialects import llama_server, ollama, openai
from qmath_cli.engine.remote.dialects.dialect import Dialect
from qmath_cli.records import ServerKind

_OTHERS = {ServerKind.LLAMA_SERVER: llama_server.DIALECT, ServerKind.OLLAMA: ollama.DIALECT}


def of(kind: ServerKind) -> Dialect:
    """The dialect of a kind of server."""
    return _OTHERS.get(kind) or openai.dialect(kind)
