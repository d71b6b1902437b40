"""llama-server: `/completion` with ids, stop kinds and timings. Source: tools/server/README.md of llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.engine.remote.dialects import openai
from tests.engine.remote.faults import Shape, refusal
from tests.engine.remote.generation import Asked, Ending, Piece, Reason
from tests.engine.remote.serving import Dialect, Refusal, Serving, Writing
from tests.engine.remote.vocabulary import vocabulary
from tests.engine.remote.wire import Answer, Request

_STOPPED = {Reason.END: "eos", Reason.STRING: "word", Reason.LENGTH: "limit"}


def _read(serving: Serving, body: Mapping[str, Any]) -> Asked:
    prompt, as_ids = _prompt(body)
    if not prompt:
        raise Refusal(refusal(Shape.NESTED, '"prompt" must not be empty'))
    if len(prompt) >= serving.context:
        error = {
            "code": 400,
            "message": f"request ({len(prompt)} tokens) exceeds the available context size ({serving.context} tokens),"
            " try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": len(prompt),
            "n_ctx": serving.context,
        }
        raise Refusal(Answer({"error": error}, 400))
    wanted = body.get("n_predict", body.get("max_tokens", -1)) or 1  # 0 computes one token, too
    return Asked(
        prompt=prompt,
        text=vocabulary().text(prompt),
        max_tokens=None if wanted < 0 else wanted,
        stops=tuple(body.get("stop") or ()),
        seed=body.get("seed"),
        stream=bool(body.get("stream")),
        ids=bool(body.get("return_tokens")),
        usage=True,
        as_ids=as_ids,
        body=body,
    )


def _prompt(body: Mapping[str, Any]) -> tuple[tuple[int, ...], bool]:
    """A text, ids, or a list of both."""
    value = body.get("prompt")
    if not isinstance(value, list) or all(type(one) is int for one in value):
        return openai.prompt_of(body, "prompt", ids=True, shape=Shape.NESTED)
    parts = [vocabulary().encode(one) if isinstance(one, str) else (one,) for one in value]
    return sum(parts, ()), False


def _piece(serving: Serving, asked: Asked, piece: Piece) -> object:
    tokens = list(piece.ids) if asked.ids else []
    counts = {"tokens_predicted": 0, "tokens_evaluated": len(asked.prompt)}
    return {"index": 0, "content": piece.text, "tokens": tokens, "stop": False, "id_slot": -1, **counts}


def _final(serving: Serving, asked: Asked, ending: Ending) -> Sequence[object]:
    last = [_piece(serving, asked, ending.piece)] if ending.piece.text or ending.piece.ids else []
    return [*last, _end(serving, asked, Piece("", ()), ending)]


def _whole(serving: Serving, asked: Asked, piece: Piece, ending: Ending) -> object:
    return _end(serving, asked, piece, ending)


def _end(serving: Serving, asked: Asked, piece: Piece, ending: Ending) -> dict[str, Any]:
    prefilled = ending.prompt_tokens - ending.cached_tokens
    total = ending.prompt_tokens + ending.completion_tokens
    return {
        "index": 0,
        "content": piece.text,
        "tokens": list(piece.ids) if asked.ids else [],
        "id_slot": 0,
        "stop": True,
        "model": serving.name,
        "tokens_predicted": ending.completion_tokens,
        "tokens_evaluated": ending.prompt_tokens,
        "tokens_cached": total - 1,
        "has_new_line": "\n" in piece.text,
        "truncated": ending.reason is Reason.LENGTH and total >= serving.context,
        "stop_type": _STOPPED[ending.reason],
        "stopping_word": ending.stop or "",
        "timings": {
            "cache_n": ending.cached_tokens,
            "prompt_n": prefilled,
            "prompt_ms": 10.0 * prefilled,
            "predicted_n": ending.completion_tokens,
            "predicted_ms": 20.0 * ending.completion_tokens,
        },
    }


def _models(serving: Serving, _request: Request) -> Answer:
    meta = {"n_vocab": vocabulary().size, "n_ctx": serving.context, "n_ctx_train": 4096, "n_params": 7_615_616_512}
    return openai.listing(serving, "llamacpp", meta=meta)


def _props(serving: Serving, _request: Request) -> Answer:
    return Answer(
        {
            "default_generation_settings": {"id": 0, "n_ctx": serving.context, "params": {"temperature": 0.8}},
            "total_slots": serving.slots,
            "model_path": f"/models/{serving.name}.gguf",
            "chat_template": "{%- for message in messages %}<|im_start|>...{%- endfor %}",
            "build_info": "b7400-00dc8057",
        }
    )


def _tokenize(_serving: Serving, request: Request) -> Answer:
    body = request.json()
    special = bool(body.get("parse_special", True))
    return Answer({"tokens": list(vocabulary().encode(str(body.get("content", "")), special=special))})


def _detokenize(_serving: Serving, request: Request) -> Answer:
    return Answer({"content": vocabulary().text(tuple(request.json().get("tokens", ())))})


def _slots(serving: Serving, _request: Request) -> Answer:
    return Answer([{"id": slot, "n_ctx": serving.context, "is_processing": False} for slot in range(serving.slots)])


def _health(_serving: Serving, _request: Request) -> Answer:
    return Answer({"status": "ok"})


def _unknown(_request: Request) -> Answer:
    return Answer({"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, 404)


def _limited(serving: Serving, body: Mapping[str, Any]) -> Asked:
    """As `_read`; the context's end is a limit."""
    asked = _read(serving, body)
    room = serving.context - len(asked.prompt)
    return replace(asked, max_tokens=room if asked.max_tokens is None else min(room, asked.max_tokens))


LLAMA_SERVER = Dialect(
    kind="llama-server",
    answers={
        "GET /v1/models": _models,
        "GET /health": _health,
        "GET /props": _props,
        "GET /slots": _slots,
        "POST /tokenize": _tokenize,
        "POST /detokenize": _detokenize,
    },
    writes={"POST /completion": Writing(_limited, _piece, _final, _whole, done=False)},
    unknown=_unknown,
    block=1,
    server="llama.cpp",
)
