"""What is said beside a proposal: what it cannot know, and what to look at. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftward.flows.faults import Faults
from driftward.flows.known import Known
from driftward.proposal.asking import Clients
from driftward.proposal.gathering import DAY, HOUR
from driftward.proposal.needs import PGBOUNCER_PORT, POSTGRES_PORT
from driftward.proposal.placing import is_shared
from driftward.proposal.proposing import Given, Proposal
from driftward.proposal.sifting import Why
from driftward.proposal.traffic import Lot, total
from driftward.proposal.wants import Purpose
from shared.model import Access, Direction
from shared.nsg import PUBLIC_ADDRESSES, common, minus, union
from shared.nsg.packets.addresses import address_at
from shared.posture.subnet_facts import CLUSTER_PORTS

_LOTS: Final = {
    Lot.INSIDE: "from or to private addresses",
    Lot.TO_INTERNET: "to public addresses",
    Lot.FROM_INTERNET: "from the Internet",
    Lot.DENIED: "that were denied",
}
_LISTENING: Final = union((port, port) for port in (POSTGRES_PORT, PGBOUNCER_PORT, *CLUSTER_PORTS))
_PLATFORM_TAGS: Final = frozenset({"azureplatformdns", "azureplatformimds", "azureplatformlkm"})
"""Network security groups overview: only a rule for such a tag filters what is asked of 168.63.129.16 and
169.254.169.254."""
_SHOWN: Final = 3
_LONG: Final = 35 * DAY * HOUR
"""What comes once a month is in a log that is as long as this."""


def notes_on(
    proposal: Proposal, given: Given, known: Known, clients: Clients, faults: Faults
) -> Iterator[str]:
    """In the order in which they matter."""
    if not proposal.lets_somebody_in:
        yield (
            "no client from outside the subnet was seen and none is declared: these rules let nobody in "
            "(--client, --file)"
        )
    yield from _about_cut(proposal)
    yield from _about_unproved(proposal, known)
    yield from _about_time(given)
    yield from _about_bounds(given)
    if faults.count:
        yield f"{faults.count} parts of the log could not be read and are not counted: {faults.first[0]}"
    yield from _about_group(given, known)
    yield from _about_platform(proposal)
    yield from _about_public(proposal, given, known)
    yield from _about_ports(proposal)
    if clients.source:
        yield f"declared clients are those of {clients.source}"
    if proposal.widened_by:
        yield (
            f"for ARM's limits private prefixes were made wider: rules name {proposal.widened_by:,} "
            "addresses that were not seen"
        )


def _about_cut(proposal: Proposal) -> Iterator[str]:
    """Whoever passed until now is cut off, rightly or not: that is read before anything is pasted."""
    cut = [one for one in proposal.apart if not one.traffic.denied]
    if cut:
        reasons = ", ".join(why.value for why in Why if any(one.why is why for one in cut))
        ends = list(dict.fromkeys(str(address_at(one.traffic.stream.other)) for one in cut))
        more = f" and {len(ends) - _SHOWN} more" if len(ends) > _SHOWN else ""
        whose = ", ".join(ends[:_SHOWN]) + more
        flows, lately = total(one.traffic for one in cut), sum(one.traffic.lately for one in cut)
        yield (
            f"{whose} passed until now (flows: {flows:,}; in the last day {lately:,}) "
            f"and will be denied ({reasons}): --keep those that are legitimate"
        )


def _about_unproved(proposal: Proposal, known: Known) -> Iterator[str]:
    """The commonest reason has a remedy."""
    if proposal.proof.leaking and not known.tags:
        yield (
            "which addresses a service tag holds is not known, so it cannot be proved that what was denied "
            "stays denied: --tags FILE (Azure's ServiceTags_Public.json), or --subscription with --location"
        )


def _about_time(given: Given) -> Iterator[str]:
    observed = given.observed
    if observed.first is None or observed.last is None or observed.last - observed.first >= _LONG:
        return
    hours = (observed.last - observed.first) / HOUR
    said = f"{hours / DAY:.0f} days" if hours >= 2 * DAY else f"{hours:.0f} hours"
    said = "less than two hours" if hours < 2 else said
    yield f"the log covers {said}: who comes more seldom than that is not in it"


def _about_bounds(given: Given) -> Iterator[str]:
    for lot, flows in given.observed.over.items():
        if flows:
            yield (
                f"{flows:,} flows {_LOTS[lot]} came when as many kinds as are told apart were known: they "
                "are counted, and not looked at one by one; fewer logs at a time tell them"
            )


def _about_group(given: Given, known: Known) -> Iterator[str]:
    group = given.group
    if known.group is None:
        yield "the NSG that stands is not known (--nsg): the rules are those of a new one"
    elif is_shared(group):
        yield (
            f"{group.id.name} serves more than this subnet: its rules stay, and the new ones name the subnet "
            "and stand ahead of them"
        )
    elif not group.subnets:
        yield (
            f"where {group.id.name} is from does not say which subnets it serves: if there are others, do "
            "not remove rules"
        )
    elif known.server is None or known.server.subnet is None:
        yield (
            f"{group.id.name} serves the subnet {group.subnets[0].name}: that it has these prefixes is not "
            "known (--server tells); rules of another subnet would be removed"
        )
    if group.odd_rules:
        odd = ", ".join(rule.name for rule in group.odd_rules[:_SHOWN])
        yield f"rules that cannot be read whole stay, and may decide something else: {odd}"


def _about_platform(proposal: Proposal) -> Iterator[str]:
    """What a deny for such a tag does no deny for addresses does: it goes, and nothing takes its place."""
    gone = [
        rule.name
        for rule in proposal.removed
        if rule.access is Access.DENY and _PLATFORM_TAGS & {text.lower() for text in rule.destinations}
    ]
    if gone:
        named = ", ".join(gone)
        yield (
            f"{named} denies the platform's own DNS, metadata or licensing, which rules for addresses do not "
            "filter: it would be removed, and that passes from then on; keep it if it is meant"
        )


def _about_ports(proposal: Proposal) -> Iterator[str]:
    """An NSG that let something pass does not show that anybody answered."""
    odd = [
        one.rule.name
        for one in proposal.allows
        if one.want.purpose is Purpose.OBSERVED
        and one.want.direction is Direction.INBOUND
        and minus(one.want.ports, _LISTENING)
    ]
    if odd:
        named = ", ".join(odd)
        yield f"no flexible server listens on some ports of {named}: whoever asks there is not answered"


def _about_public(proposal: Proposal, given: Given, known: Known) -> Iterator[str]:
    public = [
        first
        for one in proposal.allows
        if one.want.purpose is Purpose.OBSERVED
        for first, _ in common(one.want.addresses, PUBLIC_ADDRESSES)
        if given.place.is_public(first)
    ]
    if not public:
        return
    shown = ", ".join(str(address_at(place)) for place in public[:_SHOWN])
    whose = (
        "in no service that the server needs as a whole"
        if known.tags
        else "and whose they are is not known (--tags tells)"
    )
    yield (
        f"public addresses are kept as they were seen ({shown}), {whose}: such addresses change, and each "
        "is a way out"
    )
