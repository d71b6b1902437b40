"""How the next token is drawn: llama.cpp's own samplers, chained as the field's evaluation harnesses order them.

Temperature comes before the filters, as in vLLM and transformers, on which the published numbers rest; llama.cpp's own
command-line tools put it last, which at T < 1 keeps more tokens for the same top-p. One chain belongs to one sequence:
its random state advances only with that sequence's tokens.
"""

from __future__ import annotations

from typing import Any

from qmath_cli.records import Sampling

_SEEDS = 0xFFFFFFFF  # LLAMA_DEFAULT_SEED: this value itself means "draw a random seed", so seeds stay below it
_KEEP = 1  # a filter always leaves at least this many tokens


def build_chain(lib: Any, sampling: Sampling) -> Any:  # noqa: ANN401  ctypes pointers have no useful static type
    """A sampler chain for one sequence; the caller frees it with `llama_sampler_free`."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    if sampling.temperature <= 0:
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_greedy())
        return chain
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(sampling.temperature))
    if sampling.top_k > 0:
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1:
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(sampling.top_p, _KEEP))
    if sampling.min_p > 0:
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_min_p(sampling.min_p, _KEEP))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(sampling.seed % _SEEDS))
    return chain
