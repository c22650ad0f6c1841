"""The words of the project as values: what is read, found, changed, proved, decided and done.

Everything here is frozen data without behaviour beyond small derived properties. No I/O, no clock,
no SDK type: adapters turn wire shapes into these values at the edge. The terms are those of
``docs/glossary.md``; enum members are spelled as users meet them in JSON.

This page hands out the words that every room uses; they stand in the modules beside it, by subject, and
those never import this page. What is kept between runs (``messages``, ``memory``, ``change_records``,
``alert_records``, ``results``) is imported from its own module.
"""

from __future__ import annotations

from shared.model.changes import (
    Change,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    Proof,
    ProofStep,
    PutFirewallRule,
    PutSecurityRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    TrafficBox,
    edited_resource,
)
from shared.model.decisions import Decision, Finding
from shared.model.kinds import (
    Access,
    Action,
    Aspect,
    CauseKind,
    ComplianceState,
    ConnectionStatus,
    Direction,
    Effect,
    EnforcementMode,
    Kind,
    LocatorKind,
    Outcome,
    PublicAccess,
    Purse,
    Reason,
    Safety,
    ServerState,
    Severity,
    TargetKind,
)
from shared.model.operations import ArmCall, Operation
from shared.model.rules import FirewallRule, SecurityGroup, SecurityRule
from shared.model.snapshots import (
    PrivateEndpointConnection,
    ServerSnapshot,
    Snapshot,
    SubnetServer,
    SubnetSnapshot,
)
from shared.model.targets import Actor, Cause, Locator, Target
from shared.model.values import IPNetwork, Json

__all__ = [
    "Access",
    "Action",
    "Actor",
    "ArmCall",
    "Aspect",
    "Cause",
    "CauseKind",
    "Change",
    "ComplianceState",
    "ConnectionStatus",
    "Decision",
    "DeleteFirewallRule",
    "DeleteSecurityRule",
    "Direction",
    "Edit",
    "Effect",
    "EnforcementMode",
    "Finding",
    "FirewallRule",
    "IPNetwork",
    "Json",
    "Kind",
    "Locator",
    "LocatorKind",
    "Operation",
    "Outcome",
    "PrivateEndpointConnection",
    "Proof",
    "ProofStep",
    "PublicAccess",
    "Purse",
    "PutFirewallRule",
    "PutSecurityRule",
    "Reason",
    "Safety",
    "SecurityGroup",
    "SecurityRule",
    "ServerSnapshot",
    "ServerState",
    "SetParameter",
    "SetPublicAccess",
    "SetServerTls",
    "Severity",
    "Snapshot",
    "SubnetServer",
    "SubnetSnapshot",
    "Target",
    "TargetKind",
    "TrafficBox",
    "edited_resource",
]
