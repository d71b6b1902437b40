"""llama-server's `POST /completion`, which names the stop and counts the cached tokens.

Its own sampling defaults are neither OpenAI's nor neutral, so every value is sent, and so is the order of the samplers:
temperature first, as in `engine.sampler`.

Fields: `tools/server/README.md` of llama.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping

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

_NEUTRAL = {
    "typical_p": 1.0,
    "top_n_sigma": -1.0,
    "repeat_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "dry_multiplier": 0.0,
    "xtc_probability": 0.0,
    "dynatemp_range": 0.0,
    "mirostat": 0,
}
_ENDINGS = {"eos": Ending.END, "word": Ending.STRING, "limit": Ending.LENGTH}


def _body(request: Request) -> Body:
    sampling = request.sampling
    return {
        "prompt": request.prompt,
        "n_predict": request.max_tokens,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "samplers": ["temperature", "top_k", "top_p", "min_p"],
        "seed": sampling.seed,
        **_NEUTRAL,
        "stop": list(request.stops),
        "ignore_eos": request.endless,
        "cache_prompt": True,
        "return_tokens": True,
        "stream": not request.whole,
    }


def _read(record: Record) -> Delta:
    require_no_error(record)
    text = record.get("content")
    text, tokens = text if isinstance(text, str) else "", ids(record.get("tokens"))
    if not record.get("stop"):
        return Delta(text, tokens)
    timings = record.get("timings")
    cached = timings.get("cache_n") if isinstance(timings, Mapping) else None
    return Delta(
        text,
        tokens,
        _ENDINGS.get(str(record.get("stop_type")), Ending.END),
        whole(record.get("tokens_evaluated")),
        whole(record.get("tokens_predicted")),
        whole(cached),
    )


DIALECT = Dialect("/completion", _body, _read, token_ids=True, names_stops=True)
