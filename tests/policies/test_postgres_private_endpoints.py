"""Who reaches a server privately: no approved endpoint at all, and connections that are not approved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model import ComplianceState, ConnectionStatus, PublicAccess, ServerSnapshot, Severity, TargetKind
from shared.model.resource_id import ResourceId
from shared.policies.private_reach.postgres_no_approved_private_endpoint import OLD_SERVER
from shared.policies.private_reach.postgres_no_approved_private_endpoint import POLICY as NONE_APPROVED
from shared.policies.private_reach.postgres_private_endpoint_not_approved import POLICY as NOT_APPROVED
from tests.builders import OFFICE, SERVER, SINGLE, SUBNET, endpoint, public_server, server

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
CLOSED_STATES = [ConnectionStatus.PENDING, ConnectionStatus.REJECTED, ConnectionStatus.DISCONNECTED]


def second(status: ConnectionStatus) -> ServerSnapshot:
    """A server with an approved endpoint and another one in ``status``."""
    other = replace(endpoint(status), id=SERVER.child("privateEndpointConnections", "other.2"))
    return server(private_endpoints=(endpoint(), other))


# --- nobody can connect ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [None, *CLOSED_STATES])
@pytest.mark.parametrize("kind", ["flexible", "single"])
def test_a_closed_server_without_an_approved_endpoint_is_unreachable(
    kind: str, status: ConnectionStatus | None
) -> None:
    closed = server(private_endpoints=(endpoint(status),) if status else ())
    if kind == "single":
        closed = replace(closed, kind=TargetKind.SINGLE_SERVER, id=SINGLE)
    finding = NONE_APPROVED.evaluate(closed)
    assert (finding.state, finding.resource_id) == (NON_COMPLIANT, closed.id)
    assert finding.severity is NONE_APPROVED.severity
    assert finding.reason.startswith("nobody can connect: public network access is disabled and ")
    assert finding.evidence["note"] == OLD_SERVER
    assert NONE_APPROVED.plan(finding, closed) is None


def test_dormant_rules_do_not_make_a_closed_server_reachable() -> None:
    assert (
        NONE_APPROVED.evaluate(server(private_endpoints=(), firewall_rules=(OFFICE,))).state is NON_COMPLIANT
    )


REACHABLE = {
    "an approved endpoint": server(),
    "an approved endpoint beside a rejected one": second(ConnectionStatus.REJECTED),
    "public access": public_server(private_endpoints=()),
    "public access without rules": public_server(private_endpoints=(), firewall_rules=()),
    "VNet-integrated": server(private_endpoints=(), delegated_subnet=SUBNET),
}


@pytest.mark.parametrize("snapshot", REACHABLE.values(), ids=REACHABLE.keys())
def test_a_server_with_a_way_in_is_left_alone(snapshot: ServerSnapshot) -> None:
    finding = NONE_APPROVED.evaluate(snapshot)
    assert (finding.state, finding.fingerprint, finding.evidence["whatToDo"]) == (COMPLIANT, "", [])


@pytest.mark.parametrize(
    "snapshot",
    [
        server(private_endpoints=None),
        server(private_endpoints=(endpoint(ConnectionStatus.UNKNOWN),)),
        server(private_endpoints=(), public_access=PublicAccess.UNKNOWN),
    ],
)
def test_what_is_not_known_is_unknown(snapshot: ServerSnapshot) -> None:
    finding = NONE_APPROVED.evaluate(snapshot)
    assert (finding.state, finding.fingerprint) == (UNKNOWN, "")


def test_what_waits_is_approved_by_who_knows_it_and_otherwise_an_endpoint_is_made() -> None:
    waiting = server(private_endpoints=(endpoint(ConnectionStatus.PENDING),))
    (choice,) = NONE_APPROVED.evaluate(waiting).evidence["whatToDo"]
    own, approved = (way["steps"] for way in choice["oneOf"])
    assert own[0].startswith("az network private-endpoint create ")
    assert approved == [f"az network private-endpoint-connection approve --id {endpoint().id}"]
    create, named = NONE_APPROVED.evaluate(server(private_endpoints=())).evidence["whatToDo"]
    there, made = (way["steps"] for way in named["oneOf"])
    assert [step.split()[3] for step in there] == ["dns-zone-group"]
    assert [" ".join(step.split()[2:5]) for step in made] == [
        "private-dns zone create",
        "private-endpoint dns-zone-group create",
        "private-dns link vnet",
    ]
    assert create.startswith("az network private-endpoint create ")
    assert f"--private-connection-resource-id {SERVER} --group-id postgresqlServer" in create


# --- connections that are not approved -------------------------------------------------------------


@pytest.mark.parametrize("status", CLOSED_STATES)
def test_a_connection_that_is_not_approved_is_found_beside_an_approved_one(status: ConnectionStatus) -> None:
    finding = NOT_APPROVED.evaluate(second(status))
    assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.MEDIUM)
    assert finding.reason == f"private endpoint connection other.2 is {status}"
    shown = {one["connection"]: one["status"] for one in finding.evidence["connections"]}
    assert shown == {"orders-endpoint.1": "Approved", "other.2": str(status)}
    assert NOT_APPROVED.plan(finding, second(status)) is None


@pytest.mark.field(
    "commands",
    "A connection that waits is rejected and removed, or approved; one that was rejected is removed, or the "
    "endpoint is made anew where it is needed.",
    source="https://learn.microsoft.com/azure/private-link/manage-private-endpoint",
    date="2026-11-29",
)
def test_a_connection_that_waits_is_refused_or_approved_and_a_closed_one_removed_or_made_anew() -> None:
    base = "az network private-endpoint-connection"
    other = SERVER.child("privateEndpointConnections", "other.2")
    asked = {status: NOT_APPROVED.evaluate(second(status)).evidence["whatToDo"] for status in CLOSED_STATES}
    (waiting,) = asked[ConnectionStatus.PENDING]
    refused, approved = (way["steps"] for way in waiting["oneOf"])
    assert refused == [f"{base} reject --id {other}", f"{base} delete --yes --id {other}"]
    assert approved == [f"{base} approve --id {other}"]
    (closed,) = asked[ConnectionStatus.REJECTED]
    removed, anew = (way["steps"] for way in closed["oneOf"])
    assert removed == anew[:1] == [f"{base} delete --yes --id {other}"]
    assert [" ".join(step.split()[2:4]) for step in anew if step.startswith("az ")][1:] == [
        "private-endpoint delete",
        "private-endpoint create",
        "private-endpoint dns-zone-group",
    ]
    assert asked[ConnectionStatus.DISCONNECTED] == asked[ConnectionStatus.REJECTED]


def test_each_state_and_each_connection_is_a_drift_of_its_own_whatever_its_spelling() -> None:
    prints = {NOT_APPROVED.evaluate(second(status)).fingerprint for status in CLOSED_STATES}
    assert len(prints) == len(CLOSED_STATES)
    pending = second(ConnectionStatus.PENDING)
    first, other = pending.private_endpoints or ()
    respelled = replace(other, id=ResourceId(str(other.id).upper()))
    again = replace(pending, private_endpoints=(respelled, first))
    assert NOT_APPROVED.evaluate(again).fingerprint == NOT_APPROVED.evaluate(pending).fingerprint


def test_all_approved_or_none_at_all_is_compliant_and_an_unknown_state_is_unknown() -> None:
    assert NOT_APPROVED.evaluate(server()).state is COMPLIANT
    nothing = NOT_APPROVED.evaluate(public_server(private_endpoints=()))
    assert (nothing.state, nothing.applies) == (COMPLIANT, False)
    assert NOT_APPROVED.evaluate(second(ConnectionStatus.UNKNOWN)).state is UNKNOWN
    assert NOT_APPROVED.evaluate(server(private_endpoints=None)).state is UNKNOWN
