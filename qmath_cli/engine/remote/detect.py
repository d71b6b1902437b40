"""Which kind a server is, and what it tells of itself: a few requests of two seconds each, without changing anything.

The order matters: SGLang also answers like Ollama, so that `owned_by` in the list of models comes first.

Sources of the fields: the API documentation and the sources of vLLM, SGLang, llama.cpp (`tools/server`), Ollama and
LM Studio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from qmath_cli.engine.remote.dialects import of
from qmath_cli.engine.remote.dialects.dialect import whole
from qmath_cli.engine.remote.http import Access, Broken, Connection, RequestRefused
from qmath_cli.errors import ServerUnusable
from qmath_cli.records import ServerInfo, ServerKind

_TIMEOUT_S = 2.0
_SLOW_S = 10.0  # a second attempt: the list of models of a busy server can take long
_OWNERS = {"vllm": ServerKind.VLLM, "sglang": ServerKind.SGLANG, "llamacpp": ServerKind.LLAMA_SERVER}
_TELLING = (
    ("/props", "default_generation_settings", ServerKind.LLAMA_SERVER),
    ("/api/version", "version", ServerKind.OLLAMA),
    ("/api/v1/models", "models", ServerKind.LM_STUDIO),
)
_PYTHON_SERVER = "BaseHTTP"  # of the standard library, on which mlx_lm.server is built


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that a server has. `context` is 0 where it is not told."""

    id: str
    context: int = 0


@dataclass(frozen=True, slots=True)
class Detected:
    """A server: its kind, and the models that it has. `width` and `context` are 0 where they are not told."""

    address: str
    kind: ServerKind
    models: tuple[ServedModel, ...]
    version: str = ""
    width: int = 0
    context: int = 0
    deterministic: bool = False

    def info(self, model: str) -> ServerInfo:
        """What is known of it with one of its models."""
        context = next((one.context for one in self.models if one.id == model), 0) or self.context
        return ServerInfo(
            address=self.address,
            kind=self.kind,
            version=self.version,
            model=model,
            context=context,
            width=self.width,
            token_ids=of(self.kind).token_ids,
            deterministic=self.deterministic,
        )


def detect(access: Access, kind: ServerKind | None = None) -> Detected:
    """Ask a server what it is.

    Args:
        access: Where it is.
        kind: What the user says that it is; None: found out.

    Raises:
        Broken: It cannot be reached now, or is still loading its model.
        ServerUnusable: It wants another key, or is no model server.
    """
    try:
        with Connection(access, _TIMEOUT_S) as connection:
            return _detect(connection, kind)
    except Broken as exc:
        if exc.loading or "does not respond" not in exc.reason:
            raise
    with Connection(access, _SLOW_S) as connection:
        return _detect(connection, kind)


def reachable(access: Access, kind: ServerKind | None = None) -> Detected:
    """The same for one server that has to be there. Raises `ServerUnusable` where it is not."""
    try:
        return detect(access, kind)
    except Broken as exc:
        hint = "wait until it has loaded its model" if exc.loading else "is it running, and is the URL right?"
        raise ServerUnusable(exc.reason, hint) from exc


def _detect(connection: Connection, kind: ServerKind | None) -> Detected:
    address = str(connection.access.address)
    listed, headers = _list(connection)
    found = kind or _kind(connection, listed, headers)
    if found is None:
        raise ServerUnusable(f"{address} is not a model server that qmath knows", "--server-kind generic tries anyway")
    details = _DETAILS.get(found, _nothing)(connection, listed)
    models = details.pop("models", None) or tuple(_models(listed))
    return Detected(address, found, models, **details)


def _list(connection: Connection) -> tuple[Any, Mapping[str, str]]:
    """The list of models, and the headers of its reply; None where the server has no such list."""
    try:
        return connection.reply("GET", "/v1/models")
    except RequestRefused as exc:
        if exc.status in {404, 405, 501}:
            return None, {}
        raise


