"""What a model takes on a GPU, layer by layer, from its own file: what `--gpu-layers auto` decides by."""

from __future__ import annotations

from collections import Counter

from qmath_cli.engine.llama.placement import Footprint
from qmath_cli.gguf_file import Header
from qmath_cli.models import fit

_LAYER = "blk."  # how GGUF names a layer's tensors: blk.17.attn_q.weight


def footprint(header: Header, cells: int, kv_type: str) -> Footprint:
    """Weights and KV cells of each layer, the output's tensors, and the compute buffers, in bytes."""
    layers = min(header.layers, len(header.tensors))  # a damaged count must not become a tuple of that length
    weights: Counter[str] = Counter()
    for tensor in header.tensors:
        name = tensor.name.split(".", 2)[1] if tensor.name.startswith(_LAYER) else "output"
        weights[name] += tensor.size
    need = fit.need(header, cells, kv_type)
    kv_share = need.kv // max(layers, 1)
    return Footprint(
        layers=tuple(weights[str(layer)] + kv_share for layer in range(layers)),
        output=weights["output"],
        compute=need.compute,
    )
