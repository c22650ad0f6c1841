"""VNet-integrated servers: the name of their zone, its link, subnet and zone together, locks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.model import Aspect, ComplianceState, Finding, PublicAccess, ServerSnapshot
from shared.model.parts import DnsZone, ManagementLock, NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId
from shared.policies.private_reach.postgres_dns_zone_locked import POLICY as LOCKED
from shared.policies.private_reach.postgres_subnet_and_dns_zone_inconsistent import POLICY as INCONSISTENT
from shared.policies.private_reach.postgres_vnet_dns_zone_name_invalid import POLICY as NAME_INVALID
from shared.policies.private_reach.postgres_vnet_dns_zone_not_linked import POLICY as NOT_LINKED
from shared.posture.policy import AnyPolicy, bound
from tests.builders import GROUP, SUBNET, server
from tests.fakes import SUBSCRIPTION

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
SUFFIX = "postgres.database.azure.com"
VNET = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub")
FAR = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/far")
ZONES = f"{GROUP}/providers/Microsoft.Network/privateDnsZones"
ZONE = ResourceId(f"{ZONES}/orders.private.{SUFFIX}")
LINK = ZoneLink(name="hub", network=VNET, state="Completed")


def inside(zone: ResourceId | None = ZONE, **parts: Any) -> ServerSnapshot:
    """A server in the subnet of the network ``hub``."""
    whole = {"delegated_subnet": SUBNET, "private_dns_zone": zone, "private_endpoints": ()}
    return server(**{**whole, "host_name": f"orders.{SUFFIX}", **parts})


def reading(*links: ZoneLink, dns_servers: tuple[str, ...] | None = (), **parts: Any) -> PrivateDns:
    zone = replace(DnsZone(id=ZONE, exists=True, links=links), **parts)
    return PrivateDns(zones=(zone,), network=NetworkDns(id=VNET, dns_servers=dns_servers))


def judged(policy: AnyPolicy, snapshot: ServerSnapshot, **settings: Any) -> Finding:
    finding: Finding = bound(policy, settings).evaluate(snapshot)
    assert bound(policy, settings).plan(finding, snapshot) is None
    return finding


@pytest.mark.parametrize("policy", [NAME_INVALID, NOT_LINKED, LOCKED], ids=lambda policy: policy.id)
@pytest.mark.parametrize("snapshot", [server(), inside(None)], ids=["endpoints", "no zone"])
def test_a_server_without_a_zone_of_its_own_is_left_alone(
    policy: AnyPolicy, snapshot: ServerSnapshot
) -> None:
    finding = judged(policy, snapshot)
    assert (finding.state, finding.applies, finding.fingerprint) == (COMPLIANT, False, "")


# --- the name --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        f"shared.{SUFFIX}",
        f"orders.private.{SUFFIX}",
        f"ORDERS.Private.{SUFFIX.upper()}.",
        f"privatelink.{SUFFIX}",
        f"orders2.{SUFFIX}",
    ],
)
def test_one_or_two_labels_before_the_suffix_serve(name: str) -> None:
    assert judged(NAME_INVALID, inside(ResourceId(f"{ZONES}/{name}"))).state is COMPLIANT


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("private.example.com", "does not end with"),
        (f"orders-{SUFFIX}", "does not end with"),
        (SUFFIX, "does not end with"),
        ("orders.private.postgres.database.chinacloudapi.cn", "does not end with"),
        (f"a.b.c.{SUFFIX}", "is not of the form"),
        (f"a..{SUFFIX}", "is not of the form"),
        (f"orders.{SUFFIX}", "is named like the server"),
        (f"Orders.{SUFFIX}.", "is named like the server"),
    ],
)
def test_a_name_that_cannot_serve_is_found_with_one_that_can(name: str, why: str) -> None:
    finding = judged(NAME_INVALID, inside(ResourceId(f"{ZONES}/{name}")))
    assert (finding.state, why in finding.reason) == (NON_COMPLIANT, True)
    create, link, move = finding.evidence["whatToDo"]
    assert f"--zone-name orders.private.{SUFFIX} --name hub --virtual-network {VNET} " in link
    assert f"--name orders.private.{SUFFIX}" in create
    assert f"--private-dns-zone {ZONE}" in move
    again = judged(NAME_INVALID, inside(ResourceId(f"{ZONES}/{name}".upper())))
    assert again.fingerprint == finding.fingerprint


def test_in_another_cloud_another_suffix_serves_and_without_a_host_name_none_is_known() -> None:
    chinese = ResourceId(f"{ZONES}/orders.private.postgres.database.chinacloudapi.cn")
    host = "orders.postgres.database.chinacloudapi.cn"
    assert judged(NAME_INVALID, inside(chinese, host_name=host)).state is COMPLIANT
    assert judged(NAME_INVALID, inside(host_name="")).state is UNKNOWN


def test_a_zone_named_like_the_resource_is_found_where_the_host_name_differs() -> None:
    renamed = inside(ResourceId(f"{ZONES}/orders.{SUFFIX}"), host_name=f"restored.{SUFFIX}")
    assert judged(NAME_INVALID, renamed).state is NON_COMPLIANT


# --- the link --------------------------------------------------------------------------------------


def test_a_zone_linked_to_the_subnets_network_is_compliant() -> None:
    finding = judged(NOT_LINKED, inside(private_dns=reading(LINK)))
    assert (finding.state, finding.fingerprint) == (COMPLIANT, "")


@pytest.mark.parametrize(
    "links",
    [(), (replace(LINK, network=FAR),), (replace(LINK, network=None),)],
)
def test_a_zone_that_does_not_answer_in_the_subnets_network_is_found(links: tuple[ZoneLink, ...]) -> None:
    finding = judged(NOT_LINKED, inside(private_dns=reading(*links)))
    assert (finding.state, "is not linked to hub" in finding.reason) == (NON_COMPLIANT, True)
    assert finding.evidence["mustBeLinked"] == [str(VNET)]
    assert len(finding.evidence["whatToDo"]) == 1


def test_a_link_that_is_being_made_is_unknown() -> None:
    finding = judged(NOT_LINKED, inside(private_dns=reading(replace(LINK, state="InProgress"))))
    assert (finding.state, "look again" in finding.reason) == (UNKNOWN, True)


def test_where_the_network_asks_its_own_servers_the_networks_must_be_declared() -> None:
    custom = inside(private_dns=reading(replace(LINK, network=FAR), dns_servers=("10.0.0.4",)))
    assert judged(NOT_LINKED, custom).state is UNKNOWN
    assert judged(NOT_LINKED, custom, linkedNetworks=[str(FAR).upper()]).state is COMPLIANT
    both = judged(NOT_LINKED, custom, linkedNetworks=[str(FAR), str(VNET)])
    assert (both.state, both.evidence["notLinked"]) == (NON_COMPLIANT, [str(VNET)])


def test_a_zone_that_is_gone_is_found_and_one_that_cannot_be_read_is_unknown() -> None:
    gone = judged(NOT_LINKED, inside(private_dns=reading(exists=False, links=None)))
    assert (gone.state, "does not exist" in gone.reason) == (NON_COMPLIANT, True)
    made, link, given = gone.evidence["whatToDo"]
    assert f"private-dns zone create --name {ZONE.name} " in made
    assert f"--virtual-network {VNET} " in link
    assert f"--private-dns-zone {ZONE} " in given
    refused = "our identity may not perform Microsoft.Network/privateDnsZones/virtualNetworkLinks/read"
    hidden = judged(NOT_LINKED, inside(private_dns=reading(exists=None, links=None, unread=refused)))
    assert (hidden.state, refused in hidden.reason) == (UNKNOWN, True)
    assert judged(NOT_LINKED, inside(private_dns=reading(LINK, dns_servers=None))).state is UNKNOWN
    assert judged(NOT_LINKED, inside(private_dns=PrivateDns())).state is UNKNOWN
    unread = judged(
        NOT_LINKED, inside(private_dns=None, unread={Aspect.PRIVATE_DNS: "the server is stopped"})
    )
    assert (unread.state, "stopped" in unread.reason) == (UNKNOWN, True)


# --- subnet and zone -------------------------------------------------------------------------------


def test_both_or_neither_is_compliant_and_one_alone_is_not() -> None:
    assert judged(INCONSISTENT, inside()).state is COMPLIANT
    assert judged(INCONSISTENT, server()).state is COMPLIANT
    without_zone = judged(INCONSISTENT, inside(None))
    assert (without_zone.state, without_zone.fingerprint) == (NON_COMPLIANT, "no zone")
    (choice,) = without_zone.evidence["whatToDo"]
    there, made = (way["steps"] for way in choice["oneOf"])
    given = "az postgres flexible-server update --name orders --private-dns-zone "
    assert [step.startswith(given) for step in there] == [True]
    assert [step.startswith(given) for step in made] == [False, False, True]
    untold = judged(INCONSISTENT, inside(None, host_name="")).evidence["whatToDo"]
    assert [step.startswith("az ") for step in untold] == [False, True]
    without_subnet = judged(INCONSISTENT, server(private_dns_zone=ZONE))
    assert (without_subnet.state, without_subnet.fingerprint) == (NON_COMPLIANT, "no subnet")


def test_a_server_that_shows_nothing_of_its_network_is_unknown() -> None:
    silent = replace(server(public_access=PublicAccess.UNKNOWN), public_access_text=None)
    assert judged(INCONSISTENT, silent).state is UNKNOWN


# --- locks -----------------------------------------------------------------------------------------


def held(scope: str, level: str = "CanNotDelete", name: str = "keep") -> ManagementLock:
    return ManagementLock(name=name, level=level, scope=scope)


@pytest.mark.parametrize("level", ["CanNotDelete", "ReadOnly", "readonly"])
@pytest.mark.parametrize(
    "scope",
    [str(ZONE), str(ZONE).upper(), GROUP, f"/subscriptions/{SUBSCRIPTION}", f"{ZONE}/A/ab12"],
    ids=["zone", "shouted", "group", "subscription", "record"],
)
def test_a_lock_on_the_zone_or_around_it_or_on_a_record_is_found(scope: str, level: str) -> None:
    finding = judged(LOCKED, inside(dns_locks=(held(scope, level),)))
    assert (finding.state, f"keep ({level})" in finding.reason) == (NON_COMPLIANT, True)
    lock_id = f"{scope}/providers/Microsoft.Authorization/locks/keep"
    assert finding.evidence["whatToDo"] == [f"az lock delete --ids {lock_id}"]
    assert finding.evidence["locks"] == [{"name": "keep", "level": level, "scope": scope}]


def test_locks_elsewhere_do_not_matter_and_an_unknown_level_is_unknown() -> None:
    elsewhere = (held(f"{ZONE}/virtualNetworkLinks/hub"), held(f"{GROUP}-2"), held(f"{ZONE}.example"))
    assert judged(LOCKED, inside(dns_locks=elsewhere)).state is COMPLIANT
    assert judged(LOCKED, inside(dns_locks=())).state is COMPLIANT
    assert judged(LOCKED, inside(dns_locks=(held(GROUP, "NotSpecified"),))).state is UNKNOWN


def test_locks_that_could_not_be_read_are_unknown_with_the_missing_action() -> None:
    refused = "our identity may not perform Microsoft.Authorization/locks/read"
    finding = judged(LOCKED, inside(unread={Aspect.DNS_LOCKS: refused}))
    assert (finding.state, refused in finding.reason) == (UNKNOWN, True)


def test_one_lock_more_is_another_drift_and_order_means_nothing() -> None:
    one, two = held(GROUP), held(str(ZONE), "ReadOnly", "freeze")
    first = judged(LOCKED, inside(dns_locks=(one, two)))
    assert judged(LOCKED, inside(dns_locks=(two, one))).fingerprint == first.fingerprint
    assert judged(LOCKED, inside(dns_locks=(one,))).fingerprint != first.fingerprint
