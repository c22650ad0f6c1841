"""Subnet of a PostgreSQL private endpoint whose NSG or route table does not apply to it.

*What it finds.* A subnet that holds a private endpoint of a PostgreSQL server, has an NSG or a route table,
and whose ``privateEndpointNetworkPolicies`` leaves private endpoints out of it: ``Disabled``, which is also
what an absent field means, or the mode that is on for the other of the two. High where the NSG was in force
at the last compliant reading: then it was switched off.

*Why it matters.* The NSG there is decoration: whatever its rules say, everything that reaches the network
reaches the database's endpoint. Who reads the rules believes otherwise.

*What the change does.* Nothing is changed; it is advice otherwise. Turning network policies on puts the rules
in force for every private endpoint in the subnet at once. Ask ``explain-nsg`` first who would be let in; the
alert has the command.

*What it may break.* Turning them on cuts off whoever the rules deny, at every endpoint of the subnet, also
those of other services.

*References.* Manage network policies for private endpoints; Private Link for Azure Database for PostgreSQL
(network security groups).
"""

from __future__ import annotations

import shlex
from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.posture.controls import MCSB
from shared.posture.findings import Facts, Judged, compliant, drifted, finding, unknown
from shared.posture.former_group import TAKEN_AWAY, has_group, switched_off
from shared.posture.policy import SUBNETS, Policy
from shared.posture.subnet_facts import groups_reach_endpoints, routes_reach_endpoints, without_endpoints

ID: Final = "postgres-endpoint-subnet-ignores-network-policies"
SEVERITY: Final = Severity.INFORMATIONAL


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return finding(ID, SEVERITY, subnet, _judged(subnet))


def _judged(subnet: SubnetSnapshot) -> Judged:
    if settled := without_endpoints(subnet):
        return settled
    groups, routes = groups_reach_endpoints(subnet), routes_reach_endpoints(subnet)
    if groups is None or routes is None:
        return unknown(f"privateEndpointNetworkPolicies is {subnet.endpoint_network_policies!r}")
    left_out = [
        *(["the NSG"] if has_group(subnet) and not groups else []),
        *(["the route table"] if subnet.route_table_id is not None and not routes else []),
    ]
    if not left_out:
        return compliant("whatever NSG and route table the subnet has apply to its private endpoints")
    what = " and ".join(left_out)
    reason = f"{what} of the subnet does not apply to its private endpoints"
    return drifted(reason, what, what_to_do=_command(subnet), evidence=_evidence(subnet))


def _command(subnet: SubnetSnapshot) -> str:
    wanted = "Enabled" if subnet.route_table_id is not None else "NetworkSecurityGroupEnabled"
    update = f"az network vnet subnet update --ids {shlex.quote(str(subnet.id))}"
    return f"{update} --private-endpoint-network-policies {wanted}"


def _evidence(subnet: SubnetSnapshot) -> Facts:
    return {
        "privateEndpointNetworkPolicies": subnet.endpoint_network_policies or "Disabled (absent)",
        "privateEndpoints": sorted(str(one.id) for one in subnet.private_endpoints or ()),
    }


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ID,
    title="An NSG or route table does not apply to PostgreSQL private endpoints",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=TAKEN_AWAY,
    reads=frozenset({Aspect.SUBNET, Aspect.SUBNET_ENDPOINTS, Aspect.SECURITY_GROUP}),
    controls=(MCSB.NS_1,),
    evaluate=evaluate,
    since=switched_off,
    order=69,
    why="The rules of this NSG keep nobody from the database, whatever they say.",
)
