"""The laws of the design, over every policy that ``discover`` finds and generated readings.

A policy is added by one file; it is judged here without an edit. A reading is drawn once for a few policies
(a ``Bench``) and varied for each of them, and all laws are asked about it in one pass, so that a law costs
its question and not another draw and another judgement; every policy and law that is broken is named. What
the laws compare is computed the plain way where there is one: a server is asked address by address, a subnet
packet by packet by the loop that the NSG engine is compared with. Only the claim over *all* packets of a
subnet uses the engine itself. How a law is stated depends on the policy's kind alone. Whether the readings
reach what the laws are about is counted in ``test_laws_reach.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import product
from typing import TypeAlias, TypeVar, assert_never

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from shared.guardrails.prove import prove
from shared.model import (
    Access,
    Aspect,
    Change,
    ComplianceState,
    ConnectionStatus,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Direction,
    Edit,
    Finding,
    FirewallRule,
    Kind,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    Safety,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    Snapshot,
    SubnetSnapshot,
    TargetKind,
    TrafficBox,
)
from shared.model.edits import apply_edit, apply_edits, apply_to, normalised
from shared.model.parts import Availability, Backup, Encryption, Replication, ServerParameter, SignIn
from shared.model.values import value
from shared.nsg import Outcome, changed, outside
from shared.policies import discover
from shared.posture.policy import AnyPolicy, bound, examples
from shared.posture.subnet_questions import virtual_network
from shared.posture.traffic import ServerTraffic, SubnetTraffic
from tests.nsg import plain
from tests.policies.stored import is_complete, stored
from tests.profiles import PROFILE, for_laws
from tests.strategies import Sample, drift_for, field_of, respell, samples, seen_by, with_one_unknown

_SETTINGS = {"nsg-without-final-deny": {"clients": ["10.20.8.0/24"]}}
"""Without clients this one has less to say; they are those of the examples of others."""
POLICIES = [
    bound(policy, {**examples(policy), **_SETTINGS.get(policy.id, {})})
    for policy in discover()
    if is_complete(policy)
]
"""Those that cannot be asked, because a stored reading is missing, are named by ``test_conformance``."""
PLANNERS = [policy for policy in POLICIES if policy.safety is not Safety.MANUAL]
RESTORERS = [policy for policy in POLICIES if policy.restore is not None]
NON_COMPLIANT = ComplianceState.NON_COMPLIANT


def kinds_of(policies: Iterable[AnyPolicy]) -> list[TargetKind]:
    """The kinds of target that one of the policies judges."""
    return sorted(frozenset[TargetKind]().union(*(policy.targets for policy in policies)))


@value
class Bench:
    """Some of the policies that judge one kind of target: what one test asks, so that each is short."""

    kind: TargetKind
    policies: tuple[AnyPolicy, ...]
    number: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.number}"


_ON_A_BENCH = 7


def benches_of(policies: Sequence[AnyPolicy]) -> Iterator[Bench]:
    """Every policy once for each kind of target that it judges."""
    for kind in kinds_of(policies):
        judges = [policy for policy in policies if kind in policy.targets]
        for number, start in enumerate(range(0, len(judges), _ON_A_BENCH)):
            yield Bench(kind=kind, policies=tuple(judges[start : start + _ON_A_BENCH]), number=number)


every_kind = pytest.mark.parametrize("kind", kinds_of(POLICIES))
every_restored_kind = pytest.mark.parametrize("kind", kinds_of(RESTORERS))
every_bench = pytest.mark.parametrize("bench", [*benches_of(POLICIES)], ids=str)
every_restored_bench = pytest.mark.parametrize("bench", [*benches_of(RESTORERS)], ids=str)
generously = settings(for_laws, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""A snapshot is a large value; how long it takes to draw is no finding."""

T = TypeVar("T")
Law: TypeAlias = Callable[[T], None]


def broken_by(found: T, policy: AnyPolicy, laws: Iterable[Law[T]]) -> Iterator[AssertionError]:
    """Those of the laws that do not hold, each with its name and the policy's."""
    for law in laws:
        try:
            law(found)
        except AssertionError as error:
            error.add_note(f"policy: {policy.id}; law: {law.__name__}")
            yield error


