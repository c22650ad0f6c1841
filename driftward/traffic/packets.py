"""Packets that show an answer, and what it depends on where not everything is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from driftward.refusing import plain
from driftward.terminal import few, section
from driftward.traffic.answered import Answered
from shared.model import Json
from shared.nsg.packets.addresses import parse_addresses
from shared.nsg.packets.spans import common
from shared.nsg.rules.tags import SetKind, open_tag

COLOURS: Final[Mapping[str, str]] = {
    "allowed": "green",
    "denied": "red",
    "mixed": "magenta",
    "depends": "yellow",
}
_SHOWN: Final = 3
_SETS: Final[Mapping[SetKind, str]] = {
    SetKind.VIRTUAL_NETWORK: "the virtual network's space, peered networks, on-premises ranges and routes; "
    "its prefixes can be given with --tags",
    SetKind.INTERNET: "public addresses outside the virtual network; prefixes can be given with --tags",
    SetKind.PUBLIC_TAG: "a service tag for public addresses; its prefixes can be given with --tags",
    SetKind.UNKNOWN_TAG: "a tag that Azure does not publish; its prefixes can be given with --tags",
    SetKind.EXPRESSION: "left to the deployment: a value can be given with --parameters",
    SetKind.MALFORMED: "a text that is no address and no tag: it may match anything",
    SetKind.SECURITY_GROUP: "an application security group: who belongs to it stands in no file",
}


def packets(console: Console, answered: Answered) -> None:
    out = answered.out
    priorities = {rule["name"]: rule["priority"] for rule in (*out["blockingRules"], *out["exposingRules"])}
    lines = [
        _packet(packet, priorities, _membership(packet, answered)) for packet in answered.out["witnesses"]
    ]
    section(console, "Packets that show it", lines)


def _packet(packet: Mapping[str, Json], priorities: Mapping[str, int], supposed: str) -> Text:
    """`10.0.1.4:49152 → 10.0.1.5:5432 tcp is denied by rule 'DenyAll' (priority 4096)`."""
    source, destination = (
        f"[{address}]" if ":" in address else address for address in (packet["source"], packet["destination"])
    )
    rule = packet["rule"]
    priority = f" (priority {priorities[rule]})" if rule in priorities else ""
    by = f" by rule {plain(rule)!r}{priority}" if rule is not None else ": the NSG does not filter it"
    colour = COLOURS[packet["outcome"]]
    return Text.assemble(
        (
            f"{source}:{packet['sourcePort']} → {destination}:{packet['destinationPort']} "
            f"{packet['protocol'].lower()}",
            "bold",
        ),
        " is ",
        (packet["outcome"], colour),
        f"{by}{supposed}",
    )


def _membership(packet: Mapping[str, Json], answered: Answered) -> str:
    """What is taken for granted about who belongs to what; nothing where nothing is."""
    held = {packet[end]: tuple(packet["memberships"][end]) for end in ("source", "destination")}
    said = []
    for names in dict.fromkeys(filter(None, held.values())):
        inside = [address for address, found in held.items() if found == names]
        said.append(f"{few(inside, 'and')} {_is(inside)} in {few(names, 'and')}")
    for name in [] if packet["sure"] else answered.out["dependsOn"][:_SHOWN]:
        could = (address for address, found in held.items() if name not in found)
        outside = [address for address in could if _may_hold(name, address, answered)]
        said += [f"{few(outside, 'and')} {_is(outside)} not in {plain(name)}"] if outside else []
    return f", where {few(said, 'and', most=2 * _SHOWN)}" if said else ""


def _is(addresses: Sequence[str]) -> str:
    return "is" if len(addresses) == 1 else "are"


def _may_hold(name: str, address: str, answered: Answered) -> bool:
    """Whether an open set may hold the address: that a private one is not public goes without saying."""
    if name in _security_groups(answered):
        return True
    bound = answered.asked.tags.upper(open_tag(name))
    return bool(common(bound, parse_addresses(address) or ()))


def _security_groups(answered: Answered) -> set[str]:
    """By what an answer calls them: by name, or by id where two share a name."""
    groups = (
        group for rule in answered.group.rules for group in (*rule.source_groups, *rule.destination_groups)
    )
    return {called for group in groups for called in (group.name, str(group))}


def depends(console: Console, answered: Answered) -> None:
    groups = _security_groups(answered)
    lines = [
        Text.assemble((plain(name), "bold"), f": {_held_by(name, groups)}")
        for name in answered.out["dependsOn"]
    ]
    section(console, "It depends on what is not known", lines)


def _held_by(name: str, groups: Collection[str]) -> str:
    """What the open set is, and how more could be known of it."""
    return _SETS[SetKind.SECURITY_GROUP if name in groups else open_tag(name).kind]
