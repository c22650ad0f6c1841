"""The kinds of things, as enums whose members are spelled as users meet them in JSON.

A text of Azure that is no member becomes ``Unknown`` at the edge: never a crash, never compliant.
"""

from __future__ import annotations

from enum import StrEnum


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
    OUTSIDE_SCOPES = "outside-scopes"
    INHERITED = "inherited"
    LAST_WAY_IN = "last-way-in"
    MANUAL = "manual"
    APPROVAL_REQUIRED = "approval-required"
    EXEMPT_BY_TAG = "exempt-by-tag"
    CHANGE_FREEZE = "change-freeze"
    OUTSIDE_WINDOW = "outside-window"
    FIGHTING = "fighting"
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
    UNDELIVERED = "undelivered"
    # of no drift
    NO_LONGER_PROVED = "no-longer-proved"
    EXEMPTION_EXPIRED = "exemption-expired"
    EFFECT_LOWERED_BY_TAG = "effect-lowered-by-tag"
    BUDGET_NEARLY_SPENT = "budget-nearly-spent"
    EVENT_PATH_LOST = "event-path-lost"
    MASS_DRIFT = "mass-drift"


class Purse(StrEnum):
    """What a write is spent from: the hole is not left open because harmless things were mended before."""

    ORDINARY = "ordinary"
    EXPOSURE = "exposure"


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
    PLACES = "places"
    """The subnets in which a server is reached privately, each with what decides who gets in."""
    SUBNET = "subnet"
    SECURITY_GROUP = "securityGroup"
    SUBNET_SERVERS = "subnetServers"
    SUBNET_REPLICAS = "subnetReplicas"
    SUBNET_ENDPOINTS = "subnetEndpoints"
    ROUTES = "routes"
    VIRTUAL_NETWORK = "virtualNetwork"
    NETWORK_LOCKS = "networkLocks"
    ADMIN_RULES = "adminRules"
    """The security admin rules that Virtual Network Manager has put on the network of a subnet."""
    ANY_SUBNET = "anySubnet"
    """The surroundings of a subnet are read although nothing of PostgreSQL is in it: a client's."""


class LocatorKind(StrEnum):
    """What a message may name when the targets must first be found."""

    NSG = "nsg"
    VIRTUAL_NETWORK = "virtualNetwork"
    SCOPE = "scope"
    PRIVATE_ENDPOINT = "endpoint"
    ROUTE_TABLE = "routeTable"
    PRIVATE_DNS_ZONE = "zone"
