"""What the last compliant reading says of a subnet whose NSG keeps nobody out now: it did, and which it was.

What puts it back is a PUT of the whole subnet, which nothing here plans: a person gets the command. An NSG
that was swapped for another is judged by its rules. The first three are policies' ``since``. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from shared.model import Aspect, Finding, Json, Severity, SubnetSnapshot
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import az
from shared.posture.shell import options
from shared.posture.subnet_facts import delegated, groups_reach_endpoints

TAKEN_AWAY: Final = Severity.HIGH
"""No edit of its rules loosens more than that an NSG is in force no more."""


def taken_off(found: Finding, subnet: SubnetSnapshot, former: SubnetSnapshot, read_at: datetime) -> Finding:
    """Graver where an NSG stood there, with the command that puts that very one back."""
    told = with_former_group(found, subnet, former, read_at)
    return replace(told, severity=TAKEN_AWAY) if _taken_off(subnet, former) else told


def with_former_group(
    found: Finding, subnet: SubnetSnapshot, former: SubnetSnapshot, read_at: datetime
) -> Finding:
    """As grave as it was found, with the NSG that stood there and the command that puts it back."""
    group = _taken_off(subnet, former)
    if group is None:
        return found
    told: Mapping[str, Json] = {"formerNsgId": str(group), "whatToDo": _steps(subnet, former, group)}
    stood = f"{found.reason}; {_then(read_at)} it had the NSG {group.name!r}"
    return replace(found, reason=stood, evidence={**found.evidence, **told})


def switched_off(
    found: Finding, subnet: SubnetSnapshot, former: SubnetSnapshot, read_at: datetime
) -> Finding:
    """Graver where an NSG was in force at private endpoints, and the one that is there now is not."""
    was_there = former.security_group is not None and groups_reach_endpoints(former)
    if not was_there or groups_reach_endpoints(subnet) or not has_group(subnet):
        return found
    mode = former.endpoint_network_policies
    said = f"{found.reason}; {_then(read_at)} privateEndpointNetworkPolicies was {mode}"
    return replace(found, severity=TAKEN_AWAY, reason=said)


def has_group(subnet: SubnetSnapshot) -> bool:
    """An NSG that could not be read is there all the same: the subnet names it."""
    return subnet.security_group is not None or Aspect.SECURITY_GROUP in subnet.unread


def group_in_force(subnet: SubnetSnapshot) -> bool:
    """Whether an NSG on the subnet decides who reaches what is PostgreSQL's in it."""
    return delegated(subnet) or groups_reach_endpoints(subnet) is True


def enforcing(subnet: SubnetSnapshot, former: SubnetSnapshot | None = None) -> str:
    """What an update of the subnet must say besides, for its NSG to reach private endpoints; ``""`` where it
    does. It is the mode of ``former``, else the least one."""
    if group_in_force(subnet):
        return ""
    least = "NetworkSecurityGroupEnabled" if subnet.route_table_id is None else "Enabled"
    mode = former.endpoint_network_policies if former is not None else least
    return f" {options({'--private-endpoint-network-policies': mode})}"


def _taken_off(subnet: SubnetSnapshot, former: SubnetSnapshot) -> ResourceId | None:
    """The NSG that was in force when ``former`` was read, where the subnet has none now."""
    if has_group(subnet) or former.security_group is None:
        return None
    return former.security_group.id if group_in_force(former) else None


def _then(read_at: datetime) -> str:
    return f"at the last compliant reading, {read_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC,"


def _steps(subnet: SubnetSnapshot, former: SubnetSnapshot, group: ResourceId) -> list[Json]:
    """Whether the NSG still stands is not read: nothing names it any more."""
    look = (
        f"Look at {group.name} first: its rules may have changed since. Where it was deleted, Azure refuses "
        "the command: then make an NSG first that lets pass what is needed here"
    )
    words = ("network", "vnet", "subnet", "update", "--ids", str(subnet.id))
    return [look, f"{az(*words, '--network-security-group', str(group))}{enforcing(subnet, former)}"]
