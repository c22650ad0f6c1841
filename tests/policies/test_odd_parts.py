"""One odd part of a reading: what is surely wrong stays so, and nothing odd passes for right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.guardrails.traffic_difference import difference_between
from shared.model import (
    Aspect,
    ComplianceState,
    ConnectionStatus,
    Direction,
    Finding,
    PrivateEndpointConnection,
    ServerSnapshot,
    SetParameter,
    SubnetServer,
    SubnetSnapshot,
)
from shared.model.parts import ServerParameter
from shared.model.resource_id import ResourceId
from shared.model.rules import OddSecurityRule
from shared.policies import discover, find
from shared.posture.policy import AnyPolicy, applies_to, bound, examples
from tests.builders import server
from tests.nsg.builders import allow, asg, deny, group, subnet

COMPLIANT, DRIFTED, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
ABSENT = "value is absent"


def policy(policy_id: str, **settings: Any) -> AnyPolicy:
    found = find(policy_id)
    assert found is not None
    return bound(found, settings)


RETENTION = policy("postgres-log-retention-short")
PGAUDIT = policy("postgres-pgaudit-not-set")
TLS = policy("postgres-tls-version-too-low")
CONNECTIONS = policy("postgres-log-connections-off")
GROUPS = policy("nsg-names-application-security-groups")
LEAST = "log_min_messages"


def parameter(name: str, value: str, **fields: Any) -> ServerParameter:
    given: dict[str, Any] = {"read_only": False, "dynamic": True, "pending_restart": False}
    return ServerParameter(name=name, value=value, **{**given, **fields})


def odd(name: str) -> ServerParameter:
    return parameter(name, "", odd=ABSENT)


def judged(asked: AnyPolicy, *parameters: ServerParameter) -> tuple[Finding, ServerSnapshot]:
    snapshot = server(parameters=parameters)
    finding: Finding = asked.evaluate(snapshot)
    return finding, snapshot


def proposed(asked: AnyPolicy, finding: Finding, snapshot: ServerSnapshot) -> dict[str, str]:
    """What a plan or a suggestion would set."""
    change = asked.plan(finding, snapshot)
    edits = (*(change.edits if change else ()), *asked.suggest(finding, snapshot))
    return {edit.name: edit.value for edit in edits if isinstance(edit, SetParameter)}


# --- parameters ------------------------------------------------------------------------------------


@pytest.mark.field(
    "odd-items",
    "A companion without a readable value leaves its switch Unknown, and is said to show no value",
    source="https://learn.microsoft.com/en-us/rest/api/postgresql/configurations/list-by-server",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("asked", "own", "companion"),
    [
        (CONNECTIONS, parameter("log_connections", "on"), LEAST),
        (RETENTION, parameter("logfiles.retention_days", "7"), "logfiles.download_enable"),
        (
            policy("postgres-password-encryption-not-scram"),
            parameter("password_encryption", "scram-sha-256"),
            "azure.accepted_password_auth_method",
        ),
    ],
    ids=lambda one: one.id if hasattr(one, "id") else None,
)
def test_an_odd_companion_is_named_and_nothing_is_compliant_beside_it(
    asked: AnyPolicy, own: ServerParameter, companion: str
) -> None:
    found, _ = judged(asked, own, odd(companion))
    assert (found.state, f"the server shows no value of {companion}: {ABSENT}" in found.reason) == (
        UNKNOWN,
        True,
    )
    nameless, _ = judged(asked, own, odd(""))
    assert (nameless.state, "a parameter without a name" in nameless.reason) == (UNKNOWN, True)
    named, _ = judged(asked, own, odd("work_mem"))
    assert named.state is COMPLIANT


def test_what_a_companion_surely_voids_is_found_beside_an_odd_value_of_its_own_and_that_is_not_written() -> (
    None
):
    found, snapshot = judged(CONNECTIONS, odd("log_connections"), parameter(LEAST, "panic"))
    assert (found.state, "shows no value of log_connections" in found.reason) == (DRIFTED, True)
    assert set(proposed(CONNECTIONS, found, snapshot)) == {LEAST}


def test_retention_without_a_readable_value_or_switch_says_so_in_its_evidence() -> None:
    found, _ = judged(RETENTION, odd("logfiles.retention_days"), odd("logfiles.download_enable"))
    assert found.state is UNKNOWN
    assert found.evidence["logfilesDownloadEnable"] is None
    assert found.evidence["parameter"]["odd"] == ABSENT
    short, snapshot = judged(
        RETENTION, parameter("logfiles.retention_days", "3"), odd("logfiles.download_enable")
    )
    assert short.state is DRIFTED
    assert set(proposed(RETENTION, short, snapshot)) == {"logfiles.retention_days"}


@pytest.mark.parametrize("days", ["9" * 5000, "²", "-7", "7.5", "☃", " "])
def test_a_number_of_days_that_is_none_is_unknown(days: str) -> None:
    assert judged(RETENTION, parameter("logfiles.retention_days", days))[0].state is UNKNOWN


@pytest.mark.field(
    "odd-items",
    "Where the highest TLS version cannot be read, a lowest one that is too low is found and not raised",
    source="https://www.postgresql.org/docs/18/runtime-config-connection.html",
    date="2026-11-29",
)
def test_a_lowest_version_is_judged_beside_an_odd_highest_one_and_not_raised_above_it() -> None:
    highest = odd("ssl_max_protocol_version")
    found, snapshot = judged(TLS, parameter("ssl_min_protocol_version", "TLSv1"), highest)
    assert (found.state, "shows no value of ssl_max_protocol_version" in found.reason) == (DRIFTED, True)
    assert proposed(TLS, found, snapshot) == {}
    assert judged(TLS, parameter("ssl_min_protocol_version", "TLSv1.2"), highest)[0].state is UNKNOWN
    lowest, _ = judged(TLS, odd("ssl_min_protocol_version"), parameter("ssl_max_protocol_version", ""))
    assert (lowest.state, "shows no value of ssl_min_protocol_version" in lowest.reason) == (UNKNOWN, True)


@pytest.mark.field(
    "odd-items",
    "A list of libraries or of audited classes that cannot be read is never written over",
    source="https://learn.microsoft.com/en-us/azure/postgresql/flexible-server/concepts-audit",
    date="2026-11-29",
)
def test_what_pgaudit_shows_no_value_of_is_not_written_over() -> None:
    libraries, classes = odd("shared_preload_libraries"), odd("pgaudit.log")
    found, snapshot = judged(PGAUDIT, libraries, parameter("pgaudit.log", "none"))
    assert (found.state, set(proposed(PGAUDIT, found, snapshot))) == (DRIFTED, {"pgaudit.log"})
    found, snapshot = judged(PGAUDIT, parameter("shared_preload_libraries", "pg_cron"), classes)
    assert set(proposed(PGAUDIT, found, snapshot)) == {"shared_preload_libraries"}
    assert found.evidence["auditedClasses"] is None
    assert judged(PGAUDIT, libraries, classes)[0].state is UNKNOWN


@pytest.mark.parametrize(
    ("level", "client", "state"),
    [
        ("debug1", odd("pgaudit.log_client"), UNKNOWN),
        ("debug1", parameter("pgaudit.log_client", "maybe"), UNKNOWN),
        ("log", odd("pgaudit.log_client"), COMPLIANT),
        ("debug1", parameter("pgaudit.log_client", "on"), DRIFTED),
        ("debug1", parameter("pgaudit.log_client", "off"), COMPLIANT),
        ("loud", parameter("pgaudit.log_client", "on"), UNKNOWN),
    ],
)
def test_a_silent_level_is_no_audit_unless_clients_are_surely_not_told(
    level: str, client: ServerParameter, state: ComplianceState
) -> None:
    least, silent = parameter(LEAST, "warning"), parameter("pgaudit.log_level", level)
    loaded = (parameter("shared_preload_libraries", "pgaudit"), parameter("pgaudit.log", "all"))
    assert judged(PGAUDIT, *loaded, least, silent, client)[0].state is state


# --- connections -----------------------------------------------------------------------------------

ENDPOINT = ResourceId("/subscriptions/5ab1/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe")


def connected(status: ConnectionStatus) -> PrivateEndpointConnection:
    place = server().id.child("privateEndpointConnections", "pe.1")
    return PrivateEndpointConnection(id=place, status=status, endpoint=ENDPOINT)


@pytest.mark.field(
    "odd-items",
    "DNS of an endpoint whose connection does not say whether it is approved is Unknown, not compliant",
    source="https://learn.microsoft.com/en-us/rest/api/postgresql/private-endpoint-connections/list-by-server",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "asked",
    [
        "postgres-endpoint-dns-record-wrong",
        "postgres-endpoint-dns-zone-wrong",
        "postgres-endpoint-dns-zone-not-linked",
    ],
)
def test_a_connection_of_no_known_state_may_be_an_approved_one(asked: str) -> None:
    odd_one = server(private_endpoints=(connected(ConnectionStatus.UNKNOWN),))
    found = policy(asked).evaluate(odd_one)
    assert (found.state, "pe.1 is not known" in found.reason) == (UNKNOWN, True)
    waiting = server(private_endpoints=(connected(ConnectionStatus.PENDING),))
    assert policy(asked).evaluate(waiting).state is COMPLIANT


# --- subnets ---------------------------------------------------------------------------------------

ODD_PREFIX = {"addressPrefix": "addressPrefix is 'x', which is no prefix"}


@pytest.mark.field(
    "odd-items",
    "Nothing is compliant in a subnet with an odd prefix, and what the others show to be wrong stays so",
    source="https://learn.microsoft.com/en-us/rest/api/virtualnetwork/subnets/get",
    date="2026-11-29",
)
def test_beside_an_odd_prefix_nothing_is_compliant_and_what_is_wrong_stays_so() -> None:
    good = replace(subnet(group()), servers=())
    bad = replace(subnet(group(deny("all", 200, protocol="*"))), servers=())
    for one in discover():
        asked = bound(one, examples(one))
        if not applies_to(asked, good):
            continue
        sound, found = asked.evaluate(good), asked.evaluate(replace(good, odd_fields=ODD_PREFIX))
        assert not (found.applies and found.state is COMPLIANT), asked.id
        assert sound.applies or found.state is sound.state, asked.id
        before, beside = asked.evaluate(bad), asked.evaluate(replace(bad, odd_fields=ODD_PREFIX))
        if before.state is DRIFTED and asked.id != "postgres-subnet-too-small":
            assert (beside.state, beside.fingerprint) == (DRIFTED, before.fingerprint), asked.id
            assert "addressPrefix is 'x'" in beside.reason


def test_an_odd_delegation_may_be_the_one_that_is_asked_for() -> None:
    said = "a delegation does not say to which service"
    held = replace(
        subnet(group()),
        delegations=(),
        servers=(SubnetServer(id=server().id),),
        odd_fields={"delegations": said},
    )
    for asked in (
        "postgres-subnet-not-delegated",
        "nsg-blocks-postgres-in-subnet",
        "nsg-exposes-postgres-to-internet",
    ):
        found = policy(asked).evaluate(held)
        assert (found.state, said in found.reason) == (UNKNOWN, True), asked


def test_a_server_that_is_not_named_may_be_one_that_needs_what_is_denied() -> None:
    denied = deny("no-entra", 200, "* > AzureActiveDirectory", direction=Direction.OUTBOUND, protocol="*")
    others = (SubnetServer(id=server().id, entra=False, customer_key=False, partners=()),)
    asked = policy("nsg-blocks-entra-outbound")
    known = replace(subnet(group(denied)), servers=others)
    assert asked.evaluate(known).state is COMPLIANT
    hidden = replace(known, unread={Aspect.SUBNET_SERVERS: "a row names none"})
    assert (asked.evaluate(hidden).state, "a row names none" in asked.evaluate(hidden).reason) == (
        UNKNOWN,
        True,
    )


def test_a_field_that_a_server_does_not_show_is_not_said_to_be_unread() -> None:
    denied = deny("no-entra", 200, "* > AzureActiveDirectory", direction=Direction.OUTBOUND, protocol="*")
    shown = replace(subnet(group(denied)), servers=(SubnetServer(id=server().id, partners=()),))
    found = policy("nsg-blocks-entra-outbound").evaluate(shown)
    assert (found.state, "was read" in found.reason) == (UNKNOWN, False)


# --- NSGs ------------------------------------------------------------------------------------------

NAMING = replace(allow("apps", 100, "* > *", "5432"), sources=(), source_groups=(asg("app"),))


def beside(rule: OddSecurityRule) -> SubnetSnapshot:
    return subnet(replace(group(), odd_rules=(rule,)))


@pytest.mark.field(
    "odd-items",
    "A rule that names a group is found whatever else of it is odd; one of unreadable addresses may name one",
    source="https://learn.microsoft.com/en-us/azure/postgresql/flexible-server/concepts-networking-private",
    date="2026-11-29",
)
def test_groups_that_an_odd_rule_names_or_may_name_are_told() -> None:
    surely = OddSecurityRule(
        name="apps", field="protocol", why="rule 'apps': protocol is missing", may_be=(NAMING,)
    )
    found = GROUPS.evaluate(beside(surely))
    assert (found.state, [one["name"] for one in found.evidence["rules"]]) == (DRIFTED, ["apps"])
    anyone = allow("x", 100, "* > *", "5432")
    hidden = OddSecurityRule(
        name="x", field="sourceAddressPrefix", why="rule 'x': no source", may_be=(anyone,)
    )
    assert (GROUPS.evaluate(beside(hidden)).state, "no source" in GROUPS.evaluate(beside(hidden)).reason) == (
        UNKNOWN,
        True,
    )
    elsewhere = replace(hidden, field="protocol")
    assert GROUPS.evaluate(beside(elsewhere)).state is COMPLIANT
    assert GROUPS.evaluate(subnet(group(NAMING, replace(anyone, priority=100)))).state is DRIFTED


def test_what_is_newly_denied_is_told_beside_a_rule_of_no_one_meaning() -> None:
    odd_one = replace(deny("gre", 300, protocol="*"), protocol="Gre")
    before = subnet(group(odd_one))
    after = subnet(group(odd_one, deny("all", 200, protocol="*")))
    told = difference_between(before, after, policy("nsg-blocks-postgres-in-subnet"))
    assert any("5432" in one for one in told.newly_denied)
