"""What a folder or file is that looks like a checkpoint and is not one, and what a user does about it.

Recognised are: folders of the Hugging Face cache above its snapshots, training folders that hold checkpoints, LoRA
adapters (PEFT), weights in PyTorch's, TensorFlow's or Flax' own formats, GGUF files, tensors under a prefix, quantized
weights (GPTQ, AWQ, bitsandbytes, MLX, compressed-tensors), empty tensors of a DeepSpeed ZeRO-3 run, and pointers of Git
LFS or web pages in the place of a file. Names and layouts are those that these programs write.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from qmath_convert.errors import DamagedCheckpoint, UnsupportedModel

_PICKLED = re.compile(r"(pytorch_model|model|consolidated|adapter_model).*\.(bin|pt|pth|ckpt)|.*\.(pth|ckpt)")
_OTHER_FORMATS = re.compile(r"(tf_model.*\.h5|flax_model.*\.msgpack|.*\.onnx)")
_QUANTIZED = (".qweight", ".qzeros", ".g_idx", ".scales", ".absmax", ".weight_packed", ".weight_scale", ".quant_map")
_EMBEDDING = "embed_tokens.weight"
_SAVE = "from_pretrained('FOLDER').save_pretrained('NEW FOLDER')"
_LFS = b"version https://git-lfs.github.com/spec"
_PAGE = re.compile(rb"\s*<(!doct|html|head|\?xml)", re.IGNORECASE)
_PREFIXES = {
    "base_model.model.": "a model that PEFT wraps",
    "module.": "a model that DataParallel wraps",
    "_orig_mod.": "a model that torch.compile wraps",
    "language_model.": "the language part of a larger model",
    "model.language_model.": "the language part of a larger model",
}


def refuse_elsewhere(folder: Path) -> None:
    """Raise `DamagedCheckpoint` where the checkpoint is in another folder than the given one, which is named."""
    if (folder / "config.json").exists():
        return
    inner = folder / "snapshots" if (folder / "snapshots").is_dir() else folder
    found = [path for path in sorted(inner.iterdir()) if (path / "config.json").is_file()]
    if inner.name == "snapshots" and not found:
        raise DamagedCheckpoint(
            f"{folder} is a repository in the Hugging Face cache, without a snapshot that has a config.json",
            "Download it again, or give a folder that holds the checkpoint.",
        )
    if found:
        what = "is a repository in the Hugging Face cache" if inner.name == "snapshots" else "holds checkpoints"
        newest = max(found, key=lambda path: path.stat().st_mtime)
        raise DamagedCheckpoint(f"{folder} {what}, and is not a checkpoint itself", f"Give the folder {newest}")
    if repositories := sorted(path.name for path in folder.glob("models--*") if path.is_dir()):
        raise DamagedCheckpoint(
            f"{folder} is the Hugging Face cache, with {len(repositories)} models",
            f"Give the folder of one snapshot: {folder / repositories[0] / 'snapshots' / 'COMMIT'}",
        )


def refuse_other_weights(files: Collection[str]) -> None:
    """Raise where a folder without safetensors weights of a whole model has something else, which is named.

    Raises:
        UnsupportedModel: an adapter, or weights in another format.
    """
    if "adapter_config.json" in files:
        raise UnsupportedModel(
            "it is a LoRA adapter (adapter_config.json), not a whole model",
            "Merge it into its base model with PEFT: model.merge_and_unload().save_pretrained('NEW FOLDER')",
        )
    if ggufs := sorted(name for name in files if name.lower().endswith(".gguf")):
        raise UnsupportedModel(
            f"it holds a GGUF already ({ggufs[0]})", "Give that file: -m FILE, or qmath add NAME FILE"
        )
    if pickled := sorted(name for name in files if _PICKLED.fullmatch(name)):
        raise UnsupportedModel(
            f"its weights are in PyTorch's own format ({pickled[0]}), which runs code when it is read",
            f"Save them as safetensors with transformers: AutoModelForCausalLM.{_SAVE}",
        )
    if others := sorted(name for name in files if _OTHER_FORMATS.fullmatch(name)):
        raise UnsupportedModel(
            f"its weights are in another program's format ({others[0]})", "Get the checkpoint with safetensors files."
        )


def refuse_adapter_tensors(names: Collection[str]) -> None:
    """Raise `UnsupportedModel` for tensors of an adapter, quantized ones, and ones under a prefix."""
    if adapter := next((name for name in names if ".lora_" in name), None):
        raise UnsupportedModel(
            f"it holds the weights of a LoRA adapter ({adapter})",
            "Merge them into the base model with PEFT: model.merge_and_unload().save_pretrained('NEW FOLDER')",
        )
    if quantized := next((name for name in names if name.endswith(_QUANTIZED)), None):
        raise UnsupportedModel(f"it holds quantized weights ({quantized})", ORIGINAL)
    expected = f"model.{_EMBEDDING}"
    embedding = next((name for name in names if name.endswith(_EMBEDDING)), expected)
    if embedding == _EMBEDDING:
        raise UnsupportedModel(
            "its tensors lack the prefix `model.`: it was saved from the inner model, without the output matrix",
            f"Save the whole model: AutoModelForCausalLM.{_SAVE}",
        )
    prefix = embedding.removesuffix(expected)
    if prefix and not prefix.endswith("."):  # `model.language_model.`: the word only ends in `model`
        prefix = embedding.removesuffix(_EMBEDDING)
    if prefix and prefix != embedding:
        raise UnsupportedModel(
            f"its tensors have the prefix `{prefix}`: they were saved from {_PREFIXES.get(prefix, 'another model')}",
            "Save the model inside it, or leave out the prefix, and convert that.",
        )


def refuse_quantized(config: Mapping[str, object]) -> None:
    """Raise `UnsupportedModel` where `config.json` says that the weights are quantized."""
    found = config.get("quantization_config") or config.get("quantization")  # the second is MLX's
    if not found:
        return
    method = found.get("quant_method") if isinstance(found, dict) else None
    named = f" with {str(method).upper()}" if method else ""
    raise UnsupportedModel(f"config.json: the weights are quantized{named}, which is not supported", ORIGINAL)


def refuse_substitute(name: str, head: bytes) -> None:
    """Raise `DamagedCheckpoint` for a file whose first bytes (8 are enough) are a Git LFS pointer or a web page."""
    if len(head) >= 8 and head.startswith(_LFS[: len(head)]):
        raise DamagedCheckpoint(
            f"{name} is a Git LFS pointer, not the file itself", "Run `git lfs pull` in the folder, or download it."
        )
    if _PAGE.match(head):
        raise DamagedCheckpoint(
            f"{name} is a web page, not the file itself", "Download the file itself: its address has /resolve/."
        )


def empty_tensor(shard: str, name: str) -> DamagedCheckpoint:
    """The error for a tensor without elements."""
    return DamagedCheckpoint(
        f"{shard}: {name} is empty, as DeepSpeed ZeRO-3 leaves it where weights are not gathered before they are saved",
        "Run zero_to_fp32.py in the training folder, or save with stage3_gather_16bit_weights_on_model_save.",
    )


ORIGINAL = "Convert the original checkpoint, with BF16, F16 or F32 weights: it is quantized here."
