"""What several answers of an app have in common when people read them.

Every text of an answer may be somebody else's: it is printed as `plain` text, a line for a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from driftward.refusing import plain
from shared.model import Json

_BEHIND: Final = 4


def answer(found: Json, lines: Iterable[str], *, as_json: bool) -> None:
    """Print an answer: as it is for machines, in lines for people."""
    print(json.dumps(found, indent=2) if as_json else "\n".join(map(plain, lines)))


def text_of(part: Json) -> str:
    """A value in one line; nothing for null."""
    if part is None:
        return ""
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def objects(part: Json) -> list[dict[str, Json]]:
    """The objects of a list; none of anything else."""
    return [one for one in part if isinstance(one, dict)] if isinstance(part, list) else []


def of(part: Json, *names: str) -> Json:
    """What lies at the end of these names; None where one is absent."""
    for name in names:
        part = part.get(name) if isinstance(part, dict) else None
    return part


def labelled(pairs: Iterable[tuple[str, Json]], indent: int = _BEHIND) -> Iterator[str]:
    """A line for each pair that says something, the texts under each other."""
    said = [(label, text_of(part)) for label, part in pairs]
    told = [(label, text) for label, text in said if text]
    width = max((len(label) for label, _ in told), default=0)
    for label, text in told:
        yield f"{' ' * indent}{label.ljust(width)}  {text}"


def who(actor: Json) -> str:
    """`Jane Doe (object 1234)`; whoever is known by an id alone is called by it."""
    name, ids = of(actor, "name"), (("object", of(actor, "objectId")), ("app", of(actor, "appId")))
    known = [f"{kind} {one}" for kind, one in ids if one]
    if not name:
        return ", ".join(known) or "nobody is named"
    return f"{name} ({', '.join(known)})" if known else str(name)


def paragraph(heading: str, texts: Iterable[str], indent: int = _BEHIND) -> Iterator[str]:
    """A heading and what stands under it; nothing where there is nothing."""
    listed = list(texts)
    if listed:
        yield heading
    yield from (f"{' ' * indent}{text}" for text in listed)


def pretty(part: Json) -> list[str]:
    """A value over several lines; none for an empty one."""
    return json.dumps(part, indent=2, ensure_ascii=False).splitlines() if part else []
