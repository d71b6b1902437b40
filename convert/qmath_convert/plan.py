"""The plan of a conversion: every output's header, the type and offset of each tensor, and the sizes.

`plan` reads a checkpoint's headers only. Nothing is written here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qmath_convert import metadata, recipe, reward
from qmath_convert.card import read_description
from qmath_convert.checkpoint import Checkpoint, Tensor, open_checkpoint
from qmath_convert.errors import UnsupportedModel
from qmath_convert.imatrix import Importance
from qmath_convert.layout import Field, FileLayout, TensorSpec, lay_out
from qmath_convert.recipe import Quant
from qmath_convert.source import Source
from qmath_convert.tensor_types import TypeRule, tensor_types
from qmath_convert.tokenizer import read_tokenizer


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file to write. `quant` is None for a reward model's head. `fingerprint` identifies layout and source."""

    path: Path
    quant: Quant | None
    layout: FileLayout
    fingerprint: str

    @property
    def types(self) -> Mapping[str, int]:
        """The number of tensors of each type, by the type's name."""
        return Counter(tensor.spec.kind.name for tensor in self.layout.tensors)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole conversion. `tensors` are in reading order.

    `notes` say in sentences what was left out.
    """

    checkpoint: Checkpoint
    tensors: tuple[Tensor, ...]
    outputs: tuple[OutputFile, ...]
    importance: Importance | None = None
    notes: tuple[str, ...] = ()

    @property
    def output_bytes(self) -> int:
        """Bytes of all outputs together."""
        return sum(output.layout.size for output in self.outputs)

    @property
    def source_bytes(self) -> int:
        """Bytes of all shards together."""
        return sum(self.checkpoint.source.size(shard) for shard in self.checkpoint.shards)

    @property
    def largest_shard(self) -> int:
        """Bytes of the largest shard: the disk that a downloading source needs in addition to the outputs."""
        return max(self.checkpoint.source.size(shard) for shard in self.checkpoint.shards)


def plan(
    source: Source,
    targets: Mapping[Path, Quant],
    importance: Importance | None = None,
    rules: Sequence[TypeRule] = (),
    described: Sequence[Field] = (),
) -> Plan:
    """Plan a conversion, without writing anything.

    Args:
        source: the checkpoint.
        targets: the quantization of each output. A reward model's head is written next to each, as `NAME.head.gguf`.
        importance: weights for the quantizer, or None.
        rules: types of single tensors, for the outputs that are quantized.
        described: metadata about them, written last.

    Raises:
        ConvertError: the checkpoint cannot be converted.
    """
    checkpoint = open_checkpoint(source)
    if importance is not None:
        importance.check(checkpoint)
    description, tokenizer = read_description(source), read_tokenizer(source, checkpoint.config)
    common = metadata.common_fields(checkpoint, tokenizer, description)
    identity = _identity(checkpoint, importance)
    shape = shape_of(checkpoint, has_importance=importance is not None)
    outputs = []
    for path, quant in targets.items():
        specs = _specs(checkpoint, quant, shape, rules)
        fields = (*common, *metadata.quant_fields(quant), *(importance.fields() if importance else ()), *described)
        outputs.append(_output(path, quant, lay_out(fields, specs), identity))
        if checkpoint.head:
            outputs.append(
                _output(
                    reward.head_path(path), None, reward.lay_out_head(checkpoint, metadata.text_name(source)), identity
                )
            )
    if len({output.path for output in outputs}) != len(outputs):
        raise UnsupportedModel("two outputs have the same name", "Give each output another name.")
    unruled = [str(quant) for quant in targets.values() if rules and not quant.base.is_quantized]
    ignored = [f"{quant} is not quantized: no rule for tensor types applies" for quant in unruled]
    notes = (
        *ignored,
        *description.left_out,
        *tokenizer.left_out,
        *(_unweighted(outputs, importance) if importance else ()),
    )
    return Plan(checkpoint, _reading_order(checkpoint, outputs), tuple(outputs), importance, notes)


def _unweighted(outputs: Sequence[OutputFile], importance: Importance) -> Iterator[str]:
    """A sentence for every output with tensors whose weights are zero where their type needs one."""
    for output in outputs:
        names = [tensor.spec.name for tensor in output.layout.tensors if importance.is_unusable(tensor.spec)]
        if names:
            others = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield (
                f"{importance.file} has no weight for whole blocks of {names[0]}{others}: quantized without weights "
                f"as {output.quant}"
            )


def shape_of(checkpoint: Checkpoint, *, has_importance: bool) -> recipe.ModelShape:
    """What the types of a checkpoint's tensors depend on besides the tensors."""
    config = checkpoint.config
    return recipe.ModelShape(
        layers=config.layers,
        heads_per_kv=config.heads // config.kv_heads,
        tied=not config.has_output,
        has_importance=has_importance,
    )


def _specs(
    checkpoint: Checkpoint, quant: Quant, shape: recipe.ModelShape, rules: Sequence[TypeRule]
) -> list[TensorSpec]:
    dims = {tensor.name: tensor.stored.dims for tensor in checkpoint.body}
    types = tensor_types(dims, quant, shape, rules)
    return [TensorSpec(name, dims[name], types[name]) for name in dims]


def _output(path: Path, quant: Quant | None, layout: FileLayout, identity: str) -> OutputFile:
    fingerprint = hashlib.sha256(layout.header + identity.encode()).hexdigest()
    return OutputFile(path, quant, layout, fingerprint)


def _identity(checkpoint: Checkpoint, importance: Importance | None) -> str:
    """What an unfinished file was made from: weights of two checkpoints must never be in one file."""
    shards = [f"{shard}={checkpoint.source.identity(shard)}" for shard in checkpoint.shards]
    return "\n".join([*shards, importance.digest if importance else ""])


def _reading_order(checkpoint: Checkpoint, outputs: Sequence[OutputFile]) -> tuple[Tensor, ...]:
    """The order of the files to write where the source allows any: they are hashed from their beginning on.

    Elsewhere shard by shard, by offset.
    """
    tensors: Sequence[Tensor] = (*checkpoint.body, *checkpoint.head)
    if checkpoint.source.random_access:
        names = dict.fromkeys(tensor.spec.name for output in outputs for tensor in output.layout.tensors)
        by_name = {tensor.name: tensor for tensor in tensors}
        return tuple(by_name[name] for name in names)
    rank = {shard: i for i, shard in enumerate(checkpoint.shards)}
    return tuple(sorted(tensors, key=lambda tensor: (rank[tensor.stored.shard], tensor.stored.offset)))
