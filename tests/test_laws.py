"""The laws of the design, over every policy that ``discover`` finds and generated readings.

A policy is added by one file; it is judged here without an edit. What the laws compare is computed the
plain way where there is one: a server is asked address by address, a subnet packet by packet by the
loop that the NSG engine is compared with. Only the claim over *all* packets of a subnet uses the
engine itself. How a law is stated depends on the policy's kind alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import product
from typing import TypeAlias, assert_never

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from shared.edits import apply_edits, apply_to, normalised
from shared.model import (
    Access,
    Change,
    ComplianceState,
    ConnectionStatus,
    Direction,
    Finding,
    FirewallRule,
    Kind,
    PublicAccess,
    Safety,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    Snapshot,
    SubnetSnapshot,
    TrafficBox,
)
from shared.nsg import Outcome, changed, outside
from shared.policies import discover
from shared.policy import AnyPolicy, bound, examples
from shared.prove import prove
from shared.traffic import ServerTraffic, SubnetTraffic
from tests.nsg import plain
from tests.strategies import drifts_for, respelled, snapshots_for

POLICIES = [bound(policy, examples(policy)) for policy in discover()]
NON_COMPLIANT = ComplianceState.NON_COMPLIANT

RESTORERS = [policy for policy in POLICIES if policy.restore is not None]

every_policy = pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
generously = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""A snapshot is a large value; how long it takes to draw is no finding."""


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


def planned(policy: AnyPolicy, snapshot: Snapshot) -> Planned | None:
    """What the policy would do about ``snapshot``; None where there is nothing that it would."""
    change = policy.plan(policy.evaluate(snapshot), snapshot)
    return Planned(policy, snapshot, change) if change is not None else None


def restored(policy: AnyPolicy, baseline: Snapshot, snapshot: Snapshot) -> Planned | None:
    """What the app would do about ``snapshot`` for the sake of ``baseline``: the first that proves."""
    assert policy.restore is not None
    for change in policy.restore(policy.evaluate(snapshot), snapshot, baseline):
        if prove(change, snapshot, policy, POLICIES).holds:
            return Planned(policy, snapshot, change, baseline)
    return None


def draw_planned(data: st.DataObject, policy: AnyPolicy) -> Planned | None:
    found = planned(policy, data.draw(snapshots_for(policy)))
    event("a change is planned" if found else "no change is planned")
    return found


def draw_restored(data: st.DataObject, policy: AnyPolicy) -> Planned | None:
    baseline, snapshot = data.draw(drifts_for(policy))
    if policy.evaluate(baseline).state is not ComplianceState.COMPLIANT:
        return None
    found = restored(policy, baseline, snapshot)
    event("something is restored" if found else "nothing is restored")
    return found


Draw: TypeAlias = Callable[[st.DataObject], Planned | None]
WAYS: list[tuple[str, Draw]] = [
    *((f"{policy.id}-plan", partial(draw_planned, policy=policy)) for policy in POLICIES),
    *((f"{policy.id}-restore", partial(draw_restored, policy=policy)) for policy in RESTORERS),
]
every_change = pytest.mark.parametrize("draw", [way for _, way in WAYS], ids=[name for name, _ in WAYS])
every_restorer = pytest.mark.parametrize("policy", RESTORERS, ids=lambda policy: policy.id)


# --- the examples reach what the laws are about ----------------------------------------------------


@every_policy
def test_a_fair_share_of_the_examples_has_a_plan_and_a_fair_share_has_none(policy: AnyPolicy) -> None:
    seen: Counter[str] = Counter()

    @settings(
        generously, max_examples=100, phases=[Phase.generate], derandomize=True, database=None, deadline=None
    )
    @given(snapshots_for(policy))
    def count(snapshot: Snapshot) -> None:
        seen["planned" if planned(policy, snapshot) else "not planned"] += 1
        seen[policy.evaluate(snapshot).state] += 1

    count()

    assert seen["planned"] >= 15 or policy.safety is Safety.MANUAL, seen
    assert seen["not planned"] >= 15, seen
    for state in (ComplianceState.COMPLIANT, NON_COMPLIANT, ComplianceState.UNKNOWN):
        assert seen[state] >= 5, seen


# --- laws 1, 2: converges, idempotent --------------------------------------------------------------


@every_change
@generously
@given(data=st.data())
def test_after_its_change_a_policy_finds_nothing(draw: Draw, data: st.DataObject) -> None:
    if found := draw(data):
        afterwards = found.policy.evaluate(found.after)
        assert afterwards.state is ComplianceState.COMPLIANT, afterwards.reason


