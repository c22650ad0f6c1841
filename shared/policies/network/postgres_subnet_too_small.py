"""Subnet of PostgreSQL servers that is too small for high availability.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` that is smaller than
/28, or in which the servers that stand there could not all be highly available. Azure keeps five addresses
of each prefix, and a highly available server uses four; how many another one uses, and an elastic cluster,
is not documented, so only four for each server is asked for, and a subnet with an elastic cluster that is
not too small anyhow is unknown. Only IPv4 counts.

*Why it matters.* A standby that finds no address cannot be made: enabling high availability fails, and so
may a failover's replacement. A subnet in use cannot grow, and a server cannot move to another one.

*What the change does.* Nothing is changed, for nothing can be while servers stand in the subnet. Make a
larger subnet, /27 or more, and restore or replicate servers into it; one that is empty can be enlarged.

*What it may break.* Nothing by itself. Moving to another subnet means another server and new addresses.

*References.* Private access networking of Azure Database for PostgreSQL (delegated subnet, smallest range
and addresses used). No framework among the project's controls states it.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import az_at
from shared.posture.findings import Facts, Judged, beside_the_point, compliant, drifted, finding, unknown
from shared.posture.policy import SUBNETS, Policy, RaisedBy
from shared.posture.server_steps import NEW_SERVER, az_restore
from shared.posture.subnet_facts import delegated, some_server
from shared.posture.unread import unread_reason

ID: Final = "postgres-subnet-too-small"
SEVERITY: Final = Severity.MEDIUM
SERVICE: Final = "Microsoft.DBforPostgreSQL/flexibleServers"
SMALLEST: Final = 16
"""Addresses of a /28."""
KEPT_BY_AZURE: Final = 5
USED_WITH_STANDBY: Final = 4
FURTHER: Final = Severity.LOW
"""What is in use fits, and only what could be enabled does not."""

_FIXED: Final = (
    "a subnet in use cannot grow and a server cannot move to another one: make a larger subnet, and restore "
    "into it every server that is to move (of a replica, make another one there)"
)
_UNREAD: Final = "make the subnet larger if nothing stands in it, else a larger one beside it"
_PREFIX: Final = "'<a free prefix of the network, /27 or larger>'"


def evaluate(subnet: SubnetSnapshot) -> Finding:
    judged = _judged(subnet)
    if judged.is_drift:
        judged = replace(judged, what_to_do=_remedy(subnet), evidence=NEW_SERVER if subnet.servers else {})
    return finding(ID, SEVERITY, subnet, judged, _facts(subnet))


def _judged(subnet: SubnetSnapshot) -> Judged:
    if subnet.updating:
        return unknown("the subnet is being updated: look again")
    if not delegated(subnet):
        return beside_the_point("the subnet is not delegated to PostgreSQL flexible servers")
    if odd := subnet.odd_fields.get("addressPrefix"):
        return unknown(f"{odd}, and cannot be judged")
    if not subnet.prefixes:
        return unknown("the subnet shows no address prefixes")
    if (size := _size(subnet)) < SMALLEST:
        return drifted(
            f"the subnet has {size} IPv4 addresses: /28, with 16, is the smallest allowed", "under /28"
        )
    if subnet.servers is None:
        return unknown(unread_reason(subnet, Aspect.SUBNET_SERVERS))
    return _fitting(subnet, len(subnet.servers))


def _fitting(subnet: SubnetSnapshot, servers: int) -> Judged:
    """Whether every server could have a standby, and whether those that have one fit."""
    usable, wanted = _usable(subnet), servers * USED_WITH_STANDBY
    in_use = sum(server.high_availability is True for server in subnet.servers or ()) * USED_WITH_STANDBY
    if wanted > usable:
        reason = f"{servers} servers with high availability use {wanted} addresses, and {usable} are usable"
        short = drifted(reason, f"room for {usable // USED_WITH_STANDBY}")
        return short if in_use > usable else replace(short, severity=FURTHER)
    if some_server(subnet, lambda server: server.elastic_cluster):
        return unknown("how many addresses an elastic cluster uses is not documented, and there is one")
    return compliant(f"{usable} addresses are usable, and {servers} servers with standbys use {wanted}")


def _remedy(subnet: SubnetSnapshot) -> tuple[str, ...]:
    if subnet.servers is None:
        return (_UNREAD,)
    if not subnet.servers:
        place = f"--ids {shlex.quote(str(subnet.id))}"
        return (f"az network vnet subnet update {place} --address-prefixes {_PREFIX}",)
    larger = ResourceId(f"{subnet.id}-larger")
    moving = sorted(one.id for one in subnet.servers if one.replication.source is None)
    zone = "--private-dns-zone '<id of a private DNS zone>' --yes"
    restored = [az_restore(one, f"--subnet {shlex.quote(str(larger))} {zone}") for one in moving[:1]]
    return (_FIXED, _making(larger), *restored)


def _making(subnet: ResourceId) -> str:
    network = subnet.parent or subnet
    words = ("network", "vnet", "subnet", "create", "--vnet-name", network.name, "--name", subnet.name)
    group = "--network-security-group '<id of an NSG of the same region>'"
    return f"{az_at(subnet, *words)} --address-prefixes {_PREFIX} --delegations {SERVICE} {group}"


def _size(subnet: SubnetSnapshot) -> int:
    return sum(prefix.num_addresses for prefix in subnet.prefixes if prefix.version == 4)


def _usable(subnet: SubnetSnapshot) -> int:
    """Of each prefix Azure keeps five addresses."""
    sizes = (prefix.num_addresses for prefix in subnet.prefixes if prefix.version == 4)
    return sum(max(0, size - KEPT_BY_AZURE) for size in sizes)


def _facts(subnet: SubnetSnapshot) -> Facts:
    shown = [
        {"id": str(server.id), "highAvailability": server.high_availability}
        for server in subnet.servers or ()
    ]
    return {
        "prefixes": sorted(map(str, subnet.prefixes)),
        "usableAddresses": _usable(subnet),
        "servers": None if subnet.servers is None else shown,
    }


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL subnet is too small for high availability",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SUBNET, Aspect.SUBNET_SERVERS}),
    evaluate=evaluate,
    raised_by=RaisedBy.SWEEP,
    order=68,
    ends_on_new_server=True,
    why="High availability cannot be enabled here, and the subnet can never grow while servers are in it.",
)
