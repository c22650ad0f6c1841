"""The host's log as `make up` shows it: a short card for each look, and what else is worth a line.

The canonical line of a look names every policy and is three thousand characters long; the card has what is
not compliant, what was decided, and what came of it. An event is one line, and invocations that went well
are left out. Everything else (warnings, stack traces, a sweep) is shown as it is. Pure: lines in, text out.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from shared.model import Json

_LINE: Final = re.compile(r'\{"(?:target|event)":.*\}\s*$')
_TIME: Final = re.compile(r"\d\d:\d\d:\d\d")
_WENT_WELL: Final = re.compile(r" INFO local\.host \S+ \S+ ok \d+ ms\s*$")
_INDENT: Final = " " * 10
_WIDTH: Final = 100


def cards(lines: Iterable[str]) -> Iterator[str]:
    """What is printed for each line of the log, without its end; nothing for what went well."""
    for line in lines:
        if _WENT_WELL.search(line):
            continue
        yield card(line)


def card(line: str) -> str:
    """One line of the log: a look as a card, an event in a line, anything else as it is."""
    found = _LINE.search(line)
    match _document(found[0]) if found else None:
        case {"findings": _} as look:
            return "\n".join([f"{_time(line)}  {_headline(look)}", *_policies(look)])
        case {"event": _, "operation": operation, "cameTo": came_to}:
            return f"{_time(line)}  an event, {came_to}: {operation}"
        case _:
            return line.rstrip()


def _headline(look: Json) -> str:
    name = str(look["target"]).rsplit("/", 1)[-1]
    who = f" by {look['actor']}" if look["actor"] else ""
    operation = f": {look['operation']}" if look["operation"] else ""
    calls = f"{look['armCalls']} ARM call{'' if look['armCalls'] == 1 else 's'}"
    verdict = "" if _amiss(look) else "compliant; "
    return f"{name}  {verdict}{look['cause']}{who}{operation}; {calls}"


def _policies(look: Json) -> Iterator[str]:
    for policy in _amiss(look):
        outcome = look["outcomes"].get(policy, look["findings"].get(policy, ""))
        decided = look["decisions"].get(policy)
        text = f"{policy}: {outcome}" + (f" ({decided})" if decided else "")
        yield from textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=_INDENT,
            subsequent_indent=f"{_INDENT}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _amiss(look: Json) -> list[str]:
    """The policies that found something, or for which something was done."""
    found = {policy for policy, state in look["findings"].items() if state != "Compliant"}
    done = {policy for policy, outcome in look["outcomes"].items() if outcome != "Compliant"}
    return sorted(found | done)


def _document(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _time(line: str) -> str:
    found = _TIME.search(line)
    return found[0] if found else "        "