def none_is_broken(broken: Iterable[AssertionError]) -> None:
    """All that are broken are named, of every policy on a bench."""
    if errors := list(broken):
        raise ExceptionGroup("policies break laws", errors)


class Planned:
    """A reading with the finding on it, the change for it and the reading after the change.

    ``baseline`` is the compliant reading that the change restores from; None for a plan.
    """

    def __init__(
        self, policy: AnyPolicy, before: Snapshot, change: Change, baseline: Snapshot | None = None
    ) -> None:
        self.policy = policy
        self.before = before
        self.change = change
        self.baseline = baseline
        self.after = apply_to(before, change)

    @cached_property
    def finding(self) -> Finding:
        """What the policy says of the reading before the change."""
        return self.policy.evaluate(self.before)

    @cached_property
    def probes(self) -> list[tuple[Probe, bool, bool]]:
        """Who or what is asked, and whether it passes before and after."""
        return [*probes(self)]


def planned(policy: AnyPolicy, snapshot: Snapshot, finding: Finding | None = None) -> Planned | None:
    """What the policy would do about ``snapshot``; None where there is nothing that it would."""
    change = policy.plan(finding or policy.evaluate(snapshot), snapshot)
    return Planned(policy, snapshot, change) if change is not None else None


def restored(policy: AnyPolicy, baseline: Snapshot, snapshot: Snapshot) -> Planned | None:
    """What the app would do about ``snapshot`` for the sake of ``baseline``: the first that proves.

    Were other policies asked as well, fewer would prove: the laws hold for all of these.
    """
    assert policy.restore is not None
    for change in policy.restore(policy.evaluate(snapshot), snapshot, baseline):
        if prove(change, snapshot, policy, [policy]).holds:
            return Planned(policy, snapshot, change, baseline)
    return None


def restored_from(policy: AnyPolicy, sample: Sample) -> Planned | None:
    """What is restored of a drift from one of the policy's compliant readings."""
    baseline, snapshot = drift_for(policy, sample)
    if policy.evaluate(baseline).state is not ComplianceState.COMPLIANT:
        return None
    return restored(policy, baseline, snapshot)


# --- laws 1, 2: converges, idempotent --------------------------------------------------------------


def after_its_change_a_policy_finds_nothing(found: Planned) -> None:
    afterwards = found.policy.evaluate(found.after)
    assert afterwards.nothing_surely_wrong, afterwards.reason
    assert set(afterwards.undecided) <= set(found.policy.evaluate(found.before).undecided)


def planning_again_after_the_change_yields_nothing(found: Planned) -> None:
    assert planned(found.policy, found.after) is None
    if found.baseline is not None:
        assert found.policy.restore is not None
        finding = found.policy.evaluate(found.after)
        assert found.policy.restore(finding, found.after, found.baseline) == ()


# --- laws 3, 4: never widens, takes only what is forbidden -----------------------------------------


def nobody_gains_what_the_policy_does_not_declare(found: Planned) -> None:
    for probe, before, after in found.probes:
        if after and not before:
            assert found.policy.kind is Kind.CONNECTIVITY, f"{probe} gains access"
            assert is_let_in(probe, found), f"{probe} gains access undeclared"


def only_what_the_policy_forbids_is_taken(found: Planned) -> None:
    for probe, before, after in found.probes:
        if before and not after:
            assert found.policy.kind is Kind.TIGHTENING, f"{probe} loses access"
            assert is_forbidden(probe, found.policy.forbidden(found.before)), (
                f"{probe} loses access undeclared"
            )


SURENESS = {Outcome.DENIED: 0, Outcome.OPEN: 1, Outcome.ALLOWED: 2}
"""How surely a packet passes: a rule for a tag makes open what was denied."""


