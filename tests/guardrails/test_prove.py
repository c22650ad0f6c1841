"""The proof of a change: what is proved, and what each kind of bad change is refused for, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest

from shared.guardrails.prove import prove
from shared.model import (
    Access,
    Change,
    ComplianceState,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Direction,
    Edit,
    Finding,
    Kind,
    Proof,
    ProofStep,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    ServerSnapshot,
    SetPublicAccess,
    Severity,
    Snapshot,
    SubnetSnapshot,
    TrafficBox,
)
from shared.model.resource_id import ResourceId
from shared.policies import discover, find
from shared.posture.policy import AnyPolicy, bound
from shared.posture.traffic import ServerTraffic, SubnetTraffic, Traffic
from tests.builders import ALL_AZURE, NSG, OFFICE, SERVER, public_server, rule, security_rule, server, subnet

ENABLED = [bound(policy, {}) for policy in discover()]
INVERSE = "the inverse restores the reading"
NOT_WORSE = "no other policy gets a new finding of equal or higher severity"
SERVER_TRAFFIC = "nobody gains access, and only what the policy forbids loses it"
SUBNET_TRAFFIC = "only packets inside the declared box change, and none of them passes less surely"


def policy(policy_id: str) -> AnyPolicy:
    found = find(policy_id)
    assert found is not None
    return bound(found, {})


PUBLIC = policy("postgres-public-access-enabled")
FIREWALL = policy("postgres-firewall-allows-all-azure")
BLOCKED = policy("nsg-blocks-postgres-in-subnet")
CLOSE = SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED)
OPEN = SetPublicAccess(server=SERVER, access=PublicAccess.ENABLED)


def planned(by: AnyPolicy, snapshot: Snapshot) -> Change:
    change: Change | None = by.plan(by.evaluate(snapshot), snapshot)
    assert change is not None
    return change


def edited(by: AnyPolicy, snapshot: Snapshot, edits: tuple[Edit, ...], inverse: tuple[Edit, ...]) -> Change:
    return Change(policy=by.id, target=snapshot.target, edits=edits, inverse=inverse)


def proved(
    change: Change, snapshot: Snapshot, by: AnyPolicy, enabled: list[AnyPolicy] | None = None
) -> Proof:
    return prove(change, snapshot, by, ENABLED if enabled is None else enabled)


def refusal(proof: Proof, claim: str) -> str:
    """The detail of the failed ``claim``."""
    assert not proof.holds
    (failure,) = (step for step in proof.failures if step.claim == claim)
    assert failure.detail
    return failure.detail


def step(proof: Proof, claim: str) -> ProofStep:
    (found,) = (step for step in proof.steps if step.claim == claim)
    return found


# --- good changes ----------------------------------------------------------------------------------

BLOCKING = subnet(
    security_rule("deny-all", 4000), security_rule("no-way-out", 4000, direction=Direction.OUTBOUND)
)
GOOD = [
    (PUBLIC, public_server()),
    (PUBLIC, public_server(firewall_rules=())),
    (PUBLIC, public_server(private_endpoints=())),
    (FIREWALL, public_server(firewall_rules=(OFFICE, ALL_AZURE))),
    (FIREWALL, public_server(firewall_rules=(ALL_AZURE, replace(ALL_AZURE, name="again")))),
    (BLOCKED, BLOCKING),
]


@pytest.mark.parametrize(("by", "snapshot"), GOOD, ids=[f"{by.id}-{n}" for n, (by, _) in enumerate(GOOD)])
def test_a_planned_change_is_proved_claim_by_claim(by: AnyPolicy, snapshot: Snapshot) -> None:
    proof = proved(planned(by, snapshot), snapshot, by)
    assert proof.holds, proof.failures
    assert [step.claim for step in proof.steps][:3] == [
        INVERSE,
        f"{by.id} is compliant afterwards",
        NOT_WORSE,
    ]
    assert len(proof.steps) == 4


def test_the_proof_says_who_loses_access() -> None:
    both = public_server(firewall_rules=(OFFICE, ALL_AZURE))
    closing = step(proved(planned(PUBLIC, both), both, PUBLIC), SERVER_TRAFFIC)
    assert closing.detail == "loses access: 198.51.100.0-198.51.100.255, every Azure address"
    deleting = step(proved(planned(FIREWALL, both), both, FIREWALL), SERVER_TRAFFIC)
    assert deleting.detail == "loses access: every Azure address"


def test_the_proof_says_which_packets_pass_anew() -> None:
    detail = step(proved(planned(BLOCKED, BLOCKING), BLOCKING, BLOCKED), SUBNET_TRAFFIC).detail
    assert detail.startswith("newly allowed: Inbound 10.0.1.0/24 → 10.0.1.0/24 tcp/5432,6432")
    assert "Outbound 10.0.1.0/24" in detail


def test_a_lesser_new_finding_is_no_obstacle_and_is_named() -> None:
    """Closing public access makes an all-Azure rule dormant, which is less grave than what it ends."""
    both = public_server(firewall_rules=(ALL_AZURE,))
    named = step(proved(planned(PUBLIC, both), both, PUBLIC), NOT_WORSE)
    assert named.holds
    assert named.detail.startswith(f"{FIREWALL.id} (Medium): firewall rule")
    assert "dormant" in named.detail


# --- bad changes of a server -----------------------------------------------------------------------

OPENED = public_server(firewall_rules=(OFFICE, ALL_AZURE))
ELSEWHERE = ResourceId(f"{SERVER}-2")


def test_a_change_for_another_server_does_not_fit() -> None:
    other = SetPublicAccess(server=ELSEWHERE, access=PublicAccess.DISABLED)
    proof = proved(edited(PUBLIC, OPENED, (other,), (other,)), OPENED, PUBLIC)
    assert f"is for {ELSEWHERE}, not for {SERVER}" in refusal(proof, "the change fits the reading")


def test_a_change_that_deletes_what_is_not_there_does_not_fit() -> None:
    gone = DeleteFirewallRule(server=SERVER, rule=rule("gone", "0.0.0.0"))
    proof = proved(edited(FIREWALL, OPENED, (gone,), ()), OPENED, FIREWALL)
    assert refusal(proof, "the change fits the reading") == "there is no rule 'gone'"


def test_a_change_of_rules_that_were_not_read_does_not_fit() -> None:
    unread = public_server(firewall_rules=None)
    delete = DeleteFirewallRule(server=SERVER, rule=ALL_AZURE)
    proof = proved(edited(FIREWALL, unread, (delete,), ()), unread, FIREWALL)
    assert "were not read" in refusal(proof, "the change fits the reading")


def test_an_inverse_that_does_not_fit_is_refused_before_anything_else() -> None:
    change = replace(
        planned(PUBLIC, OPENED), inverse=(DeleteFirewallRule(server=SERVER, rule=rule("x", "1.1.1.1")),)
    )
    assert refusal(proved(change, OPENED, PUBLIC), "the change fits the reading") == "there is no rule 'x'"


@pytest.mark.parametrize(
    ("inverse", "differing"),
    [
        ((), "public_access, public_access_text"),
        ((OPEN, PutFirewallRule(server=SERVER, rule=rule("x", "1.1.1.1"))), "firewall_rules"),
        ((OPEN, PutFirewallRule(server=SERVER, rule=rule(OFFICE.name, "1.1.1.1"))), "firewall_rules"),
    ],
)
def test_an_inverse_that_does_not_restore_the_reading_is_refused(
    inverse: tuple[Edit, ...], differing: str
) -> None:
    change = replace(planned(PUBLIC, OPENED), inverse=inverse)
    assert refusal(proved(change, OPENED, PUBLIC), INVERSE) == f"the inverse leaves another {differing}"


def test_a_change_that_leaves_the_finding_is_refused_with_what_is_found_afterwards() -> None:
    twice = public_server(firewall_rules=(ALL_AZURE, replace(ALL_AZURE, name="again")))
    change = edited(
        FIREWALL,
        twice,
        (DeleteFirewallRule(server=SERVER, rule=ALL_AZURE),),
        (PutFirewallRule(server=SERVER, rule=ALL_AZURE),),
    )
    detail = refusal(proved(change, twice, FIREWALL), f"{FIREWALL.id} is compliant afterwards")
    assert detail.startswith("afterwards: firewall rule 'again'")


def test_a_change_that_leaves_the_finding_unknown_is_refused() -> None:
    blind = SetPublicAccess(server=SERVER, access=PublicAccess.UNKNOWN)
    proof = proved(edited(PUBLIC, OPENED, (blind,), (OPEN,)), OPENED, PUBLIC)
    assert "publicNetworkAccess is 'Unknown'" in refusal(proof, f"{PUBLIC.id} is compliant afterwards")


def test_a_change_that_lets_somebody_in_is_refused_with_whom() -> None:
    guest = rule("guest", "203.0.113.7")
    change = planned(FIREWALL, OPENED)
    wider = replace(
        change,
        edits=(*change.edits, PutFirewallRule(server=SERVER, rule=guest)),
        inverse=(DeleteFirewallRule(server=SERVER, rule=guest), *change.inverse),
    )
    detail = refusal(proved(wider, OPENED, FIREWALL), SERVER_TRAFFIC)
    assert detail == "gains access: 203.0.113.7; loses access: every Azure address"


def test_a_change_that_takes_more_than_the_policy_forbids_is_refused_with_what() -> None:
    change = planned(FIREWALL, OPENED)
    greedy = replace(
        change,
        edits=(*change.edits, DeleteFirewallRule(server=SERVER, rule=OFFICE)),
        inverse=(PutFirewallRule(server=SERVER, rule=OFFICE), *change.inverse),
    )
    detail = refusal(proved(greedy, OPENED, FIREWALL), SERVER_TRAFFIC)
    assert detail == "loses access: 198.51.100.0-198.51.100.255, every Azure address"


def test_closing_public_access_is_more_than_an_all_azure_rule_justifies() -> None:
    change = planned(FIREWALL, OPENED)
    blunt = replace(change, edits=(*change.edits, CLOSE), inverse=(OPEN, *change.inverse))
    assert "198.51.100.0" in refusal(proved(blunt, OPENED, FIREWALL), SERVER_TRAFFIC)


# --- other policies --------------------------------------------------------------------------------


def finds_closed_servers(
    severity: Severity, state: ComplianceState = ComplianceState.NON_COMPLIANT
) -> AnyPolicy:
    """A policy that has something against a server whose public access is off."""

    def evaluate(snapshot: ServerSnapshot) -> Finding:
        closed = snapshot.public_access is PublicAccess.DISABLED
        return Finding(
            policy="server-closed",
            target=snapshot.target,
            resource_id=snapshot.id,
            state=state if closed else ComplianceState.COMPLIANT,
            severity=severity,
            reason="the server is closed" if closed else "the server is open",
            fingerprint="closed" if closed else "",
        )

    return replace(PUBLIC, id="server-closed", evaluate=evaluate)


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.HIGH])
@pytest.mark.parametrize(
    "state", [ComplianceState.NON_COMPLIANT, ComplianceState.UNKNOWN, ComplianceState.ERROR]
)
def test_a_new_finding_as_grave_as_the_one_that_goes_is_refused_and_named(
    severity: Severity, state: ComplianceState
) -> None:
    other = finds_closed_servers(severity, state)
    detail = refusal(proved(planned(PUBLIC, OPENED), OPENED, PUBLIC, [*ENABLED, other]), NOT_WORSE)
    assert detail == f"server-closed ({severity}): the server is closed"


@pytest.mark.parametrize("severity", [Severity.MEDIUM, Severity.INFORMATIONAL])
def test_a_new_finding_that_is_less_grave_is_allowed_and_named(severity: Severity) -> None:
    other = finds_closed_servers(severity)
    named = step(proved(planned(PUBLIC, OPENED), OPENED, PUBLIC, [PUBLIC, other]), NOT_WORSE)
    assert named.holds
    assert named.detail == f"server-closed ({severity}): the server is closed"


def test_a_finding_that_was_there_before_and_gets_graver_is_refused() -> None:
    def evaluate(snapshot: ServerSnapshot) -> Finding:
        closed = snapshot.public_access is PublicAccess.DISABLED
        return Finding(
            policy="graver",
            target=snapshot.target,
            resource_id=snapshot.id,
            state=ComplianceState.NON_COMPLIANT,
            severity=Severity.CRITICAL if closed else Severity.INFORMATIONAL,
            reason="it is so, open or closed",
            fingerprint="so",
        )

    other = replace(PUBLIC, id="graver", evaluate=evaluate)
    assert "graver (Critical)" in refusal(proved(planned(PUBLIC, OPENED), OPENED, PUBLIC, [other]), NOT_WORSE)


def test_a_finding_that_was_there_before_is_not_held_against_a_change() -> None:
    both = public_server(firewall_rules=(OFFICE, ALL_AZURE))
    named = step(proved(planned(FIREWALL, both), both, FIREWALL), NOT_WORSE)
    assert (named.holds, named.detail) == (True, "")


def test_a_policy_that_is_off_or_for_other_targets_is_not_asked() -> None:
    other = replace(finds_closed_servers(Severity.CRITICAL), targets=BLOCKED.targets)
    assert proved(planned(PUBLIC, OPENED), OPENED, PUBLIC, [PUBLIC]).holds
    assert proved(planned(PUBLIC, OPENED), OPENED, PUBLIC, [PUBLIC, other]).holds


def test_a_setting_may_let_nobody_in_and_keep_nobody_out() -> None:
    declared = frozenset({"public_access", "public_access_text"})
    harmless = replace(PUBLIC, kind=Kind.SETTING, settings=declared)
    closed_anyway = public_server(firewall_rules=())
    claim = "nobody gains or loses access, and only the declared settings change"
    assert step(proved(planned(PUBLIC, closed_anyway), closed_anyway, harmless), claim).holds
    assert "198.51.100.0" in refusal(proved(planned(PUBLIC, OPENED), OPENED, harmless), claim)


def test_a_setting_may_change_only_what_its_policy_declares() -> None:
    closed_anyway = public_server(firewall_rules=())
    undeclared = replace(PUBLIC, kind=Kind.SETTING)
    claim = "nobody gains or loses access, and only the declared settings change"
    assert "also changes: public_access" in refusal(
        proved(planned(PUBLIC, closed_anyway), closed_anyway, undeclared), claim
    )


def test_only_traffic_of_the_targets_own_kind_can_be_forbidden() -> None:
    """A server's policy that names packets declares nothing about a server."""
    confused = replace(PUBLIC, forbidden=lambda _: BLOCKED.forbidden(BLOCKING))
    assert not proved(planned(PUBLIC, OPENED), OPENED, confused).holds
    timid = replace(PUBLIC, forbidden=lambda _: ServerTraffic())
    assert not proved(planned(PUBLIC, OPENED), OPENED, timid).holds


