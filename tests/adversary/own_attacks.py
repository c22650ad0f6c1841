"""Attacks by somebody who has read the code: what counts, what is remembered, when a reading comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from shared.model import Actor, EnforcementMode, PublicAccess, ServerSnapshot, ServerState, Severity
from shared.model.errors import Locked
from shared.model.resource_id import ResourceId
from tests.adversary.attack import Attack, Deed, Operate, Step, Write
from tests.adversary.attacks import ONLY_OFFICE, ORDERS, QUIET_END, rolls_back
from tests.adversary.deeds import (
    ALL_AZURE_POLICY,
    DORMANT_POLICY,
    LOG_POLICIES,
    PIECES_POLICY,
    PUBLIC_POLICY,
    WHOLE_POLICY,
    WIDE_POLICY,
    at,
    azure,
    begins_operation,
    deletes,
    ends_operation,
    every,
    everybody,
    in_order,
    lets_strangers_in,
    made,
    on_server,
    opened_by_rule,
    opens_public_access,
    puts,
    removed,
    sets,
    switches,
)
from tests.adversary.stage import WARM_UP, Stage
from tests.builders import OFFICE, SERVER, rule, server
from tests.fakes import START, US

PRIVATE: Final = server(created_at=ORDERS.created_at)
BEGAN: Final = START + WARM_UP


# --- many at once, or in turns ---------------------------------------------------------------------


def _many_names(seconds: float) -> Iterator[Step]:
    """One hole under a dozen names: more writes than a target may have in an hour."""
    yield from at(0, *(puts(everybody(f"everybody-{n}")) for n in range(12)))


def _many_names_at_once_and_again(seconds: float) -> Iterator[Step]:
    """A dozen names each time, so that a few reverts spend what is reserved."""
    hours = range(0, int(seconds), 3600)
    yield from in_order(*(_shifted(_many_names(seconds), hour) for hour in hours))


def _shifted(steps: Iterator[Step], by: float) -> Iterator[Step]:
    return (replace(step, at=step.at + by) for step in steps)


def _in_turns(seconds: float) -> Iterator[Step]:
    """Two holes take turns, so that no one drift comes back often."""
    holes = (puts(azure()), puts(everybody()))
    yield from every(600, lambda n: [holes[n % 2]], of=(0, seconds - QUIET_END))


def _new_name_each_time(seconds: float) -> Iterator[Step]:
    def wide(number: int) -> list[Write]:
        return [puts(rule(f"r{number}", "0.0.0.0", f"255.255.{number % 250}.255"))]

    yield from every(600, wide, of=(0, seconds - QUIET_END))


def _two_pieces(seconds: float) -> Iterator[Step]:
    """Two rules that together admit everybody, cut at another place every ten minutes."""

    def cut(number: int) -> list[Write]:
        where = 100 + number % 100
        return [
            puts(rule("low", "0.0.0.0", f"{where}.255.255.255"), again=True),
            puts(rule("high", f"{where + 1}.0.0.0", "255.255.255.255"), again=True),
        ]

    yield from every(600, cut, of=(0, seconds - QUIET_END))


# --- between two readings --------------------------------------------------------------------------


def _under_the_look(seconds: float) -> Iterator[Step]:
    """Open four and a half seconds of five, to be shut whenever a coalesced reading comes that is on time."""
    last = min(seconds - QUIET_END, 1800)
    yield from in_order(
        every(5.1, lambda _: [puts(everybody())], of=(0, last)),
        every(5.1, lambda _: [deletes("everybody")], of=(4.5, last)),
    )


def _short_and_seldom(seconds: float) -> Iterator[Step]:
    """Open for less than the quiet that a revert waits for, each half hour."""
    yield from in_order(
        every(1800, lambda _: [puts(azure())], of=(0, seconds - QUIET_END)),
        every(1800, lambda _: [deletes("AllowAllAzure")], of=(55, seconds - QUIET_END)),
    )


def _twice_a_day(seconds: float) -> Iterator[Step]:
    for begin in (0.0, seconds / 2):
        yield from at(begin, puts(azure()))
        yield from at(begin + 89, deletes("AllowAllAzure"))


# --- busy at the right moment ----------------------------------------------------------------------


def _never_ready_for_long(seconds: float) -> Iterator[Step]:
    """One change of size after the other: five seconds a minute in which a write would be taken."""
    last = min(seconds - QUIET_END, 4 * 3600)
    yield from in_order(
        at(0, puts(azure())),
        every(60, lambda _: [begins_operation()], of=(1, last)),
        every(60, lambda _: [ends_operation()], of=(56, last + 60)),
    )


def _while_verifying(seconds: float) -> Iterator[Step]:
    """Open again the moment it is shut, and busy at once: the reading that verifies says nothing."""

    def again(there: ServerSnapshot) -> ServerSnapshot:
        if lets_strangers_in(there):
            return there
        open_again = (*(there.firewall_rules or ()), everybody())
        return replace(there, firewall_rules=open_again, state=ServerState.BUSY, state_text="Updating")

    reopening = replace(puts(everybody()), becomes=on_server(again))
    yield from in_order(
        at(0, puts(everybody())),
        every(5, lambda _: [reopening], of=(20, 600)),
        at(min(seconds - QUIET_END, 6 * 3600), ends_operation()),
    )


def _before_verifying(seconds: float) -> Iterator[Step]:
    """Open again before our own reading: the revert looks as if it had been accepted and changed nothing."""
    yield from every(5, lambda _: [puts(azure())], of=(0, seconds))


def _once(seconds: float) -> Iterator[Step]:
    yield from at(0, puts(everybody()))


def _behind_a_change(seconds: float) -> Iterator[Step]:
    """A harmless revert is on its way, and cannot be verified: the hole comes behind it."""
    yield from at(0, switches("log_checkpoints", "off"))
    yield from at(66, begins_operation(), puts(azure()))
    yield from at(min(seconds - QUIET_END, 6 * 3600), ends_operation())


def _start_and_stop(seconds: float) -> Iterator[Step]:
    """Opened while it is stopped, and started for less than a minute at a time."""
    last = min(seconds - QUIET_END, 6 * 3600)
    yield from in_order(
        every(300, lambda _: [sets(state=ServerState.STOPPED, state_text="Stopped")], of=(0, last)),
        at(10, puts(azure())),
        every(300, lambda _: [sets(state=ServerState.READY, state_text="Ready")], of=(240, last)),
    )


# --- what Azure refuses, or does not end -----------------------------------------------------------


def _locks(stage: Stage) -> None:
    stage.locked.append(Locked("CanNotDelete", code="ScopeLocked", status=409))


def _locked(seconds: float) -> Iterator[Step]:
    """A lock forbids deletions for twenty minutes; what was refused is not tried again for an hour."""
    lock = Write(
        target=SERVER,
        becomes=on_server(replace),
        operation="Microsoft.Authorization/locks/write",
        subject=ResourceId(f"{SERVER}/providers/Microsoft.Authorization/locks/keep"),
    )
    yield Step(at=0, deed=Operate(does=_locks))
    yield from at(1, lock, puts(azure()))
    yield Step(at=1200, deed=Operate(does=lambda stage: stage.locked.clear()))
    yield from at(1201, replace(lock, operation="Microsoft.Authorization/locks/delete"))


# --- who wrote, and when ---------------------------------------------------------------------------


def _as_us(seconds: float) -> Iterator[Step]:
    """Events that claim to be of our own writes."""
    yield from in_order(
        at(0, puts(azure(), actor=US)),
        every(30, lambda _: [sets(actor=US)], of=(30, min(seconds - QUIET_END, 4 * 3600))),
    )


def _from_another_time(seconds: float) -> Iterator[Step]:
    """Events of a write that is yet to come, and of one long ago."""
    yield from at(0, puts(azure(), at_second=10 * 365 * 86_400.0))
    yield from at(20, sets(at_second=-86_400.0))


def _crowd(seconds: float) -> Iterator[Step]:
    """For five minutes an event every two seconds, each by another name."""

    def one(number: int) -> list[Write]:
        return [sets(actor=Actor(object_id=f"actor-{number}", name=f"Actor {number}"))]

    yield from in_order(at(0, puts(azure())), every(2, one, of=(1, 300)))


# --- what is remembered ----------------------------------------------------------------------------


def _made_anew(seconds: float) -> Iterator[Step]:
    """Deleted and made again, with the hole from the first moment: nothing is remembered of it."""

    def anew(number: int) -> list[Write]:
        born = BEGAN + timedelta(seconds=3600 * number + 60)
        return [made(replace(ORDERS, created_at=born, firewall_rules=(OFFICE, azure())))]

    hours = (seconds - QUIET_END) // 3600 * 3600
    yield from in_order(
        every(3600, lambda _: [removed()], of=(0, hours + 1)), every(3600, anew, of=(60, hours + 61))
    )


def _made_anew_and_shut(seconds: float) -> Iterator[Step]:
    """Each ten minutes made again and open for less than a minute: each time its first opening."""

    def anew(number: int) -> list[Write]:
        born = BEGAN + timedelta(seconds=600 * number + 30)
        return [made(replace(ORDERS, created_at=born, firewall_rules=(OFFICE, azure())))]

    last = min(seconds - QUIET_END, 6 * 3600)
    yield from in_order(
        every(600, lambda _: [removed()], of=(0, last)),
        every(600, anew, of=(30, last)),
        every(600, lambda _: [deletes("AllowAllAzure")], of=(85, last + 90)),
    )


def _own_address(seconds: float) -> Iterator[Step]:
    """Public access to a private server, for one address alone, with a write each 50 s."""
    agent = rule("home", "203.0.113.99")
    yield from in_order(
        at(0, opens_public_access(), puts(agent)),
        every(50, lambda n: [puts(replace(agent, name=f"home-{n % 5}"))], of=(50, min(seconds, 1500))),
    )


def _own_address_again(seconds: float) -> Iterator[Step]:
    """The same whenever it is shut: the rule stays, dormant, where the last compliant reading has it too."""

    def again(there: ServerSnapshot) -> ServerSnapshot:
        shut = there.public_access is PublicAccess.DISABLED
        return replace(there, public_access=PublicAccess.ENABLED) if shut else there

    opening = replace(opens_public_access(), becomes=on_server(again))
    last = min(seconds, 8 * 3600)
    yield from in_order(
        at(0, puts(rule("home", "203.0.113.99"))), every(20, lambda _: [opening], of=(1, last))
    )


def _dormant_first(seconds: float) -> Iterator[Step]:
    """A rule that sleeps for an hour on a private server, then public access is opened over it."""
    yield from at(0, puts(everybody()))
    yield from at(3600, opens_public_access())


def _beside_the_rollback(seconds: float) -> Iterator[Step]:
    """The rule that a rollback allows stays, and another comes beside it."""
    yield from at(0, puts(azure("partner")))
    yield Step(at=400, deed=Operate(does=rolls_back))
    yield from at(1200, puts(everybody("mine")), puts(azure("mine-too")))


_UNTIL: Final = 4020.0
EXEMPTED: Final = f"""exemptions:
  - scope: {SERVER}
    policy: {ALL_AZURE_POLICY}
    reason: planned migration
    approver: jane@example.com
    expires: {(BEGAN + timedelta(seconds=_UNTIL)).isoformat()}