def the_packets_of_a_subnet_change_only_as_declared(found: Planned) -> None:
    if not isinstance(found.before, SubnetSnapshot):
        return
    assert isinstance(found.after, SubnetSnapshot)
    known = virtual_network(found.before)
    packets = changed(found.before.security_group, found.after.security_group, known)
    forbidden = found.policy.forbidden(found.before)
    assert isinstance(forbidden, SubnetTraffic)
    gains = found.change.box if found.policy.kind is Kind.CONNECTIVITY else ()
    losses = forbidden.boxes if found.policy.kind is Kind.TIGHTENING else ()
    for part in packets.parts:
        passes_more_surely = SURENESS[part.after] > SURENESS[part.before]
        assert not outside([part.traffic], gains if passes_more_surely else losses), part


def every_change_declares_at_most_what_its_policy_is_about(found: Planned) -> None:
    if not isinstance(found.before, SubnetSnapshot):
        return
    forbidden = found.policy.forbidden(found.before)
    assert isinstance(forbidden, SubnetTraffic)
    assert not outside(found.change.box, forbidden.boxes)


def of_a_setting_only_what_is_declared_changes(found: Planned) -> None:
    """Law 3 and 4 of a setting: the names of parameters, and of fields of the reading, that differ."""
    if found.policy.kind is Kind.SETTING:
        assert different(found) <= found.policy.settings


def different(found: Planned) -> set[str]:
    """Names of the fields that differ; of the parameters each by its own."""
    names = {field.name for field in fields(found.before) if differs(field.name, found.before, found.after)}
    if not isinstance(found.before, ServerSnapshot) or not isinstance(found.after, ServerSnapshot):
        return names
    old, new = set(found.before.parameters or ()), set(found.after.parameters or ())
    return (names - {"parameters"}) | {one.name.lower() for one in old ^ new}


# --- laws 5, 6: frame, inverse ---------------------------------------------------------------------

EDITED = {
    "setPublicAccess": {"public_access", "public_access_text"},
    "putFirewallRule": {"firewall_rules"},
    "deleteFirewallRule": {"firewall_rules"},
    "putSecurityRule": {"security_group"},
    "deleteSecurityRule": {"security_group"},
    "setParameter": {"parameters"},
    "setServerTls": {"tls"},
}
"""The fields of a reading that an edit of this kind touches."""


def whatever_the_edits_do_not_name_is_left_as_it_was(found: Planned) -> None:
    allowed = set().union(*(EDITED[edit.kind] for edit in found.change.edits))
    differing = {f.name for f in fields(found.before) if differs(f.name, found.before, found.after)}
    assert differing <= allowed
    assert untouched(found.before, found) == untouched(found.after, found)


def differs(name: str, before: Snapshot, after: Snapshot) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def untouched(snapshot: Snapshot, found: Planned) -> list[object]:
    """The rules and parameters that no edit names, in their order, and everything else of the group."""
    named = {name.lower() for edit in found.change.edits if (name := named_by(edit))}
    if isinstance(snapshot, ServerSnapshot):
        listed: tuple[FirewallRule | ServerParameter, ...] = (
            *(snapshot.firewall_rules or ()),
            *(snapshot.parameters or ()),
        )
        return [one for one in listed if one.name.lower() not in named]
    group = snapshot.security_group
    if group is None:
        return []
    return [replace(group, rules=()), *(rule for rule in group.rules if rule.name.lower() not in named)]


def named_by(edit: Edit) -> str:
    """The name of the rule or parameter that is edited; empty for an edit of the server itself."""
    match edit:
        case SetPublicAccess() | SetServerTls():
            return ""
        case SetParameter():
            return edit.name
        case _:
            return edit.rule.name


def the_inverse_restores_the_reading(found: Planned) -> None:
    undone = apply_edits(found.after, found.change.inverse)
    assert normalised(undone) == normalised(found.before)
    assert found.policy.evaluate(undone).fingerprint == found.finding.fingerprint


# --- asked of every change -------------------------------------------------------------------------

LAWS_OF_CHANGES: tuple[Callable[[Planned], None], ...] = (
    after_its_change_a_policy_finds_nothing,
    planning_again_after_the_change_yields_nothing,
    nobody_gains_what_the_policy_does_not_declare,
    only_what_the_policy_forbids_is_taken,
    the_packets_of_a_subnet_change_only_as_declared,
    every_change_declares_at_most_what_its_policy_is_about,
    of_a_setting_only_what_is_declared_changes,
    whatever_the_edits_do_not_name_is_left_as_it_was,
    the_inverse_restores_the_reading,
)