# --- bad changes of a subnet -----------------------------------------------------------------------


def with_rule(change: Change, alter: Callable[[SecurityRule], SecurityRule]) -> Change:
    """The change with its first rule altered, and an inverse that fits."""
    first, *rest = change.edits
    assert isinstance(first, PutSecurityRule)
    edits: tuple[Edit, ...] = (replace(first, rule=alter(first.rule)), *rest)
    inverse = tuple(
        DeleteSecurityRule(nsg=NSG, rule=edit.rule)
        for edit in reversed(edits)
        if isinstance(edit, PutSecurityRule)
    )
    return replace(change, edits=edits, inverse=inverse)


BAD_RULES: dict[str, tuple[Callable[[SecurityRule], SecurityRule], str]] = {
    "everybody gets in": (lambda r: replace(r, sources=("*",)), "harmed: Inbound 0.0.0.0"),
    "a neighbour gets in": (
        lambda r: replace(r, sources=("10.0.1.0/24", "10.0.2.0/24")),
        "harmed: Inbound 10.0.2.0/24 → 10.0.1.0/24 tcp/5432,6432",
    ),
    "another port opens": (
        lambda r: replace(r, destination_ports=("5432-5440", "6432")),
        "harmed: Inbound 10.0.1.0/24 → 10.0.1.0/24 tcp/5433-5440",
    ),
    "another protocol passes": (lambda r: replace(r, protocol="*"), "10.0.1.0/24 */5432,6432"),
}


