"""What a session keeps in the history, and what it brings back."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.errors import UsageError
from qmath_cli.history.store import History
from qmath_cli.records import Finish, Stop, Usage
from qmath_cli.terminal.repl.slash import candidates, dispatch
from tests.terminal.repl.conversations import Scripted, scripted


def kept(found: Scripted) -> list[tuple[int, str, str | None]]:
    return [(one.number, one.problem, one.answer) for one in history(found).newest()]


def history(found: Scripted) -> History:
    return History(found.conversation.paths.history)


def texts(found: Scripted) -> list[str]:
    return [one.problem.text for one in found.session.solutions]


# ---------------------------------------------------------------- what is kept


def test_every_problem_is_kept_when_it_is_solved(tmp_path: Path) -> None:
    """With or without an answer, and those that are removed from the session or repeated, too."""
    found = scripted(tmp_path, r"\boxed{1}", "none", r"\boxed{3}", r"\boxed{4}")
    found.conversation.ask("one")
    found.conversation.ask("two")
    assert kept(found) == [(1, "one", "1"), (2, "two", None)]
    found.conversation.retry(7)
    dispatch(found.conversation, "/clear")
    found.conversation.ask("four")
    assert kept(found) == [(1, "one", "1"), (2, "two", None), (3, "two", "3"), (4, "four", "4")]


def test_a_continued_problem_is_kept_once(tmp_path: Path) -> None:
    """Whole, under its number."""
    found = scripted(tmp_path, [("First half, ", Stop.MAX_TOKENS)], r"second half: \boxed{7}")
    found.conversation.ask("p")
    found.conversation.resume()
    assert kept(found) == [(1, "p", "7")]
    solution = history(found).solved(1).solution
    assert solution.samples[0].text == r"First half, second half: \boxed{7}"
    assert solution.finish is Finish.ANSWERED


def test_a_setting_of_the_session_ends_the_keeping(tmp_path: Path) -> None:
    """From the next problem on."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}")
    found.conversation.ask("one")
    dispatch(found.conversation, "/set history off")
    found.conversation.ask("two")
    assert kept(found) == [(1, "one", "1")]


def test_without_a_history_nothing_is_written(tmp_path: Path) -> None:
    found = scripted(tmp_path, r"\boxed{1}", history=False)
    found.conversation.ask("one")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- what is brought back


def test_a_problem_is_loaded_with_its_conversation(tmp_path: Path) -> None:
    """And the next prompt contains all of it; a problem that stood alone comes alone."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}", r"\boxed{3}", r"\boxed{4}", r"\boxed{5}")
    found.conversation.ask("alone")
    dispatch(found.conversation, "/clear")
    dispatch(found.conversation, "/follow on")
    for text in ("first", "second", "third"):
        found.conversation.ask(text)
    dispatch(found.conversation, "/load 3")
    assert (texts(found), found.session.follow) == (["first", "second"], True)
    found.conversation.ask("other third")
    prompt = found.engine.prompts[-1].text
    assert [word in prompt for word in ("alone", "first", "second", "third")] == [False, True, True, True]
    assert r"\boxed{3}" in prompt
    assert history(found).solved(5).earlier == (2, 3)
    dispatch(found.conversation, "/load 1")
    assert (texts(found), found.session.follow) == (["alone"], False)


def test_a_loaded_problem_is_shown_and_can_be_continued(tmp_path: Path) -> None:
    """The list has problem and answer; what is continued replaces the kept one."""
    found = scripted(tmp_path, r"half $\frac{1}{2}$, ", r"whole \boxed{1}")
    found.conversation.ask("the problem")
    dispatch(found.conversation, "/clear")
    dispatch(found.conversation, "/load 1")
    assert "1  the problem  (no answer)\nloaded 1 problem(s)" in found.out.getvalue()
    found.conversation.resume()
    assert kept(found) == [(1, "the problem", "1")]


def test_a_saved_session_is_found_before_a_number(tmp_path: Path) -> None:
    """A session that is called like a number can still be loaded."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}")
    found.conversation.ask("one")
    dispatch(found.conversation, "/clear")
    found.conversation.ask("two")
    dispatch(found.conversation, "/save 1")
    dispatch(found.conversation, "/load 1")
    assert texts(found) == ["two"]


@pytest.mark.parametrize("argument", ["9", "0", "999999999999999999999", "٣"])
def test_a_number_that_is_not_there_changes_nothing(tmp_path: Path, argument: str) -> None:
    found = scripted(tmp_path, r"\boxed{1}")
    found.conversation.ask("one")
    with pytest.raises(UsageError, match=r"no (problem|session)"):
        dispatch(found.conversation, f"/load {argument}")
    assert texts(found) == ["one"]


def test_history_lists_and_searches(tmp_path: Path) -> None:
    """With the command that brings the newest one back; an empty history says so."""
    found = scripted(tmp_path, r"\boxed{\frac{1}{2}}", r"\boxed{2}")
    dispatch(found.conversation, "/history")
    assert "the history has no problems" in found.out.getvalue()
    found.conversation.ask("求方程的根")
    found.conversation.ask("other")
    dispatch(found.conversation, "/history 方程")
    line = found.out.getvalue().splitlines()[-1]
    assert line.startswith("1  ")
    assert line.endswith(r"求方程的根  \frac{1}{2}")
    assert "/load 1" in found.err.getvalue()
    dispatch(found.conversation, "/history nothing like that")
    assert "no problem in the history contains" in found.out.getvalue()


