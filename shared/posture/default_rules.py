"""What an NSG leaves to its default rules: the packets that no custom rule decides.

It is found by setting the NSG against the same one with its default rules turned to deny. Inbound those of
others on PostgreSQL's ports are looked at, outbound those of the servers to public addresses. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from shared.model import Access, Direction, SecurityGroup, SubnetSnapshot
from shared.nsg import (
    DEFAULT_RULES,
    EVERY_PORT,
    PUBLIC_ADDRESSES,
    WHOLE,
    Changed,
    Protocol,
    Question,
    Side,
    common,
    difference,
    minus,
    spans_of,
    tolerated,
)
from shared.posture.subnet_questions import (
    from_others,
    internet_tags,
    own_addresses,
    virtual_network,
    vnet_at_large,
)


def left_to_defaults(subnet: SubnetSnapshot, direction: Direction, ports: list[int]) -> tuple[Changed, ...]:
    """The packets that would be treated otherwise if the default rules denied. Raises ``NsgError``."""
    group = tolerated(subnet.security_group)
    if group is None:
        return ()
    tags = vnet_at_large(subnet) if direction is Direction.INBOUND else internet_tags(subnet)
    return difference(group, _denying_by_default(group), at_large(subnet, direction, ports), tags).parts


def _denying_by_default(group: SecurityGroup) -> SecurityGroup:
    given = {rule.direction for rule in group.default_rules}
    defaults = (*group.default_rules, *(rule for rule in DEFAULT_RULES if rule.direction not in given))
    return replace(group, default_rules=tuple(replace(rule, access=Access.DENY) for rule in defaults))


def at_large(subnet: SubnetSnapshot, direction: Direction, ports: list[int]) -> tuple[Question, ...]:
    if direction is Direction.INBOUND:
        return from_others(subnet, (), ports)
    public = minus(PUBLIC_ADDRESSES, spans_of(virtual_network(subnet)))
    return tuple(
        Question(
            direction=direction,
            protocol=Protocol.ANY,
            source=Side(inside),
            destination=Side(common(public, WHOLE[family])),
            ports=EVERY_PORT,
        )
        for family, inside in own_addresses(subnet).items()
    )
