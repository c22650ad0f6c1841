"""Who reaches the databases of a subnet: the servers that stand in it, or the private endpoints it holds.

For a delegated subnet that is every address of it; for one with private endpoints, where network policies put
the NSG in force for them, it is the endpoints' addresses on port 5432, and Azure reads every source port of a
rule there as ``*`` (article on network policies of private endpoints). Elastic clusters listen on two further
ports; where it is not known whether there is one, that is said and not guessed. Servers in other subnets that
these replicate with are asked about in both directions. Pure; who should reach the databases is the policies'
affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from shared.model import Aspect, Change, ComplianceState, Finding, SecurityRule, SubnetSnapshot
from shared.model.edits import apply_to
from shared.model.rules import OddSecurityRule
from shared.nsg import Family, Spans, spans_of
from shared.posture.findings import Judged, compliant, unknown
from shared.posture.subnet_facts import (
    CLUSTER_PORTS,
    POSTGRES_PORT,
    cluster_ports,
    delegated,
    groups_reach_endpoints,
    may_hold_endpoints,
    partners,
    servers_unknown,
    some_server,
    unplaced,
    without_endpoints,
)
from shared.posture.subnet_questions import (
    Inquiry,
    from_networks,
    own_addresses,
    settled,
    to_networks,
    vnet_tags,
)
from shared.posture.unread import unread_reason

IS_CLUSTER: Final = f"is an elastic cluster, which also listens on {' and '.join(map(str, CLUSTER_PORTS))},"


def settled_at_databases(subnet: SubnetSnapshot) -> Judged | None:
    """As ``settled``, for a policy that also judges subnets with private endpoints."""
    if delegated(subnet):
        return settled(subnet)
    if found := without_endpoints(subnet):
        return found
    enforced = groups_reach_endpoints(subnet)
    if enforced is None:
        return unknown(f"privateEndpointNetworkPolicies is {subnet.endpoint_network_policies!r}")
    if not enforced:
        off = "network policies are off: an NSG does not apply to the private endpoints in the subnet"
        return compliant(off)
    return _settled_endpoints(subnet)


def _settled_endpoints(subnet: SubnetSnapshot) -> Judged | None:
    if Aspect.SECURITY_GROUP in subnet.unread:
        return unknown(unread_reason(subnet, Aspect.SECURITY_GROUP))
    if subnet.security_group is not None and subnet.security_group.updating:
        return unknown("the NSG is being updated: look again")
    if not subnet.prefixes:
        return unknown("the subnet shows no address prefixes")
    if not any(one.addresses for one in subnet.private_endpoints or ()):
        return unknown("; ".join(unplaced(subnet)))
    return None


def settled_without_group_at_databases(subnet: SubnetSnapshot) -> Judged | None:
    """As ``settled_at_databases``, for what must pass: without an NSG everything does."""
    if found := settled_at_databases(subnet):
        return found
    if subnet.security_group is None:
        return compliant("the subnet has no NSG: everything passes")
    return None


def concerns(subnet: SubnetSnapshot) -> bool:
    """Whether an NSG on the subnet decides who reaches a database; also where that cannot be known."""
    if delegated(subnet):
        return True
    return may_hold_endpoints(subnet) and groups_reach_endpoints(subnet) is not False


def databases(subnet: SubnetSnapshot) -> Mapping[Family, Spans]:
    """The addresses at which databases are reached through the subnet's NSG, by family."""
    if delegated(subnet):
        return own_addresses(subnet)
    held = subnet.private_endpoints or () if groups_reach_endpoints(subnet) else ()
    listed = [ip_network(address) for one in held for address in one.addresses]
    families = ((Family.IPV4, 4), (Family.IPV6, 6))
    found = {
        family: spans_of(network for network in listed if network.version == version)
        for family, version in families
    }
    return {family: spans for family, spans in found.items() if spans}