@pytest.mark.parametrize(("alter", "harm"), BAD_RULES.values(), ids=BAD_RULES.keys())
def test_a_rule_wider_than_its_box_is_refused_with_the_packets(
    alter: Callable[[SecurityRule], SecurityRule], harm: str
) -> None:
    proof = proved(with_rule(planned(BLOCKED, BLOCKING), alter), BLOCKING, BLOCKED)
    assert harm in refusal(proof, SUBNET_TRAFFIC)


def test_a_rule_that_stands_behind_the_deny_changes_nothing_and_is_refused() -> None:
    late = with_rule(planned(BLOCKED, BLOCKING), lambda r: replace(r, priority=4001))
    assert "is denied by" in refusal(proved(late, BLOCKING, BLOCKED), f"{BLOCKED.id} is compliant afterwards")


def test_a_rule_on_a_taken_priority_is_refused_because_the_rules_cannot_be_read() -> None:
    clash = with_rule(planned(BLOCKED, BLOCKING), lambda r: replace(r, priority=4000))
    detail = refusal(proved(clash, BLOCKING, BLOCKED), SUBNET_TRAFFIC)
    assert "share priority 4000" in detail


def test_a_change_that_denies_what_passed_is_refused_with_the_packets() -> None:
    app = security_rule(
        "app", 100, access=Access.ALLOW, sources=("10.0.2.0/24",), destination_ports=("5432",)
    )
    open_to_app = subnet(app, *_rules(BLOCKING))
    change = planned(BLOCKED, open_to_app)
    taking = replace(
        change,
        edits=(*change.edits, DeleteSecurityRule(nsg=NSG, rule=app)),
        inverse=(PutSecurityRule(nsg=NSG, rule=app), *change.inverse),
    )
    assert "10.0.2.0/24" in refusal(proved(taking, open_to_app, BLOCKED), SUBNET_TRAFFIC)