def with_edits(found: Planned, broken: Iterable[AssertionError]) -> Iterator[AssertionError]:
    for error in broken:
        error.add_note(f"edits: {found.change.edits}")
        yield error


def a_plan_can_be_proved(found: Planned) -> None:
    proof = prove(found.change, found.before, found.policy, [found.policy])
    assert proof.holds, proof.failures


LAWS_OF_PLANS = (*LAWS_OF_CHANGES, a_plan_can_be_proved)


def puts_back_only_what_was_there(found: Planned) -> None:
    """What is restored is as the compliant reading had it; what goes beside it would go by the plan too."""
    assert found.baseline is not None
    planned = found.policy.plan(found.finding, found.before)
    deleted = [edit for edit in found.change.edits if isinstance(edit, DeleteFirewallRule)]
    assert all(planned is not None and edit in planned.edits for edit in deleted)
    for edit in (edit for edit in found.change.edits if edit not in deleted):
        assert isinstance(edit, PutFirewallRule | PutSecurityRule), edit
        assert edit.rule in map(_without_etag, _rules_of(found.baseline))
        assert edit.rule not in map(_without_etag, _rules_of(found.before))


def _rules_of(snapshot: Snapshot) -> tuple[FirewallRule | SecurityRule, ...]:
    if isinstance(snapshot, ServerSnapshot):
        return snapshot.firewall_rules or ()
    return snapshot.security_group.rules if snapshot.security_group else ()


def _without_etag(rule: FirewallRule | SecurityRule) -> FirewallRule | SecurityRule:
    return replace(rule, etag=None) if isinstance(rule, SecurityRule) else rule


# --- law 7: unknown stays unknown ------------------------------------------------------------------


class Judged:
    """A reading that a policy was asked about, what it found and what it would change."""

    def __init__(self, policy: AnyPolicy, sample: Sample) -> None:
        self.policy = policy
        self.sample = sample
        self.snapshot = seen_by(policy, sample)
        self.finding: Finding = policy.evaluate(self.snapshot)
        self.change = policy.plan(self.finding, self.snapshot)

    @cached_property
    def planned(self) -> Planned | None:
        return Planned(self.policy, self.snapshot, self.change) if self.change else None


def a_finding_is_complete_and_only_a_certain_one_has_a_plan_which_no_policy_has_that_only_alerts(
    seen: Judged,
) -> None:
    policy, snapshot, finding = seen.policy, seen.snapshot, seen.finding
    says_what_it_is_about(finding, policy, snapshot)
    if policy.safety is Safety.MANUAL:
        assert seen.change is None
    if finding.state is NON_COMPLIANT:
        assert finding.fingerprint
        return
    assert seen.change is None
    assert policy.restore is None or policy.restore(finding, snapshot, snapshot) == ()
    assert finding.fingerprint == ""


def says_what_it_is_about(finding: Finding, policy: AnyPolicy, snapshot: Snapshot) -> None:
    assert (finding.policy, finding.target) == (policy.id, snapshot.target)
    assert finding.reason.strip()
    assert finding.severity.rank <= policy.severity.rank


def a_reading_with_less_in_it_is_never_judged_compliant_instead(seen: Judged) -> None:
    """What was drift on a whole reading may become unknown on a poorer one, never compliant."""
    if seen.finding.state is not NON_COMPLIANT:
        return
    for poorer in with_less(seen.snapshot, seen.policy.reads):
        finding = seen.policy.evaluate(poorer)
        assert finding.state is not ComplianceState.COMPLIANT, (finding.reason, lost(seen.snapshot, poorer))


def lost(snapshot: Snapshot, poorer: Snapshot) -> list[str]:
    """The fields that are not there any more."""
    return [field.name for field in fields(snapshot) if differs(field.name, snapshot, poorer)]


