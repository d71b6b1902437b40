"""The closed sets: each member is what JSON records and options spell."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """How a problem is solved."""

    COT = "cot"  # chain of thought: text only
    TIR = "tir"  # tool-integrated reasoning: the model writes programs, which are run


class Language(StrEnum):
    """The language of a problem or of its solution."""

    EN = "en"
    ZH = "zh"


class AnswerLanguage(StrEnum):
    """Which language a solution is asked for in: `--language`."""

    AUTO = "auto"  # left to the model, which follows the problem
    EN = "en"
    ZH = "zh"

    @property
    def chosen(self) -> Language | None:
        """The language; None where it is left to the model."""
        return None if self is AnswerLanguage.AUTO else Language(self.value)


class Stop(StrEnum):
    """Why a sequence stopped decoding."""

    END = "end"  # an end token was sampled
    STRING = "string"  # a stop string was generated; the text ends before it
    MAX_TOKENS = "max_tokens"  # the token limit of the sampling
    CONTEXT = "context"  # the context is full
    DEGENERATE = "degenerate"  # the text repeats itself or is token soup
    CANCELLED = "cancelled"


class Finish(StrEnum):
    """Why a sample or a solution ended: `finish_reason` of `solve --json`."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"  # the model ended its text without an answer
    OUT_OF_TOKENS = "out_of_tokens"  # the token limit of the sampling
    OUT_OF_CONTEXT = "out_of_context"  # the context is full, or the problem does not fit into it
    OUT_OF_PROGRAMS = "out_of_programs"  # one program more than the limit
    DEGENERATE = "degenerate"  # the text repeats itself or is token soup
    INTERRUPTED = "interrupted"  # Ctrl-C
    TIMEOUT = "timeout"  # the user's time limit
    UNKNOWN_KIND = "unknown_kind"  # the model was not trained for such problems, and was not asked


class RunStatus(StrEnum):
    """How a program ended in the executor."""

    OK = "ok"
    ERROR = "error"  # it raised an exception or crashed
    BLOCKED = "blocked"  # it did something that is not allowed, or was not run
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"


class Mark(StrEnum):
    """The outcome of a comparison of two answers."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNDECIDED = "undecided"  # the grader could not decide; counted separately from WRONG


class Pick(StrEnum):
    """How one answer is picked from several samples."""

    MAJ = "maj"  # the answer of most samples
    RM = "rm"  # the answer of the sample with the highest reward
    RM_VOTE = "rm-vote"  # the answer of most samples, weighted by sigmoid(reward)
    PRM = "prm"  # the answer of the sample whose steps a process reward model scores highest
    PRM_VOTE = "prm-vote"  # the answer of most samples, weighted by the score of their steps
    FIRST = "first"  # the answer of the first sample

    @property
    def ranks(self) -> bool:
        """Whether it needs a reward model."""
        return self.kind is not None

    @property
    def kind(self) -> ModelKind | None:
        """The kind of reward model that it needs; None for none."""
        if self in {Pick.RM, Pick.RM_VOTE}:
            return ModelKind.REWARD
        return ModelKind.PROCESS_REWARD if self in {Pick.PRM, Pick.PRM_VOTE} else None


class Aggregate(StrEnum):
    """How the scores of a solution's steps become one number."""

    PRODUCT = "product"  # the probability that all steps are right, were they independent
    MIN = "min"  # the worst step's
    LAST = "last"  # the last step's


class ModelKind(StrEnum):
    """What a model was trained for. The converter writes it into the GGUF as `qmath.kind`."""

    BASE = "base"  # continues text; gets worked examples
    INSTRUCT = "instruct"  # answers in a chat
    REWARD = "reward"  # scores a solution with one number
    PROCESS_REWARD = "process-reward"  # scores every step of a solution

    @property
    def scores(self) -> bool:
        """Whether it scores solutions and writes none."""
        return self in {ModelKind.REWARD, ModelKind.PROCESS_REWARD}


class ModelFamily(StrEnum):
    """The model family, which determines the prompts."""

    QWEN2 = "qwen2-math"
    QWEN2_5 = "qwen2.5-math"
    OTHER = "other"  # another model of the qwen2 architecture; gets the prompts of Qwen2.5-Math


class Protection(StrEnum):
    """How strongly programs are restricted; `sandbox.levels` has the definitions."""

    FULL = "full"
    PARTIAL = "partial"
    BASIC = "basic"


class ServerKind(StrEnum):
    """Which program a model server is: it decides the paths, the fields and how the end of a text is told."""

    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMA_SERVER = "llama-server"
    OLLAMA = "ollama"
    LM_STUDIO = "lm-studio"
    MLX_LM = "mlx-lm"
    GENERIC = "generic"  # any other with `/v1/completions`, which gets text
