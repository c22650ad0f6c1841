"""Private endpoints and DNS: the zone, its link, the record; with and without declared central DNS."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.model import (
    Aspect,
    ConnectionStatus,
    Finding,
    PublicAccess,
    ServerSnapshot,
    Severity,
)
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, ZoneConfig, ZoneLink
from shared.model.resource_id import ResourceId
from shared.policies.private_reach.postgres_endpoint_dns_record_wrong import POLICY as RECORD_WRONG
from shared.policies.private_reach.postgres_endpoint_dns_zone_not_linked import POLICY as NOT_LINKED
from shared.policies.private_reach.postgres_endpoint_dns_zone_wrong import POLICY as ZONE_WRONG
from shared.posture.dns_commands import group_commands
from shared.posture.policy import AnyPolicy
from shared.posture.private_dns import wrong_networks, wrong_zone
from tests.builders import SERVER, SUBNET, endpoint
from tests.policies.endpoint_dns import (
    ADDRESS,
    CENTRAL,
    COMPLIANT,
    CUSTOM,
    FAR,
    GONE_ADDRESS,
    HUB,
    NAME,
    NON_COMPLIANT,
    OTHER_ADDRESS,
    OTHER_NAME,
    PE,
    SPOKE,
    THIRD_NAME,
    UNKNOWN,
    ZONE,
    dns,
    every_policy,
    judged,
    placed,
    states,
    with_dns,
    zone,
)

# --- well, and nothing to say ----------------------------------------------------------------------


def test_azures_own_resolver_named_by_its_address_is_no_custom_dns() -> None:
    itself = placed(network=NetworkDns(id=SPOKE, dns_servers=("168.63.129.16",)))
    assert states(with_dns(dns(itself))) == [COMPLIANT] * 3
    mixed = placed(network=NetworkDns(id=SPOKE, dns_servers=("168.63.129.16", "10.10.0.4")))
    assert states(with_dns(dns(mixed))) == [UNKNOWN] * 3


def test_a_zone_that_answers_with_the_endpoints_address_is_compliant_for_all() -> None:
    assert states(with_dns(dns())) == [COMPLIANT] * 3
    finding = judged(RECORD_WRONG, with_dns(dns()))
    assert finding.reason == f"orders.{NAME} is 10.30.1.4"
    assert finding.evidence["zoneName"] == NAME
    (shown,) = finding.evidence["endpoints"]
    assert (shown["expected"], shown["found"]) == (["10.30.1.4"], ["10.30.1.4"])


@every_policy
@pytest.mark.parametrize(
    "snapshot",
    [
        with_dns(None, private_endpoints=()),
        with_dns(None, private_endpoints=(endpoint(ConnectionStatus.PENDING),)),
        with_dns(None, delegated_subnet=SUBNET),
    ],
)
def test_without_an_approved_endpoint_there_is_nothing_to_say(
    policy: AnyPolicy, snapshot: ServerSnapshot
) -> None:
    finding = judged(policy, snapshot)
    assert (finding.state, finding.applies, finding.fingerprint) == (COMPLIANT, False, "")


@every_policy
def test_what_could_not_be_read_is_unknown_with_the_missing_action(policy: AnyPolicy) -> None:
    refused = "our identity may not perform Microsoft.Network/privateEndpoints/privateDnsZoneGroups/read"
    finding = judged(policy, with_dns(None, unread={Aspect.PRIVATE_DNS: refused}))
    assert (finding.state, refused in finding.reason) == (UNKNOWN, True)
    alone = judged(policy, with_dns(dns(placed(group_zones=None, unread=refused))))
    assert (alone.state, refused in alone.reason) == (UNKNOWN, True)
    assert judged(policy, with_dns(None, private_endpoints=None)).state is UNKNOWN
    assert judged(policy, with_dns(dns(), host_name="")).state is UNKNOWN


@every_policy
def test_a_fault_of_one_endpoint_is_found_and_one_not_looked_at_keeps_the_rest_unknown(
    policy: AnyPolicy,
) -> None:
    told = {Aspect.PRIVATE_DNS: "1 of 3 approved private endpoints were not looked at"}
    well = judged(policy, with_dns(dns(), unread=told))
    assert (well.state, "1 of 3 approved" in well.reason) == (UNKNOWN, True)
    ill = with_dns(dns(zones=(zone(links=(), record=()),)), unread=told)
    assert [judged(one, ill).state for one in (NOT_LINKED, RECORD_WRONG)] == [NON_COMPLIANT] * 2


@every_policy
def test_where_the_network_asks_its_own_dns_servers_nothing_is_claimed(policy: AnyPolicy) -> None:
    broken = dns(placed(network=CUSTOM), zones=(zone(links=(), record=(GONE_ADDRESS,)),))
    for read in (broken, dns(placed(network=CUSTOM)), dns(placed(network=CUSTOM, group_zones=(OTHER_NAME,)))):
        finding = judged(policy, with_dns(read))
        assert finding.state is UNKNOWN
        assert "its own DNS servers (10.10.0.4, 10.10.0.5)" in finding.reason
    for network in (None, NetworkDns(id=SPOKE, unread="not shown")):
        assert judged(policy, with_dns(dns(placed(network=network)))).state is UNKNOWN


@every_policy
def test_letter_case_trailing_dots_and_order_mean_nothing(policy: AnyPolicy) -> None:
    loud = placed(
        id=ResourceId(str(PE).upper()),
        network=NetworkDns(id=ResourceId(str(SPOKE).upper()), dns_servers=()),
        group_zones=(ResourceId(str(ZONE).upper() + "."), ResourceId(str(ZONE).upper())),
    )
    link = ZoneLink(name="Spoke", network=ResourceId(str(SPOKE).lower()), state="COMPLETED")
    far = ZoneLink(name="hub", network=HUB, state="Completed")
    read = dns(loud, zones=(zone(id=ResourceId(str(ZONE).lower()), links=(far, link)),))
    assert judged(policy, with_dns(read, host_name="ORDERS.Postgres.Database.Azure.com.")).state is COMPLIANT


@pytest.mark.parametrize("suffix", ["usgovcloudapi.net", "chinacloudapi.cn"])
def test_in_another_cloud_the_zone_has_that_clouds_name(suffix: str) -> None:
    host = f"orders.postgres.database.{suffix}"
    finding = judged(ZONE_WRONG, with_dns(dns(), host_name=host))
    assert finding.state is NON_COMPLIANT
    assert finding.evidence["zoneName"] == f"privatelink.postgres.database.{suffix}"


# --- the zone --------------------------------------------------------------------------------------


def test_a_zone_group_that_names_another_zone_is_found_with_its_replacement() -> None:
    finding = judged(ZONE_WRONG, with_dns(dns(placed(group_zones=(OTHER_NAME,)))))
    assert finding.state is NON_COMPLIANT
    assert (
        finding.reason
        == f"the zone group of endpoint orders-pe names private.example.com, not a zone called {NAME}"
    )
    (shown,) = finding.evidence["endpoints"]
    assert (shown["expected"], shown["found"]) == (NAME, [str(OTHER_NAME)])
    assert finding.severity is Severity.HIGH
    add, told, show = finding.evidence["whatToDo"]
    assert add.startswith("az network private-endpoint dns-zone-group add ")
    assert f"--zone-name postgres --private-dns-zone {ZONE}" in add
    assert (str(OTHER_NAME) in told, "dns-zone-group show" in show) == (True, True)


def grouped(*entries: tuple[str, ResourceId]) -> EndpointDns:
    """An endpoint whose zone group has these entries, by name and zone."""
    configs = tuple(ZoneConfig(name=name, zone=one) for name, one in entries)
    return placed(group_zones=tuple(one for _, one in entries), group_configs=configs)


@pytest.mark.parametrize(
    ("entries", "steps"),
    [
        ((("wrong", OTHER_NAME),), ["add postgres", "remove wrong"]),
        ((("Postgres", OTHER_NAME),), ["add postgres-2", "remove Postgres"]),
        ((("a", OTHER_NAME), ("b", THIRD_NAME)), ["add postgres"]),
        ((("a", OTHER_NAME), ("b", ZONE)), ["remove b", "add postgres"]),
        ((("a", OTHER_NAME), ("b", CENTRAL)), ["remove b", "add postgres"]),
        ((("postgres", ZONE), ("a", OTHER_NAME)), ["remove postgres", "add postgres"]),
        ((("b", CENTRAL),), ["delete", "create postgres"]),
        ((), ["add postgres"]),
    ],
)
def test_zones_of_a_zone_group_that_are_not_in_the_way_are_kept(
    entries: tuple[tuple[str, ResourceId], ...], steps: list[str]
) -> None:
    told = [shlex.split(step) for step in group_commands(grouped(*entries), ZONE)]
    assert all(words[words.index("--name") + 1] == "default" for words in told)
    named = [words[words.index("--zone-name") + 1] if "--zone-name" in words else "" for words in told]
    assert [f"{words[4]} {name}".strip() for words, name in zip(told, named, strict=True)] == steps


@pytest.mark.field(
    "commands",
    "A zone that is made for an endpoint gets its record and its link too, the link last, so that no name "
    "stops resolving on the way.",
    source="https://learn.microsoft.com/azure/private-link/private-endpoint-dns",
    date="2026-11-29",
)
def test_without_zone_group_and_zone_both_are_to_be_made() -> None:
    finding = judged(ZONE_WRONG, with_dns(dns(placed(group_zones=(), group=""), zones=())))
    assert finding.state is NON_COMPLIANT
    assert "has no DNS zone group, and no zone called" in finding.reason
    assert "name it in policies.yaml" in finding.reason
    zone_made, group_made, linked = finding.evidence["whatToDo"]
    assert "link vnet create" in linked
    assert f"--virtual-network {SPOKE} " in linked
    assert zone_made.startswith(f"az network private-dns zone create --name {NAME} ")
    assert group_made.startswith("az network private-endpoint dns-zone-group create ")
    for policy in (NOT_LINKED, RECORD_WRONG):
        nothing = judged(policy, with_dns(dns(placed(group_zones=()), zones=())))
        assert (nothing.state, nothing.applies) == (COMPLIANT, False)


def test_a_record_kept_by_hand_needs_no_zone_group() -> None:
    assert states(with_dns(dns(placed(group_zones=())))) == [COMPLIANT] * 3
    unasked = dns(placed(group_zones=()), zones=(), found=None)
    assert states(with_dns(unasked)) == [UNKNOWN] * 3


def test_a_named_zone_that_does_not_exist_answers_nobody() -> None:
    gone = dns(zones=(zone(exists=False, links=None, record=None),))
    finding = judged(ZONE_WRONG, with_dns(gone))
    assert (finding.state, "does not exist" in finding.reason) == (NON_COMPLIANT, True)
    unreadable = dns(zones=(zone(exists=None, links=None, record=None, unread="may not perform x/read"),))
    assert states(with_dns(unreadable)) == [UNKNOWN] * 3
    assert "x/read" in judged(RECORD_WRONG, with_dns(unreadable)).reason


def test_a_zone_of_the_right_name_that_was_not_read_is_unknown() -> None:
    assert states(with_dns(dns(zones=(), found=()))) == [UNKNOWN] * 3


# --- the link --------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [HUB, None])
def test_a_zone_linked_elsewhere_does_not_answer_in_the_endpoints_network(network: ResourceId | None) -> None:
    links = (ZoneLink(name="hub", network=network, state="Completed"),)
    finding = judged(NOT_LINKED, with_dns(dns(zones=(zone(links=links),))))
    assert (finding.state, finding.reason) == (NON_COMPLIANT, f"zone {NAME} is not linked to spoke")
    (command,) = finding.evidence["whatToDo"]
    assert command.startswith(f"az network private-dns link vnet create --zone-name {NAME} --name spoke ")
    assert f"--virtual-network {SPOKE} --registration-enabled false --subscription 22222222" in command


def verbs(finding: Finding) -> list[str]:
    """Group and verb of each command: ``record-set add-record``."""
    words = (step.split()[2:7] for step in finding.evidence["whatToDo"] if step.startswith("az "))
    return [f"{one[1]} {next(w for w in one[2:] if w not in {'a', 'vnet'})}" for one in words]


@pytest.mark.field(
    "commands",
    "No second zone of a name is made for a network that is linked to one: that zone is named instead.",
    source="https://learn.microsoft.com/azure/dns/private-dns-virtual-network-links",
    date="2026-11-29",
)
def test_an_endpoint_whose_zone_is_gone_is_named_by_the_zone_that_its_network_is_linked_to() -> None:
    gone = zone(exists=False, links=None, record=None)
    link = ZoneLink(name="theirs", network=SPOKE, state="Completed")
    other = zone(id=CENTRAL, links=(link,), record=())
    finding = judged(ZONE_WRONG, with_dns(dns(zones=(gone, other), found=(CENTRAL,))))
    assert finding.state is NON_COMPLIANT
    assert verbs(finding) == ["dns-zone-group delete", "dns-zone-group create"]
    assert f"--private-dns-zone {CENTRAL}" in finding.evidence["whatToDo"][-1]


MISNAMED = placed(group_zones=(OTHER_NAME,), group_configs=(ZoneConfig(name="o", zone=OTHER_NAME),))
NAMED_ANEW = ["dns-zone-group add", "dns-zone-group remove"]


def test_a_declared_zone_holds_the_record_before_it_is_linked_and_named() -> None:
    there = dns(MISNAMED, zones=(zone(links=(), record=()),), found=(ZONE,))
    finding = judged(ZONE_WRONG, with_dns(there), zone=str(ZONE))
    assert finding.state is NON_COMPLIANT
    assert verbs(finding) == ["record-set add-record", "link create", *NAMED_ANEW]
    held = dns(MISNAMED, zones=(zone(links=()),), found=(ZONE,))
    assert verbs(judged(ZONE_WRONG, with_dns(held), zone=str(ZONE)))[0] == "link create"
    assert verbs(judged(ZONE_WRONG, with_dns(dns(MISNAMED, found=(ZONE,))))) == NAMED_ANEW


# --- zones of others -------------------------------------------------------------------------------

OWN = ResourceId(f"{str(SERVER).split('/providers/')[0]}/providers/Microsoft.Network/privateDnsZones/{NAME}")
UNGROUPED = placed(group_zones=(), group="")
TEAMS = zone(links=(ZoneLink(name="hub", network=HUB, state="Completed"),), record=())


@pytest.mark.field(
    "ways",
    "A zone that is linked to other networks alone answers nobody where no endpoint names it, and no "
    "command writes into it: the server gets a zone, a zone group and a link of its own.",
    source="https://learn.microsoft.com/azure/dns/private-dns-virtual-network-links",
    date="2026-11-29",
)
def test_a_zone_of_another_team_does_not_answer_and_is_left_alone() -> None:
    for held in ((), (ADDRESS,)):
        theirs = with_dns(dns(UNGROUPED, zones=(replace(TEAMS, record=held),)))
        finding = judged(ZONE_WRONG, theirs)
        assert (finding.state, "linked to its network" in finding.reason) == (NON_COMPLIANT, True)
        made, named, linked = finding.evidence["whatToDo"]
        assert verbs(finding) == ["zone create", "dns-zone-group create", "link create"]
        assert str(ZONE) not in f"{made} {named} {linked}"
        group = f"--subscription {SERVER.subscription} --resource-group {SERVER.resource_group}"
        assert (made.endswith(group), linked.endswith(group)) == (True, True)
        assert f"--private-dns-zone {OWN}" in named
        (shown,) = finding.evidence["endpoints"]
        assert (shown["found"], shown["elsewhere"]) == ([], [str(ZONE)])
        for policy in (NOT_LINKED, RECORD_WRONG):
            rest = judged(policy, theirs)
            assert (rest.state, rest.applies) == (COMPLIANT, False)


def test_a_zone_group_that_names_another_zone_leads_to_a_new_one_whose_link_precedes_the_removal() -> None:
    finding = judged(ZONE_WRONG, with_dns(dns(MISNAMED, zones=(TEAMS,), found=(ZONE,))))
    add, remove = NAMED_ANEW
    assert verbs(finding) == ["zone create", add, "link create", remove]


def test_a_zone_in_the_servers_own_group_that_is_not_linked_is_named_by_a_person_and_not_written() -> None:
    there = dns(UNGROUPED, zones=(replace(TEAMS, id=OWN),))
    finding = judged(ZONE_WRONG, with_dns(there))
    (told,) = finding.evidence["whatToDo"]
    assert (str(OWN) in told, "policies.yaml" in told, told.startswith("az ")) == (True, True, False)
    declared = judged(ZONE_WRONG, with_dns(there), zone=str(OWN))
    assert declared.state is COMPLIANT


def test_what_is_not_known_of_zones_and_links_leaves_open_who_answers() -> None:
    third = ResourceId(str(ZONE).replace("network/providers", "third/providers"))
    hanging = ZoneLink(name="odd", network=None, state="Completed")
    for zones, found in (
        ((replace(TEAMS, links=None, unread="x/read"),), (ZONE,)),
        ((replace(TEAMS, links=(hanging,)),), (ZONE,)),
        ((TEAMS,), (ZONE, third)),
        ((TEAMS,), None),
    ):
        assert states(with_dns(dns(UNGROUPED, zones=zones, found=found))) == [UNKNOWN] * 3
        surely = dns(UNGROUPED, zones=(*zones, zone(id=CENTRAL)), found=found)
        assert states(with_dns(surely)) == [COMPLIANT] * 3
    doubtful = dns(MISNAMED, zones=(TEAMS,), found=(ZONE, third))
    assert "not every zone" in judged(ZONE_WRONG, with_dns(doubtful)).evidence["whatToDo"][0]


def test_declared_networks_without_a_linked_zone_ask_for_the_zone_and_write_into_none() -> None:
    far = zone(links=(ZoneLink(name="far", network=FAR, state="Completed"),))
    read = dns(placed(network=CUSTOM, group_zones=(), group=""), zones=(far,))
    finding = judged(NOT_LINKED, with_dns(read), linkedNetworks=[str(HUB)])
    assert (finding.state, finding.reason) == (NON_COMPLIANT, f"no zone {NAME} is linked to hub")
    assert "policies.yaml" in finding.evidence["whatToDo"][0]
    hubs = dns(placed(network=CUSTOM, group_zones=(), group=""), zones=(far, replace(TEAMS, id=CENTRAL)))
    assert judged(NOT_LINKED, with_dns(hubs), linkedNetworks=[str(HUB)]).state is COMPLIANT


# --- links that fall back to public DNS ------------------------------------------------------------


def falling_back(network: ResourceId = SPOKE, policy: str = "NxDomainRedirect") -> ZoneLink:
    return ZoneLink(name="theirs", network=network, state="Completed", resolution_policy=policy)


@pytest.mark.field(
    "ways",
    "A linked zone without the record is no outage where its link falls back to public DNS: clients get the "
    "public address, and the finding says so.",
    source="https://learn.microsoft.com/azure/dns/private-dns-fallback",
    date="2026-11-29",
)
def test_a_record_that_is_absent_behind_a_link_that_falls_back_leads_to_the_public_address() -> None:
    read = dns(zones=(zone(record=(), links=(falling_back(),)),))
    finding = judged(RECORD_WRONG, with_dns(read))
    assert finding.state is NON_COMPLIANT
    assert "clients in spoke get the public address instead (NxDomainRedirect), " in finding.reason
    assert "which refuses them" in finding.reason
    opened = with_dns(read, public_access=PublicAccess.ENABLED)
    assert "leave the private network or are refused" in judged(RECORD_WRONG, opened).reason
    plain = dns(zones=(zone(record=(), links=(falling_back(policy="Default"),)),))
    assert "public address" not in judged(RECORD_WRONG, with_dns(plain)).reason


def test_a_further_link_or_public_access_makes_no_other_drift_of_an_absent_record() -> None:
    links = (falling_back(), falling_back(HUB), falling_back(policy="Default"))
    read = [with_dns(dns(zones=(zone(record=(), links=held),))) for held in (links[:1], links[:2], links[2:])]
    read.append(replace(read[0], public_access=PublicAccess.ENABLED))
    assert len({judged(RECORD_WRONG, one).fingerprint for one in read}) == 1


def test_an_endpoint_of_several_addresses_that_is_alone_shares_its_record_with_nobody() -> None:
    assert judged(RECORD_WRONG, with_dns(dns(placed(addresses=(ADDRESS, OTHER_ADDRESS))))).state is COMPLIANT


@pytest.mark.field(
    "ways",
    "A link that a command makes falls back to public DNS, for the names of other servers that the zone does "
    "not hold; a link that a command moves keeps its policy.",
    source="https://learn.microsoft.com/azure/dns/private-dns-fallback",
    date="2026-11-29",
)
@pytest.mark.parametrize("policy", ["NxDomainRedirect", "Default", ""])
def test_a_link_that_is_moved_keeps_its_policy_and_a_new_one_falls_back(policy: str) -> None:
    read = dns(zones=(zone(links=()), zone(id=CENTRAL, links=(falling_back(policy=policy),))))
    (choice,) = judged(NOT_LINKED, with_dns(read)).evidence["whatToDo"]
    option = f" --resolution-policy {policy} " if policy else ""
    assert option in choice["oneOf"][1]["steps"][-1]
    assert ("--resolution-policy" in choice["oneOf"][1]["steps"][-1]) is bool(policy)
    (new,) = judged(NOT_LINKED, with_dns(dns(zones=(zone(links=()),)))).evidence["whatToDo"]
    assert " --resolution-policy NxDomainRedirect " in new


def test_a_declared_zone_that_does_not_exist_is_made_first_and_linked_last() -> None:
    gone = zone(id=CENTRAL, exists=False, links=None, record=None)
    finding = judged(
        ZONE_WRONG, with_dns(dns(placed(group_zones=(), group=""), zones=(gone,))), zone=str(CENTRAL)
    )
    assert finding.state is NON_COMPLIANT
    assert verbs(finding) == ["zone create", "dns-zone-group create", "link create"]


def test_a_declared_zone_takes_over_the_link_of_another_zone_of_its_name() -> None:
    declared, theirs = zone(id=CENTRAL, links=()), zone()
    read = dns(zones=(theirs, declared), found=(ZONE, CENTRAL))
    finding = judged(ZONE_WRONG, with_dns(read), zone=str(CENTRAL))
    assert finding.state is NON_COMPLIANT
    assert verbs(finding)[:2] == ["link delete", "link create"]


def test_a_network_that_is_linked_to_another_zone_of_the_name_is_told_what_is_in_the_way() -> None:
    link = ZoneLink(name="theirs", network=SPOKE, state="Completed")
    read = dns(zones=(zone(links=()), zone(id=CENTRAL, links=(link,))))
    finding = judged(NOT_LINKED, with_dns(read))
    assert (finding.state, finding.reason) == (NON_COMPLIANT, f"zone {NAME} is not linked to spoke")
    (choice,) = finding.evidence["whatToDo"]
    stays, moves = choice["oneOf"]
    assert any(f"--private-dns-zone {CENTRAL}" in step for step in stays["steps"])
    told, delete, create = moves["steps"]
    assert "linked to a zone of that name in hub, " in told
    assert f"link vnet delete --zone-name {NAME} --name theirs " in delete
    assert delete.endswith("--resource-group hub --yes")
    assert f"link vnet create --zone-name {NAME} --name spoke " in create
    (shown,) = finding.evidence["endpoints"]
    assert shown["linkedElsewhere"] == [str(CENTRAL)]


@pytest.mark.parametrize(
    "other",
    [
        zone(id=OTHER_NAME),
        zone(id=CENTRAL, links=(ZoneLink(name="hub", network=HUB, state="Completed"),)),
        zone(id=CENTRAL, links=None),
    ],
    ids=["another name", "another network", "links unread"],
)
def test_only_a_link_of_the_same_name_and_network_is_in_the_way(other: DnsZone) -> None:
    finding = judged(NOT_LINKED, with_dns(dns(zones=(zone(links=()), other))))
    (create,) = finding.evidence["whatToDo"]
    assert "link vnet create" in create
    (shown,) = finding.evidence["endpoints"]
    assert shown["linkedElsewhere"] == []


@pytest.mark.parametrize("state", ["InProgress", ""])
def test_a_link_that_is_being_made_is_looked_at_again_and_not_made_twice(state: str) -> None:
    links = (ZoneLink(name="spoke", network=SPOKE, state=state),)
    begun = with_dns(dns(zones=(zone(links=links),)))
    finding = judged(NOT_LINKED, begun)
    assert (finding.state, finding.fingerprint) == (UNKNOWN, "")
    assert f"its link spoke is {state or 'without a state'}" in finding.reason
    (command,) = finding.evidence["whatToDo"]
    assert "link vnet show" in command
    both = judged(NOT_LINKED, begun, linkedNetworks=[str(SPOKE), str(HUB)])
    assert (both.state, both.reason) == (NON_COMPLIANT, f"zone {NAME} is not linked to hub")
    assert [("create" in step, "hub" in step) for step in both.evidence["whatToDo"]] == [(True, True)]


def test_of_two_links_to_one_network_the_completed_one_counts() -> None:
    links = (
        ZoneLink(name="a", network=SPOKE, state="InProgress"),
        ZoneLink(name="b", network=SPOKE, state="Completed"),
    )
    assert judged(NOT_LINKED, with_dns(dns(zones=(zone(links=links),)))).state is COMPLIANT


def test_links_that_could_not_be_read_are_unknown() -> None:
    assert judged(NOT_LINKED, with_dns(dns(zones=(zone(links=None),)))).state is UNKNOWN


# --- declared central DNS --------------------------------------------------------------------------

DECLARED = {"zone": str(CENTRAL), "linkedNetworks": [str(HUB)]}
HUB_LINK = ZoneLink(name="hub", network=HUB, state="Completed")


def spoke_of_hub(**parts: Any) -> ServerSnapshot:
    """Central DNS: the spoke asks a resolver in the hub, and only the hub is linked to the zone."""
    central = replace(zone(id=CENTRAL, links=(HUB_LINK,)), **parts)
    return with_dns(dns(placed(network=CUSTOM, group_zones=(CENTRAL,)), zones=(central,)))


def settings_of(policy: AnyPolicy) -> dict[str, Any]:
    return {one.name: DECLARED[one.name] for one in policy.parameters}


@every_policy
@pytest.mark.parametrize("spelled", [str, str.upper, str.lower])
def test_declared_central_dns_is_judged_whoever_the_network_asks(
    policy: AnyPolicy, spelled: Callable[[str], str]
) -> None:
    assert judged(policy, spoke_of_hub()).state is UNKNOWN
    settings = {
        name: spelled(said) if isinstance(said, str) else [spelled(one) for one in said]
        for name, said in settings_of(policy).items()
    }
    assert judged(policy, spoke_of_hub(), **settings).state is COMPLIANT
    no_group = dns(placed(network=CUSTOM, group_zones=()), zones=(zone(id=CENTRAL, links=(HUB_LINK,)),))
    assert judged(policy, with_dns(no_group), **settings).state is COMPLIANT


def test_a_declared_network_without_a_link_and_a_wrong_central_record_are_found() -> None:
    unlinked = judged(NOT_LINKED, spoke_of_hub(links=()), **DECLARED)
    assert (unlinked.state, unlinked.reason) == (NON_COMPLIANT, f"zone {NAME} is not linked to hub")
    wrong = judged(RECORD_WRONG, spoke_of_hub(record=(GONE_ADDRESS,)), zone=str(CENTRAL))
    assert wrong.state is NON_COMPLIANT


def test_a_zone_group_that_does_not_name_the_declared_zone_is_found_and_the_rest_unknown() -> None:
    elsewhere = with_dns(dns(placed(network=CUSTOM)))
    finding = judged(ZONE_WRONG, elsewhere, zone=str(CENTRAL))
    assert (finding.state, f"not the central zone {CENTRAL}" in finding.reason) == (NON_COMPLIANT, True)
    assert f"--private-dns-zone {CENTRAL}" in finding.evidence["whatToDo"][-1]
    for policy in (NOT_LINKED, RECORD_WRONG):
        unread = judged(policy, elsewhere, **settings_of(policy))
        assert (unread.state, "was not among those" in unread.reason) == (UNKNOWN, True)


def test_a_zone_group_that_was_not_read_may_name_another_zone_than_the_declared_one() -> None:
    unread = with_dns(dns(placed(group_zones=None, unread="no right"), zones=(zone(id=CENTRAL),)))
    finding = judged(ZONE_WRONG, unread, zone=str(CENTRAL))
    assert (finding.state, "no right" in finding.reason) == (UNKNOWN, True)


def test_a_declared_zone_that_does_not_exist_or_cannot_answer_is_told() -> None:
    gone = judged(ZONE_WRONG, spoke_of_hub(exists=False, links=None, record=None), zone=str(CENTRAL))
    assert (gone.state, gone.reason) == (NON_COMPLIANT, f"the central zone {CENTRAL} does not exist")
    misnamed = judged(ZONE_WRONG, spoke_of_hub(), zone=str(OTHER_NAME))
    assert (misnamed.state, "cannot answer" in misnamed.reason) == (UNKNOWN, True)


def test_a_declared_zone_without_networks_leaves_the_link_to_the_endpoints_own() -> None:
    assert judged(NOT_LINKED, spoke_of_hub(), zone=str(CENTRAL)).state is UNKNOWN
    azures = with_dns(dns(placed(group_zones=(CENTRAL,)), zones=(zone(id=CENTRAL, links=(HUB_LINK,)),)))
    assert judged(NOT_LINKED, azures, zone=str(CENTRAL)).state is NON_COMPLIANT


@pytest.mark.parametrize("said", [None, 7, "zone", str(SPOKE), ["x"]])
def test_what_is_no_zone_or_no_list_of_networks_is_refused(said: object) -> None:
    assert wrong_zone(said)
    assert wrong_networks(said)
    assert wrong_zone("") is None
    assert wrong_zone(str(ZONE)) is None
    assert wrong_networks([]) is None
    assert wrong_networks([str(SPOKE), str(HUB).upper()]) is None
