"""Questions of a subnet's NSG about Azure's services: may the servers reach a service tag on TCP 443?

Which addresses a tag holds is not in the reading, so the answer has three values (ADR 0008). *Compliant* is
what passes whatever the open sets hold. *Drift* is what is cut wherever the service lies: for each address
that it may have, something of the subnet is denied, if the address is in no other service's tag. Where one
region's part is asked for, another region's holds none of it. All else is unknown: listed addresses,
``AzureCloud``, ``VirtualNetwork`` that may hold a default route. Only IPv4 is asked about. Which service
matters when, and to whom, is the policies' affair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from shared.model import Change, ComplianceState, Direction, Finding, SubnetServer, SubnetSnapshot, TrafficBox
from shared.model.values import value
from shared.nsg import (
    Family,
    Fix,
    NoFix,
    Outcome,
    Question,
    Side,
    State,
    Tags,
    difference,
    minus,
    read_side,
    spans_of,
    tolerated,
    traffic_boxes,
    union,
)
from shared.nsg.rules.published_tags import PUBLISHED_TAGS
from shared.posture.findings import unknown
from shared.posture.route_tables import PUBLIC
from shared.posture.subnet_answers import Answer, ask
from shared.posture.subnet_facts import delegated
from shared.posture.subnet_questions import (
    About,
    Inquiry,
    outside_tags,
    own_addresses,
    ports_of,
    virtual_network,
)
from shared.posture.subnet_rules import adding, additions
from shared.posture.subnet_verdicts import group_finding, inquiry_finding
from shared.posture.traffic import SubnetTraffic

HTTPS: Final = (443,)
_NO_SERVICES: Final = frozenset({"azurecloud", "internet", "virtualnetwork", "azureloadbalancer"})
"""Tags that hold other services or none: an address of a service may lie in these as well."""
_SERVICES: Final = frozenset(name.lower() for name in PUBLISHED_TAGS) - _NO_SERVICES


@value
class Service:
    """A service that servers must reach: the tag of all of it, and the tag that is asked for."""

    about: About
    tag: str
    """``Storage``: what a fix lets pass, for what lets it all pass lets each region pass."""
    asked: str
    """``Storage.westeurope``, or the tag itself."""


@value
class Needing:
    """Which servers must reach a service at all."""

    fact: Callable[[SubnetServer], bool | None]
    name: str
    """What the fact is called in the evidence."""
    words: str
    """What is said of such a server: ``has Microsoft Entra sign-in on``."""


STORAGE: Final = "Storage"
"""Write-ahead log and backups of every server are archived there."""
ENTRA: Final = "AzureActiveDirectory"
KEY_VAULT: Final = "AzureKeyVault"
ENTRA_SIGN_IN: Final = Needing(
    fact=lambda server: server.entra, name="entra", words="has Microsoft Entra sign-in on"
)
CUSTOMER_KEY: Final = Needing(
    fact=lambda server: server.customer_key, name="customerKey", words="is encrypted with a customer's key"
)


def in_region(tag: str, region: str) -> str:
    """``Storage.westeurope``; of an unknown region the whole tag, which asks for more."""
    name = region.replace(" ", "").lower()
    return f"{tag}.{name}" if name else tag


def service_finding(service: Service, subnet: SubnetSnapshot) -> Finding:
    """The finding for one service; whether the NSG need be asked at all is settled by the caller."""
    if Family.IPV4 not in own_addresses(subnet):
        return group_finding(service.about, subnet, unknown("the subnet has no IPv4 prefix"))
    inquiry = _inquiry(service, subnet, service.asked)
    judged = inquiry_finding(service.about, inquiry)
    if judged.state is ComplianceState.COMPLIANT or not judged.evidence.get("directions"):
        return judged
    apart = _apart(service, inquiry)
    cut = inquiry_finding(service.about, apart)
    if cut.state is not ComplianceState.NON_COMPLIANT:
        return judged
    if _is_certain(apart):
        return replace(cut, evidence={**cut.evidence, "noFixReason": _why_no_fix(service, subnet)})
    said = cut.reason.replace(" is partly denied by ", " may be denied by ")
    hanging = unknown(f"{said}: that depends on the addresses that {service.asked} holds")
    return replace(group_finding(service.about, subnet, hanging), evidence=cut.evidence)


def service_change(service: Service, subnet: SubnetSnapshot) -> Change | None:
    """The rule that lets all of the service pass; None without room for it, or where nothing is cut."""
    proposed = letting_pass(service, subnet)
    if isinstance(proposed, NoFix):
        return None
    return adding(service.about, subnet, proposed.rules, service_box(subnet))


def letting_pass(service: Service, subnet: SubnetSnapshot) -> Fix | NoFix:
    """Rules after which all of the service passes, in every region and whatever the open sets hold."""
    inquiry = _inquiry(service, subnet, service.tag)
    return additions(service.about, inquiry, ask(inquiry))


def service_box(subnet: SubnetSnapshot) -> tuple[TrafficBox, ...]:
    """From the subnet to every public address, which is the least that surely holds a service."""
    question = Question(
        direction=Direction.OUTBOUND,
        source=Side(own_addresses(subnet).get(Family.IPV4, ())),
        destination=Side(PUBLIC),
        ports=ports_of(HTTPS),
    )
    return traffic_boxes(question)


def service_traffic(subnet: SubnetSnapshot) -> SubnetTraffic:
    """What must pass lies in here: which public addresses belong to a service is not known."""
    return SubnetTraffic(boxes=service_box(subnet) if delegated(subnet) else ())


def _inquiry(service: Service, subnet: SubnetSnapshot, tag: str) -> Inquiry:
    tags = _tags(service, subnet)
    question = Question(
        direction=Direction.OUTBOUND,
        source=Side(own_addresses(subnet).get(Family.IPV4, ())),
        destination=read_side([tag], tags),
        ports=ports_of(HTTPS),
    )
    questions = (question,) if question.source.addresses else ()
    return Inquiry(subnet=subnet, questions=questions, tags=tags, holds=f"tcp/443 to {tag} passes outbound")


def _tags(service: Service, subnet: SubnetSnapshot) -> Tags:
    """What makes the question exact for packets to the service; of other packets it says nothing.

    A service is public, outside the network, and Internet holds all of it. ``VirtualNetwork`` stays open:
    compliant is only what passes whether or not it holds the service.
    """
    inside = spans_of(virtual_network(subnet))
    elsewhere = {key: () for key in _named_tags(subnet) if is_elsewhere(key, service.asked)}
    return outside_tags(subnet, {service.tag.lower(): minus(PUBLIC, inside), **elsewhere})


def _apart(service: Service, inquiry: Inquiry) -> Inquiry:
    """The same, of an address that is in no other service's tag: none but ``AzureCloud`` holds all of one."""
    others = _SERVICES - {service.tag.lower()}
    apart = {key: () for key in _named_tags(inquiry.subnet) if key.partition(".")[0] in others}
    tags = replace(inquiry.tags, closed=MappingProxyType({**inquiry.tags.closed, **apart}))
    return replace(inquiry, tags=tags)


