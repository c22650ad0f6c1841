"""What an NSG does to denied platform traffic today, and which rules would let it pass.

The questions go to the project's exact engine. What is asked about the present is what the log shows: the
addresses that were called. What a rule is made for is the whole tag, from the subnet's own prefixes, as the
policies do it, so that the rule is still right when the service answers from its next address. Rules are
proposed one after another on an NSG that has the earlier ones, so that their priorities differ. Without an
NSG the rules are a template: what one with a final deny would get, and the priority is the reader's.

Only what an NSG denied is asked about: no NSG rule helps against a security admin rule or encryption. DNS
servers are named by no tag, so the rule for them is for the addresses that were called.

Nothing here ever asks for Internet, and nothing else for addresses that no tag names. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from driftward.flows.counting import Group
from driftward.flows.deniers import WHAT_TO_DO, Denier
from driftward.flows.labels import (
    AZURE_DNS,
    DNS,
    DNS_PORT,
    HTTPS,
    PGBOUNCER,
    POSTGRES,
    WITHIN,
    Kind,
    Label,
    Need,
    Setting,
    need,
)
from driftward.flows.services import ENTRA, KEY_VAULT, MONITOR, PLATFORM, STORAGE
from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg import (
    EVERY_ADDRESS,
    LAST_PRIORITY,
    PUBLIC_ADDRESSES,
    Goal,
    NoFix,
    Protocol,
    Question,
    Rule,
    Side,
    Spans,
    State,
    Tags,
    decide,
    fix,
    minus,
    parse,
    read_side,
    union,
    with_rules,
)
from shared.nsg.documents.places import UNKNOWN_GROUP

_RULE_NAMES: Final = {
    STORAGE: "driftward-storage",
    ENTRA: "driftward-entra",
    KEY_VAULT: "driftward-key-vault",
    MONITOR: "driftward-monitor",
    POSTGRES: "driftward-postgres",
    PGBOUNCER: "driftward-pgbouncer",
    DNS: "driftward-dns",
}
_PORTS: Final = {name: port for port, name in WITHIN.items()}
_PLATFORM_DNS: Final = (
    "no rule for addresses denies it, only one for the tag AzurePlatformDNS does: change or delete that rule"
)
"""What is IP address 168.63.129.16: scope of network security groups."""


Denied: TypeAlias = Mapping[Label, tuple[Rule, ...]]
"""What an NSG denies, and the rules that do."""


@value
class Present:
    """What the NSG that was given does to the flows of a group."""

    state: State
    blocking: tuple[Rule, ...]
    allowing: tuple[Rule, ...]
    depends_on: tuple[str, ...]
    partial: bool
    """Whether more addresses were called than were kept: then the whole tag was asked about."""


@value
class Advice:
    """``rules`` are what is to be added, none where nothing is; ``reason`` says why nothing can be."""

    present: Present | None
    """None without an NSG; then ``rules`` are a template, whose priorities mean nothing."""
    rules: tuple[SecurityRule, ...] = ()
    reason: str | None = None


def advise(
    groups: Iterable[Group], setting: Setting, group: SecurityGroup | None, tags: Tags
) -> Mapping[Group, Advice]:
    """The advice for each group of platform traffic, what is needed most first. Raises ``NsgError``."""
    order = list(Need)
    platform = [found for found in groups if found.label.kind is Kind.PLATFORM]
    platform.sort(key=lambda found: (order.index(need(found.label, setting.features)), found.label))
    known = granted(setting, tags)
    patched = template_group() if group is None else group
    advice: dict[Group, Advice] = {}
    for found in platform:
        if (hopeless := _no_rule_helps(found)) is not None:
            advice[found] = hopeless
            continue
        present = None if group is None else _present(found, setting, group, known)
        advice[found] = _advice(found, setting, patched, known, present)
        patched = with_rules(patched, advice[found].rules)
    return advice


def _no_rule_helps(found: Group) -> Advice | None:
    """The advice where no NSG decided, or where none decides by address; None where a rule may help."""
    if found.denier is not Denier.NSG:
        return Advice(present=None, reason=WHAT_TO_DO[found.denier])
    if found.label.name == AZURE_DNS:
        return Advice(present=None, reason=_PLATFORM_DNS)
    return None


def _advice(
    found: Group, setting: Setting, patched: SecurityGroup, tags: Tags, present: Present | None
) -> Advice:
    if present is not None and present.state is State.ALLOWED:
        return Advice(present=present)
    called = _spans(found.addresses.counts) if found.label.name == DNS else None
    goal = Goal(
        question=_question(found.label, setting, tags, called, _protocol(found)),
        name=_RULE_NAMES[found.label.name],
    )
    proposed = fix(patched, goal, tags)
    if isinstance(proposed, NoFix):
        return Advice(present=present, reason=proposed.reason)
    return Advice(present=present, rules=proposed.rules)


def _present(found: Group, setting: Setting, group: SecurityGroup, tags: Tags) -> Present:
    is_named = found.addresses.is_complete or found.label.name == DNS
    called = _spans(found.addresses.counts) if is_named else None
    question = _question(found.label, setting, tags, called, _protocol(found))
    verdict = decide(parse(group, tags), question)
    return Present(
        state=verdict.state,
        blocking=verdict.blocking,
        allowing=verdict.exposing,
        depends_on=verdict.depends_on,
        partial=called is None,
    )


def denied_now(setting: Setting, group: SecurityGroup, tags: Tags, seen: frozenset[Label]) -> Denied:
    """What the service needs and ``group`` denies, though the log shows none of it as denied (``seen``)."""
    known = granted(setting, tags)
    program = parse(group, known)
    unseen = [label for label in _needed(setting) if label not in seen]
    verdicts = {label: decide(program, _question(label, setting, known, None)) for label in unseen}
    return {
        label: verdict.blocking
        for label, verdict in verdicts.items()
        if verdict.state in {State.DENIED, State.MIXED}
    }


def _needed(setting: Setting) -> list[Label]:
    """What the service surely calls, again and again; a server alone in its subnet calls nobody in it."""
    labels = (Label(Kind.PLATFORM, name, True) for name in PLATFORM)
    return [label for label in labels if need(label, setting.features) is Need.REQUIRED]


def _question(
    label: Label, setting: Setting, tags: Tags, called: Spans | None, protocol: Protocol = Protocol.TCP
) -> Question:
    """May the subnet send such traffic: to the addresses that were ``called``, or to all of the tag?"""
    direction = Direction.OUTBOUND if label.outbound else Direction.INBOUND
    here = Side(setting.subnet or EVERY_ADDRESS)
    name = label.name
    if name in _PORTS:
        return Question(direction=direction, source=here, destination=here, ports=_one(_PORTS[name]))
    there = read_side([name], tags) if called is None else Side(called)
    ports = _one(DNS_PORT if name == DNS else HTTPS)
    return Question(direction=direction, protocol=protocol, source=here, destination=there, ports=ports)


def _protocol(found: Group) -> Protocol:
    """The protocol that was denied; every one where several were."""
    named = {protocol for protocol, _ in found.ports.counts}
    return Protocol(named.pop()) if len(named) == 1 else Protocol.ANY


def granted(setting: Setting, tags: Tags) -> Tags:
    """What the answers may take for granted: subnet and network lie in the virtual network and outside
    Internet, and Internet holds Azure's public ranges (service tags overview)."""
    inside = union((*setting.subnet, *setting.virtual_network))
    closed = {**Tags().closed, "internet": minus(PUBLIC_ADDRESSES, inside), **tags.closed}
    return Tags(closed=MappingProxyType(closed), vnet=inside)


def _spans(places: Iterable[int]) -> Spans:
    return union((place, place) for place in places)


def _one(port: int) -> Spans:
    return ((port, port),)


def template_group() -> SecurityGroup:
    """What a template is made for: an NSG that ends in a deny of its own, as in the NSG thread."""
    return SecurityGroup(
        id=ResourceId(f"{UNKNOWN_GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"),
        rules=tuple(
            SecurityRule(
                name=f"deny-all-{direction.lower()}",
                direction=direction,
                access=Access.DENY,
                priority=LAST_PRIORITY,
                protocol="*",
                sources=("*",),
                destinations=("*",),
                destination_ports=("*",),
            )
            for direction in Direction
        ),
        default_rules=(),
    )
