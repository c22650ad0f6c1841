"""What may be written, as data: edits, the change that they make up with its inverse, and its proof."""

from __future__ import annotations

from typing import Literal, TypeAlias

from shared.model.kinds import Direction, PublicAccess
from shared.model.resource_id import InvalidResourceId, ResourceId
from shared.model.rules import FirewallRule, SecurityRule
from shared.model.targets import Target
from shared.model.values import IPNetwork, value


@value
class SetPublicAccess:
    kind: Literal["setPublicAccess"] = "setPublicAccess"
    server: ResourceId
    access: PublicAccess


@value
class PutFirewallRule:
    kind: Literal["putFirewallRule"] = "putFirewallRule"
    server: ResourceId
    rule: FirewallRule


@value
class DeleteFirewallRule:
    kind: Literal["deleteFirewallRule"] = "deleteFirewallRule"
    server: ResourceId
    rule: FirewallRule


@value
class PutSecurityRule:
    kind: Literal["putSecurityRule"] = "putSecurityRule"
    nsg: ResourceId
    rule: SecurityRule


@value
class DeleteSecurityRule:
    kind: Literal["deleteSecurityRule"] = "deleteSecurityRule"
    nsg: ResourceId
    rule: SecurityRule


@value
class SetParameter:
    """Give a server parameter a value. Only parameters that are in force at once are ever set."""

    kind: Literal["setParameter"] = "setParameter"
    server: ResourceId
    name: str
    value: str


@value
class SetServerTls:
    """Single server: enforce TLS, and from which version on. None leaves a part as it is."""

    kind: Literal["setServerTls"] = "setServerTls"
    server: ResourceId
    enforced: bool | None = None
    minimum_version: str | None = None


Edit: TypeAlias = (
    SetPublicAccess
    | PutFirewallRule
    | DeleteFirewallRule
    | PutSecurityRule
    | DeleteSecurityRule
    | SetParameter
    | SetServerTls
)


@value
class TrafficBox:
    """Packets: every combination of the parts. Ports are inclusive pairs."""

    direction: Direction
    protocol: str
    sources: tuple[IPNetwork, ...]
    destinations: tuple[IPNetwork, ...]
    ports: tuple[tuple[int, int], ...]


@value
class Change:
    """An edit as data, with its inverse. ``edits`` are applied in order, ``inverse`` undoes them in order."""

    policy: str
    target: Target
    edits: tuple[Edit, ...]
    inverse: tuple[Edit, ...]
    box: tuple[TrafficBox, ...] = ()
    """For a connectivity policy: the only packets whose verdict may change."""
    keeps_way_in: bool = False
    """Of a server: whether somebody must surely come in publicly after each of the edits."""

    @property
    def resource_id(self) -> ResourceId:
        first = self.edits[0]
        try:
            return edited_resource(first)
        except InvalidResourceId:  # such an edit is never sent, and is told by what it would be sent to
            return owner_of(first)


def owner_of(edit: Edit) -> ResourceId:
    """The server or NSG that an edit is about."""
    return edit.nsg if isinstance(edit, PutSecurityRule | DeleteSecurityRule) else edit.server


def edited_resource(edit: Edit) -> ResourceId:
    """The ARM resource that an edit writes to; ``InvalidResourceId`` for a name that leads elsewhere."""
    match edit:
        case SetPublicAccess() | SetServerTls():
            return edit.server
        case SetParameter():
            return edit.server.child("configurations", edit.name)
        case PutFirewallRule() | DeleteFirewallRule():
            return edit.server.child("firewallRules", edit.rule.name)
        case PutSecurityRule() | DeleteSecurityRule():
            return edit.nsg.child("securityRules", edit.rule.name)


@value
class ProofStep:
    claim: str
    holds: bool
    detail: str = ""


@value
class Proof:
    """Why a change is safe, claim by claim; it is safe when every claim holds."""

    steps: tuple[ProofStep, ...]

    @property
    def holds(self) -> bool:
        return bool(self.steps) and all(step.holds for step in self.steps)

    @property
    def failures(self) -> tuple[ProofStep, ...]:
        return tuple(step for step in self.steps if not step.holds)