def test_stats_of_a_loaded_session_invent_no_time(tmp_path: Path) -> None:
    """A saved session does not hold its times, the history does."""
    found = scripted(tmp_path, r"\boxed{1}")
    found.conversation.ask("one")
    dispatch(found.conversation, "/save kept")
    dispatch(found.conversation, "/load 1")
    dispatch(found.conversation, "/stats")
    assert "tok/s" in found.out.getvalue()
    dispatch(found.conversation, "/load kept")
    before = len(found.out.getvalue())
    dispatch(found.conversation, "/stats")
    shown = found.out.getvalue()[before:]
    assert "total       not known" in shown
    assert "tok/s" not in shown
    assert "0.00 s" not in shown


def test_stats_show_what_was_drafted_and_what_it_gained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or that nothing was."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}")
    found.conversation.ask("one")
    dispatch(found.conversation, "/stats")
    assert "drafted     nothing" in found.out.getvalue()
    usage = Usage(10, 100, 10, drafted_tokens=60, accepted_tokens=40, gained_tokens=20)
    monkeypatch.setattr(found.engine, "usage", lambda _sequence: usage)
    found.conversation.ask("two")
    dispatch(found.conversation, "/stats")
    assert "drafted     60 tokens, 40 of them accepted; gain 1.25" in found.out.getvalue()


# ---------------------------------------------------------------- saving


def test_another_session_is_replaced_only_where_that_is_said(tmp_path: Path) -> None:
    """One's own may be saved again."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}")
    found.conversation.ask("one")
    dispatch(found.conversation, "/save kept")
    dispatch(found.conversation, "/save kept")
    dispatch(found.conversation, "/clear")
    found.conversation.ask("two")
    with pytest.raises(UsageError, match="there is a session 'kept' already"):
        dispatch(found.conversation, "/save kept")
    dispatch(found.conversation, "/save --overwrite kept")
    dispatch(found.conversation, "/load kept")
    assert texts(found) == ["two"]
    dispatch(found.conversation, "/save kept")


# ---------------------------------------------------------------- exports


def headings(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]


def test_an_export_has_the_latest_problem_or_all(tmp_path: Path) -> None:
    """While follow is on, the conversation; each as it is asked for; and it says where it wrote."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}")
    found.conversation.ask("one")
    found.conversation.ask("And a third of that?")
    dispatch(found.conversation, f"/export {tmp_path}/last.md")
    assert headings(tmp_path / "last.md") == ["# Problem", "# Working", "# Answer"]
    assert f"wrote {tmp_path}/last.md (1 problem)" in found.out.getvalue()
    assert "/export all FILE writes all 2" in found.err.getvalue()
    dispatch(found.conversation, f"/export all {tmp_path}/all.md")
    assert headings(tmp_path / "all.md") == ["# Problem 1", "# Problem 2"]
    dispatch(found.conversation, "/follow on")
    dispatch(found.conversation, f"/export {tmp_path}/follow.md")
    assert headings(tmp_path / "follow.md") == ["# Problem 1", "# Problem 2"]
    dispatch(found.conversation, f"/export last {tmp_path}/alone.md")
    assert len(headings(tmp_path / "alone.md")) == 3


def test_an_export_replaces_nothing_unless_that_is_said(tmp_path: Path) -> None:
    """A name with blanks is one name."""
    found = scripted(tmp_path, r"\boxed{1}")
    found.conversation.ask("one")
    path = tmp_path / "my all file.md"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        dispatch(found.conversation, f"/export {path}")
    assert path.read_text(encoding="utf-8") == "mine"
    dispatch(found.conversation, f"/export --overwrite {path}")
    assert "one" in path.read_text(encoding="utf-8")


def test_a_document_names_the_model_that_solved_its_problem(tmp_path: Path) -> None:
    """Not the one that is loaded now; none where a session was loaded, which does not say."""
    found = scripted(tmp_path, r"\boxed{1}")
    found.conversation.ask("one")
    dispatch(found.conversation, "/save kept")
    dispatch(found.conversation, "/load kept")
    dispatch(found.conversation, f"/export {tmp_path}/session.md")
    dispatch(found.conversation, "/load 1")
    dispatch(found.conversation, f"/export {tmp_path}/history.md")
    assert "7b-instruct" not in (tmp_path / "session.md").read_text(encoding="utf-8")
    assert "7b-instruct:q8" in (tmp_path / "history.md").read_text(encoding="utf-8")


def test_a_file_name_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell does: folders with a slash, files that can be written, hidden ones where that is typed, `~`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "sheets").mkdir()
    for name in ("sheet.html", "sheet.docx", ".hidden.md", "my sheet.md", "x.gguf"):
        (tmp_path / name).touch()
    found = scripted(tmp_path / "home")

    def completed(line: str) -> list[str]:
        return candidates(found.conversation, ["demo"], line.replace("~~", str(tmp_path)))

    assert completed("/export ~~/she") == [f"{tmp_path}/sheet.html", f"{tmp_path}/sheets/"]
    assert completed("/export all ~/my s") == ["~/my sheet.md"]
    assert completed("/export --overwrite all ~/.h") == ["~/.hidden.md"]
    assert completed("/export ~/nowhere/x") == []
    assert completed("/export a") == ["all"]
    assert completed("/model ~/x") == ["demo", "~/x.gguf"]
    monkeypatch.chdir(tmp_path)
    assert completed("/export sheets/") == []
    assert completed("/export sheet.") == ["sheet.html"]
    assert "sheet.html" in completed("/export ")
    assert ".hidden.md" not in completed("/export ")
    assert completed("/export \x00") == []
