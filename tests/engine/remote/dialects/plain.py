"""Servers that take text and say little: LM Studio, mlx_lm.server, and whatever else has `/v1/completions`.

Sources: the documentation of LM Studio (`lmstudio-ai/docs`), and mlx_lm/server.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.engine.remote.dialects import openai
from tests.engine.remote.faults import Shape, refusal
from tests.engine.remote.generation import Asked, Ending, Piece, Reason
from tests.engine.remote.serving import Dialect, Refusal, Serving, Writing
from tests.engine.remote.wire import Answer, Request

_STATS = {Reason.END: "eosFound", Reason.STRING: "stopStringFound", Reason.LENGTH: "maxPredictedTokensReached"}


def _piece(serving: Serving, asked: Asked, piece: Piece) -> object:
    return openai.envelope(serving, asked, [openai.choice(piece, ids=False)])


def _final(serving: Serving, asked: Asked, ending: Ending) -> Sequence[object]:
    last = openai.choice(ending.piece, ids=False, finish_reason=openai.reason(ending))
    events: list[object] = [openai.envelope(serving, asked, [last])]
    if asked.usage:
        events.append(openai.envelope(serving, asked, [], usage=openai.usage(ending, cached=serving.tells_cached)))
    return events


def _whole(serving: Serving, asked: Asked, piece: Piece, ending: Ending) -> object:
    last = openai.choice(piece, ids=False, finish_reason=openai.reason(ending))
    return openai.envelope(serving, asked, [last], usage=openai.usage(ending, cached=serving.tells_cached))


def _within(asked: Asked, serving: Serving) -> Asked:
    room = serving.context - len(asked.prompt)
    if room < 1:
        raise Refusal(refusal(Shape.SENTENCE, "Trying to keep the first tokens when context overflows"))
    wanted = asked.max_tokens if asked.max_tokens is not None and asked.max_tokens >= 0 else room
    return replace(asked, max_tokens=min(room, wanted))


# ---------------------------------------------------------------- LM Studio


def _read_lm_studio(serving: Serving, body: Mapping[str, Any]) -> Asked:
    return _within(openai.common(serving, body, ids=False, shape=Shape.SENTENCE, default=None), serving)


def _whole_stats(serving: Serving, asked: Asked, piece: Piece, ending: Ending) -> object:
    whole = _whole(serving, asked, piece, ending)
    stats = {"tokens_per_second": 50.0, "stop_reason": _STATS[ending.reason]}
    return {**_mapping(whole), "stats": stats, "model_info": {"context_length": serving.context}}


def _final_stats(serving: Serving, asked: Asked, ending: Ending) -> Sequence[object]:
    *rest, last = _final(serving, asked, ending)
    stats = {"stop_reason": _STATS[ending.reason]}
    return [*rest, {**_mapping(last), "stats": stats, "model_info": {"context_length": serving.context}}]


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _lm_models(serving: Serving, _request: Request) -> Answer:
    return openai.listing(serving, "organization_owner")


def _lm_native(serving: Serving, _request: Request) -> Answer:
    loaded = [{"id": serving.name, "config": {"context_length": serving.context, "parallel": serving.slots}}]
    quantization = {"name": "Q4_K_M", "bits_per_weight": 4}
    model = {"type": "llm", "key": serving.name, "quantization": quantization, "loaded_instances": loaded}
    return Answer({"models": [model]})


def _lm_unknown(request: Request) -> Answer:
    """LM Studio answers 200 for whatever it does not know."""
    return Answer({"error": f"Unexpected endpoint or method. ({request.method} {request.path})"})


LM_STUDIO = Dialect(
    kind="lm-studio",
    answers={"GET /v1/models": _lm_models, "GET /api/v1/models": _lm_native},
    writes={
        "POST /v1/completions": Writing(_read_lm_studio, _piece, _final, _whole),
        "POST /api/v0/completions": Writing(_read_lm_studio, _piece, _final_stats, _whole_stats),
    },
    unknown=_lm_unknown,
)


# ---------------------------------------------------------------- mlx_lm.server


def _read_mlx(serving: Serving, body: Mapping[str, Any]) -> Asked:
    """No limit but `max_tokens`, 512 where it is not sent; values are checked as mlx_lm checks them."""
    if int(body.get("top_k", 0)) < 0:
        raise Refusal(refusal(Shape.SENTENCE, "top_k must be a non-negative integer"))
    if not 0 <= float(body.get("min_p", 0.0)) <= 1:
        raise Refusal(refusal(Shape.SENTENCE, "min_p must be a float between 0 and 1"))
    return openai.common(serving, body, ids=False, shape=Shape.SENTENCE, default=512)


def _mlx_models(serving: Serving, _request: Request) -> Answer:
    return openai.listing(serving, None)


def _mlx_health(_serving: Serving, _request: Request) -> Answer:
    return Answer({"status": "ok"})


MLX = Dialect(
    kind="mlx-lm",
    answers={"GET /v1/models": _mlx_models, "GET /health": _mlx_health},
    writes={"POST /v1/completions": Writing(_read_mlx, _piece, _final, _whole)},
    guarded=(),
    unknown=lambda _request: Answer("Not Found", 404),
    block=1,
    server="BaseHTTP/0.6 Python/3.12.3",
)


# ---------------------------------------------------------------- any other


def _read_generic(serving: Serving, body: Mapping[str, Any]) -> Asked:
    """Sixteen tokens where no limit is sent, as OpenAI's own endpoint."""
    return _within(openai.common(serving, body, ids=False, shape=Shape.DETAIL, default=16), serving)


def _generic_models(serving: Serving, _request: Request) -> Answer:
    return openai.listing(serving, "me")


GENERIC = Dialect(
    kind="generic",
    answers={"GET /v1/models": _generic_models},
    writes={"POST /v1/completions": Writing(_read_generic, _piece, _final, _whole)},
    block=1,
)
