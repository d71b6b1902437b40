"""`POST /v1/completions`: vLLM, SGLang, LM Studio, mlx_lm.server, and others that follow it.

None of these puts a chat template on the prompt. All sampling values are sent, because what is missing comes from six
different places: a checkpoint's generation_config, the server's defaults, OpenAI's.

Fields: vLLM `entrypoints/openai/completion/protocol.py`, SGLang `entrypoints/openai/protocol.py`, mlx_lm `server.py`,
and LM Studio's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qmath_cli.engine.remote.dialects.dialect import (
    Body,
    Delta,
    Dialect,
    Ending,
    Record,
    Request,
    ids,
    require_no_error,
    whole,
)
from qmath_cli.engine.remote.http import Broken
from qmath_cli.records import ServerKind

_PATH = "/v1/completions"


def dialect(kind: ServerKind) -> Dialect:
    """The dialect of one of these servers."""
    if kind in {ServerKind.VLLM, ServerKind.SGLANG}:
        return Dialect(_PATH, _with_ids, _read, token_ids=True, names_stops=True)
    if kind is ServerKind.MLX_LM:
        return Dialect(_PATH, _without_seed, _read, whole=False)  # it looks at the connection only when it writes
    return Dialect(_PATH, _text, _read)


def _common(request: Request) -> Body:
    sampling = request.sampling
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    return {
        "model": request.model,
        "prompt": request.prompt,
        "max_tokens": request.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "seed": sampling.seed,
        **({"stream": False} if request.whole else streamed),
    }


def _with_ids(request: Request) -> Body:
    """VLLM and SGLang: -1 switches top-k off there."""
    more = {
        "top_k": request.sampling.top_k or -1,
        "repetition_penalty": 1.0,
        "stop": list(request.stops),
        "return_token_ids": True,
    }
    return _common(request) | more | ({"ignore_eos": True} if request.endless else {})


def _text(request: Request) -> Body:
    """LM Studio and others; `repetition_penalty` is what the same value is called elsewhere."""
    return _common(request) | {"top_k": request.sampling.top_k, "repeat_penalty": 1.0, "repetition_penalty": 1.0}


def _without_seed(request: Request) -> Body:
    """mlx_lm.server computes a request with a seed alone, one after the other."""
    body = _common(request) | {"top_k": request.sampling.top_k, "repetition_penalty": 1.0}
    del body["seed"]
    return body


def _read(record: Record) -> Delta:
    require_no_error(record)
    prompt, completion, cached = _usage(record.get("usage"))
    choices = record.get("choices")
    choice: Any = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, Mapping):
        raise Broken("the server sends a choice that is no object")
    text = choice.get("text")
    return Delta(
        text if isinstance(text, str) else "",
        ids(choice.get("token_ids")),
        _ending(choice),
        prompt,
        completion,
        cached,
    )


def _ending(choice: Mapping[str, Any]) -> Ending | None:
    reason = choice.get("finish_reason")
    if not reason:
        return None
    if reason == "length":
        return Ending.LENGTH
    if reason in {"abort", "error"}:
        raise Broken("the server gave the request up")
    stopped_at = choice.get("stop_reason", choice.get("matched_stop"))  # vLLM's name, SGLang's name
    return Ending.STRING if isinstance(stopped_at, str) else Ending.END


def _usage(usage: object) -> tuple[int | None, int | None, int | None]:
    """Tokens of the prompt, of the text, and of the prompt's cached part."""
    if not isinstance(usage, Mapping):
        return None, None, None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens")), whole(cached)
