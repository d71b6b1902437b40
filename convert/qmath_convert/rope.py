"""The rotary embeddings of `config.json`: their base, where only plain ones are converted.

transformers 4 writes `rope_theta` at the top and `rope_scaling` beside it, transformers 5 one dictionary
`rope_parameters`, which may have one entry per type of layer. A base inside such a dictionary counts before the one at
the top, as in transformers' `modeling_rope_utils.py`. Whatever is not read exactly as there is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qmath_convert.errors import UnsupportedModel

_FULL = "full_attention"
_HINT = (
    "Only plain rotary embeddings are converted. If the model was trained with them, and the entry is a setting for "
    "longer texts (Qwen2.5's model cards recommend one), delete it from config.json and convert again."
)


def base_of(raw: Mapping[str, object], default: float) -> object:
    """The base of the rotary embeddings, as config.json has it: not checked to be a number.

    Raises:
        UnsupportedModel: they are scaled, differ between layers, or are given in an unknown way.
    """
    bases = [entry["rope_theta"] for entry in _entries(raw) if entry.get("rope_theta") is not None]
    return bases[0] if bases else raw.get("rope_theta", default)


def _entries(raw: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The dictionaries that apply to the model's layers, each of them checked; that of `rope_scaling` first."""
    for key in ("rope_scaling", "rope_parameters"):
        found = raw.get(key)
        if not found:
            continue
        if not isinstance(found, dict):
            raise UnsupportedModel(f"config.json: {key} is {found!r}, where a dictionary is expected", _HINT)
        entry = _of_layers(key, found, raw.get("layer_types"))
        kind = entry.get("rope_type", entry.get("type", "default"))
        if kind != "default":
            raise UnsupportedModel(f"config.json: scaled rotary embeddings ({kind}) are not supported", _HINT)
        yield entry


def _of_layers(key: str, found: Mapping[str, object], layer_types: object) -> Mapping[str, object]:
    """The dictionary itself, or of one that has an entry per type of layer, the one that all layers use."""
    inner = {name: entry for name, entry in found.items() if isinstance(entry, dict)}
    if not inner:
        return found
    used = {str(name) for name in layer_types} if isinstance(layer_types, list) and layer_types else {_FULL}
    others = [name for name, entry in found.items() if name not in inner and entry is not None]
    entries = [inner.get(name) for name in used]
    if others or None in entries or any(entry != entries[0] for entry in entries):
        raise UnsupportedModel(f"config.json: {key} differs between layers, or is not clear: {dict(found)!r}", _HINT)
    entry = entries[0] or {}
    if any(isinstance(value, dict) for value in entry.values()):
        raise UnsupportedModel(f"config.json: {key} is nested too deeply: {dict(found)!r}", _HINT)
    return entry
