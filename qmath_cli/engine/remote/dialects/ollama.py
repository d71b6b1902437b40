"""Ollama's `POST /api/generate` with `raw`: one JSON object per line.

Its `/v1/completions` puts a template on the prompt and is not used. A prompt that is too long would be cut silently:
`truncate` and `shift` switch that off. A stream that ends without `done` has ended early: Ollama does so after thirty
equal tokens. It takes text only, in which control tokens cannot be told from text.

Fields: `api/types.go` and `server/routes.go` of Ollama.
"""

from __future__ import annotations

from qmath_cli.engine.remote.dialects.dialect import (
    Body,
    Delta,
    Dialect,
    Ending,
    Record,
    Request,
    require_no_error,
    whole,
)
from qmath_cli.engine.remote.http import Broken


def _body(request: Request) -> Body:
    sampling = request.sampling
    options = {
        "num_ctx": request.context,
        "num_predict": request.max_tokens,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "repeat_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "seed": sampling.seed,
    }
    return {
        "model": request.model,
        "prompt": request.prompt,
        "raw": True,
        "stream": not request.whole,
        "truncate": False,
        "shift": False,
        "options": options,
    }


def _read(record: Record) -> Delta:
    require_no_error(record)
    text = record.get("response")
    text = text if isinstance(text, str) else ""
    if not record.get("done"):
        return Delta(text)
    reason = record.get("done_reason")
    if reason in {"load", "unload"}:
        raise Broken("the server loaded or unloaded the model instead of answering")
    ending = Ending.LENGTH if reason == "length" else Ending.END
    return Delta(text, (), ending, whole(record.get("prompt_eval_count")), whole(record.get("eval_count")))


DIALECT = Dialect("/api/generate", _body, _read)
