"""Ollama: JSON lines, text prompts only, and prompts that are cut where nobody forbids it.

Source: openai/openai.go, server/routes.go and llm/llama_server.go of ollama.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.engine.remote.dialects import openai
from tests.engine.remote.faults import Shape, refusal
from tests.engine.remote.generation import Asked, Ending, Piece
from tests.engine.remote.serving import Dialect, Refusal, Serving, Writing
from tests.engine.remote.vocabulary import vocabulary
from tests.engine.remote.wire import Answer, Request

_TIME = "2026-09-01T00:00:00Z"


def _read(serving: Serving, body: Mapping[str, Any]) -> Asked:
    if body.get("model") != serving.name:
        raise Refusal(refusal(Shape.SENTENCE, f"model '{body.get('model')}' not found", 404))
    if body.get("raw") and any(body.get(one) for one in ("template", "system", "context")):
        raise Refusal(refusal(Shape.SENTENCE, "raw mode does not support template, system, or context"))
    prompt, _ = openai.prompt_of(body, "prompt", ids=False, shape=Shape.SENTENCE)
    if not body.get("raw"):
        text = f"<|im_start|>user\n{body['prompt']}<|im_end|>\n<|im_start|>assistant\n"
        prompt = vocabulary().encode(text)
    options = body.get("options") or {}
    context = int(options.get("num_ctx", serving.context))
    wanted = options.get("num_predict", -1)
    asked = Asked(
        prompt=_fitted(prompt, context, body),
        text="",
        max_tokens=None if wanted < 0 else wanted,
        stops=tuple(options.get("stop") or ()),
        seed=options.get("seed"),
        stream=body.get("stream", True) is True,
        usage=True,
        body=body,
    )
    room = context - len(asked.prompt)
    limit = room if asked.max_tokens is None else min(room, asked.max_tokens)
    return replace(asked, text=vocabulary().text(asked.prompt), max_tokens=limit)


def _fitted(prompt: tuple[int, ...], context: int, body: Mapping[str, Any]) -> tuple[int, ...]:
    """The prompt, or its end, unless cutting was forbidden."""
    if len(prompt) < context:
        return prompt
    if body.get("truncate", True) or body.get("shift", True):
        return prompt[-context // 2 :]
    raise Refusal(refusal(Shape.SENTENCE, f"the prompt is longer than the context length {context}"))


def _piece(serving: Serving, asked: Asked, piece: Piece) -> object:
    return {"model": serving.name, "created_at": _TIME, "response": piece.text, "done": False}


def _final(serving: Serving, asked: Asked, ending: Ending) -> Sequence[object]:
    last = [_piece(serving, asked, ending.piece)] if ending.piece.text else []
    return [*last, _end(serving, Piece("", ()), ending)]


def _whole(serving: Serving, asked: Asked, piece: Piece, ending: Ending) -> object:
    return _end(serving, piece, ending)


def _end(serving: Serving, piece: Piece, ending: Ending) -> dict[str, Any]:
    return {
        "model": serving.name,
        "created_at": _TIME,
        "response": piece.text,
        "done": True,
        "done_reason": openai.reason(ending),
        "total_duration": 5_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": ending.prompt_tokens,
        "prompt_eval_duration": 1_000_000,
        "eval_count": ending.completion_tokens,
        "eval_duration": 3_000_000,
    }


def _root(_serving: Serving, _request: Request) -> Answer:
    return Answer("Ollama is running")


def _version(_serving: Serving, _request: Request) -> Answer:
    return Answer({"version": "0.13.5"})


def _models(serving: Serving, _request: Request) -> Answer:
    return openai.listing(serving, "library")


def _details(serving: Serving) -> dict[str, Any]:
    return {"name": serving.name, "model": serving.name, "details": {"family": "qwen2", "quantization_level": "Q4_K_M"}}


def _tags(serving: Serving, _request: Request) -> Answer:
    return Answer({"models": [_details(serving)]})


def _running(serving: Serving, _request: Request) -> Answer:
    return Answer({"models": [{**_details(serving), "context_length": serving.context}]})


def _show(serving: Serving, request: Request) -> Answer:
    if request.json().get("model") != serving.name:
        return refusal(Shape.SENTENCE, "model not found", 404)
    info = {"general.architecture": "qwen2", "qwen2.context_length": serving.context}
    return Answer({**_details(serving), "model_info": info, "parameters": "", "capabilities": ["completion"]})


def _unknown(_request: Request) -> Answer:
    return Answer("404 page not found", 404)


OLLAMA = Dialect(
    kind="ollama",
    answers={
        "GET /": _root,
        "GET /api/version": _version,
        "GET /api/tags": _tags,
        "GET /api/ps": _running,
        "POST /api/show": _show,
        "GET /v1/models": _models,
    },
    writes={"POST /api/generate": Writing(_read, _piece, _final, _whole, done=False, lines=True)},
    guarded=(),
    unknown=_unknown,
    block=1,
)