# --- a subnet's packets, by the kind of the policy -------------------------------------------------

PUBLISHED = "no packet is newly allowed, and only what the policy forbids is newly denied"
UNCHANGED = "no packet is treated otherwise than before"
TO_POSTGRES = TrafficBox(
    direction=Direction.INBOUND,
    protocol="Tcp",
    sources=(ip_network("0.0.0.0/0"),),
    destinations=(ip_network("10.0.1.0/24"),),
    ports=((5432, 5432),),
)
GUARD = security_rule(
    "guard", 110, protocol="Tcp", destinations=("10.0.1.0/24",), destination_ports=("5432",)
)
EXPOSED = subnet(security_rule("everybody", 120, access=Access.ALLOW, destination_ports=("22", "5432")))


def wants_a_guard(kind: Kind, forbidden: Traffic) -> AnyPolicy:
    """A policy that is content as soon as there is a rule called guard."""

    def evaluate(snapshot: SubnetSnapshot) -> Finding:
        guarded = any(rule.name == "guard" for rule in _rules(snapshot))
        return Finding(
            policy="subnet-exposed",
            target=snapshot.target,
            resource_id=snapshot.id,
            state=ComplianceState.COMPLIANT if guarded else ComplianceState.NON_COMPLIANT,
            severity=Severity.HIGH,
            reason="guarded" if guarded else "exposed",
        )

    return replace(
        BLOCKED, id="subnet-exposed", kind=kind, evaluate=evaluate, forbidden=lambda _snapshot: forbidden
    )


