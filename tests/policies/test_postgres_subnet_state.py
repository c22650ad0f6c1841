"""The policies about a subnet itself: delegation, size, service endpoint, network policies of endpoints."""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from shared.alerts.steps import commands_told
from shared.model import Aspect, ComplianceState, SecurityGroup, Severity, SubnetServer, SubnetSnapshot
from shared.model.networks import SubnetEndpoint
from shared.model.resource_id import ResourceId
from shared.policies.network.postgres_subnet_not_delegated import POLICY as NOT_DELEGATED
from shared.policies.network.postgres_subnet_too_small import POLICY as TOO_SMALL
from shared.policies.private_reach.postgres_endpoint_subnet_ignores_network_policies import POLICY as IGNORES
from shared.policies.private_reach.postgres_storage_service_endpoint_missing import POLICY as ENDPOINT
from tests.nsg.builders import NSG_ID, SUBNET_ID, group, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
SERVERS = "/subscriptions/0a/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers"


def servers(number: int, *, ha: bool | None = True, cluster: bool | None = False) -> tuple[SubnetServer, ...]:
    return tuple(
        SubnetServer(id=ResourceId(f"{SERVERS}/db-{n}"), high_availability=ha, elastic_cluster=cluster)
        for n in range(number)
    )


def test_all_of_them_are_for_people_and_change_nothing() -> None:
    for policy in (IGNORES, ENDPOINT, NOT_DELEGATED, TOO_SMALL):
        snapshot = subnet(None, delegations=())
        assert policy.plan(policy.evaluate(snapshot), snapshot) is None


# --- delegation ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("snapshot", "state", "applies"),
    [
        (subnet(None, servers=servers(1)), COMPLIANT, True),
        (subnet(None, servers=None), COMPLIANT, True),
        (subnet(None, delegations=(), servers=servers(1)), NON_COMPLIANT, True),
        (subnet(None, delegations=("Microsoft.Web/serverFarms",), servers=servers(1)), NON_COMPLIANT, True),
        (subnet(None, delegations=(), servers=()), COMPLIANT, False),
        (subnet(None, delegations=(), servers=None), UNKNOWN, True),
        (subnet(None, delegations=(), servers=servers(1), updating=True), UNKNOWN, True),
    ],
)
def test_a_subnet_with_servers_has_the_delegation(
    snapshot: SubnetSnapshot, state: ComplianceState, applies: bool
) -> None:
    finding = NOT_DELEGATED.evaluate(snapshot)
    assert (finding.state, finding.applies) == (state, applies), finding.reason


def test_the_servers_and_the_command_are_shown() -> None:
    finding = NOT_DELEGATED.evaluate(subnet(None, delegations=(), servers=servers(2)))
    assert finding.reason == "the subnet holds db-0, db-1 and is not delegated to flexible servers"
    assert finding.evidence["servers"] == [f"{SERVERS}/db-0", f"{SERVERS}/db-1"]
    command, then = finding.evidence["whatToDo"]
    assert command.endswith("--delegations Microsoft.DBforPostgreSQL/flexibleServers")
    assert "from the delegation on" in then


# --- size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefixes", "held", "state", "severity"),
    [
        (("10.0.1.0/29",), servers(1), NON_COMPLIANT, Severity.MEDIUM),
        (("10.0.1.0/29",), None, NON_COMPLIANT, Severity.MEDIUM),
        (("10.0.1.0/28",), (), COMPLIANT, None),
        (("10.0.1.0/28",), servers(2), COMPLIANT, None),
        (("10.0.1.0/28",), servers(3), NON_COMPLIANT, Severity.MEDIUM),
        (("10.0.1.0/28",), servers(3, ha=False), NON_COMPLIANT, Severity.LOW),
        (("10.0.1.0/28",), servers(3, ha=None), NON_COMPLIANT, Severity.LOW),
        (("10.0.1.0/27",), servers(6), COMPLIANT, None),
        (("10.0.1.0/27",), servers(7, ha=False), NON_COMPLIANT, Severity.LOW),
        (("10.0.1.0/28", "10.0.2.0/28"), servers(5), COMPLIANT, None),
        (("10.0.1.0/28", "10.0.2.0/28"), servers(6), NON_COMPLIANT, Severity.MEDIUM),
        (("10.0.1.0/28", "fd00:1::/64"), servers(3), NON_COMPLIANT, Severity.MEDIUM),
        (("10.0.1.0/24",), servers(1, cluster=True), UNKNOWN, None),
        (("10.0.1.0/28",), servers(3, cluster=True), NON_COMPLIANT, Severity.MEDIUM),
        (("10.0.1.0/24",), None, UNKNOWN, None),
    ],
)
def test_every_server_could_have_a_standby(
    prefixes: tuple[str, ...],
    held: tuple[SubnetServer, ...] | None,
    state: ComplianceState,
    severity: Severity | None,
) -> None:
    finding = TOO_SMALL.evaluate(subnet(None, *prefixes, servers=held))
    assert finding.state is state, finding.reason
    assert severity is None or finding.severity is severity


def test_the_addresses_are_counted_out() -> None:
    finding = TOO_SMALL.evaluate(subnet(None, "10.0.1.0/28", servers=servers(3)))
    assert finding.reason == "3 servers with high availability use 12 addresses, and 11 are usable"
    assert (finding.evidence["usableAddresses"], finding.fingerprint) == (11, "room for 2")