def as_enforced(subnet: SubnetSnapshot) -> SubnetSnapshot:
    """The subnet with its NSG as Azure applies it: at private endpoints every source port counts as ``*``."""
    group = subnet.security_group
    if group is None or delegated(subnet):
        return subnet
    rules = tuple(map(_from_any_port, group.rules))
    defaults = tuple(map(_from_any_port, group.default_rules))
    odd = tuple(map(_odd_from_any_port, group.odd_rules))
    enforced = replace(group, rules=rules, default_rules=defaults, odd_rules=odd)
    return replace(subnet, security_group=enforced)


def _odd_from_any_port(rule: OddSecurityRule) -> OddSecurityRule:
    may_be, surely = (tuple(map(_from_any_port, readings)) for readings in (rule.may_be, rule.surely))
    return replace(rule, may_be=may_be, surely=surely)


def _from_any_port(rule: SecurityRule) -> SecurityRule:
    return rule if rule.source_ports == ("*",) else replace(rule, source_ports=("*",))


# --- replicas --------------------------------------------------------------------------------------


def between_replicas(subnet: SubnetSnapshot) -> Inquiry:
    """Port 5432 from and to the subnets of the servers that those of this one replicate with.

    Packets between the two travel through peerings or a gateway, and ``VirtualNetwork`` holds what those
    connect (service tags overview): so both ends are known to lie in it.
    """
    others = sorted({prefix for partner in partners(subnet) for prefix in partner.prefixes}, key=str)
    ports = (POSTGRES_PORT,)
    return Inquiry(
        subnet=subnet,
        questions=(*from_networks(subnet, others, ports), *to_networks(subnet, others, ports)),
        tags=vnet_tags(subnet, others),
        holds=f"replication with {', '.join(map(str, others))} passes",
    )


# --- ports -----------------------------------------------------------------------------------------


def ports_here(subnet: SubnetSnapshot, ports: list[int]) -> list[int]:
    """The ports on which the databases are reached: of a cluster more, at a private endpoint 5432 alone."""
    return cluster_ports(subnet, ports) if delegated(subnet) else [POSTGRES_PORT]


def with_clusters_in_mind(
    subnet: SubnetSnapshot, ports: list[int], ask: Callable[[list[int]], Finding]
) -> Finding:
    """What ``ask`` finds on the ports of the subnet's databases.

    Where it is not known whether a server is an elastic cluster, compliant is only what is so on a cluster's
    ports as well.
    """
    found = ask(ports_here(subnet, ports))
    if not delegated(subnet):
        return _beside_unplaced(found, subnet)
    if some_server(subnet, lambda server: server.elastic_cluster) is not None:
        return found
    unsure = servers_unknown(subnet, IS_CLUSTER)
    found = replace(found, evidence={**found.evidence, "elasticCluster": unsure})
    if found.state is not ComplianceState.COMPLIANT:
        return found
    wider = ask(sorted({*ports, *CLUSTER_PORTS}))
    if wider.state is ComplianceState.COMPLIANT:
        return found
    evidence = {**wider.evidence, "elasticCluster": unsure}
    return replace(
        found, state=ComplianceState.UNKNOWN, reason=f"{wider.reason}; {unsure}", evidence=evidence
    )


def _beside_unplaced(found: Finding, subnet: SubnetSnapshot) -> Finding:
    """What is found at the endpoints whose address is known; compliant is only what is so at all of them."""
    missing = unplaced(subnet)
    if not missing:
        return found
    compliant_here = found.state is ComplianceState.COMPLIANT
    return replace(
        found,
        state=ComplianceState.UNKNOWN if compliant_here else found.state,
        reason="; ".join((found.reason, *missing)),
        undecided=(*found.undecided, *missing),
    )


def if_enough(
    change: Change | None, subnet: SubnetSnapshot, evaluate: Callable[[SubnetSnapshot], Finding]
) -> Change | None:
    """The change where nothing is found after it; None where something is, or could be."""
    if change is None:
        return None
    after = apply_to(subnet, change)
    enough = isinstance(after, SubnetSnapshot) and evaluate(after).state is ComplianceState.COMPLIANT
    return change if enough else None
