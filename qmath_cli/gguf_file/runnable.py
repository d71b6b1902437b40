"""Whether a GGUF is a model that qmath runs, and if not, what it is: the same sentence for every command."""

from __future__ import annotations

from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.gguf_file.header import Header

_ARCHITECTURE = "qwen2"
#: `general.type` of files beside a model. Source: `GGUFType` in `gguf.constants`.
_TYPES = {
    "adapter": "a LoRA adapter, not a model",
    "mmproj": "the projector of an image model, not a model",
    "imatrix": "an importance matrix, not a model",
    "vocab": "a vocabulary, not a model",
}


def require(path: Path, header: Header) -> None:
    """Raise `UsageError` for a file that is not a qwen2 model with weights."""
    what = _TYPES.get(header.text("general.type"))
    if what is None and header.architecture == _ARCHITECTURE:
        what = None if header.tensors else "a vocabulary without weights"
    elif what is None and header.architecture:
        what = f"a model of the {header.architecture} architecture"
    elif what is None:
        what = "a file that does not name its architecture"
    if what is not None:
        raise UsageError(
            f"{path} is {what}", "qmath runs Qwen2.5-Math and other qwen2 models; `qmath list` names what is installed"
        )
