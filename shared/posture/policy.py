"""What a policy is: one file's worth of judgement, with the metadata that everything else is made from.

``evaluate``, ``since``, ``plan``, ``restore``, ``assess`` and ``forbidden`` are pure functions of snapshots.
Parameters are bound once, when the configuration for a target is resolved (``bound``), so that callers
pass snapshots and nothing else. There is no registry: ``shared.policies.discover`` finds every module
that exports ``POLICY``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
    Edit,
    Finding,
    Json,
    Kind,
    Safety,
    ServerSnapshot,
    Severity,
    Snapshot,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.values import value
from shared.posture.concerned import concerns
from shared.posture.controls import Control
from shared.posture.permissions import actions_for, in_order
from shared.posture.traffic import ServerTraffic, SubnetTraffic, Traffic

FLEXIBLE_SERVERS: Final = frozenset({TargetKind.FLEXIBLE_SERVER})
SINGLE_SERVERS: Final = frozenset({TargetKind.SINGLE_SERVER})
ALL_SERVERS: Final = FLEXIBLE_SERVERS | SINGLE_SERVERS
SUBNETS: Final = frozenset({TargetKind.SUBNET})
SERVER_ALONE: Final = frozenset({Aspect.SERVER})
"""What a policy reads that asks only for the server's own fields."""
LAST_WAY_ASKS: Final = frozenset({Aspect.PRIVATE_DNS, Aspect.PLACES})
"""What is read of a server, beyond what its finding was judged by, before a change may cut somebody off."""

S = TypeVar("S", ServerSnapshot, SubnetSnapshot)


@value
class Parameter:
    """A policy's setting: its default and what it means. ``check`` returns what is wrong, or None.

    ``example`` is for a setting whose default leaves the policy nothing to say; None where it does not.
    ``follows`` is the id of another policy: where this one is not set, what that one's parameter of the same
    name is set to holds. So what describes the place, such as its clients, is declared once.
    The name is camelCase, as in ``policies.yaml``; the policy's functions get it in snake_case.
    """

    name: str
    default: Json
    description: str
    check: Callable[[Json], str | None] = lambda _: None
    example: Json = None
    follows: str = ""


@value
class Assessment:
    """How the situation lowers a policy's safety, judged against the last compliant reading.

    ``last_way_in``: after the change nobody who matters surely comes in any more; what is asked for it stands
    in ``shared.posture.ways.last_way``, and no policy says it itself. ``notes`` say why, for the decision's
    detail.
    """

    safety: Safety = Safety.AUTO
    last_way_in: bool = False
    notes: tuple[str, ...] = ()


def both(one: Assessment, other: Assessment) -> Assessment:
    """What holds where a situation is judged on two grounds: the more careful of both."""
    return Assessment(
        safety=max(one.safety, other.safety, key=list(Safety).index),
        last_way_in=one.last_way_in or other.last_way_in,
        notes=(*one.notes, *other.notes),
    )


class RaisedBy(StrEnum):
    """How a drift comes to our notice: Azure raises an event for the write, or only the sweep finds it."""

    EVENT = "event"
    SWEEP = "sweep"


def no_plan(_finding: Finding, _snapshot: Snapshot, **_parameters: Json) -> None:
    """The plan of a policy that only alerts: there is no edit that it could prove safe."""


def for_people(_snapshot: Snapshot, _baseline: Snapshot | None) -> Assessment:
    """The assessment of a policy that only alerts."""
    return Assessment(safety=Safety.MANUAL)


def without_caution(_snapshot: Snapshot, _baseline: Snapshot | None) -> Assessment:
    """The assessment of a change that is as safe as its policy says, whatever the situation; who comes in
    after one that takes a way in away is asked for every such policy (``may_cut_off``)."""
    return Assessment()


def no_traffic(snapshot: Snapshot, **_parameters: Json) -> Traffic:
    """What a policy forbids that asks for nobody to lose or to gain access."""
    return ServerTraffic() if isinstance(snapshot, ServerSnapshot) else SubnetTraffic()


def nothing_met(_finding: Finding) -> Collection[Control]:
    """Of a policy all of whose controls ask for the same."""
    return ()


