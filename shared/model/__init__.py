"""The words of the project as values: what is read, found, changed, proved, decided and done.

Everything here is frozen data without behaviour beyond small derived properties. No I/O, no clock,
no SDK type: adapters turn wire shapes into these values at the edge. The terms are those of
``docs/glossary.md``; enum members are spelled as users meet them in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Any, Literal, TypeAlias

from shared.model.parts import (
    Administrator,
    Availability,
    Backup,
    DiagnosticSetting,
    Encryption,
    Health,
    ManagementLock,
    PrivateDns,
    ReplicaPartner,
    Replication,
    RouteTable,
    ServerParameter,
    ServerTls,
    SignIn,
    SubnetEndpoint,
    VirtualNetwork,
    VirtualNetworkRule,
)
from shared.model.resource_id import ResourceId
from shared.model.values import value

Json: TypeAlias = Any
"""A value that JSON can hold: evidence is written for people and machines and has no fixed shape."""

IPNetwork: TypeAlias = IPv4Network | IPv6Network


# --- enums -----------------------------------------------------------------------------------------


class TargetKind(StrEnum):
    FLEXIBLE_SERVER = "flexibleServer"
    SINGLE_SERVER = "singleServer"
    SUBNET = "subnet"


class ComplianceState(StrEnum):
    COMPLIANT = "Compliant"
    NON_COMPLIANT = "NonCompliant"
    EXEMPT = "Exempt"
    UNKNOWN = "Unknown"
    ERROR = "Error"


class Severity(StrEnum):
    CRITICAL = "Critical"
    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"
    INFORMATIONAL = "Informational"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return len(Severity) - list(Severity).index(self)


class Safety(StrEnum):
    """How far a policy's change may go without a person. Order: AUTO, APPROVAL, MANUAL."""

    AUTO = "AUTO"
    APPROVAL = "APPROVAL"
    MANUAL = "MANUAL"


class Kind(StrEnum):
    TIGHTENING = "tightening"
    CONNECTIVITY = "connectivity"
    SETTING = "setting"


class Effect(StrEnum):
    OFF = "off"
    ALERT = "alert"
    REVERT = "revert"


class EnforcementMode(StrEnum):
    AUDIT = "audit"
    ENFORCE = "enforce"


class Action(StrEnum):
    REVERT = "Revert"
    ALERT = "Alert"
    SKIP = "Skip"


class Reason(StrEnum):
    """Why a decision was taken; each has an entry in ``docs/reasons.md``."""

    # brakes, in the order in which they are asked
    BREAK_GLASS = "break-glass"
    BREAK_GLASS_UNREADABLE = "break-glass-unreadable"
    EXEMPT = "exempt"
    UNKNOWN = "unknown"
    EFFECT_OFF = "effect-off"
    EFFECT_ALERT = "effect-alert"
    NO_PLAN = "no-plan"
    NOT_PROVED = "not-proved"
    INHERITED = "inherited"
    LAST_WAY_IN = "last-way-in"
    MANUAL = "manual"
    APPROVAL_REQUIRED = "approval-required"
    EXEMPT_BY_TAG = "exempt-by-tag"
    CHANGE_FREEZE = "change-freeze"
    OUTSIDE_WINDOW = "outside-window"
    TARGET_BUSY = "target-busy"
    TARGET_STOPPED = "target-stopped"
    SETTLING = "settling"
    INEFFECTIVE = "ineffective"
    FLAPPING = "flapping"
    BUDGET = "budget-exhausted"
    # grounds of a revert
    DRIFT = "drift"
    NEW_RESOURCE = "new-resource"
    ADOPTED = "adopted"
    APPROVED = "approved"
    # after the attempt
    FAILED = "failed"
    POISONED = "poisoned"
    # of no drift
    EXEMPTION_EXPIRED = "exemption-expired"


class Outcome(StrEnum):
    COMPLIANT = "Compliant"
    WOULD_REVERT = "WouldRevert"
    IN_PROGRESS = "InProgress"
    REVERTED = "Reverted"
    ROLLED_BACK = "RolledBack"
    ALREADY_COMPLIANT = "AlreadyCompliant"
    INEFFECTIVE = "Ineffective"
    CONFLICTED = "Conflicted"
    FAILED = "Failed"
    ALERTED = "Alerted"
    SKIPPED = "Skipped"


class CauseKind(StrEnum):
    EVENT = "event"
    SWEEP = "sweep"
    OPERATOR = "operator"


class PublicAccess(StrEnum):
    ENABLED = "Enabled"
    DISABLED = "Disabled"
    UNKNOWN = "Unknown"


class ServerState(StrEnum):
    """A server's ``state`` as far as it matters here: may it be written, is it worth waiting?"""

    READY = "Ready"
    BUSY = "Busy"
    STOPPED = "Stopped"


class ConnectionStatus(StrEnum):
    APPROVED = "Approved"
    PENDING = "Pending"
    REJECTED = "Rejected"
    DISCONNECTED = "Disconnected"
    UNKNOWN = "Unknown"