TIGHTENING = wants_a_guard(Kind.TIGHTENING, SubnetTraffic(boxes=(TO_POSTGRES,)))


def guarded(
    guard: SecurityRule = GUARD, before: SubnetSnapshot = EXPOSED, box: tuple[TrafficBox, ...] = ()
) -> Change:
    put, delete = PutSecurityRule(nsg=NSG, rule=guard), DeleteSecurityRule(nsg=NSG, rule=guard)
    return replace(edited(TIGHTENING, before, (put,), (delete,)), box=box)


@pytest.mark.parametrize("box", [(), (TO_POSTGRES,)], ids=["no box", "the box"])
def test_a_tightening_change_may_deny_what_the_policy_forbids(box: tuple[TrafficBox, ...]) -> None:
    proof = proved(guarded(box=box), EXPOSED, TIGHTENING, [TIGHTENING])
    assert proof.holds, proof.failures
    assert step(proof, PUBLISHED).detail == "newly denied: Inbound 0.0.0.0/0 → 10.0.1.0/24 tcp/5432"


NEIGHBOURS = replace(TO_POSTGRES, sources=(ip_network("10.0.0.0/8"),))
WRONG_GUARDS: dict[str, tuple[SecurityRule, SubnetSnapshot, tuple[TrafficBox, ...], str]] = {
    "denies another port": (replace(GUARD, destination_ports=("22", "5432")), EXPOSED, (), "tcp/22"),
    "denies more than its box": (GUARD, EXPOSED, (NEIGHBOURS,), "Inbound 0.0.0.0/5,8.0.0.0/7,11.0.0.0/8"),
    "lets somebody in": (
        replace(GUARD, access=Access.ALLOW),
        BLOCKING,
        (),
        "0.0.0.0/0 → 10.0.1.0/24 tcp/5432",
    ),
    "lets in what may be Storage": (
        replace(GUARD, access=Access.ALLOW, sources=("Storage",)),
        BLOCKING,
        (),
        "→ 10.0.1.0/24 tcp/5432",
    ),
}


