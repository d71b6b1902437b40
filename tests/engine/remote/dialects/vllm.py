"""vLLM: `/v1/completions` with ids, `/pooling` for reward models.

Source: vllm/entrypoints/openai/completion/protocol.py and vllm/entrypoints/pooling/pooling/protocol.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.engine.remote.dialects import openai
from tests.engine.remote.faults import Shape, refusal
from tests.engine.remote.generation import Asked, Ending, Hold, Piece
from tests.engine.remote.serving import Dialect, Refusal, Serving, Writing
from tests.engine.remote.wire import Answer, Request


def _read(serving: Serving, body: Mapping[str, Any]) -> Asked:
    if serving.reward is not None:
        raise Refusal(refusal(Shape.NESTED, "The model does not support Completions API", 404))
    asked = openai.common(serving, body, ids=True, shape=Shape.NESTED, default=16)
    wanted = asked.max_tokens if asked.max_tokens is not None else serving.context - len(asked.prompt)
    if len(asked.prompt) + wanted > serving.context or wanted < 1:
        message = (
            f"This model's maximum context length is {serving.context} tokens. However, you requested {wanted} output"
            f" tokens and your prompt contains {len(asked.prompt)} input tokens."
        )
        raise Refusal(refusal(Shape.NESTED, message))
    return replace(asked, max_tokens=wanted)


def _piece(serving: Serving, asked: Asked, piece: Piece) -> object:
    return openai.envelope(serving, asked, [openai.choice(piece, ids=asked.ids, stop_reason=None)], usage=None)


def _final(serving: Serving, asked: Asked, ending: Ending) -> Sequence[object]:
    why = {"finish_reason": openai.reason(ending), "stop_reason": ending.stop}
    last = openai.envelope(serving, asked, [openai.choice(ending.piece, ids=asked.ids, **why)], usage=None)
    counts = openai.usage(ending, cached=serving.tells_cached)
    return [last, openai.envelope(serving, asked, [], usage=counts)] if asked.usage else [last]


def _whole(serving: Serving, asked: Asked, piece: Piece, ending: Ending) -> object:
    why = {"finish_reason": openai.reason(ending), "stop_reason": ending.stop}
    choice = openai.choice(piece, ids=asked.ids, **why)
    return openai.envelope(serving, asked, [choice], usage=openai.usage(ending, cached=serving.tells_cached))


def _models(serving: Serving, _request: Request) -> Answer:
    return openai.listing(serving, "vllm", root=serving.name, parent=None, max_model_len=serving.context)


def _pooling(serving: Serving, request: Request) -> Answer:
    """`token_classify`: one row per token, or per mark. The inputs are a text, texts, ids, or lists of ids."""
    body = request.json()
    if serving.reward is None or not serving.pools:
        return refusal(Shape.NESTED, "The model does not support Pooling API")
    if body.get("task") not in {None, "token_classify"}:
        return refusal(Shape.NESTED, f"Unsupported task: {body['task']!r}")
    data = []
    for index, ids in enumerate(_inputs(body["input"])):
        if len(ids) > serving.context:
            return refusal(Shape.NESTED, f"the input is longer than the maximum model length {serving.context}")
        data.append({"index": index, "object": "pooling", "data": serving.reward(ids)})
    return Answer({"id": "pool-1", "object": "list", "model": serving.name, "data": data, "usage": {}})


def _inputs(value: Any) -> list[tuple[int, ...]]:
    single = isinstance(value, str) or (value and isinstance(value[0], int))
    parts = [value] if single else value
    return [openai.prompt_of({"input": one}, "input", ids=True, shape=Shape.NESTED)[0] for one in parts]


def _version(_serving: Serving, _request: Request) -> Answer:
    return Answer({"version": "0.32.0"})


VLLM = Dialect(
    kind="vllm",
    answers={
        "GET /v1/models": _models,
        "GET /health": openai.healthy,
        "GET /ping": openai.healthy,
        "GET /version": _version,
        "POST /tokenize": openai.tokenize,
        "POST /detokenize": openai.detokenize,
        "POST /pooling": _pooling,
    },
    writes={"POST /v1/completions": Writing(_read, _piece, _final, _whole)},
    hold=Hold.FIXED,
    guarded=("/v1",),
    server="uvicorn",
)
