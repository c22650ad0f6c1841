"""What is printed: plain and narrow in a pipe, and names from outside are text, never markup."""

from datetime import UTC, datetime

import pytest

from local.demo.printing import Check, Printer, told_calls
from local.demo.story import count_wrong
from local.demo.watching import Episode, Started
from local.demo.world import first_deeds

_AT = datetime(2026, 11, 20, 9, 41, 7, 250_000, tzinfo=UTC)
_DECISION = {"policy": "p", "action": "Revert", "reason": "drift", "detail": "", "dryRun": True}


def _episode(*, reason: str = "because", answered: bool = True, command: str = "az x") -> Episode:
    alert = {"severity": "High", "reason": reason, "decision": _DECISION, "commands": [command]}
    return Episode(
        started=Started(deed=first_deeds()[0], at=_AT, after_call=0),
        alerts=(alert,),
        changes=(),
        calls={"read": 2},
        answered=answered,
    )


def _printed(capsys: pytest.CaptureFixture[str], episode: Episode) -> str:
    Printer().card(episode)
    return capsys.readouterr().out


def test_calls_are_counted_in_words() -> None:
    assert told_calls({"read": 2, "write": 1, "poll": 1}) == "2 reads, 1 write, 1 poll"
    assert told_calls({}) == "0 reads, 0 writes"


def test_a_pipe_gets_no_escape_sequences_and_no_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    printed = _printed(capsys, _episode())
    assert "\x1b" not in printed
    assert all(line == line.rstrip() for line in printed.splitlines())


@pytest.mark.parametrize("columns", [100, 120])
def test_no_line_is_longer_than_the_width(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    printed = _printed(capsys, _episode(reason="a reason of many words " * 20))
    assert max(len(line) for line in printed.splitlines()) <= columns


def test_what_wraps_hangs_under_its_own_beginning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    Printer().step("a step of many words " * 6, 1.3)
    Printer().inherited([{"target": {"id": "/x/servers/old"}, "reason": "a reason of many words " * 6}])
    lines = capsys.readouterr().out.splitlines()
    begun = next(number for number, line in enumerate(lines) if line.startswith("  old: "))
    assert lines[0].startswith("  ✓ a step")
    assert all(line.startswith("    ") for line in lines[1:begun])
    assert all(line.startswith("  ") for line in lines[begun:])
    assert max(len(line) for line in lines) <= 80


def test_a_name_that_looks_like_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[bold red]rule[/]" in _printed(capsys, _episode(reason="[bold red]rule[/]"))


def test_audit_shows_what_would_be_done_without_what_only_a_shell_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = "az network nsg rule create --subscription 1 --resource-group g --description 'a b' --name n"
    printed = _printed(capsys, _episode(command=command))
    assert "WouldRevert" in printed
    assert "az network nsg rule create --name n" in printed


def test_an_answer_that_never_came_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "in vain" in _printed(capsys, _episode(answered=False))


def test_a_wrong_end_state_is_counted_and_marked(capsys: pytest.CaptureFixture[str]) -> None:
    right = Check(what="a", why="", expected="1", actual="1")
    wrong = Check(what="b", why="", expected="1", actual="2")
    Printer().table([right, wrong])
    assert count_wrong([right, wrong]) == 1
    assert [line for line in capsys.readouterr().out.splitlines() if "WRONG" in line and " b " in line]
