"""What a solve is given: the problem, the prompt, the sampling, the description of the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qmath_cli.records.enums import Language, ModelFamily, ModelKind, ServerKind


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem.

    Attributes:
        text: As the user wrote it.
        language: Its language.
        id: Its id in a batch or data set; may be empty.
        reference: The expected answer, if known.
        answer_language: The language that the solution was asked for in; None: left to the model.
    """

    text: str
    language: Language = Language.EN
    id: str = ""
    reference: str | None = None
    answer_language: Language | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a prompt. Texts such as `<|im_start|>` become control tokens only if `special` is true."""

    text: str
    special: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt.

    Attributes:
        segments: Its text, in parts.
        stops: Strings that end the generated text.
        stated: Whether the answer may follow a phrase such as `The answer is` instead of being boxed, as in the
            few-shot formats.
        begun: The unfinished response at the end of the text, which is to go on; an answer may begin in it.
    """

    segments: tuple[Segment, ...]
    stops: tuple[str, ...] = ()
    stated: bool = False
    begun: str = ""

    @property
    def text(self) -> str:
        """The whole text, in which control tokens cannot be distinguished from other text."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the tokens of a sequence are sampled.

    Attributes:
        temperature: 0 is greedy.
        top_p: 1 is off.
        top_k: 0 is off.
        min_p: 0 is off.
        seed: Of the random number generator.
        max_tokens: The largest number of generated tokens.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    max_tokens: int = 2048


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a model server tells of itself.

    Attributes:
        address: Its URL, without user name and password.
        kind: Which program it is.
        version: As it tells; empty if it does not.
        model: The id of the model that it is asked for.
        context: Tokens that a sequence can hold; 0 if it does not tell.
        width: Requests that it computes at once; 0 if it does not tell.
        token_ids: Whether it takes prompts as token ids.
        deterministic: Whether it promises that equal seeds give equal texts.
    """

    address: str
    kind: ServerKind
    version: str = ""
    model: str = ""
    context: int = 0
    width: int = 0
    token_ids: bool = False
    deterministic: bool = False


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known about a model before it is loaded. `models.describe` creates it.

    Attributes:
        name: The full name, such as `7b-instruct:q4_k_m`, or a path; on a server, the id that it has there.
        path: The GGUF; where servers have the model, nothing is read from it.
        quantization: In lower case; empty if it is not known.
        sha256: Empty if the file was never hashed.
        base_name: The name in models.lock; empty for any other file.
        kind: What it was trained for.
        family: Which prompts it gets.
        embedded: Whether it is part of the package.
        size: Bytes of the GGUF.
        context: Tokens of the context it was trained on; 0 if it is not known.
        chatml: Whether its vocabulary has the control tokens of ChatML.
        warnings: What a user of it has to know, one sentence each, such as that prompts come out wrong.
        servers: The servers that compute it; none for a file on this machine.
    """

    name: str
    path: Path
    quantization: str = ""
    sha256: str = ""
    base_name: str = ""
    kind: ModelKind = ModelKind.INSTRUCT
    family: ModelFamily = ModelFamily.QWEN2_5
    embedded: bool = False
    size: int = 0
    context: int = 0
    chatml: bool = True
    warnings: tuple[str, ...] = ()
    servers: tuple[ServerInfo, ...] = ()
