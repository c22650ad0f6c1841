"""A folder of what `az` wrote, as one estate: every JSON file below it, whatever it is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from driftward.documents import document
from driftward.scanning.documents.holdings import FLEXIBLE, Holdings, with_children
from driftward.scanning.documents.recognising import Held, held_in, is_stub
from shared.model import Json
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg.asking import BadInput

FIELD: Final = "from-export"
SOURCE: Final = "the export"


@value
class Exported:
    """``says`` is what somebody ought to know of the files, each with its file's name."""

    holdings: Holdings
    says: tuple[str, ...]


def exported(folder: Path) -> Exported:
    """Raises ``BadInput`` for a folder that is none, or that holds nothing that is known."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: this is no folder", field=FIELD)
    read = [(path, _read(path)) for path in sorted(folder.rglob("*.json"))]
    says = tuple(f"{path}: {said}" for path, held in read for said in held.says)
    if not any(held.bodies or held.lists for _, held in read):
        why = "\n".join([f"{folder}: no JSON file in it shows a resource of Azure", *says])
        raise BadInput(f"{why}\n`driftward scan --from-export` prints what writes such a folder", field=FIELD)
    differing = dict(_differing(read))
    doubts = tuple(
        f"{', '.join(map(str, paths))}: lists of {address} that differ: none of them is believed"
        for address, paths in differing.items()
    )
    return Exported(holdings=_joined([held for _, held in read], differing), says=(*says, *doubts))


def _differing(read: Iterable[tuple[Path, Held]]) -> Iterator[tuple[str, list[Path]]]:
    """The lists that several files hold, and not with the same in them: one of them is of another day, or a
    part, and which nobody can say."""
    shown: dict[str, list[tuple[Path, frozenset[str]]]] = defaultdict(list)
    for path, held in read:
        for address, items in held.lists.items():
            shown[address].append((path, frozenset(map(_called, items))))
    for address, several in shown.items():
        if len({called for _, called in several}) > 1:
            yield address, [path for path, _ in several]


def _called(item: Json) -> str:
    """What tells an item from others: its id, else its name, else all of it."""
    held = item if isinstance(item, Mapping) else {}
    return str(held.get("id") or held.get("name") or item).lower()


def _read(path: Path) -> Held:
    """A command of az that failed leaves an empty file: what it was to hold is not known, and no more. What
    is a folder, a pipe or a device is not read: it may have no end."""
    if not path.is_file():
        return Held(says=("this is no file",))
    try:
        return held_in(document(str(path), FIELD))
    except BadInput as error:
        return Held(says=(str(error).removeprefix(f"{path}: "),))


def _joined(read: list[Held], differing: Collection[str]) -> Holdings:
    bodies = with_children(_by_weight(read))
    lists = {
        address: items for held in read for address, items in held.lists.items() if address not in differing
    }
    whole = {key: body for key, body in bodies.items() if not is_stub(body)}
    tags = next((held.tags for held in read if held.tags is not None), None)
    return Holdings(
        source=SOURCE,
        bodies=whole,
        lists={**_replicas(whole, lists), **lists},
        named=tuple({"id": body["id"]} for key, body in bodies.items() if key not in whole),
        tags=tags,
    )


def _by_weight(read: Iterable[Held]) -> Iterator[Mapping[str, Json]]:
    """What is better known later: names alone, then copies, then ARM's own bodies."""
    held = [(one, body) for one in read for body in one.bodies]
    held.sort(key=lambda pair: (not is_stub(pair[1]), not pair[0].is_copy))
    return (body for _, body in held)


def _replicas(
    bodies: Mapping[str, Mapping[str, Json]], lists: Mapping[str, tuple[Json, ...]]
) -> dict[str, tuple[Json, ...]]:
    """Of each server those that name it as their source, where every server is listed."""
    servers = {key: body for key, body in bodies.items() if ResourceId(key).type == FLEXIBLE}
    sources: dict[str, list[Json]] = {key: [] for key in servers if _all_servers(key) in lists}
    for body in servers.values():
        source = str(_property(body, "sourceServerResourceId")).lower()
        if source in sources and source != str(body["id"]).lower():
            sources[source].append(body)
    return {f"{key}/replicas": tuple(found) for key, found in sources.items()}


def _all_servers(key: str) -> str:
    return f"/subscriptions/{key.split('/')[2]}/providers/{FLEXIBLE}"


def _property(body: Mapping[str, Json], name: str) -> Json:
    held = body.get("properties")
    return held.get(name) if isinstance(held, Mapping) else None
