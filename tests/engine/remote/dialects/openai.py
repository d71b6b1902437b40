"""What the servers with OpenAI's completion endpoint have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.engine.remote.faults import Shape, refusal
from tests.engine.remote.generation import Asked, Ending, Piece, Reason
from tests.engine.remote.serving import Refusal, Serving
from tests.engine.remote.vocabulary import vocabulary
from tests.engine.remote.wire import Answer, Request

CREATED = 1_760_000_000


def listing(serving: Serving, owner: str | None, **more: object) -> Answer:
    """The list of models."""
    owned = {} if owner is None else {"owned_by": owner}
    return Answer(
        {
            "object": "list",
            "data": [{"id": serving.name, "object": "model", "created": CREATED, **owned, **more}],
        }
    )


def prompt_of(body: Mapping[str, Any], key: str, *, ids: bool, shape: Shape) -> tuple[tuple[int, ...], bool]:
    """The ids of a prompt, and whether they were sent as such.

    A text is read as every server reads it: what spells a control token becomes one.
    """
    value = body.get(key)
    if isinstance(value, str):
        return vocabulary().encode(value), False
    if ids and isinstance(value, list) and value and all(type(one) is int for one in value):
        if not all(0 <= one < vocabulary().size for one in value):
            raise Refusal(refusal(shape, f"Token id {max(value)} is out of vocabulary"))
        return tuple(value), True
    raise Refusal(refusal(shape, f"{key} is neither a text nor a list of ids"))


def common(serving: Serving, body: Mapping[str, Any], *, ids: bool, shape: Shape, default: int | None) -> Asked:
    """A completion request."""
    if body.get("model") not in {None, serving.name}:
        raise Refusal(refusal(shape, f"The model `{body['model']}` does not exist.", 404))
    prompt, as_ids = prompt_of(body, "prompt", ids=ids, shape=shape)
    stops = body.get("stop") or ()
    options = body.get("stream_options") or {}
    streams = bool(body.get("stream"))
    if options and not streams:
        raise Refusal(refusal(shape, "Stream options can only be defined when `stream=True`."))
    return Asked(
        prompt=prompt,
        text=vocabulary().text(prompt),
        max_tokens=body.get("max_tokens", default),
        stops=(stops,) if isinstance(stops, str) else tuple(stops),
        seed=body.get("seed"),
        stream=streams,
        ids=bool(body.get("return_token_ids")),
        usage=bool(options.get("include_usage")) or not streams,
        as_ids=as_ids,
        body=body,
    )


def envelope(serving: Serving, asked: Asked, choices: list[dict[str, Any]], **more: object) -> dict[str, Any]:
    """A chunk, or a whole answer."""
    top = {"id": f"cmpl-{asked.number}", "object": "text_completion", "created": CREATED, "model": serving.name}
    return {**top, "choices": choices, **more}


def choice(piece: Piece, *, ids: bool, **more: object) -> dict[str, Any]:
    """The one choice of an answer."""
    found: dict[str, Any] = {"index": 0, "text": piece.text, "logprobs": None, "finish_reason": None, **more}
    return {**found, "token_ids": list(piece.ids)} if ids else found


def reason(ending: Ending) -> str:
    """`stop` or `length`."""
    return "length" if ending.reason is Reason.LENGTH else "stop"


def usage(ending: Ending, *, cached: bool) -> dict[str, Any]:
    """The token counts."""
    counts = {
        "prompt_tokens": ending.prompt_tokens,
        "total_tokens": ending.prompt_tokens + ending.completion_tokens,
        "completion_tokens": ending.completion_tokens,
    }
    details = {"cached_tokens": ending.cached_tokens} if cached else None
    return {**counts, "prompt_tokens_details": details}


def tokenize(serving: Serving, request: Request) -> Answer:
    """VLLM's and SGLang's `/tokenize`; control tokens are always parsed."""
    text = str(request.json().get("prompt", ""))
    ids = vocabulary().encode(text)
    return Answer({"count": len(ids), "max_model_len": serving.context, "tokens": list(ids), "token_strs": None})


def detokenize(_serving: Serving, request: Request) -> Answer:
    """VLLM's and SGLang's `/detokenize`."""
    return Answer({"prompt": vocabulary().text(tuple(request.json().get("tokens", ())))})


def healthy(_serving: Serving, _request: Request) -> Answer:
    """An empty 200."""
    return Answer("")