@every_change
@generously
@given(data=st.data())
def test_planning_again_after_the_change_yields_nothing(draw: Draw, data: st.DataObject) -> None:
    if found := draw(data):
        assert planned(found.policy, found.after) is None
        if found.baseline is not None:
            assert found.policy.restore is not None
            finding = found.policy.evaluate(found.after)
            assert found.policy.restore(finding, found.after, found.baseline) == ()


# --- laws 3, 4: never widens, takes only what is forbidden -----------------------------------------


@every_change
@generously
@given(data=st.data())
def test_nobody_gains_what_the_policy_does_not_declare(draw: Draw, data: st.DataObject) -> None:
    if (found := draw(data)) is None:
        return
    for probe, before, after in probes(found):
        if after and not before:
            assert found.policy.kind is Kind.CONNECTIVITY, f"{probe} gains access"
            assert is_let_in(probe, found), f"{probe} gains access undeclared"


@every_change
@generously
@given(data=st.data())
def test_only_what_the_policy_forbids_is_taken(draw: Draw, data: st.DataObject) -> None:
    if (found := draw(data)) is None:
        return
    for probe, before, after in probes(found):
        if before and not after:
            assert found.policy.kind is Kind.TIGHTENING, f"{probe} loses access"
            assert is_forbidden(probe, found.policy.forbidden(found.before)), (
                f"{probe} loses access undeclared"
            )


SURENESS = {Outcome.DENIED: 0, Outcome.OPEN: 1, Outcome.ALLOWED: 2}
"""How surely a packet passes: a rule for a tag makes open what was denied."""


@every_change
@generously
@given(data=st.data())
def test_the_packets_of_a_subnet_change_only_as_declared(draw: Draw, data: st.DataObject) -> None:
    found = draw(data)
    if found is None or not isinstance(found.before, SubnetSnapshot):
        return
    assert isinstance(found.after, SubnetSnapshot)
    packets = changed(found.before.security_group, found.after.security_group, found.before.prefixes)
    forbidden = found.policy.forbidden(found.before)
    assert isinstance(forbidden, SubnetTraffic)
    gains = found.change.box if found.policy.kind is Kind.CONNECTIVITY else ()
    losses = forbidden.boxes if found.policy.kind is Kind.TIGHTENING else ()
    for part in packets.parts:
        passes_more_surely = SURENESS[part.after] > SURENESS[part.before]
        assert not outside([part.traffic], gains if passes_more_surely else losses), part


@every_change
@generously
@given(data=st.data())
def test_every_change_declares_at_most_what_its_policy_is_about(draw: Draw, data: st.DataObject) -> None:
    found = draw(data)
    if found is None or not isinstance(found.before, SubnetSnapshot):
        return
    forbidden = found.policy.forbidden(found.before)
    assert isinstance(forbidden, SubnetTraffic)
    assert not outside(found.change.box, forbidden.boxes)


# --- laws 5, 6: frame, inverse ---------------------------------------------------------------------


@every_change
@generously
@given(data=st.data())
def test_whatever_the_edits_do_not_name_is_left_as_it_was(draw: Draw, data: st.DataObject) -> None:
    if (found := draw(data)) is None:
        return
    edited = {
        "setPublicAccess": {"public_access", "public_access_text"},
        "putFirewallRule": {"firewall_rules"},
        "deleteFirewallRule": {"firewall_rules"},
        "putSecurityRule": {"security_group"},
        "deleteSecurityRule": {"security_group"},
    }
    allowed = set().union(*(edited[edit.kind] for edit in found.change.edits))
    differing = {f.name for f in fields(found.before) if differs(f.name, found.before, found.after)}
    assert differing <= allowed
    assert untouched_rules(found.before, found) == untouched_rules(found.after, found)


def differs(name: str, before: Snapshot, after: Snapshot) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def untouched_rules(snapshot: Snapshot, found: Planned) -> list[object]:
    """The rules that no edit names, in their order, and everything else of the group."""
    named = {edit.rule.name.lower() for edit in found.change.edits if edit.kind != "setPublicAccess"}
    if isinstance(snapshot, ServerSnapshot):
        return [rule for rule in snapshot.firewall_rules or () if rule.name.lower() not in named]
    group = snapshot.security_group
    if group is None:
        return []
    return [replace(group, rules=()), *(rule for rule in group.rules if rule.name.lower() not in named)]


@every_change
@generously
@given(data=st.data())
def test_the_inverse_restores_the_reading(draw: Draw, data: st.DataObject) -> None:
    if found := draw(data):
        restored = apply_edits(found.after, found.change.inverse)
        assert normalised(restored) == normalised(found.before)
        assert found.policy.evaluate(restored).fingerprint == found.policy.evaluate(found.before).fingerprint