class Direction(StrEnum):
    INBOUND = "Inbound"
    OUTBOUND = "Outbound"


class Access(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


class Aspect(StrEnum):
    """What a policy needs of a target: the gateway reads the union of what the policies ask for."""

    SERVER = "server"
    FIREWALL_RULES = "firewallRules"
    VIRTUAL_NETWORK_RULES = "virtualNetworkRules"
    PARAMETERS = "parameters"
    ADMINISTRATORS = "administrators"
    THREAT_PROTECTION = "threatProtection"
    DIAGNOSTIC_SETTINGS = "diagnosticSettings"
    HEALTH = "health"
    PRIVATE_DNS = "privateDns"
    DNS_LOCKS = "dnsLocks"
    SUBNET = "subnet"
    SECURITY_GROUP = "securityGroup"
    SUBNET_SERVERS = "subnetServers"
    SUBNET_REPLICAS = "subnetReplicas"
    SUBNET_ENDPOINTS = "subnetEndpoints"
    ROUTES = "routes"
    VIRTUAL_NETWORK = "virtualNetwork"
    ANY_SUBNET = "anySubnet"
    """The surroundings of a subnet are read although nothing of PostgreSQL is in it: a client's."""


# --- targets and causes ----------------------------------------------------------------------------


@value
class Target:
    """What is re-read as a whole: a server or a subnet."""

    kind: TargetKind
    id: ResourceId

    @property
    def key(self) -> str:
        return self.id.key


class LocatorKind(StrEnum):
    """What a message may name when the targets must first be found."""

    NSG = "nsg"
    VIRTUAL_NETWORK = "virtualNetwork"
    SCOPE = "scope"
    PRIVATE_ENDPOINT = "endpoint"
    ROUTE_TABLE = "routeTable"
    PRIVATE_DNS_ZONE = "zone"


@value
class Locator:
    """A resource from which targets are found by a read or by the relation index."""

    kind: LocatorKind
    id: ResourceId

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id.key}"


@value
class Actor:
    """Who made a write, as the event's claims say; every part may be absent."""

    app_id: str | None = None
    object_id: str | None = None
    name: str | None = None


@value
class Cause:
    """Why we look: the newest event of a coalesced group, the sweep, or an operator."""

    kind: CauseKind
    time: datetime
    actor: Actor = field(default_factory=Actor)
    correlation_id: str | None = None
    operation_name: str | None = None
    event_id: str | None = None
    count: int = 1
    """How many events were coalesced into this cause."""
    earlier: tuple[Cause, ...] = ()
    """The newest cause of each other actor among them: who of them is foreign is known only later."""


# --- snapshots -------------------------------------------------------------------------------------


@value
class FirewallRule:
    """A range of IPv4 addresses that may connect. 0.0.0.0–0.0.0.0 means every Azure address."""

    name: str
    start: IPv4Address
    end: IPv4Address

    @property
    def allows_all_azure(self) -> bool:
        """Decided by the range, never by the name: the name is free."""
        return int(self.start) == 0 and int(self.end) == 0


@value
class PrivateEndpointConnection:
    id: ResourceId
    status: ConnectionStatus
    endpoint: ResourceId | None = None


@value
class ServerSnapshot:
    """One reading of a flexible or single server.

    What takes a request of its own (rules, parameters, administrators …) is None where it was not asked
    for or could not be read, and then ``unread`` says why; an empty tuple means that there are none.
    """

    kind: Literal[TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER]
    id: ResourceId
    read_at: datetime
    location: str
    state: ServerState
    state_text: str
    """``state`` or ``userVisibleState`` as ARM spells it."""
    public_access: PublicAccess
    public_access_text: str | None = None
    delegated_subnet: ResourceId | None = None
    private_dns_zone: ResourceId | None = None
    firewall_rules: tuple[FirewallRule, ...] | None = None
    private_endpoints: tuple[PrivateEndpointConnection, ...] | None = None
    high_availability: bool | None = None
    created_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    version: int | None = None
    """The major version of PostgreSQL."""
    host_name: str = ""
    """``fullyQualifiedDomainName``."""
    sign_in: SignIn = SignIn()
    identity: str = ""
    """The kinds of managed identity, ``SystemAssigned``, ``UserAssigned`` or both; ``None`` or ``""``."""
    encryption: Encryption = Encryption()
    backup: Backup = Backup()
    availability: Availability = Availability()
    replication: Replication = Replication()
    elastic_cluster: bool | None = None
    """Whether it is an elastic cluster, whose nodes also listen on 7432 and 8432."""
    tls: ServerTls | None = None
    """Of a single server; a flexible server's are parameters."""
    virtual_network_rules: tuple[VirtualNetworkRule, ...] | None = None
    parameters: tuple[ServerParameter, ...] | None = None
    administrators: tuple[Administrator, ...] | None = None
    threat_protection: str | None = None
    """The state of Defender's threat protection in Azure's spelling."""
    diagnostic_settings: tuple[DiagnosticSetting, ...] | None = None
    health: Health | None = None
    private_dns: PrivateDns | None = None
    dns_locks: tuple[ManagementLock, ...] | None = None
    """Locks that hold for the private DNS zone of a VNet-integrated server, inherited ones included."""
    unread: Mapping[Aspect, str] = field(default_factory=dict)
    """Parts that were asked for and could not be read, each with the reason."""

    @property
    def target(self) -> Target:
        return Target(kind=self.kind, id=self.id)

    @property
    def vnet_integrated(self) -> bool:
        return self.delegated_subnet is not None


