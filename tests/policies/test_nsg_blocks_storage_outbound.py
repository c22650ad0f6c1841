"""The policy that finds Azure Storage blocked outbound: which question is asked, and when it is certain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.guardrails.prove import prove
from shared.model import (
    Access,
    Change,
    ComplianceState,
    Finding,
    PutSecurityRule,
    SecurityRule,
    SubnetSnapshot,
)
from shared.model.edits import apply_to
from shared.nsg import Question, Side, State, Tags, parse, read_side, spans_of
from shared.nsg import decide as decide_program
from shared.policies.nsg.nsg_blocks_storage_outbound import POLICY
from shared.posture.service_questions import in_region
from tests.nsg.builders import OUT, allow, deny, group, in_network, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
DENY_OUT = deny("deny-out", 4000, protocol="*", direction=OUT)
ENTRA = allow("entra", 300, "10.0.1.0/24 > AzureActiveDirectory", "443", direction=OUT)


def to(destination: str, ports: str = "443", priority: int = 200) -> SecurityRule:
    return allow("way", priority, f"* > {destination}", ports, direction=OUT)


def found(snapshot: SubnetSnapshot) -> Finding:
    return POLICY.evaluate(snapshot)


def planned(snapshot: SubnetSnapshot) -> Change | None:
    return POLICY.plan(found(snapshot), snapshot)


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ((), COMPLIANT),
        ((DENY_OUT,), NON_COMPLIANT),
        ((DENY_OUT, to("Storage")), COMPLIANT),
        ((DENY_OUT, to("storage.westEUROPE")), COMPLIANT),
        ((DENY_OUT, to("Internet")), COMPLIANT),
        ((DENY_OUT, to("*")), COMPLIANT),
        ((DENY_OUT, to("Storage", "80")), NON_COMPLIANT),
        ((DENY_OUT, to("AzureActiveDirectory")), NON_COMPLIANT),
        ((DENY_OUT, to("Sql.WestEurope")), NON_COMPLIANT),
        ((DENY_OUT, to("Storage.NorthEurope")), NON_COMPLIANT),
        ((deny("far", 200, "* > Storage.NorthEurope", direction=OUT),), COMPLIANT),
        ((DENY_OUT, to("AzureCloud")), UNKNOWN),
        ((DENY_OUT, to("CorpNet")), UNKNOWN),
        ((DENY_OUT, to("VirtualNetwork")), UNKNOWN),
        ((DENY_OUT, to("52.239.128.0/17")), UNKNOWN),
        ((deny("no", 200, "* > Internet", direction=OUT),), NON_COMPLIANT),
        ((deny("no", 200, "* > Storage", direction=OUT),), NON_COMPLIANT),
        ((deny("no", 200, "* > Storage.WestEurope", direction=OUT),), NON_COMPLIANT),
        ((deny("no", 200, "10.0.1.0/25 > Internet", direction=OUT),), NON_COMPLIANT),
        ((deny("no", 200, "* > 203.0.113.0/24", direction=OUT),), UNKNOWN),
        ((deny("no", 200, "* > VirtualNetwork", direction=OUT),), UNKNOWN),
        ((deny("no", 200, "* > 10.0.0.0/8", direction=OUT),), COMPLIANT),
        ((deny("no", 200, "* > Internet", protocol="Udp", direction=OUT),), COMPLIANT),
        ((deny("no", 200, "* > Internet"),), COMPLIANT),
    ],
)
def test_what_passes_to_storage(rules: tuple[SecurityRule, ...], state: ComplianceState) -> None:
    finding = found(subnet(group(*rules)))
    assert finding.state is state, finding.reason
    assert bool(finding.fingerprint) is (state is NON_COMPLIANT)


@pytest.mark.field(
    "ways",
    "No service stands in the public space of the network itself: a rule for that alone concerns none.",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_a_service_lies_outside_the_space_of_the_network_that_was_read() -> None:
    snapshot = subnet(group(deny("own", 200, "* > 145.10.0.0/16", direction=OUT)))
    assert found(snapshot).state is UNKNOWN
    assert found(in_network(snapshot, "10.0.0.0/16", "145.10.0.0/16")).state is COMPLIANT
    assert found(in_network(snapshot, "10.0.0.0/16", peers=["145.10.0.0/16"])).state is COMPLIANT
    assert found(in_network(snapshot, "10.0.0.0/16", "145.10.0.0/17")).state is UNKNOWN


@pytest.mark.field(
    "nsg",
    "An allow for Storage of another region does not let this region's Storage pass: denied by what stands "
    "behind it, with the rule that lets all of Storage pass",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_storage_of_another_region_is_not_this_regions_storage() -> None:
    snapshot = subnet(group(DENY_OUT, to("Storage.NorthEurope"), ENTRA))
    finding = found(snapshot)
    assert finding.reason == (
        "outbound tcp/443 from 10.0.1.0/24 to Storage.westeurope is denied by rule 'deny-out' (priority 4000)"
    )
    change = planned(snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    assert (edit.rule.destinations, edit.rule.access) == (("Storage",), Access.ALLOW)
    after = apply_to(snapshot, change)
    assert isinstance(after, SubnetSnapshot)
    assert found(after).state is COMPLIANT


@pytest.mark.parametrize(
    ("location", "region", "state"),
    [
        ("francecentral", "CentralFrance", UNKNOWN),
        ("francecentral", "SouthFrance", NON_COMPLIANT),
        ("germanywestcentral", "germanywc", UNKNOWN),
        ("norwayeast", "norwaye", UNKNOWN),
        ("norwayeast", "norwayw", NON_COMPLIANT),
        ("eastus", "EastUS2", NON_COMPLIANT),
        ("East US 2", "eastus", NON_COMPLIANT),
        ("", "westeurope", UNKNOWN),
    ],
)
def test_a_region_has_two_spellings_and_an_unknown_one_is_nowhere(
    location: str, region: str, state: ComplianceState
) -> None:
    snapshot = replace(subnet(group(DENY_OUT, to(f"Storage.{region}"))), location=location)
    assert found(snapshot).state is state


def test_a_denial_names_the_tag_of_the_region_and_the_rule() -> None:
    finding = found(subnet(group(DENY_OUT, ENTRA)))
    assert finding.reason == (
        "outbound tcp/443 from 10.0.1.0/24 to Storage.westeurope is denied by rule 'deny-out' (priority 4000)"
    )


def test_what_hangs_on_storages_addresses_says_so() -> None:
    finding = found(subnet(group(DENY_OUT, to("52.239.128.0/17"))))
    assert finding.reason.endswith("that depends on the addresses that Storage.westeurope holds")


def test_a_public_subnet_is_no_part_of_storage() -> None:
    """Some networks use public ranges inside: a packet to the subnet itself is none to Storage."""
    snapshot = subnet(group(DENY_OUT, to("Internet")), "203.0.113.0/24")
    assert found(snapshot).state is COMPLIANT


def test_ipv4_is_asked_about_and_without_it_nothing_is_known() -> None:
    assert found(subnet(group(DENY_OUT), "fd00:1::/64")).state is UNKNOWN
    change = planned(subnet(group(DENY_OUT), "10.0.1.0/24", "fd00:1::/64"))
    assert change is not None
    assert [edit.rule.sources for edit in change.edits if isinstance(edit, PutSecurityRule)] == [
        ("10.0.1.0/24",)
    ]


def test_a_region_is_spelled_as_the_tags_are_and_an_unknown_one_asks_for_all_storage() -> None:
    assert in_region("Storage", "West Europe") == "Storage.westeurope"
    assert in_region("Storage", "") == "Storage"
    only_region = replace(subnet(group(DENY_OUT, to("Storage.WestEurope"))), location="")
    assert found(only_region).state is not COMPLIANT


def test_the_rule_names_the_whole_tag_and_settles_the_regions_question_too() -> None:
    snapshot = subnet(group(DENY_OUT, ENTRA))
    change = planned(snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    assert (edit.rule.sources, edit.rule.destinations) == (("10.0.1.0/24",), ("Storage",))
    assert (edit.rule.destination_ports, edit.rule.priority) == (("443",), 3999)
    after = apply_to(snapshot, change)
    assert isinstance(after, SubnetSnapshot)
    for tag in ("Storage", "Storage.WestEurope"):
        assert passes(after, tag)


def passes(snapshot: SubnetSnapshot, tag: str) -> bool:
    """Whether TCP 443 to ``tag`` surely passes, with nothing known of any tag."""
    tags = Tags(vnet=spans_of(snapshot.prefixes))
    question = Question(
        direction=OUT,
        source=Side(spans_of(snapshot.prefixes)),
        destination=read_side([tag], tags),
        ports=((443, 443),),
    )
    return decide_program(parse(snapshot.security_group, tags), question).state is State.ALLOWED


def test_the_rule_stands_ahead_of_every_deny_that_may_hit_storage() -> None:
    sql = deny("no-sql", 250, "* > Sql", direction=OUT)
    snapshot = subnet(group(DENY_OUT, sql))
    change = planned(snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    assert edit.rule.priority == 249
    assert prove(change, snapshot, POLICY, [POLICY]).holds


def test_the_proof_tells_that_the_packets_become_open_and_no_others_change() -> None:
    """Which public addresses are Storage is not known: the box holds them all, the rule only the tag."""
    snapshot = subnet(group(DENY_OUT))
    change = planned(snapshot)
    assert change is not None
    proof = prove(change, snapshot, POLICY, [POLICY])
    assert proof.holds
    assert proof.steps[-1].detail.startswith("newly open: Outbound 10.0.1.0/24 → 0.0.0.0/5,")
    narrow = replace(change, box=())
    assert not prove(narrow, snapshot, POLICY, [POLICY]).holds


def test_without_room_there_is_no_plan_and_the_evidence_says_what_to_renumber() -> None:
    snapshot = subnet(group(deny("wall", 100, direction=OUT)))
    finding = found(snapshot)
    assert finding.state is NON_COMPLIANT
    assert planned(snapshot) is None
    assert "move 'wall' from 100 to 101" in finding.evidence["noFixReason"]


@pytest.mark.parametrize(
    ("snapshot", "state"),
    [
        (subnet(None), COMPLIANT),
        (subnet(group(DENY_OUT), delegations=()), COMPLIANT),
        (subnet(group(DENY_OUT), updating=True), UNKNOWN),
        (subnet(group(deny("no", 200, protocol="Gre", direction=OUT))), UNKNOWN),
    ],
)
def test_where_the_rules_do_not_decide(snapshot: SubnetSnapshot, state: ComplianceState) -> None:
    assert found(snapshot).state is state
    assert planned(snapshot) is None