def with_less(snapshot: Snapshot, reads: Iterable[Aspect]) -> Iterator[Snapshot]:
    """The reading without something that is in it; of its optional parts, those among ``reads``."""
    held = ((aspect, field_of(aspect, snapshot)) for aspect in sorted(reads))
    yield from (
        unread(snapshot, aspect) for aspect, name in held if name and getattr(snapshot, name) is not None
    )
    yield from with_one_unknown(snapshot)
    if isinstance(snapshot, ServerSnapshot):
        yield replace(snapshot, public_access=PublicAccess.UNKNOWN, public_access_text=None)
        yield replace(snapshot, private_endpoints=None)
        yield replace(snapshot, high_availability=None, created_at=None)
        yield replace(snapshot, version=None)
        yield replace(snapshot, sign_in=SignIn(), tls=None, identity="")
        yield replace(snapshot, encryption=Encryption(), backup=Backup())
        yield replace(snapshot, availability=Availability(), replication=Replication())
        return
    yield replace(snapshot, prefixes=())
    yield replace(snapshot, updating=True)
    yield replace(snapshot, service_endpoints=None)
    if snapshot.security_group is not None:
        yield replace(snapshot, security_group=replace(snapshot.security_group, updating=True))


def unread(snapshot: Snapshot, aspect: Aspect) -> Snapshot:
    """The reading without one of its optional parts, and the reason."""
    name = field_of(aspect, snapshot)
    assert name is not None
    # Which field it is is known only by its name.
    without: Snapshot = replace(snapshot, **{name: None})  # type: ignore[arg-type]  # the name is a field
    return replace(without, unread={**without.unread, aspect: "403: refused"})


def a_policy_judges_by_nothing_that_it_does_not_declare_to_read(seen: Judged) -> None:
    """The gateway reads what the enabled policies declare; what another one declares may be missing."""
    poorer = seen.snapshot
    for aspect in frozenset(Aspect) - seen.policy.reads:
        if field_of(aspect, poorer):
            poorer = unread(poorer, aspect)
    assert told(seen.policy.evaluate(poorer)) == told(seen.finding), lost(seen.snapshot, poorer)


# --- law 8: evaluation ignores order and letter case -----------------------------------------------


def a_reading_means_the_same_in_any_order_and_letter_case(seen: Judged) -> None:
    other = respell(seen.snapshot, seen.sample.random("order and letter case"))
    finding = seen.policy.evaluate(other)
    assert told(finding) == told(seen.finding)
    assert edited(planned(seen.policy, other, finding)) == edited(seen.planned)


LAWS_OF_READINGS: tuple[Law[Judged], ...] = (
    a_finding_is_complete_and_only_a_certain_one_has_a_plan_which_no_policy_has_that_only_alerts,
    a_reading_with_less_in_it_is_never_judged_compliant_instead,
    a_policy_judges_by_nothing_that_it_does_not_declare_to_read,
    a_reading_means_the_same_in_any_order_and_letter_case,
)


# --- the law of prefixes ---------------------------------------------------------------------------


def whoever_stops_on_the_way_has_cut_off_nobody_and_opened_nothing(found: Planned) -> None:
    """What passes before and after passes all the way, and what passes neither then nor then never does.

    Also on the way back.
    """
    ways = [(found.before, found.change.edits), (found.after, found.change.inverse)]
    for start, edits in ways:
        for halfway in states_on_the_way(start, edits)[:-1]:
            gained, lost = moved(found.before, halfway), moved(found.after, halfway)
            assert not gained[0] & lost[0], "opened on the way"
            assert not gained[1] & lost[1], "cut off on the way"


def moved(before: Snapshot, after: Snapshot) -> tuple[set[Probe], set[Probe]]:
    """Who or what passes in the second only, and in the first only."""
    asked = [*between(before, after)]
    return (
        {probe for probe, old, new in asked if new and not old},
        {probe for probe, old, new in asked if old and not new},
    )


def states_on_the_way(snapshot: Snapshot, edits: Iterable[Edit]) -> list[Snapshot]:
    """The readings after each prefix of the edits; the last is after all of them."""
    states: list[Snapshot] = []
    for edit in edits:
        snapshot = apply_edit(snapshot, edit)
        states.append(snapshot)
    return states


