"""Which prompt a model is given: the one place that decides it, for every command and the Python API.

Instruct models get the chat that their family was trained on, base models worked examples in the format of the
problem's language (or of the benchmark), reward models nothing: they write no solutions. What a user asks for and the
model cannot do is refused here, with a hint, so that all commands refuse alike.
"""

from __future__ import annotations

from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.prompting import chat, few_shot
from qmath_cli.prompting.prompt_format import PromptFormat, PromptStyle
from qmath_cli.records import Language, Mode, ModelFamily, ModelInfo, ModelKind, Segment

#: A model of each kind of reward model, for hints.
EXAMPLES = {ModelKind.REWARD: "rm-72b", ModelKind.PROCESS_REWARD: "prm-7b"}
_SCORES = {ModelKind.REWARD: "whole solutions", ModelKind.PROCESS_REWARD: "the steps of solutions"}
_PICKS = {ModelKind.REWARD: "rm", ModelKind.PROCESS_REWARD: "prm"}
_LANGUAGE_STYLES = {Language.EN: PromptStyle.MATH, Language.ZH: PromptStyle.CMATH}


def select(
    info: ModelInfo,
    language: Language,
    mode: Mode | None = None,
    style: PromptStyle = PromptStyle.AUTO,
    examples: Path | None = None,
    *,
    base_style: PromptStyle | None = None,
    answer: Language | None = None,
) -> PromptFormat:
    """How this model is asked.

    Args:
        info: the model, as `models.describe` gives it.
        language: the problem's language; it decides a base model's format.
        mode: what the user asked for; None: TIR where the prompt has it, else CoT.
        style: what the user asked for; AUTO: the prompt that the model was trained on.
        examples: a user's own examples for a few-shot format, TOML or JSONL.
        base_style: the format that a benchmark wants of base models, instead of the language's.
        answer: the language that the solution is wanted in. An Instruct model is told; a base model gets the format of
            that language; the demo was trained for neither, and keeps to the language of the problem. None: as in the
            published results, the model follows the problem.

    Raises:
        UsageError: a reward model; a mode that the prompt does not have; examples for a chat.
        DataError: examples that cannot be read.
    """
    require_solver(info)
    if style is PromptStyle.AUTO:
        style = _native(info, base_style or _LANGUAGE_STYLES[answer or language])
    if examples is not None and not style.few_shot:
        raise UsageError(f"--shots has no place in the {style} prompt", "choose a few-shot format with --prompt")
    if mode is not None and mode not in style.modes:
        raise UsageError(
            f"{info.name} is asked with the {style} prompt, which has no mode {mode}",
            f"leave the mode out, or choose --mode {style.modes[0]}; --prompt chat has both modes",
        )
    mode = mode or style.modes[0]
    if style is PromptStyle.CHAT:
        return _chat(mode, None if info.embedded else answer)
    if style is PromptStyle.QWEN2:
        return _qwen2_chat(answer)
    return few_shot.prompt_format(style, few_shot.read(examples) if examples is not None else None)


def require_solver(info: ModelInfo) -> None:
    """Raise `UsageError` for a model that writes no solutions."""
    if info.kind.scores:
        raise UsageError(
            f"{info.name} is a reward model: it scores solutions and writes none",
            f"use it with --pick {_PICKS[info.kind]} --reward-model, beside a model that solves, or with qmath score",
        )


def require_reward(info: ModelInfo, wanted: ModelKind | None = None) -> None:
    """Raise `UsageError` for a model that scores no solutions, or for a reward model of another kind than `wanted`."""
    if not info.kind.scores:
        raise UsageError(f"{info.name} is no reward model", f"for example {EXAMPLES[wanted or ModelKind.REWARD]}")
    if wanted is not None and info.kind is not wanted:
        raise UsageError(
            f"{info.name} scores {_SCORES[info.kind]}, and --pick {_PICKS[wanted]} needs a model that scores "
            f"{_SCORES[wanted]}",
            f"--pick {_PICKS[info.kind]}, or another model: --reward-model {EXAMPLES[wanted]}",
        )


def reward_sentence(info: ModelInfo) -> str:
    """The system sentence of a reward model that was trained with one of its own; empty for any other."""
    return chat.ACEMATH_SYSTEM if "acemath" in f"{info.base_name} {info.path.name}".lower() else ""


def _native(info: ModelInfo, base: PromptStyle) -> PromptStyle:
    """The prompt that the model was trained on."""
    if info.kind is ModelKind.BASE:
        return base
    return PromptStyle.QWEN2 if info.family is ModelFamily.QWEN2 else PromptStyle.CHAT


def _chat(mode: Mode, answer: Language | None) -> PromptFormat:
    """Qwen2.5-Math-Instruct."""
    return PromptFormat(
        style=PromptStyle.CHAT,
        mode=mode,
        head=chat.system(chat.SYSTEM[mode]),
        tail=(*chat.in_language(answer), chat.ASSISTANT),
        between=(chat.USER,),
        stops=(chat.OUTPUT_FENCE,) if mode is Mode.TIR else (),
    )


def _qwen2_chat(answer: Language | None) -> PromptFormat:
    """Qwen2-Math-Instruct: its sentence follows the problem. Source: `qwen-boxed` in utils.py of Qwen's evaluation."""
    return PromptFormat(
        style=PromptStyle.QWEN2,
        mode=Mode.COT,
        head=chat.system("You are a helpful assistant."),
        tail=(*chat.in_language(answer), Segment(f"\n{chat.COT_SYSTEM}"), chat.ASSISTANT),
        between=(chat.USER,),
    )
