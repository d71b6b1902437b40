"""The records that the rooms exchange, and the ports through which they use one another.

Frozen dataclasses, enums and protocols without behaviour; the standard library only. Token counts are `int`, times are
seconds as `float`, sizes are bytes.
"""

from qmath_cli.records.enums import (
    AnswerLanguage,
    Finish,
    Language,
    Mark,
    Mode,
    ModelFamily,
    ModelKind,
    Pick,
    Protection,
    RunStatus,
    ServerKind,
    Stop,
)
from qmath_cli.records.events import (
    Event,
    ProgramFinished,
    ProgramStarted,
    SampleFinished,
    TextDelta,
)
from qmath_cli.records.inputs import (
    ModelInfo,
    Problem,
    Prompt,
    Sampling,
    Segment,
    ServerInfo,
)
from qmath_cli.records.ports import (
    Engine,
    Equivalence,
    Executor,
    Reward,
    Worker,
)
from qmath_cli.records.results import (
    Chunk,
    Expected,
    Output,
    ProgramRun,
    Sample,
    Solution,
    Timing,
    Usage,
    Verdict,
    VoteGroup,
    Votes,
)

__all__ = [
    "AnswerLanguage",
    "Chunk",
    "Engine",
    "Equivalence",
    "Event",
    "Executor",
    "Expected",
    "Finish",
    "Language",
    "Mark",
    "Mode",
    "ModelFamily",
    "ModelInfo",
    "ModelKind",
    "Output",
    "Pick",
    "Problem",
    "ProgramFinished",
    "ProgramRun",
    "ProgramStarted",
    "Prompt",
    "Protection",
    "Reward",
    "RunStatus",
    "Sample",
    "SampleFinished",
    "Sampling",
    "Segment",
    "ServerInfo",
    "ServerKind",
    "Solution",
    "Stop",
    "TextDelta",
    "Timing",
    "Usage",
    "Verdict",
    "VoteGroup",
    "Votes",
    "Worker",
]
