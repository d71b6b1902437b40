"""The footprint that decides how many layers go to a GPU."""

from __future__ import annotations

from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.models import fit
from qmath_cli.runtime.offload import footprint


def test_the_parts_add_up_to_the_whole(root: Path) -> None:
    """Every tensor and every KV cell of the demo is in exactly one part."""
    header = gguf_file.read(root / "qmath_cli" / "demo" / "demo-q8_0.gguf")
    parts = footprint(header, 4096, "f16")
    need = fit.need(header, 4096, "f16")
    assert len(parts.layers) == header.number("block_count")
    assert len(set(parts.layers)) == 1
    assert sum(parts.layers) + parts.output == need.weights + need.kv
    assert parts.compute == need.compute