class Told:
    """What is written, or told to people: the plan's edits, or those that the policy suggests."""

    def __init__(self, policy: AnyPolicy, before: Snapshot) -> None:
        finding = policy.evaluate(before)
        planned = policy.plan(finding, before)
        self.policy = policy
        self.before = before
        self.edits: tuple[Edit, ...] = planned.edits if planned else policy.suggest(finding, before)
        self.inverse: tuple[Edit, ...] = planned.inverse if planned else ()

    @property
    def planned(self) -> Planned:
        """As if it were a plan."""
        policy, target = self.policy.id, self.before.target
        change = Change(policy=policy, target=target, edits=self.edits, inverse=self.inverse)
        return Planned(self.policy, self.before, change)


def no_policy_is_worse_off_after_any_prefix(told: Told) -> None:
    """What is compliant stays so, and nothing gets graver, but for what a proof lets pass: a lesser finding,
    which is there at the end as well and not only on the way."""
    judges = [policy for policy in POLICIES if told.before.kind in policy.targets]
    first = {policy.id: policy.evaluate(told.before) for policy in judges}
    *halfway, last = states_on_the_way(told.before, told.edits)
    at_the_end = {policy.id: policy.evaluate(last) for policy in judges}
    worse = {name for name, found in at_the_end.items() if is_worse(first[name], found)}
    for name in worse:
        assert at_the_end[name].severity.rank < told.policy.severity.rank, at_the_end[name].reason
    for snapshot in halfway:
        for policy in judges:
            found = policy.evaluate(snapshot)
            assert policy.id in worse or not is_worse(first[policy.id], found), found.reason


def is_worse(before: Finding, after: Finding) -> bool:
    if before.state is ComplianceState.COMPLIANT:
        return after.state is not ComplianceState.COMPLIANT
    return after.state is NON_COMPLIANT and (
        before.state is not NON_COMPLIANT or after.severity.rank > before.severity.rank
    )


ONE_IN = 4 if PROFILE == "long" else 40
"""Of so many readings one is asked: every policy judges it again after every edit."""


def broken_half_way(policy: AnyPolicy, snapshot: Snapshot) -> Iterator[AssertionError]:
    told = Told(policy, snapshot)
    if told.edits:
        whole = broken_by(told, policy, [no_policy_is_worse_off_after_any_prefix])
        way = [whoever_stops_on_the_way_has_cut_off_nobody_and_opened_nothing]
        yield from with_edits(told.planned, (*whole, *broken_by(told.planned, policy, way)))


# --- what is asked ---------------------------------------------------------------------------------


@every_bench
@generously
@given(data=st.data())
def test_every_law_holds_of_what_a_policy_finds_and_plans(bench: Bench, data: st.DataObject) -> None:
    sample = data.draw(samples(bench.kind))
    none_is_broken(error for policy in bench.policies for error in broken_on(Judged(policy, sample)))


def broken_on(seen: Judged) -> Iterator[AssertionError]:
    """The laws of readings, and those of the change that is planned, if there is one."""
    found = seen.planned
    event(f"{seen.policy.id}: {'a' if found else 'no'} change is planned")
    yield from broken_by(seen, seen.policy, LAWS_OF_READINGS)
    if found is not None:
        yield from with_edits(found, broken_by(found, seen.policy, LAWS_OF_PLANS))
    if seen.sample.seed % ONE_IN == 0:
        yield from broken_half_way(seen.policy, seen.snapshot)


@every_restored_bench
@generously
@given(data=st.data())
def test_every_law_holds_of_what_is_restored(bench: Bench, data: st.DataObject) -> None:
    sample = data.draw(samples(bench.kind))
    none_is_broken(error for policy in bench.policies for error in broken_by_restoring(policy, sample))


LAWS_OF_RESTORING = (
    *LAWS_OF_CHANGES,
    puts_back_only_what_was_there,
    whoever_stops_on_the_way_has_cut_off_nobody_and_opened_nothing,
)