@every_policy
@generously
@given(data=st.data())
def test_every_planned_change_can_be_proved(policy: AnyPolicy, data: st.DataObject) -> None:
    if found := draw_planned(data, policy):
        proof = prove(found.change, found.before, policy, POLICIES)
        assert proof.holds, proof.failures


@every_restorer
@generously
@given(data=st.data())
def test_what_is_restored_is_as_the_compliant_reading_had_it_and_nothing_else(
    policy: AnyPolicy, data: st.DataObject
) -> None:
    found = draw_restored(data, policy)
    if found is None:
        return
    assert found.baseline is not None
    for edit in found.change.edits:
        assert edit.kind in {"putFirewallRule", "putSecurityRule"}, edit
        assert edit.rule in map(_without_etag, _rules_of(found.baseline))
        assert edit.rule not in map(_without_etag, _rules_of(found.before))


def _rules_of(snapshot: Snapshot) -> tuple[FirewallRule | SecurityRule, ...]:
    if isinstance(snapshot, ServerSnapshot):
        return snapshot.firewall_rules or ()
    return snapshot.security_group.rules if snapshot.security_group else ()


def _without_etag(rule: FirewallRule | SecurityRule) -> FirewallRule | SecurityRule:
    return replace(rule, etag=None) if isinstance(rule, SecurityRule) else rule


@every_restorer
def test_a_fair_share_of_the_drifts_is_restored_and_a_fair_share_is_not(policy: AnyPolicy) -> None:
    seen: Counter[bool] = Counter()

    @settings(
        generously, max_examples=100, phases=[Phase.generate], derandomize=True, database=None, deadline=None
    )
    @given(drifts_for(policy))
    def count(drift: tuple[Snapshot, Snapshot]) -> None:
        seen[restored(policy, *drift) is not None] += 1

    count()

    assert min(seen[True], seen[False]) >= 15, seen


# --- law 7: unknown stays unknown ------------------------------------------------------------------


@every_policy
@generously
@given(data=st.data())
def test_only_a_certain_finding_has_a_plan(policy: AnyPolicy, data: st.DataObject) -> None:
    snapshot = data.draw(snapshots_for(policy))
    finding = policy.evaluate(snapshot)
    if finding.state is not NON_COMPLIANT:
        assert policy.plan(finding, snapshot) is None
        assert policy.restore is None or policy.restore(finding, snapshot, snapshot) == ()
        assert finding.fingerprint == ""
    else:
        assert finding.fingerprint


@every_policy
@generously
@given(data=st.data())
def test_a_reading_with_less_in_it_is_never_judged_compliant_instead(
    policy: AnyPolicy, data: st.DataObject
) -> None:
    """What was drift on a whole reading may become unknown on a poorer one, never compliant."""
    snapshot = data.draw(snapshots_for(policy))
    if policy.evaluate(snapshot).state is not NON_COMPLIANT:
        return
    for poorer in with_less(snapshot):
        finding = policy.evaluate(poorer)
        assert finding.state is not ComplianceState.COMPLIANT, finding.reason


def with_less(snapshot: Snapshot) -> Iterator[Snapshot]:
    if isinstance(snapshot, ServerSnapshot):
        yield replace(snapshot, public_access=PublicAccess.UNKNOWN, public_access_text=None)
        yield replace(snapshot, firewall_rules=None)
        yield replace(snapshot, private_endpoints=None)
        yield replace(snapshot, high_availability=None, created_at=None)
        return
    yield replace(snapshot, servers=None)
    yield replace(snapshot, prefixes=())
    yield replace(snapshot, updating=True)
    if snapshot.security_group is not None:
        yield replace(snapshot, security_group=replace(snapshot.security_group, updating=True))


# --- law 8: evaluation ignores order and letter case -----------------------------------------------


@every_policy
@generously
@given(data=st.data())
def test_a_reading_means_the_same_in_any_order_and_letter_case(
    policy: AnyPolicy, data: st.DataObject
) -> None:
    snapshot = data.draw(snapshots_for(policy))
    other = data.draw(respelled(snapshot))
    assert judged(policy, other) == judged(policy, snapshot)
    one, two = planned(policy, snapshot), planned(policy, other)
    assert edited(one) == edited(two)


@every_restorer
@generously
@given(data=st.data())
def test_what_is_restored_does_not_depend_on_order_and_letter_case(
    policy: AnyPolicy, data: st.DataObject
) -> None:
    baseline, snapshot = data.draw(drifts_for(policy))
    one = restored(policy, baseline, snapshot)
    two = restored(policy, data.draw(respelled(baseline)), data.draw(respelled(snapshot)))
    assert edited(one) == edited(two)
    if one is not None and two is not None:
        assert _names(one) == _names(two)