def _kind(connection: Connection, listed: Any, headers: Mapping[str, str]) -> ServerKind | None:  # noqa: ANN401
    for entry in _entries(listed):
        owner = str(entry.get("owned_by", "")).lower()
        if owner in _OWNERS:
            return _OWNERS[owner]
    for path, name, kind in _TELLING:
        if _optional(connection, path).get(name) is not None:
            return kind
    if listed is None:
        return None
    if headers.get("server", "").startswith(_PYTHON_SERVER):
        return ServerKind.MLX_LM
    return ServerKind.GENERIC


def _optional(connection: Connection, path: str) -> Mapping[str, Any]:
    """A JSON object; an empty one where the server does not have it."""
    with suppress(RequestRefused, Broken):
        found = connection.json("GET", path)
        return found if isinstance(found, Mapping) else {}
    return {}


def _entries(listed: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401  as the server sends it
    data = listed.get("data") if isinstance(listed, Mapping) else None
    yield from (one for one in data if isinstance(one, Mapping)) if isinstance(data, list) else ()


def _models(listed: Any) -> Iterator[ServedModel]:  # noqa: ANN401  as the server sends it
    for entry in _entries(listed):
        if isinstance(entry.get("id"), str):
            yield ServedModel(entry["id"], whole(entry.get("max_model_len")) or 0)


def _nothing(_connection: Connection, _listed: object) -> dict[str, Any]:
    return {}


def _vllm(connection: Connection, _listed: object) -> dict[str, Any]:
    return {"version": _text(_optional(connection, "/version").get("version"))}


def _sglang(connection: Connection, _listed: object) -> dict[str, Any]:
    found = _optional(connection, "/get_server_info") or _optional(connection, "/server_info")
    return {
        "version": _text(found.get("version")),
        "width": whole(found.get("max_running_requests")) or 0,
        "deterministic": found.get("enable_deterministic_inference") is True,
    }


def _llama_server(connection: Connection, _listed: object) -> dict[str, Any]:
    props = _optional(connection, "/props")
    settings = props.get("default_generation_settings")
    context = settings.get("n_ctx") if isinstance(settings, Mapping) else None
    return {
        "version": _text(props.get("build_info")),
        "width": whole(props.get("total_slots")) or 0,
        "context": whole(context) or 0,
    }


def _ollama(connection: Connection, listed: object) -> dict[str, Any]:
    models = []
    for one in _models(listed):
        with suppress(RequestRefused, Broken):
            shown = connection.json("POST", "/api/show", {"model": one.id})
            facts = shown.get("model_info") if isinstance(shown, Mapping) else None
            context = next((v for k, v in (facts or {}).items() if k.endswith(".context_length")), None)
            models.append(ServedModel(one.id, whole(context) or 0))
    return {"version": _text(_optional(connection, "/api/version").get("version")), "models": tuple(models)}


def _lm_studio(connection: Connection, _listed: object) -> dict[str, Any]:
    models, width = [], 0
    found = _optional(connection, "/api/v1/models").get("models")
    for entry in found if isinstance(found, list) else ():
        for loaded in entry.get("loaded_instances", ()) if isinstance(entry, Mapping) else ():
            config = loaded.get("config", {}) if isinstance(loaded, Mapping) else {}
            name = loaded.get("id") or entry.get("key")
            models.append(ServedModel(str(name), whole(config.get("context_length")) or 0))
            width = max(width, whole(config.get("parallel")) or 0)
    return {"models": tuple(models), "width": width}


def _text(value: object) -> str:
    return "".join(one for one in value if one.isprintable())[:80] if isinstance(value, str) else ""


_DETAILS: Mapping[ServerKind, Callable[[Connection, object], dict[str, Any]]] = {
    ServerKind.VLLM: _vllm,
    ServerKind.SGLANG: _sglang,
    ServerKind.LLAMA_SERVER: _llama_server,
    ServerKind.OLLAMA: _ollama,
    ServerKind.LM_STUDIO: _lm_studio,
}