@value
class SecurityRule:
    """A rule of an NSG with singular and plural fields joined; order and spelling as ARM sent them.

    ``sources`` and ``destinations`` hold prefixes, ``*`` or a service tag; ``source_groups`` and
    ``destination_groups`` the ids of application security groups. Ports are ``N``, ``A-B`` or ``*``.
    """

    name: str
    direction: Direction
    access: Access
    priority: int
    protocol: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    source_ports: tuple[str, ...] = ("*",)
    destination_ports: tuple[str, ...] = ("*",)
    source_groups: tuple[ResourceId, ...] = ()
    destination_groups: tuple[ResourceId, ...] = ()
    description: str = ""
    etag: str | None = None


@value
class SecurityGroup:
    """An NSG: custom rules and the default rules behind them."""

    id: ResourceId
    rules: tuple[SecurityRule, ...]
    default_rules: tuple[SecurityRule, ...]
    subnets: tuple[ResourceId, ...] = ()
    """Every subnet that shares this NSG."""
    network_interfaces: tuple[ResourceId, ...] = ()
    """Every network interface that names this NSG."""
    etag: str | None = None
    updating: bool = False


@value
class SubnetServer:
    """A server in a subnet, for evidence; None means that it could not be read."""

    id: ResourceId
    high_availability: bool | None = None
    pgbouncer: bool | None = None
    entra: bool | None = None
    """Whether Microsoft Entra sign-in is on."""
    customer_key: bool | None = None
    elastic_cluster: bool | None = None
    replication: Replication = Replication()
    partners: tuple[ReplicaPartner, ...] | None = None
    """The servers that it replicates with; None where nobody asked or they could not be read."""


@value
class SubnetSnapshot:
    """One reading of a subnet with its NSG. ``security_group`` is None when it has none."""

    kind: Literal[TargetKind.SUBNET] = TargetKind.SUBNET
    id: ResourceId
    read_at: datetime
    location: str
    prefixes: tuple[IPNetwork, ...]
    delegations: tuple[str, ...]
    """Service names, for example ``Microsoft.DBforPostgreSQL/flexibleServers``."""
    security_group: SecurityGroup | None = None
    servers: tuple[SubnetServer, ...] | None = None
    updating: bool = False
    etag: str | None = None
    service_endpoints: tuple[str, ...] | None = None
    endpoint_network_policies: str = ""
    """``privateEndpointNetworkPolicies`` as ARM spells it; ``""`` where absent."""
    route_table_id: ResourceId | None = None
    route_table: RouteTable | None = None
    virtual_network: VirtualNetwork | None = None
    private_endpoints: tuple[SubnetEndpoint, ...] | None = None
    """Private endpoints in it that lead to PostgreSQL servers."""
    unread: Mapping[Aspect, str] = field(default_factory=dict)
    """Parts that were asked for and could not be read, each with the reason."""

    @property
    def target(self) -> Target:
        return Target(kind=self.kind, id=self.id)

    @property
    def created_at(self) -> datetime | None:
        """ARM does not say when a subnet was made."""
        return None


Snapshot: TypeAlias = ServerSnapshot | SubnetSnapshot


# --- findings, changes, proofs ---------------------------------------------------------------------


@value
class Finding:
    """What one policy says of one target. ``fingerprint`` is equal for the same drift, whatever its name."""

    policy: str
    target: Target
    state: ComplianceState
    severity: Severity
    reason: str
    resource_id: ResourceId
    evidence: Mapping[str, Json] = field(default_factory=dict)
    fingerprint: str = ""
    applies: bool = True
    """False for a target that the policy has nothing to say about: such a reading is no baseline."""


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

    @property
    def resource_id(self) -> ResourceId:
        return edited_resource(self.edits[0])


def edited_resource(edit: Edit) -> ResourceId:
    """The ARM resource that an edit writes to."""
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


@value
class Decision:
    policy: str
    action: Action
    reason: Reason
    detail: str = ""
    dry_run: bool = False
    look_again_seconds: float | None = None
    """When the same question should be asked again, for example after settling."""


# --- what was done ---------------------------------------------------------------------------------


@value
class ArmCall:
    """One request to ARM, for the run's result and the canonical log line."""

    method: str
    path: str
    status: int


@value
class Operation:
    """A long-running operation of ARM that was begun; None as ``url`` means that it ended at once."""

    url: str | None
    style: Literal["asyncOperation", "location", "none"]
    retry_after_seconds: float | None = None
    correlation_id: str | None = None
