"""Types of single tensors, chosen by the user: `PATTERN=TYPE`, as `llama-quantize --tensor-type` means it.

The rules are those of tools/quantize and `llama_tensor_get_type` (llama.cpp, as in llama-cpp-python 0.3.36):

* A pattern is a regular expression in lower case that is searched for in the GGUF name of each matrix that the
  quantization applies to. The first rule that matches decides; its type still falls back where a row does not fit it.
* A matrix with a chosen type does not count among those of its role. So the larger types that a mixture gives to
  certain layers move to later ones when earlier layers are chosen.
* A file of F32, F16 or BF16 takes no rules.

What differs: a rule that matches no matrix is an error here, and no effect there; regular expressions are Python's,
which agree with those of C++ in all that a tensor's name needs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qmath_convert import recipe
from qmath_convert.errors import BadRule
from qmath_convert.ggml import GgmlType
from qmath_convert.recipe import MatrixRole, ModelShape, Quant

_FORM = "A rule is PATTERN=TYPE, such as attn_v=q6_k or 'blk\\.[0-3]\\.ffn_down=q5_k'."
_COUNTED = (MatrixRole.ATTN_V, MatrixRole.FFN_DOWN)


@dataclass(frozen=True, slots=True)
class TypeRule:
    """The type of every matrix whose name the pattern is found in."""

    pattern: str
    kind: GgmlType

    def __str__(self) -> str:
        return f"{self.pattern}={self.kind.name.lower()}"

    def matches(self, name: str) -> bool:
        """Whether the rule is about a tensor of this name."""
        return re.search(self.pattern, name) is not None


def parse_rule(text: str) -> TypeRule:
    """Read `PATTERN=TYPE`.

    Raises:
        BadRule: the text has another form, the pattern is no regular expression, or the type is unknown.
    """
    pattern, separator, kind = text.rpartition("=")
    pattern = pattern.lower()
    if not separator or not pattern or not kind:
        raise BadRule(f"{text!r} is not a rule for tensor types", _FORM)
    try:
        re.compile(pattern)
    except re.error as exc:
        raise BadRule(f"{pattern!r} is not a regular expression: {exc}", _FORM) from exc
    known = {member.name.lower(): member for member in GgmlType}
    if kind.lower() not in known:
        raise BadRule(f"unknown tensor type {kind!r}", "Known: " + ", ".join(known))
    return TypeRule(pattern, known[kind.lower()])


def read_rules(path: Path) -> tuple[TypeRule, ...]:
    """Read a file of rules, separated by blanks or line ends (`llama-quantize --tensor-type-file`).

    What follows a `#` is a comment, which that tool does not have.

    Raises:
        BadRule: the file cannot be read, or holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise BadRule(f"cannot read {path}: {reason}", _FORM) from exc
    return tuple(parse_rule(word) for line in lines for word in line.partition("#")[0].split())


def tensor_types(
    matrices: Mapping[str, tuple[int, ...]], quant: Quant, shape: ModelShape, rules: Sequence[TypeRule] = ()
) -> dict[str, GgmlType]:
    """The type of every tensor of a file.

    Args:
        matrices: dimensions by GGUF name, of all tensors.
        quant: the quantization of the file.
        shape: the model's shape.
        rules: the first that matches decides.

    Raises:
        BadRule: a rule matches no matrix.
    """
    chosen = _chosen(matrices, rules) if quant.base.is_quantized else {}
    passed: Counter[MatrixRole] = Counter()
    types = {}
    for name, dims in sorted(matrices.items(), key=lambda item: recipe.role_of(item[0])[1]):
        if name in chosen:
            types[name] = recipe.fitting(chosen[name], dims[-1])
            continue
        role, _layer = recipe.role_of(name)
        types[name] = recipe.tensor_type(quant, name, dims, shape, passed[role] if role in _COUNTED else None)
        passed[role] += recipe.is_quantizable(name, dims)
    return types


def require_matches(rules: Iterable[TypeRule], names: Iterable[str]) -> None:
    """Raise `BadRule` for a rule that matches none of these matrices: a misspelt name would pass unnoticed."""
    known = list(names)
    for rule in rules:
        if not any(rule.matches(name) for name in known):
            stems = sorted({name.split(".")[2] if name.startswith("blk.") else name.split(".")[0] for name in known})
            raise BadRule(f"no matrix matches {rule.pattern!r}", "Matrices: " + ", ".join(stems))


def _chosen(matrices: Mapping[str, tuple[int, ...]], rules: Sequence[TypeRule]) -> dict[str, GgmlType]:
    names = [name for name, dims in matrices.items() if recipe.is_quantizable(name, dims)]
    require_matches(rules, names)
    found = {name: next((rule.kind for rule in rules if rule.matches(name)), None) for name in names}
    return {name: kind for name, kind in found.items() if kind is not None}