@pytest.mark.parametrize(("guard", "before", "box", "harm"), WRONG_GUARDS.values(), ids=WRONG_GUARDS.keys())
def test_a_tightening_change_may_do_nothing_else_to_a_packet(
    guard: SecurityRule, before: SubnetSnapshot, box: tuple[TrafficBox, ...], harm: str
) -> None:
    detail = refusal(proved(guarded(guard, before, box), before, TIGHTENING, [TIGHTENING]), PUBLISHED)
    assert detail.startswith("harmed: Inbound")
    assert harm in detail


def test_what_passed_surely_and_may_be_denied_is_lost_and_must_be_forbidden() -> None:
    perhaps = guarded(replace(GUARD, sources=("Storage",)))
    assert step(proved(perhaps, EXPOSED, TIGHTENING), PUBLISHED).holds
    timid = wants_a_guard(Kind.TIGHTENING, SubnetTraffic(boxes=(NEIGHBOURS,)))
    assert "→ 10.0.1.0/24 tcp/5432" in refusal(proved(perhaps, EXPOSED, timid), PUBLISHED)


def test_a_tightening_policy_that_forbids_no_packets_may_deny_none() -> None:
    confused = wants_a_guard(Kind.TIGHTENING, ServerTraffic(all_azure=True))
    assert "tcp/5432" in refusal(proved(guarded(), EXPOSED, confused), PUBLISHED)


def test_a_setting_may_touch_no_packet() -> None:
    setting = wants_a_guard(Kind.SETTING, SubnetTraffic())
    assert "tcp/5432" in refusal(proved(guarded(), EXPOSED, setting, [setting]), UNCHANGED)
    idle = guarded(replace(GUARD, priority=130))  # behind the rule that lets everybody in
    assert step(proved(idle, EXPOSED, setting, [setting]), UNCHANGED).detail == "nothing changes"


def test_a_box_does_not_excuse_a_connectivity_change_that_denies() -> None:
    opening = wants_a_guard(Kind.CONNECTIVITY, SubnetTraffic(boxes=(TO_POSTGRES,)))
    detail = refusal(proved(guarded(box=(TO_POSTGRES,)), EXPOSED, opening, [opening]), SUBNET_TRAFFIC)
    assert detail == "harmed: Inbound 0.0.0.0/0 → 10.0.1.0/24 tcp/5432"


def test_a_change_for_another_nsg_does_not_fit() -> None:
    elsewhere = ResourceId(f"{NSG}-2")
    put = PutSecurityRule(nsg=elsewhere, rule=security_rule("x", 100))
    proof = proved(edited(BLOCKED, BLOCKING, (put,), ()), BLOCKING, BLOCKED)
    assert f"is for {elsewhere}" in refusal(proof, "the change fits the reading")


def test_a_change_of_a_subnet_without_an_nsg_does_not_fit() -> None:
    bare = subnet(security_group=None)
    put = PutSecurityRule(nsg=NSG, rule=security_rule("x", 100))
    assert not proved(edited(BLOCKED, bare, (put,), ()), bare, BLOCKED).holds


def _rules(snapshot: SubnetSnapshot) -> tuple[SecurityRule, ...]:
    assert snapshot.security_group is not None
    return snapshot.security_group.rules


def test_a_server_that_is_closed_gives_nothing_to_prove() -> None:
    assert PUBLIC.plan(PUBLIC.evaluate(server()), server()) is None