def _names(found: Planned) -> list[str]:
    return [edit.rule.name.lower() for edit in found.change.edits if edit.kind != "setPublicAccess"]


def judged(policy: AnyPolicy, snapshot: Snapshot) -> tuple[object, ...]:
    finding: Finding = policy.evaluate(snapshot)
    return finding.target, finding.state, finding.severity, finding.fingerprint, finding.resource_id


def edited(found: Planned | None) -> list[tuple[str, object]]:
    """The kinds of the edits and what they write to; a new rule's name follows the subnet's spelling."""
    if found is None:
        return []
    return [
        (edit.kind, edit.server if edit.kind in SERVER_EDITS else edit.nsg)  # type: ignore[union-attr]  # by kind
        for edit in found.change.edits
    ]


SERVER_EDITS = {"setPublicAccess", "putFirewallRule", "deleteFirewallRule"}


@every_policy
@generously
@given(data=st.data())
def test_a_finding_names_its_policy_and_target_and_gives_a_reason(
    policy: AnyPolicy, data: st.DataObject
) -> None:
    snapshot = data.draw(snapshots_for(policy))
    finding = policy.evaluate(snapshot)
    assert (finding.policy, finding.target) == (policy.id, snapshot.target)
    assert finding.reason.strip()
    assert finding.severity.rank <= policy.severity.rank


# --- what the laws are measured with ---------------------------------------------------------------

Probe = IPv4Address | str | plain.Packet
"""An IPv4 source, "all Azure" or a private endpoint of a server; a packet of a subnet."""


def probes(found: Planned) -> Iterator[tuple[Probe, bool, bool]]:
    """Who or what is asked, and whether it passes before and after."""
    match found.before, found.after:
        case ServerSnapshot(), ServerSnapshot():
            before, after = admitted(found.before), admitted(found.after)
            yield from ((who, who in before, who in after) for who in {*before, *after})
        case SubnetSnapshot(), SubnetSnapshot():
            yield from packets(found.before, found.after)


def admitted(server: ServerSnapshot) -> set[Probe]:
    """Who of the interesting sources may come in, address by address."""
    endpoints: set[Probe] = {
        f"endpoint {connection.id.key}"
        for connection in server.private_endpoints or ()
        if connection.status is ConnectionStatus.APPROVED
    }
    if server.vnet_integrated or server.public_access is PublicAccess.DISABLED:
        return endpoints
    rules = [(int(rule.start), int(rule.end)) for rule in server.firewall_rules or ()]
    ranges = [span for span in rules if span != (0, 0)]
    edges = {edge + step for span in ranges for edge in span for step in (-1, 0, 1)}
    inside = {n for n in edges if any(low <= n <= high for low, high in ranges)}
    azure: set[Probe] = {"every Azure address"} if (0, 0) in rules else set()
    return endpoints | azure | {IPv4Address(n) for n in inside}


_PORTS = (22, 443, 5432, 5433, 6432)
_ENDS = ["10.0.1.3", "10.0.1.200", "10.0.2.9", "10.20.4.5", "10.20.4.60", "10.20.8.4", "203.0.113.9"]
_ENDS += ["fd00:1::5", "2001:db8::1"]


def packets(before: SubnetSnapshot, after: SubnetSnapshot) -> Iterator[tuple[Probe, bool, bool]]:
    """Some packets, each sure on one side at least: may it pass, as the plain loop sees it."""
    old, new = _plain_rules(before.security_group), _plain_rules(after.security_group)
    addresses = [ip_address(text) for text in _ENDS]
    ends = [(a, b) for a, b in product(addresses, addresses) if a.version == b.version]
    for direction, protocol, (source, destination), port in product(Direction, ("Tcp", "Udp"), ends, _PORTS):
        packet = plain.Packet(direction, protocol, source, 50000, destination, port)
        world = plain.World(_memberships(source, before), _memberships(destination, before))
        allowed = [
            plain.first_match(rules, packet, world, plain.Known(vnet=before.prefixes)).access is Access.ALLOW
            for rules in (old, new)
        ]
        yield packet, allowed[0], allowed[1]


PUBLIC_MEMBERS = frozenset({"internet", "storage"})


def _plain_rules(group: SecurityGroup | None) -> list[SecurityRule]:
    assert group is not None, "a change of a subnet edits its NSG"
    return plain.all_rules(group)


def _memberships(address: IPv4Address | IPv6Address, subnet: SubnetSnapshot) -> plain.Members:
    """One world in which to ask: the network is the subnet, and the Internet is the rest that is public."""
    if any(address in network for network in subnet.prefixes):
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
    return str(probe).removeprefix("endpoint ") in traffic.endpoints