@value
class Policy(Generic[S]):
    """One policy; declared as ``POLICY: Policy[ServerSnapshot] = Policy(…)``.

    ``id`` names the pattern found, never the fix.
    ``evaluate(snapshot)`` always answers with one finding. ``plan(finding, snapshot)`` returns None
    when no safe minimal edit exists. ``assess(snapshot, baseline)`` judges the situation; ``baseline``
    is the last compliant reading or None. ``forbidden(snapshot)`` is the traffic that the policy
    wants gone (tightening) or lets in (connectivity): laws 3 and 4 are stated with it.
    """

    id: str
    title: str
    kind: Kind
    targets: frozenset[TargetKind]
    severity: Severity
    """The worst that it finds; a finding may be less grave."""
    reads: frozenset[Aspect]
    evaluate: Callable[..., Finding]
    safety: Safety = Safety.MANUAL
    controls: tuple[Control, ...] = ()
    met: Callable[[Finding], Collection[Control]] = nothing_met
    """``met(finding)``: the controls among them that a drift leaves fulfilled, because they ask for less."""
    plan: Callable[..., Change | None] = no_plan
    assess: Callable[..., Assessment] = for_people
    forbidden: Callable[..., Traffic] = no_traffic
    suggest: Callable[..., tuple[Edit, ...]] = lambda _finding, _snapshot: ()
    """``suggest(finding, snapshot)``: what a person could do where no plan exists, for the alert."""
    since: Callable[..., Finding] | None = None
    """``since(finding, snapshot, baseline, read_at)``: the drift as the last compliant reading, that of
    ``read_at``, makes it: graver, with what was there then and the command that puts it back. The fingerprint
    stays. None for a policy whose finding is the same whatever was before."""
    restore: Callable[..., tuple[Change, ...]] | None = None
    """``restore(finding, snapshot, baseline)``: changes that put back, as it was at the last compliant
    reading, what is gone or changed now; the one to try first comes first. The first that proves is
    preferred to the plan. None for a policy that knows no such change."""
    edits: frozenset[type[Edit]] = frozenset()
    """What its changes, and what undoes them, are made of; nothing for a policy that only alerts."""
    further_permissions: tuple[str, ...] = ()
    """ARM actions beside those that follow from ``targets``, ``reads`` and ``edits``."""
    parameters: tuple[Parameter, ...] = ()
    settings: frozenset[str] = frozenset()
    """For a setting: what a change may touch, as names of server parameters (in lower case) or of fields of
    the snapshot; the proof checks it."""
    opt_in: bool = False
    """Off unless ``policies.yaml`` names the policy itself: it reads more, or not everybody wants it."""
    raised_by: RaisedBy = RaisedBy.EVENT
    settle_seconds: float | None = None
    """Quiet time after the last foreign write before a revert; None means the global setting."""
    order: int = 100
    """Changes of one target are made in this order: a lower number first, verified before the next."""
    shows_dependants: bool = False
    """Whether an alert should name workloads that may rely on what was found."""
    no_command: str = ""
    """Why no command exists that would close its alerts, where none does: then none is printed."""
    ends_on_new_server: bool = False
    """Whether its remedy makes a new server, so that the alert on the old one stays until that is deleted."""
    why: str = ""
    """One sentence for alerts: what somebody could do with this drift."""

    @property
    def may_cut_off(self) -> bool:
        """Whether its changes take ways into a server away: *last way in* is asked before one is made."""
        return self.kind is Kind.TIGHTENING and bool(self.edits) and self.targets <= ALL_SERVERS

    @property
    def permissions(self) -> tuple[str, ...]:
        """ARM actions that reading and remediating need, reads first."""
        reads = self.reads | LAST_WAY_ASKS if self.may_cut_off else self.reads
        derived: tuple[str, ...] = actions_for(
            self.targets, reads, self.edits, shows_dependants=self.shows_dependants
        )
        return in_order((*derived, *self.further_permissions))


AnyPolicy: TypeAlias = Policy[Any]


def remedy_lines(policy: AnyPolicy) -> list[str]:
    """What has to be known of its remedy, as sentences: that no command is one, that it ends elsewhere."""
    none = [f"No command closes its alerts: {policy.no_command}."] if policy.no_command else []
    new = "Its remedy makes a new server; the alert on the old one stays until that is deleted."
    return [*none, *([new] if policy.ends_on_new_server else [])]


def applies_to(policy: AnyPolicy, snapshot: Snapshot) -> bool:
    return snapshot.kind in policy.targets


def unmet_controls(policy: AnyPolicy, found: Finding) -> tuple[Control, ...]:
    """The controls that a finding speaks of: those of this kind of target, and of a drift the unmet ones."""
    there = tuple(control for control in policy.controls if concerns(control, found.target.kind))
    if found.state is not ComplianceState.NON_COMPLIANT:
        return there
    met = policy.met(found)
    return tuple(control for control in there if control not in met)


def examples(policy: AnyPolicy) -> dict[str, Json]:
    """Settings under which the policy has something to say, where its defaults leave it nothing."""
    return {p.name: p.example for p in policy.parameters if p.example is not None}


def bound(policy: AnyPolicy, settings: Mapping[str, Json]) -> AnyPolicy:
    """The policy with its parameters fixed; unset parameters take their defaults.

    ``assess`` and ``suggest`` are not bound: what they need of a parameter is in the finding's evidence.
    """
    if not policy.parameters:
        return policy
    chosen = {_keyword(p.name): settings.get(p.name, p.default) for p in policy.parameters}
    return replace(
        policy,
        evaluate=partial(policy.evaluate, **chosen),
        plan=partial(policy.plan, **chosen),
        restore=partial(policy.restore, **chosen) if policy.restore is not None else None,
        forbidden=partial(policy.forbidden, **chosen),
    )


def _keyword(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
