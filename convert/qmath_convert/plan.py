"""What a conversion will do, down to the last byte, before it does it.

`plan` opens a checkpoint (headers only) and gives every output's header, the place and type of each of its tensors, and
the disk that is needed. Nothing is written here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qmath_convert import metadata, recipe, reward
from qmath_convert.checkpoint import Checkpoint, Tensor, open_checkpoint
from qmath_convert.errors import UnsupportedModel
from qmath_convert.imatrix import Importance
from qmath_convert.layout import Layout, Place, Slot, lay_out
from qmath_convert.recipe import Quant
from qmath_convert.source import Source
from qmath_convert.tokenizer import read_tokenizer


@dataclass(frozen=True, slots=True)
class Output:
    """One file to write. `quant` is None for a reward model's head."""

    path: Path
    quant: Quant | None
    layout: Layout
    fingerprint: str

    @property
    def types(self) -> Mapping[str, int]:
        """How many tensors get each type, by its name."""
        return Counter(place.slot.kind.name for place in self.layout.places)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole conversion. `tensors` are in reading order: shard by shard, by offset."""

    checkpoint: Checkpoint
    tensors: tuple[Tensor, ...]
    outputs: tuple[Output, ...]
    importance: Importance | None = None

    @property
    def output_bytes(self) -> int:
        """The size of all files together."""
        return sum(output.layout.size for output in self.outputs)

    @property
    def source_bytes(self) -> int:
        """The size of all shards together."""
        return sum(self.checkpoint.source.size(shard) for shard in self.checkpoint.shards)

    @property
    def largest_shard(self) -> int:
        """The size of the largest shard: what a streaming source needs beside the output."""
        return max(self.checkpoint.source.size(shard) for shard in self.checkpoint.shards)


def plan(source: Source, targets: Mapping[Path, Quant], importance: Importance | None = None) -> Plan:
    """Plan the conversion of `source` into each path with its quantization.

    A reward model's head goes beside each body, as `NAME.head.gguf`. Raises `ConvertError`s for a checkpoint that
    cannot be converted.
    """
    checkpoint = open_checkpoint(source)
    if importance is not None:
        importance.check(checkpoint)
    common = metadata.common_fields(checkpoint, read_tokenizer(source, checkpoint.config))
    identity = _identity(checkpoint, importance)
    outputs = []
    for path, quant in targets.items():
        shape = _shape(checkpoint, importance)
        slots = [_slot(tensor, quant, shape) for tensor in checkpoint.body]
        fields = (*common, *metadata.quant_fields(quant), *(importance.fields() if importance else ()))
        outputs.append(_output(path, quant, lay_out(fields, slots), identity))
        if checkpoint.head:
            outputs.append(_output(reward.head_path(path), None, reward.lay_out_head(checkpoint), identity))
    _check_names(outputs)
    return Plan(checkpoint, _reading_order(checkpoint), tuple(outputs), importance)


def _shape(checkpoint: Checkpoint, importance: Importance | None) -> recipe.Shape:
    config = checkpoint.config
    return recipe.Shape(
        layers=config.layers,
        heads_per_kv=config.heads // config.kv_heads,
        tied=not config.has_output,
        has_importance=importance is not None,
    )


def _slot(tensor: Tensor, quant: Quant, shape: recipe.Shape) -> Slot:
    kind = recipe.tensor_type(quant, tensor.name, tensor.stored.dims, shape)
    return Slot(tensor.name, tensor.stored.dims, kind)


def _output(path: Path, quant: Quant | None, layout: Layout, identity: str) -> Output:
    fingerprint = hashlib.sha256(layout.header + identity.encode()).hexdigest()
    return Output(path, quant, layout, fingerprint)


def _identity(checkpoint: Checkpoint, importance: Importance | None) -> str:
    """The weights that a half-written file was made from; another checkpoint's must never be mixed in."""
    shards = [f"{shard}={checkpoint.source.identity(shard)}" for shard in checkpoint.shards]
    return "\n".join([*shards, importance.digest if importance else ""])


def _reading_order(checkpoint: Checkpoint) -> tuple[Tensor, ...]:
    rank = {shard: i for i, shard in enumerate(checkpoint.shards)}
    tensors: Sequence[Tensor] = (*checkpoint.body, *checkpoint.head)
    return tuple(sorted(tensors, key=lambda tensor: (rank[tensor.stored.shard], tensor.stored.offset)))


def _check_names(outputs: Sequence[Output]) -> None:
    if len({output.path for output in outputs}) != len(outputs):
        raise UnsupportedModel("two outputs have the same name", "Give each output a name of its own.")


def places_of(output: Output) -> dict[str, Place]:
    """Where each tensor goes, by name."""
    return {place.slot.name: place for place in output.layout.places}
