"""What a checkpoint was trained to do: continue text, follow instructions, or score solutions or their steps.

A GGUF does not record this otherwise. Base and Instruct checkpoints have the same architecture, and the released base
checkpoints have a chat template too. They differ in the end token: `<|im_end|>` in the Instruct checkpoints,
`<|endoftext|>` in the base ones (`eos_token` in tokenizer_config.json, `eos_token_id` in config.json and
generation_config.json of Qwen2-Math and Qwen2.5-Math).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from qmath_convert.config import Config, HeadForm
from qmath_convert.tokenizer import Tokenizer


class TrainedKind(StrEnum):
    """The values of the key `qmath.kind`."""

    BASE = "base"
    INSTRUCT = "instruct"
    REWARD = "reward"
    PROCESS_REWARD = "process-reward"


_BY_END_TOKEN = {"<|im_end|>": TrainedKind.INSTRUCT, "<|endoftext|>": TrainedKind.BASE}


def trained_kind(name: str, config: Config, tokenizer: Tokenizer, generation: Mapping[str, object]) -> TrainedKind:
    """The kind by architecture, then by end token; by the checkpoint's name if no end token decides it.

    Args:
        name: the checkpoint's name.
        config: config.json.
        tokenizer: the tokenizer.
        generation: generation_config.json; empty if there is none.
    """
    if config.head is HeadForm.PROCESS:
        return TrainedKind.PROCESS_REWARD
    if config.is_reward:
        return TrainedKind.REWARD
    for token in _end_tokens(tokenizer, generation):
        if token in _BY_END_TOKEN:
            return _BY_END_TOKEN[token]
    return TrainedKind.INSTRUCT if "instruct" in name.lower() else TrainedKind.BASE


def _end_tokens(tokenizer: Tokenizer, generation: Mapping[str, object]) -> Iterator[str]:
    """The end token of the tokenizer or config.json, then those of generation_config.json, the main one first."""
    ids: list[object] = [tokenizer.special_ids.get("eos")]
    found = generation.get("eos_token_id")
    ids += found if isinstance(found, list) else [found]
    for token_id in ids:
        if isinstance(token_id, int) and 0 <= token_id < len(tokenizer.tokens):
            yield tokenizer.tokens[token_id]
