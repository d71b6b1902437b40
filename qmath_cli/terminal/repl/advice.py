"""What a user may do next: after a solution without an answer, and at the second problem of a session.

It only chooses sentences, by what happened; it neither writes to the terminal nor changes the session.
"""

from __future__ import annotations

from qmath_cli.records import Finish, Language, Mode, Solution
from qmath_cli.settings import Settings

#: At the second problem of a session that follows nothing.
AFRESH = "every problem starts afresh: to ask about the one before, type /follow on and ask again"

#: The words that lead to an answer, for a text that ended without one; some of Qwen2.5-Math's responses end on them.
LEADS = {Language.EN: "Therefore, the final answer is $\\boxed{", Language.ZH: "因此，最终答案是 $\\boxed{"}

_NEXT = {
    Finish.OUT_OF_TOKENS: "/continue goes on; /set max_tokens N raises the limit, now {0.max_tokens}",
    Finish.OUT_OF_CONTEXT: "/set ctx N raises the length of the context, now {0.ctx}; then /retry",
    Finish.OUT_OF_PROGRAMS: "/continue goes on; /set max_programs N raises the limit, now {0.max_programs}",
    Finish.NO_ANSWER: "/continue asks for the answer, /retry tries another way, /k 4 tries several",
    Finish.DEGENERATE: "/retry tries another way, /k 4 tries several",
}


def without_answer(solution: Solution, settings: Settings) -> str:
    """One line about how an answer may still be had.

    Args:
        solution: A solution; its finish decides.
        settings: The settings of the session.

    Returns:
        The line; empty if the solution has an answer, or if the user ended it.
    """
    if solution.answer is not None:
        return ""
    if solution.mode is Mode.COT and any(sample.unrun_programs for sample in solution.samples):
        return "/mode tir and /retry runs the programs that the model writes"
    return _NEXT.get(solution.finish, "").format(settings)


def lead(text: str, finish: Finish, language: Language) -> str:
    """What is put below a text that is to go on: the words that lead to an answer if it had ended without one."""
    if finish is not Finish.NO_ANSWER:
        return ""
    return ("" if text.endswith("\n\n") else "\n\n") + LEADS[language]