def broken_by_restoring(policy: AnyPolicy, sample: Sample) -> Iterator[AssertionError]:
    drift = Drift(policy, sample)
    event(f"{policy.id}: {'something' if drift.restored else 'nothing'} is restored")
    yield from broken_by(drift, policy, [what_is_restored_does_not_depend_on_order_and_letter_case])
    if drift.restored is not None and drift.was_compliant:
        found = drift.restored
        yield from with_edits(found, broken_by(found, policy, LAWS_OF_RESTORING))


class Drift:
    """A reading that was compliant, what somebody made of it, and what is put back."""

    def __init__(self, policy: AnyPolicy, sample: Sample) -> None:
        self.policy = policy
        self.sample = sample
        self.baseline, self.snapshot = drift_for(policy, sample)
        self.restored = restored(policy, self.baseline, self.snapshot)

    @property
    def was_compliant(self) -> bool:
        return self.policy.evaluate(self.baseline).state is ComplianceState.COMPLIANT


def what_is_restored_does_not_depend_on_order_and_letter_case(drift: Drift) -> None:
    random = drift.sample.random("order and letter case")
    one = drift.restored
    two = restored(drift.policy, respell(drift.baseline, random), respell(drift.snapshot, random))
    assert edited(one) == edited(two)
    if one is not None and two is not None:
        assert _names(one) == _names(two)


def _names(found: Planned) -> list[str]:
    return [named_by(edit).lower() for edit in found.change.edits]


def told(finding: Finding) -> tuple[object, ...]:
    """What a finding says, without its words."""
    return finding.target, finding.state, finding.severity, finding.fingerprint, finding.resource_id


def edited(found: Planned | None) -> list[tuple[str, object]]:
    """The kinds of the edits and what they write to; a new rule's name follows the subnet's spelling."""
    if found is None:
        return []
    return [
        (edit.kind, edit.nsg if isinstance(edit, PutSecurityRule | DeleteSecurityRule) else edit.server)
        for edit in found.change.edits
    ]


# --- what the laws are measured with ---------------------------------------------------------------

Probe = IPv4Address | str | plain.Packet
"""An IPv4 source, "all Azure" or a private endpoint of a server; a packet of a subnet."""


def probes(found: Planned) -> Iterator[tuple[Probe, bool, bool]]:
    """Who or what is asked, and whether it passes before and after."""
    yield from between(found.before, found.after)


def between(before: Snapshot, after: Snapshot) -> Iterator[tuple[Probe, bool, bool]]:
    """Who or what is asked, and whether it passes in the one reading and in the other."""
    match before, after:
        case ServerSnapshot(), ServerSnapshot():
            near = edges(before) | edges(after)
            old, new = admitted(before, near), admitted(after, near)
            yield from ((who, who in old, who in new) for who in {*old, *new})
        case SubnetSnapshot(), SubnetSnapshot():
            yield from packets(before, after)


def edges(server: ServerSnapshot) -> set[int]:
    """The first and last address of every rule, and their neighbours."""
    ends = (end for rule in server.firewall_rules or () for end in (int(rule.start), int(rule.end)))
    return {end + step for end in ends for step in (-1, 0, 1)}


def admitted(server: ServerSnapshot, near: set[int]) -> set[Probe]:
    """Who of the interesting sources may come in, address by address; ``near`` are the addresses to ask."""
    endpoints: set[Probe] = {
        f"endpoint {connection.id.key}"
        for connection in server.private_endpoints or ()
        if connection.status is ConnectionStatus.APPROVED
    }
    if server.vnet_integrated or server.public_access is PublicAccess.DISABLED:
        return endpoints
    rules = [(int(rule.start), int(rule.end)) for rule in server.firewall_rules or ()]
    ranges = [span for span in rules if span != (0, 0)]
    inside = {n for n in near if any(low <= n <= high for low, high in ranges)}
    azure: set[Probe] = {"every Azure address"} if (0, 0) in rules else set()
    subnets: set[Probe] = {f"subnet {rule.subnet.key}" for rule in server.virtual_network_rules or ()}
    return endpoints | azure | subnets | {IPv4Address(n) for n in inside}