@pytest.mark.parametrize(
    ("parts", "state", "applies"),
    [
        ({"delegations": ()}, COMPLIANT, False),
        ({"updating": True}, UNKNOWN, True),
        ({"prefixes": ()}, UNKNOWN, True),
    ],
)
def test_what_is_no_question_of_size(parts: dict[str, Any], state: ComplianceState, applies: bool) -> None:
    finding = TOO_SMALL.evaluate(replace(subnet(None, "10.0.1.0/29", servers=servers(3)), **parts))
    assert (finding.state, finding.applies) == (state, applies)


# --- service endpoint ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "state"),
    [
        (("Microsoft.Storage",), COMPLIANT),
        (("microsoft.STORAGE.global", "Microsoft.Sql"), COMPLIANT),
        ((), NON_COMPLIANT),
        (("Microsoft.StorageSync",), NON_COMPLIANT),
        (None, UNKNOWN),
    ],
)
def test_storage_is_reached_by_a_service_endpoint(
    services: tuple[str, ...] | None, state: ComplianceState
) -> None:
    finding = ENDPOINT.evaluate(replace(subnet(None), service_endpoints=services))
    assert finding.state is state
    assert finding.severity is Severity.INFORMATIONAL


def test_the_command_keeps_the_endpoints_that_are_there() -> None:
    finding = ENDPOINT.evaluate(replace(subnet(None), service_endpoints=("Microsoft.Sql",)))
    assert finding.evidence["whatToDo"].endswith("--service-endpoints Microsoft.Sql Microsoft.Storage")
    elsewhere = ENDPOINT.evaluate(replace(subnet(None, delegations=()), service_endpoints=()))
    assert (elsewhere.state, elsewhere.applies) == (COMPLIANT, False)


# --- network policies ------------------------------------------------------------------------------

HELD = (SubnetEndpoint(id=SUBNET_ID.child("x", "pe"), addresses=(ip_address("10.0.1.5"),)),)
TABLE = ResourceId(str(NSG_ID).replace("networkSecurityGroups", "routeTables"))


def holding(mode: str, nsg: SecurityGroup | None = None, **parts: Any) -> SubnetSnapshot:
    bare = subnet(nsg, delegations=(), servers=())
    return replace(bare, endpoint_network_policies=mode, **{"private_endpoints": HELD, **parts})


@pytest.mark.parametrize(
    ("snapshot", "state", "said"),
    [
        (holding("Disabled"), COMPLIANT, "apply"),
        (holding("Disabled", group()), NON_COMPLIANT, "the NSG of the subnet does not apply"),
        (holding("", group()), NON_COMPLIANT, "the NSG of"),
        (holding("RouteTableEnabled", group()), NON_COMPLIANT, "the NSG of"),
        (holding("networkSecurityGroupEnabled", group()), COMPLIANT, "apply"),
        (holding("Enabled", group(), route_table_id=TABLE), COMPLIANT, "apply"),
        (holding("Disabled", group(), route_table_id=TABLE), NON_COMPLIANT, "the NSG and the route table"),
        (holding("NetworkSecurityGroupEnabled", group(), route_table_id=TABLE), NON_COMPLIANT, "the route"),
        (holding("Later", group()), UNKNOWN, "'Later'"),
        (holding("Disabled", unread={Aspect.SECURITY_GROUP: "no right"}), NON_COMPLIANT, "the NSG of"),
        (holding("Disabled", group(), private_endpoints=None), UNKNOWN, "could not be read"),
        (holding("Disabled", group(), updating=True), UNKNOWN, "look again"),
    ],
)
def test_what_a_subnet_has_applies_to_its_private_endpoints(
    snapshot: SubnetSnapshot, state: ComplianceState, said: str
) -> None:
    finding = IGNORES.evaluate(snapshot)
    assert finding.state is state, finding.reason
    assert said in finding.reason


def test_a_resource_group_with_brackets_reaches_the_shell_whole() -> None:
    odd = ResourceId(str(subnet(None).id).replace("/resourceGroups/", "/resourceGroups/a(b)-"))
    told = (
        ENDPOINT.evaluate(replace(subnet(None), id=odd, service_endpoints=())),
        NOT_DELEGATED.evaluate(replace(subnet(None), id=odd, delegations=(), servers=servers(1))),
        IGNORES.evaluate(replace(holding("Disabled", group()), id=odd)),
    )
    for finding in told:
        (command,) = commands_told(finding.evidence)
        words = shlex.split(command)
        assert words[words.index("--ids") + 1] == str(odd)
        assert f"'{odd}'" in command


def test_the_command_turns_on_what_is_needed() -> None:
    def command(snapshot: SubnetSnapshot) -> str:
        text: str = IGNORES.evaluate(snapshot).evidence["whatToDo"]
        return text.rsplit(" ", 1)[1]

    assert command(holding("Disabled", group())) == "NetworkSecurityGroupEnabled"
    assert command(holding("Disabled", group(), route_table_id=TABLE)) == "Enabled"


def test_a_subnet_without_endpoints_of_postgresql_is_not_judged() -> None:
    finding = IGNORES.evaluate(holding("Disabled", group(), private_endpoints=()))
    assert (finding.state, finding.applies) == (COMPLIANT, False)


def test_a_delegated_subnet_holds_no_endpoints_unless_they_could_not_be_read() -> None:
    """The gateway does not ask for what cannot be there."""
    delegated = subnet(group(), servers=())
    finding = IGNORES.evaluate(delegated)
    assert (finding.state, finding.applies) == (COMPLIANT, False)
    refused = replace(delegated, unread={Aspect.SUBNET_ENDPOINTS: "no right"})
    assert IGNORES.evaluate(refused).state is UNKNOWN
