"""The policy that finds a replica cut off: which subnets count, what must pass, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.guardrails.prove import prove
from shared.model import (
    Aspect,
    ComplianceState,
    Finding,
    PutSecurityRule,
    SecurityRule,
    SubnetServer,
    SubnetSnapshot,
)
from shared.model.edits import apply_to
from shared.model.networks import ReplicaPartner
from shared.model.resource_id import ResourceId
from shared.policies.nsg.nsg_blocks_postgres_replicas import POLICY
from shared.policies.nsg.nsg_blocks_storage_outbound import POLICY as STORAGE
from tests.nsg.builders import OUT, SUBNET_ID, allow, deny, group, networks, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
SERVERS = "/subscriptions/0a/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers"
FAR_SUBNET = ResourceId(str(SUBNET_ID).replace("/hub/", "/far/"))
PARTNER = ReplicaPartner(
    server=ResourceId(f"{SERVERS}/replica"),
    location="North Europe",
    subnet=FAR_SUBNET,
    prefixes=networks("10.60.1.0/24"),
)
UNREAD = ReplicaPartner(server=ResourceId(f"{SERVERS}/closed"), unread="no right")
IN_ALL = deny("in", 4000, protocol="*")
OUT_ALL = deny("out", 4000, protocol="*", direction=OUT)
PAIR_IN = allow("pair-in", 200, "10.60.1.0/24 > 10.0.1.0/24", "5432")
PAIR_OUT = allow("pair-out", 200, "10.0.1.0/24 > 10.60.1.0/24", "5432", direction=OUT)
OWN_STORAGE = allow("own", 210, "* > Storage.WestEurope", "443", direction=OUT)
THEIR_STORAGE = allow("theirs", 220, "* > Storage.NorthEurope", "443", direction=OUT)
EVERYTHING = (IN_ALL, OUT_ALL, PAIR_IN, PAIR_OUT, OWN_STORAGE, THEIR_STORAGE)


def server(*partners: ReplicaPartner, **facts: Any) -> SubnetServer:
    return SubnetServer(id=ResourceId(f"{SERVERS}/primary"), **{"partners": partners, **facts})


def replicating(*rules: SecurityRule, partner: ReplicaPartner = PARTNER) -> SubnetSnapshot:
    return subnet(group(*rules), servers=(server(partner),))


def found(snapshot: SubnetSnapshot) -> Finding:
    return POLICY.evaluate(snapshot)


def without(*gone: SecurityRule) -> SubnetSnapshot:
    return replicating(*(rule for rule in EVERYTHING if rule not in gone))


@pytest.mark.parametrize(
    ("snapshot", "state", "said"),
    [
        (replicating(), COMPLIANT, "passes"),
        (replicating(*EVERYTHING), COMPLIANT, "passes"),
        (without(PAIR_IN), NON_COMPLIANT, "inbound tcp/5432 from 10.60.1.0/24 to 10.0.1.0/24 is denied"),
        (without(PAIR_OUT), NON_COMPLIANT, "outbound tcp/5432 from 10.0.1.0/24 to 10.60.1.0/24 is denied"),
        (without(PAIR_OUT, OWN_STORAGE, THEIR_STORAGE), NON_COMPLIANT, "Storage.northeurope is denied"),
        (without(THEIR_STORAGE), NON_COMPLIANT, "Storage.northeurope is denied"),
        (without(OWN_STORAGE), NON_COMPLIANT, "Storage.westeurope is denied"),
        (replicating(deny("no", 200, "10.60.1.7 > *", "5432")), NON_COMPLIANT, "partly denied"),
        (replicating(deny("no", 200, "Internet > *", "5432")), COMPLIANT, "passes"),
        (replicating(deny("no", 200, "CorpNet > *", "5432")), UNKNOWN, "CorpNet"),
    ],
)
def test_what_a_pair_needs(snapshot: SubnetSnapshot, state: ComplianceState, said: str) -> None:
    finding = found(snapshot)
    assert finding.state is state, finding.reason
    assert said in finding.reason
    assert bool(finding.fingerprint) is (state is NON_COMPLIANT)


@pytest.mark.parametrize(
    "partner", [replace(PARTNER, subnet=None, prefixes=()), replace(PARTNER, subnet=SUBNET_ID)]
)
def test_a_replica_in_the_same_subnet_or_in_none_is_another_policys_affair(partner: ReplicaPartner) -> None:
    finding = found(replicating(IN_ALL, OUT_ALL, partner=partner))
    assert (finding.state, finding.applies) == (COMPLIANT, False)


@pytest.mark.parametrize(
    ("servers", "unread", "said"),
    [
        (None, {Aspect.SUBNET_SERVERS: "no right"}, "the servers in the subnet could not be read: no right"),
        (
            (server(partners=None),),
            {Aspect.SUBNET_REPLICAS: "no right"},
            "the replicas of the servers in the subnet could not be read: no right",
        ),
        ((server(replace(PARTNER, prefixes=())),), {}, "the subnet or the region of replica"),
        ((server(replace(PARTNER, location="")),), {}, "the subnet or the region of replica"),
        ((server(UNREAD),), {}, "the subnet or the region of closed could not be read: no right"),
        ((server(PARTNER, UNREAD),), {}, "the subnet or the region of closed could not be read: no right"),
    ],
)
def test_what_could_not_be_read_is_unknown_and_said(
    servers: tuple[SubnetServer, ...] | None, unread: dict[Aspect, str], said: str
) -> None:
    finding = found(replace(subnet(group(), servers=servers), unread=unread))
    assert finding.state is UNKNOWN
    assert said in finding.reason


@pytest.mark.parametrize(
    "servers",
    [(server(PARTNER), server(partners=None)), (server(PARTNER, UNREAD),)],
    ids=["server", "partner"],
)
def test_drift_is_certain_also_where_another_replica_is_unknown_but_nothing_is_planned(
    servers: tuple[SubnetServer, ...],
) -> None:
    snapshot = subnet(group(IN_ALL), servers=servers)
    finding = found(snapshot)
    assert finding.state is NON_COMPLIANT
    assert POLICY.plan(finding, snapshot) is None
    assert finding.evidence["noFixReason"].startswith("not everything is known")


def test_the_rules_name_the_pair_and_storage_and_no_more() -> None:
    snapshot = replicating(IN_ALL, OUT_ALL)
    change = POLICY.plan(found(snapshot), snapshot)
    assert change is not None
    rules = [edit.rule for edit in change.edits if isinstance(edit, PutSecurityRule)]
    assert [(rule.sources, rule.destinations, rule.destination_ports) for rule in rules] == [
        (("10.60.1.0/24",), ("10.0.1.0/24",), ("5432",)),
        (("10.0.1.0/24",), ("10.60.1.0/24",), ("5432",)),
        (("10.0.1.0/24",), ("Storage",), ("443",)),
    ]
    assert prove(change, snapshot, POLICY, [POLICY, STORAGE]).holds
    assert found(apply_after(snapshot)).state is COMPLIANT


def apply_after(snapshot: SubnetSnapshot) -> SubnetSnapshot:
    change = POLICY.plan(found(snapshot), snapshot)
    assert change is not None
    after = apply_to(snapshot, change)
    assert isinstance(after, SubnetSnapshot)
    return after


def test_storage_that_passes_already_gets_no_rule() -> None:
    snapshot = replicating(IN_ALL)
    change = POLICY.plan(found(snapshot), snapshot)
    assert change is not None
    assert len(change.edits) == 1


def test_without_room_there_is_no_plan_and_the_evidence_says_why() -> None:
    snapshot = replicating(deny("wall", 100))
    finding = found(snapshot)
    assert POLICY.plan(finding, snapshot) is None
    assert "move 'wall' from 100 to 101" in finding.evidence["noFixReason"]


def test_the_evidence_names_the_other_end() -> None:
    (shown,) = found(without(PAIR_IN)).evidence["partners"]
    assert (shown["server"], shown["prefixes"]) == (str(PARTNER.server), ["10.60.1.0/24"])


def test_a_pair_of_both_families_is_asked_about_both() -> None:
    partner = replace(PARTNER, prefixes=networks("10.60.1.0/24", "fd00:60::/64"))
    snapshot = replace(replicating(IN_ALL, partner=partner), prefixes=networks("10.0.1.0/24", "fd00:1::/64"))
    change = POLICY.plan(found(snapshot), snapshot)
    assert change is not None
    assert len(change.edits) == 2