"""


def _outlives_its_exemption(seconds: float) -> Iterator[Step]:
    """Opened under an exemption, and left open when that ends between two sweeps."""
    yield from at(0, puts(azure()))
    yield Step(at=_UNTIL, deed=Operate(does=lambda _: None))


def _good_rule_first(seconds: float) -> Iterator[Step]:
    """The one good rule goes first, and the last compliant reading knows it no more."""
    yield from at(0, deletes("office"))
    yield from at(900, puts(everybody()))


def _widened(seconds: float) -> Iterator[Step]:
    """The one good rule itself is widened to everybody."""
    yield from at(0, puts(replace(everybody(), name="office")))


# --- by somebody who may call us -------------------------------------------------------------------


def _asking(seconds: float) -> Iterator[Step]:
    """Somebody asks again and again for runs that only audit, and for one policy."""
    policies = (LOG_POLICIES[0],)

    def run(number: int) -> Deed:
        parts = {"enforcement": EnforcementMode.AUDIT} if number % 2 else {"policies": policies}
        return Operate(does=lambda stage: stage.look(ORDERS.target, **parts))

    asked = (Step(at=20.0 * number, deed=run(number)) for number in range(int(min(seconds, 1200) // 20)))
    yield from in_order(at(0, puts(azure())), asked)


def _spam(seconds: float) -> Iterator[Step]:
    """Each minute another range that is too wide, to bury the one message that matters."""

    def noise(number: int) -> list[Write]:
        return [puts(rule("noise", f"{20 + number % 50}.0.0.0", f"{20 + number % 50}.7.255.255"), again=True)]

    last = min(seconds - QUIET_END, 4 * 3600)
    yield from in_order(
        every(120, noise, of=(0, last)),
        every(120, lambda _: [deletes("noise")], of=(60, last)),
        at(1230, puts(azure())),
    )


_OPENS_ORDERS: Final = partial(Attack, seeds=(ORDERS,), exposed=lets_strangers_in)
_AZURE: Final = partial(_OPENS_ORDERS, policies=(ALL_AZURE_POLICY, WHOLE_POLICY))
_CRITICAL: Final = partial(_AZURE, severity=Severity.CRITICAL)

OWN: Final = (
    _CRITICAL(name="manyNames", steps=_many_names),
    _CRITICAL(name="manyNamesAgain", steps=_many_names_at_once_and_again),
    _CRITICAL(name="inTurns", steps=_in_turns, longest=1860.0, is_fight=True),
    _CRITICAL(name="newNameEachTime", steps=_new_name_each_time, longest=1860.0, is_fight=True),
    _CRITICAL(name="twoPieces", steps=_two_pieces, policies=(PIECES_POLICY,), provable=False),
    _CRITICAL(
        name="underTheLook",
        steps=_under_the_look,
        is_fight=True,
        longest=1860.0,
        latency=3.0,
        short_hours=0.75,
    ),
    _AZURE(name="shortAndSeldom", steps=_short_and_seldom),
    _AZURE(name="twiceADay", steps=_twice_a_day),
    _AZURE(name="neverReadyForLong", steps=_never_ready_for_long, short_hours=1.0),
    _CRITICAL(name="whileVerifying", steps=_while_verifying, short_hours=0.75),
    _AZURE(name="beforeVerifying", steps=_before_verifying, is_fight=True, longest=1860.0),
    _AZURE(
        name="behindAChange",
        steps=_behind_a_change,
        policies=(ALL_AZURE_POLICY, LOG_POLICIES[0]),
        about=(ALL_AZURE_POLICY,),
        short_hours=0.75,
    ),
    _AZURE(name="startAndStop", steps=_start_and_stop),
    _CRITICAL(
        name="hangingOperation", steps=_once, operation_seconds=7200.0, provable=False, short_hours=0.7
    ),
    _AZURE(name="locked", steps=_locked, is_fight=True, longest=1860.0),
    _AZURE(name="asUs", steps=_as_us, short_hours=0.75),
    _AZURE(name="fromAnotherTime", steps=_from_another_time),
    _AZURE(name="crowd", steps=_crowd, short_hours=0.5),
    _AZURE(name="madeAnew", steps=_made_anew),
    _AZURE(name="madeAnewAndShut", steps=_made_anew_and_shut, messages_an_hour=6.0),
    _OPENS_ORDERS(name="ownAddress", seeds=(PRIVATE,), policies=(PUBLIC_POLICY,), steps=_own_address),
    _OPENS_ORDERS(
        name="ownAddressAgain",
        seeds=(PRIVATE,),
        policies=(PUBLIC_POLICY,),
        steps=_own_address_again,
        provable=False,  # a rule that the last compliant reading had asks for an approval
    ),
    _OPENS_ORDERS(
        name="dormantFirst",
        seeds=(PRIVATE,),
        policies=(WHOLE_POLICY, PUBLIC_POLICY, DORMANT_POLICY),
        about=(WHOLE_POLICY, PUBLIC_POLICY),
        steps=_dormant_first,
        severity=Severity.CRITICAL,
    ),
    _CRITICAL(
        name="besideTheRollback",
        steps=_beside_the_rollback,
        exposed=opened_by_rule("mine", "mine-too"),
        counts_from=1000.0,
    ),
    _AZURE(name="outlivesItsExemption", steps=_outlives_its_exemption, file=EXEMPTED, counts_from=_UNTIL),
    _CRITICAL(name="goodRuleFirst", seeds=(ONLY_OFFICE,), steps=_good_rule_first),
    _CRITICAL(name="widened", seeds=(ONLY_OFFICE,), steps=_widened),
    _AZURE(name="asking", steps=_asking, policies=(ALL_AZURE_POLICY, LOG_POLICIES[0])),
    _AZURE(
        name="spam",
        steps=_spam,
        policies=(ALL_AZURE_POLICY, WIDE_POLICY),
        about=(ALL_AZURE_POLICY,),
        exposed=opened_by_rule("AllowAllAzure"),
        messages_an_hour=120.0,
        short_hours=1.0,
    ),
)
