"""SGLang: as vLLM, with other names for the end, flat errors, and Ollama's endpoints beside its own.

Source: python/sglang/srt/entrypoints/openai/{protocol,serving_completions}.py and docs.sglang.io.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.engine.remote.dialects import openai
from tests.engine.remote.faults import Shape, refusal
from tests.engine.remote.generation import Asked, Ending, Piece
from tests.engine.remote.serving import Dialect, Refusal, Serving, Writing
from tests.engine.remote.wire import Answer, Request


def _read(serving: Serving, body: Mapping[str, Any]) -> Asked:
    asked = openai.common(serving, body, ids=True, shape=Shape.FLAT, default=16)
    count = len(asked.prompt)
    if count >= serving.context:
        message = f"The input ({count} tokens) is longer than the model's context length ({serving.context} tokens)."
        raise Refusal(refusal(Shape.FLAT, message))
    if asked.max_tokens is None or asked.max_tokens <= 0:
        raise Refusal(refusal(Shape.FLAT, "max_tokens must be positive"))
    if count + asked.max_tokens > serving.context:
        message = f"Requested token count exceeds the model's maximum context length of {serving.context} tokens."
        raise Refusal(refusal(Shape.FLAT, message))
    return asked


def _piece(serving: Serving, asked: Asked, piece: Piece) -> object:
    return openai.envelope(serving, asked, [openai.choice(piece, ids=asked.ids, matched_stop=None)], usage=None)


def _final(serving: Serving, asked: Asked, ending: Ending) -> Sequence[object]:
    last = _last(asked, ending.piece, ending)
    events: list[object] = [openai.envelope(serving, asked, [last], usage=None)]
    if asked.usage:
        events.append(openai.envelope(serving, asked, [], usage=openai.usage(ending, cached=serving.tells_cached)))
    return events


def _whole(serving: Serving, asked: Asked, piece: Piece, ending: Ending) -> object:
    last = _last(asked, piece, ending)
    return openai.envelope(serving, asked, [last], usage=openai.usage(ending, cached=serving.tells_cached))


def _last(asked: Asked, piece: Piece, ending: Ending) -> dict[str, Any]:
    matched = ending.stop if ending.stop is not None else ending.token
    return openai.choice(piece, ids=asked.ids, finish_reason=openai.reason(ending), matched_stop=matched)


def _models(serving: Serving, _request: Request) -> Answer:
    return openai.listing(serving, "sglang", root=serving.name, max_model_len=serving.context)


def _model_info(serving: Serving, _request: Request) -> Answer:
    return Answer({"model_path": serving.name, "tokenizer_path": serving.name, "is_generation": serving.reward is None})


def _server_info(serving: Serving, _request: Request) -> Answer:
    running = {"max_running_requests": serving.slots, "enable_deterministic_inference": False}
    return Answer({"version": "0.5.12", "context_length": serving.context, **running})


def _classify(serving: Serving, request: Request) -> Answer:
    """One score per input, that of the last token; ids one by one, or in lists."""
    if serving.reward is None or not serving.pools:
        return refusal(
            Shape.FLAT,
            "This model does not appear to be an embedding model by default. Please add"
            " `--is-embedding` when launching the server or try another model.",
        )
    body = request.json()
    given: Any = body.get("input_ids", body.get("text"))
    single = isinstance(given, str) or (isinstance(given, list) and given and isinstance(given[0], int))
    inputs: list[Any] = [given] if single else given
    ids = [openai.prompt_of({"input": one}, "input", ids=True, shape=Shape.FLAT)[0] for one in inputs]
    scored = [{"embedding": [serving.reward(one)[-1][-1]], "meta_info": {"prompt_tokens": len(one)}} for one in ids]
    return Answer(scored[0] if single else scored)


def _ollama_version(_serving: Serving, _request: Request) -> Answer:
    return Answer({"version": "0.5.12"})


SGLANG = Dialect(
    kind="sglang",
    answers={
        "GET /v1/models": _models,
        "GET /health": openai.healthy,
        "GET /health_generate": openai.healthy,
        "GET /get_model_info": _model_info,
        "GET /model_info": _model_info,
        "GET /get_server_info": _server_info,
        "GET /server_info": _server_info,
        "GET /api/version": _ollama_version,
        "POST /tokenize": openai.tokenize,
        "POST /detokenize": openai.detokenize,
        "POST /classify": _classify,
    },
    writes={"POST /v1/completions": Writing(_read, _piece, _final, _whole)},
    block=1,
    server="uvicorn",
)