_SERVICES = [*product(Direction, ("Tcp", "Udp"), (22, 443, 5432, 5433, 6432))]
_ENDS = ["10.0.1.3", "10.0.1.200", "10.0.2.9", "10.20.4.5", "10.20.4.60", "10.20.8.4", "203.0.113.9"]
_ENDS += ["fd00:1::5", "2001:db8::1"]


def packets(before: SubnetSnapshot, after: SubnetSnapshot) -> Iterator[tuple[Probe, bool, bool]]:
    """Some packets, each sure on one side at least: may it pass, as the plain loop sees it.

    Between ends that the same rules meet before and after, no packet is decided otherwise: none is asked.
    """
    sides = [_plain_rules(before.security_group), _plain_rules(after.security_group)]
    known = plain.Known(vnet=virtual_network(before))
    addresses = [ip_address(text) for text in _ENDS]
    for source, destination in product(addresses, addresses):
        if source.version == destination.version:
            world = plain.World(_memberships(source, before), _memberships(destination, before))
            some = [plain.Packet(*one[:2], source, 50000, destination, one[2]) for one in _SERVICES]
            near = [[rule for rule in rules if plain.joins(rule, some[0], world, known)] for rules in sides]
            if near[0] != near[1]:
                yield from ((packet, _passes(packet, near[0]), _passes(packet, near[1])) for packet in some)


def _passes(packet: plain.Packet, rules: Sequence[SecurityRule]) -> bool:
    """What the first rule that matches says; all of these match the packet's ends."""
    return next(rule for rule in rules if plain.serves(rule, packet)).access is Access.ALLOW


PUBLIC_MEMBERS = frozenset({"internet", "storage"})


def _plain_rules(group: SecurityGroup | None) -> list[SecurityRule]:
    assert group is not None, "a change of a subnet edits its NSG"
    return plain.all_rules(group)


def _memberships(address: IPv4Address | IPv6Address, subnet: SubnetSnapshot) -> plain.Members:
    """One world in which to ask: the network is what is known of it, the Internet the rest that is public."""
    if any(address in network for network in virtual_network(subnet)):
        return frozenset({"virtualnetwork"})
    return frozenset() if any(address in network for network in plain.PRIVATE) else PUBLIC_MEMBERS


def is_let_in(probe: Probe, found: Planned) -> bool:
    """Whether a connectivity policy declares it: in its change's box, on a server in what it names."""
    if isinstance(probe, plain.Packet):
        return any(is_inside(probe, box) for box in found.change.box)
    return is_forbidden(probe, found.policy.forbidden(found.before))


def is_inside(probe: Probe, box: TrafficBox) -> bool:
    if not isinstance(probe, plain.Packet):
        return False
    return (
        probe.direction is box.direction
        and box.protocol.lower() in {"*", probe.protocol.lower()}
        and any(probe.source in network for network in box.sources)
        and any(probe.destination in network for network in box.destinations)
        and any(low <= probe.port <= high for low, high in box.ports)
    )


def is_forbidden(probe: Probe, forbidden: ServerTraffic | SubnetTraffic) -> bool:
    match forbidden:
        case SubnetTraffic():
            return any(is_inside(probe, box) for box in forbidden.boxes)
        case ServerTraffic():
            return _is_in_server_traffic(probe, forbidden)
        case _:
            assert_never(forbidden)


def _is_in_server_traffic(probe: Probe, traffic: ServerTraffic) -> bool:
    if isinstance(probe, IPv4Address):
        return any(low <= int(probe) <= high for low, high in traffic.sources.spans)
    if probe == "every Azure address":
        return traffic.all_azure
    what, _, key = str(probe).partition(" ")
    return key in (traffic.subnets if what == "subnet" else traffic.endpoints)


# --- the stored readings ---------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "After every prefix of what a policy plans or suggests, who passes keeps passing and none is worse off",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/network-security-group-how-it-works",
    date="2026-11-29",
)
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_a_stored_drift_may_be_left_half_mended(policy: AnyPolicy) -> None:
    for kind in sorted(policy.targets):
        none_is_broken(broken_half_way(policy, stored(policy.id, kind, "drifted")))
