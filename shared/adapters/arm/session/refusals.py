"""Who forbade it, in ARM's own words: the Azure Policy, the missing action, the locked scopes.

A refusal says so in its message, in the ``additionalInfo`` beside it (``PolicyViolation``), or in one of its
``details``; what is found anywhere is named in the one text that people get. Only these words are read out of
messages, and only to be told: what a refusal means is decided by codes (``errors``). Sources: "Resolve errors
for request disallowed by policy" and "Troubleshoot Azure RBAC" (the wording of the linked scope), and "Lock
your resources" for that of a locked scope. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from shared.model import Json
from shared.model.values import value

_MISSING: Final = re.compile(
    r"does not have (?:authorization|permission) to perform action(?:\(s\))?\s*'([^']+)'"
    r"(?:\s*(?:over scope|on the linked scope(?:\(s\))?)\s*'([^']+)')?",
    re.IGNORECASE,
)
_LOCKED: Final = re.compile(r"scope\(?s?\)? (?:is|are) locked:\s*((?:'[^']+'[,\s]*)+)", re.IGNORECASE)
_IDENTIFIERS: Final = re.compile(r"\s*Policy identifiers:\s*'?(\[.*\])", re.IGNORECASE | re.DOTALL)
_NESTED: Final = ("error", "details", "innererror", "innerError")
_PARTS: Final = ("policyAssignment", "policyDefinition", "policySetDefinition")
_CALLED: Final = ("assignment", "definition", "initiative")


@value
class Missing:
    """An action that our identity lacks; ``scope`` is ``""`` where the message does not say."""

    action: str
    scope: str = ""

    @property
    def said(self) -> str:
        return f"our identity may not perform {self.action}" + (f" on {self.scope}" if self.scope else "")


def missing_in(text: str) -> tuple[Missing, ...]:
    """The actions that a message says our identity lacks, and none that it says it has."""
    found = (Missing(action=one[1], scope=one[2] or "") for one in _MISSING.finditer(text))
    return tuple(dict.fromkeys(found))


def locked_in(text: str) -> tuple[str, ...]:
    """The scopes that a message says are locked."""
    named = (name for one in _LOCKED.finditer(text) for name in re.findall(r"'([^']+)'", one[1]))
    return tuple(dict.fromkeys(part.strip() for name in named for part in name.split(",")))


def told(body: Json) -> str:
    """The outermost message, with who forbade it where only what stands beside it says so."""
    errors = list(_errors(body))
    messages = [text for error in errors if isinstance(text := error.get("message"), str)]
    said = messages[0] if messages else ""
    policies = _policies(errors, messages)
    if policies:
        said = _IDENTIFIERS.split(said)[0].rstrip(" .")
    beside = [fact for text in messages[1:] for fact in _facts(text) if fact not in _facts(said)]
    return "; ".join(dict.fromkeys(one for one in (said, *policies, *beside) if one))


def _facts(text: str) -> list[str]:
    return [one.said for one in missing_in(text)] + [f"locked: {scope}" for scope in locked_in(text)]


def _errors(body: Json) -> Iterator[Mapping[str, Json]]:
    """Every error of a body, outermost first."""
    for item in body if isinstance(body, list) else [body]:
        if isinstance(item, Mapping):
            if "code" in item or "message" in item:
                yield item
            for nested in _NESTED:
                yield from _errors(item.get(nested))


# --- Azure Policy ----------------------------------------------------------------------------------


def _policies(errors: Iterable[Mapping[str, Json]], messages: Iterable[str]) -> list[str]:
    beside = [_of_info(info) for error in errors for info in _infos(error.get("additionalInfo"))]
    listed = beside or [_of_identifiers(one) for text in messages for one in _listed(text)]
    return list(dict.fromkeys(words for words in listed if words))


def _infos(listed: Json) -> Iterator[Mapping[str, Json]]:
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, Mapping) and str(one.get("type")).lower() == "policyviolation":
            info = one.get("info")
            if isinstance(info, Mapping):
                yield info


def _of_info(info: Mapping[str, Json]) -> str:
    """``policyAssignmentName``, ``…DisplayName`` and ``…Id``, and the same of definition and initiative."""
    named = ((info.get(f"{p}DisplayName") or info.get(f"{p}Name"), info.get(f"{p}Id")) for p in _PARTS)
    return _said(named)


def _listed(message: str) -> Iterator[Mapping[str, Json]]:
    """The JSON that older messages hold: a list of objects by ``policyAssignment``, ``policyDefinition``…"""
    for text in _IDENTIFIERS.findall(message):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        yield from (one for one in found if isinstance(one, Mapping))


def _of_identifiers(one: Mapping[str, Json]) -> str:
    parts = (part if isinstance(part := one.get(name), Mapping) else {} for name in _PARTS)
    return _said((part.get("name"), part.get("id")) for part in parts)


def _said(named: Iterable[tuple[Json, Json]]) -> str:
    """``assignment 'name' (id), definition 'name' (id)``: those that are told."""
    told = zip(_CALLED, named, strict=True)
    return ", ".join(
        f"{called} {str(name or '')!r} ({one or 'no id'})" for called, (name, one) in told if name or one
    )
