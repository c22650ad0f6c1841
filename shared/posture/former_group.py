"""What the last compliant reading says of a subnet that has no NSG now: one was taken off, and which.

Putting it back is a PUT of the whole subnet, which nothing here plans: a person gets the command. An NSG that
was swapped for another is judged by its rules. Pure; how grave it is, is the policies' affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from shared.model import Finding, SubnetSnapshot
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import az
from shared.posture.subnet_facts import delegated, groups_reach_endpoints


def taken_off(subnet: SubnetSnapshot, former: SubnetSnapshot) -> ResourceId | None:
    """The NSG that was in force when ``former`` was read, where the subnet has none now."""
    if subnet.security_group is not None or former.security_group is None:
        return None
    return former.security_group.id if was_in_force(former) else None


def was_in_force(former: SubnetSnapshot) -> bool:
    """Whether the subnet's NSG applied to what is PostgreSQL's in it."""
    return delegated(former) or groups_reach_endpoints(former) is True


def with_former_group(
    found: Finding, subnet: SubnetSnapshot, former: SubnetSnapshot, read_at: datetime
) -> Finding:
    """The finding with the NSG that stood there and the command that puts it back; as it is without one."""
    group = taken_off(subnet, former)
    if group is None:
        return found
    stood = f"at the last compliant reading, {at(read_at)}, it had the NSG {group.name!r}"
    told: Mapping[str, object] = {"formerNsgId": str(group), "whatToDo": list(_steps(subnet, group))}
    return replace(found, reason=f"{found.reason}; {stood}", evidence={**found.evidence, **told})


def at(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _steps(subnet: SubnetSnapshot, group: ResourceId) -> tuple[str, str]:
    """Whether the NSG still stands is not read: nothing names it any more."""
    look = (
        f"Look at {group.name} first: its rules may have changed since. Where it was deleted, Azure refuses "
        "the command: then make an NSG first that lets pass what is needed here"
    )
    words = ("network", "vnet", "subnet", "update", "--ids", str(subnet.id))
    return look, az(*words, "--network-security-group", str(group))