def _named_tags(subnet: SubnetSnapshot) -> set[str]:
    """What the custom rules name, in lower case; texts that are no tags among it."""
    group = subnet.security_group
    rules = group.standing if group else ()
    return {text.strip().lower() for rule in rules for text in (*rule.sources, *rule.destinations)}


def is_elsewhere(key: str, asked: str) -> bool:
    """Whether ``key`` is the same service's part of another region than ``asked`` is of.

    A region may have two spellings: what may be one region is not elsewhere.
    """
    tag, _, region = key.partition(".")
    whole, _, here = asked.lower().partition(".")
    if tag != whole or not region or not here:
        return False
    one, other = sorted((_REGIONS.get(name, name) for name in (region, here)), key=len)
    return not (other.startswith(one) and (other == one or other[len(one)].isalpha()))


_REGIONS: Final = {
    "centralfrance": "francecentral",
    "southfrance": "francesouth",
    "germanywc": "germanywestcentral",
    "brazilse": "brazilsoutheast",
    "usstagec": "southcentralusstg",
    "usstagee": "eastusstg",
}
"""Regions by what service tags call them where that is no beginning of the region's name, as ``norwaye`` is.

Source: "Virtual network service tags", "don't have regional names formatted according to the normal schema"
(MicrosoftDocs/azure-docs).
"""


def _why_no_fix(service: Service, subnet: SubnetSnapshot) -> str | None:
    proposed = letting_pass(service, subnet)
    return proposed.reason if isinstance(proposed, NoFix) else None


def _is_certain(inquiry: Inquiry) -> bool:
    """Whether something is denied wherever the service lies: for each address it could have."""
    return all(_denied_everywhere(inquiry, answer) for answer in ask(inquiry))


def _denied_everywhere(inquiry: Inquiry, answer: Answer) -> bool:
    if answer.verdict.state is State.DENIED:
        return True
    group = tolerated(inquiry.subnet.security_group)
    against_none = difference(group, None, [answer.question], inquiry.tags)
    denied = union(
        span for part in against_none.parts if part.before is Outcome.DENIED for span in part.box.destinations
    )
    destination = answer.question.destination
    return not minus(inquiry.tags.reach(destination.addresses, destination.sets), denied)
