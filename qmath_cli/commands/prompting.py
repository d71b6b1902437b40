"""Which prompt a model is given: what the user asked for, else what the model was trained to read.

chat    Qwen2.5-Math-Instruct, both modes
qwen2   Qwen2-Math-Instruct, chain of thought only
gsm8k, math, mmlu_stem, cmath, gaokao_math_cloze, gaokao_math_qa, plain
        few-shot formats for base models: no chat tokens, chain of thought only
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.errors import UsageError
from qmath_cli.models import lockfile
from qmath_cli.models.lockfile import ModelFamily, ModelKind
from qmath_cli.prompting import chat, few_shot
from qmath_cli.records import Language, Mode, ModelFile, Problem, Prompt
from qmath_cli.settings import Settings


class Style(StrEnum):
    """What `--prompt` takes."""

    AUTO = "auto"
    CHAT = "chat"
    QWEN2 = "qwen2"
    GSM8K = "gsm8k"
    MATH = "math"
    MMLU_STEM = "mmlu_stem"
    CMATH = "cmath"
    CLOZE = "gaokao_math_cloze"
    QA = "gaokao_math_qa"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Prompting:
    """A prompt, the style it was built in, and the mode that this style allows."""

    prompt: Prompt
    style: Style
    mode: Mode


def prompting(problem: Problem, settings: Settings, file: ModelFile, style: Style, examples: Path | None) -> Prompting:
    """The prompt for a problem, and the mode: TIR gives way to the style where that knows words only.

    Raises `UsageError` for examples that the style has no place for, `DataError` for examples that cannot be read.
    """
    if style is Style.AUTO:
        style = native_style(file, problem.language)
    given = few_shot.read(examples) if examples is not None else None
    if given is not None and style in {Style.CHAT, Style.QWEN2}:
        raise UsageError(f"--shots has no place in the {style} prompt", "choose a few-shot format with --prompt")
    if style is Style.CHAT:
        return Prompting(chat.chat(problem.text, settings.mode), style, settings.mode)
    if style is Style.QWEN2:
        return Prompting(chat.qwen2_chat(problem.text), style, Mode.COT)
    return Prompting(few_shot.few_shot(few_shot.Format(style), problem.text, given), style, Mode.COT)


def native_style(file: ModelFile, language: Language) -> Style:
    """The style a model was trained to read, from the lock, or from what the file says about itself."""
    family, kind = _nature(file)
    if kind is ModelKind.REWARD:
        raise UsageError(f"{file.name} is a reward model: it ranks solutions", "use it with --pick rm --reward-model")
    if kind is ModelKind.BASE:
        return Style.CMATH if language is Language.ZH else Style.MATH
    return Style.QWEN2 if family is ModelFamily.QWEN2 else Style.CHAT


def _nature(file: ModelFile) -> tuple[ModelFamily, ModelKind]:
    known = {model.name: model for model in lockfile.load().models}
    entry = known.get(file.name.partition(":")[0])
    if entry is not None:
        return entry.family, entry.kind
    metadata = gguf_file.read(file.path).metadata
    said = " ".join(str(metadata.get(key, "")) for key in ("general.name", "general.basename", "general.finetune"))
    family = ModelFamily.QWEN2 if "qwen2-math" in said.lower().replace(" ", "-") else ModelFamily.QWEN2_5
    named = f"{said} {file.path.name}".lower()
    base = "qwen2" in named and "math" in named and "instruct" not in named and "demo" not in named
    return family, ModelKind.BASE if base else ModelKind.INSTRUCT
