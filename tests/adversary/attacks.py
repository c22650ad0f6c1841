"""The attacks that each play one brake: by somebody who knows the rules and waits for nobody's mistake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_network
from typing import Final

from shared.controller.rollback import RollbackRequest, roll_back
from shared.model import (
    Access,
    Actor,
    Outcome,
    SecurityGroup,
    ServerSnapshot,
    Severity,
    Snapshot,
    SubnetSnapshot,
)
from shared.model.resource_id import ResourceId
from tests.adversary.attack import Attack, Operate, Step, Write
from tests.adversary.deeds import (
    ALL_AZURE_POLICY,
    LOG_POLICIES,
    LOGS,
    PUBLIC_POLICY,
    WHOLE_POLICY,
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
    opened_by_rule,
    opens_public_access,
    puts,
    puts_security_rule,
    removed,
    sets_subnet,
    switches,
    tags,
    writes_diagnostics,
)
from tests.adversary.stage import Stage
from tests.builders import GROUP, OFFICE, SERVER, SUBNET, public_server, rule, security_rule, server, subnet
from tests.fakes import START, SUBSCRIPTION
from tests.nsg.builders import allow, asg, deny

OLD: Final = START - timedelta(days=300)
ORDERS: Final = public_server(created_at=OLD)
"""A server that is meant to be public, for the office; it is older than Driftward's first pass."""
QUIET_END: Final = 1800.0
"""Seconds at the end of an attack in which nothing is written, so that its end state shows."""
DEVELOPMENT: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/development"


# --- settling --------------------------------------------------------------------------------------


def _busy_writer(seconds: float) -> Iterator[Step]:
    """All of Azure is let in, and some write follows each 50 s, so that there never is a minute of quiet."""
    writes = (
        (puts(replace(OFFICE, name="helper"), again=True),),
        (switches("log_duration", "on"), switches("log_duration", "off")),
        (writes_diagnostics(),),
    )
    yield from in_order(
        at(0, puts(azure())), every(50, lambda n: writes[n % 3], of=(50, seconds - QUIET_END))
    )


def _tagging(seconds: float) -> Iterator[Step]:
    """The hole, and then nothing but tags, which concern no rule."""
    yield from in_order(
        at(0, puts(azure())), every(50, lambda n: [tags(counter=str(n))], of=(50, seconds - QUIET_END))
    )


def _flicker(seconds: float) -> Iterator[Step]:
    """Open 50 s, shut 10 s: at every reading a minute after, the drift is young again."""
    last = seconds - QUIET_END
    yield from in_order(
        every(60, lambda _: [puts(azure())], of=(0, last)),
        every(60, lambda _: [deletes("AllowAllAzure")], of=(50, last - 60)),
    )


# --- busy ------------------------------------------------------------------------------------------


def _updating(seconds: float) -> Iterator[Step]:
    """Everybody is let in on a server that is kept ``Updating``, where nobody can write."""
    yield from at(0, begins_operation(), puts(everybody()))
    yield from at(min(seconds - QUIET_END, 6 * 3600), ends_operation())


# --- budget ----------------------------------------------------------------------------------------


def harmless(server: ResourceId, begin: float) -> Iterator[Step]:
    """Nine drifts that cost a revert each and hurt nobody."""
    for number in range(3):
        yield from at(begin + 200 * number, *(switches(name, "off", server) for name in LOGS))


def _spent(seconds: float) -> Iterator[Step]:
    """Each hour nine harmless reverts, and then the real hole, under two names."""
    hours = range(int(seconds // 3600))
    holes = (at(3600 * hour + 700, puts(everybody()), puts(everybody("everyone"))) for hour in hours)
    yield from in_order(*(harmless(SERVER, 3600.0 * hour) for hour in hours), *holes)


def development(number: int) -> ServerSnapshot:
    name = f"{DEVELOPMENT}/providers/Microsoft.DBforPostgreSQL/flexibleServers/dev-{number}"
    return replace(ORDERS, id=ResourceId(name), host_name=f"dev-{number}.postgres.database.azure.com")


ELEVEN: Final = tuple(development(number) for number in range(11))


def _spent_elsewhere(seconds: float) -> Iterator[Step]:
    """Eleven development servers drift nine times each, and then production is opened."""
    last_hour = 3600.0 * (seconds // 3600 - 1)
    hours = sorted({0.0, last_hour})
    spenders = (harmless(one.id, hour) for one in ELEVEN for hour in hours)
    holes = (at(hour + 700, puts(everybody()), puts(everybody("everyone"))) for hour in hours)
    yield from in_order(*spenders, *holes)


# --- somebody else's NSG ---------------------------------------------------------------------------

THEIR_NSG: Final = ResourceId(
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/payments/providers/"
    "Microsoft.Network/networkSecurityGroups/payments-nsg"
)
THEIR_SUBNET: Final = ResourceId(
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/payments/providers/"
    "Microsoft.Network/virtualNetworks/payments/subnets/databases"
)
_THEIR_DENY: Final = deny("deny-all", 4000, protocol="*")
_THEIR_ALLOW: Final = allow("own", 100, "10.200.0.0/24 > 10.200.0.0/24", protocol="*")
_THEIRS: Final = SecurityGroup(
    id=THEIR_NSG, rules=(_THEIR_ALLOW, _THEIR_DENY), default_rules=(), subnets=(THEIR_SUBNET,)
)
IN_SUBNET_POLICY: Final = "nsg-blocks-postgres-in-subnet"
_WIDE: Final = subnet(prefixes=(ip_network("10.0.0.0/9"),))
_PAYMENTS: Final = replace(
    subnet(), id=THEIR_SUBNET, prefixes=(ip_network("10.200.0.0/24"),), security_group=_THEIRS
)


def _borrowed(seconds: float) -> Iterator[Step]:
    """Their NSG is joined to a subnet of half a network: who may join it makes us write into it."""
    shared = replace(_THEIRS, subnets=(THEIR_SUBNET, SUBNET))
    yield from at(0, replace(sets_subnet(THEIR_SUBNET, security_group=shared), event=False))
    yield from at(0, sets_subnet(SUBNET, security_group=shared))


def _is_written_into(there: Snapshot) -> bool:
    """Whether the other team's NSG allows what it did not."""
    if not isinstance(there, SubnetSnapshot) or there.security_group is None:
        return False
    if there.security_group.id != THEIR_NSG:
        return False
    return any(one.access is Access.ALLOW and one not in _THEIRS.rules for one in there.security_group.rules)


# --- last way in, fights ---------------------------------------------------------------------------

ONLY_OFFICE: Final = replace(ORDERS, private_endpoints=(), private_dns=None, places=())
"""A public server without a private endpoint: the office's rule is the one way in."""


def _last_way(seconds: float) -> Iterator[Step]:
    """The one good rule is deleted and everybody is let in: a deletion alone would cut everybody off."""
    yield from at(0, deletes("office"), puts(everybody()))


def _three_reopenings(seconds: float) -> Iterator[Step]:
    for second in (0.0, 200.0, 500.0, 900.0):
        yield from at(second, puts(azure()))


def _for_ever(seconds: float) -> Iterator[Step]:
    """Whenever it is shut it is opened again, within twenty seconds."""
    yield from every(20, lambda _: [puts(azure())], of=(0, seconds))


# --- rollback --------------------------------------------------------------------------------------

OPERATOR: Final = Actor(name="Olga Operator", object_id="olga-object")


def rolls_back(stage: Stage, until: datetime = START + timedelta(days=80)) -> None:
    """An operator undoes the newest revert, for as long as that may be asked for."""
    newest = next(iter(stage.store.changes(outcome=Outcome.REVERTED)), None)
    if newest is not None:
        request = RollbackRequest(
            change_id=newest.id, actor=OPERATOR, reason="a partner connects from Azure", expires_at=until
        )
        roll_back(request, stage.deps())


def _after_rollback(seconds: float) -> Iterator[Step]:
    """One rule is allowed by a rollback and goes; under its exemption comes another."""
    yield from at(0, puts(azure("partner")))
    yield Step(at=400, deed=Operate(does=rolls_back))
    yield from at(900, deletes("partner"))
    yield from at(1200, puts(azure("mine")))


# --- approval --------------------------------------------------------------------------------------

OVER_OFFICE: Final = server(created_at=OLD, firewall_rules=(OFFICE,))
"""A private server over whose old rule public access may be opened: closing it again asks for an approval."""


def approves(stage: Stage) -> None:
    """An operator approves what the alert shows."""
    alert = stage.open_alerts(PUBLIC_POLICY)[0]
    stage.approve(alert, "olga", timedelta(hours=8))


def _wider_than_approved(seconds: float) -> Iterator[Step]:
    """What is approved waits for the end of an operation, and by then it would cut off somebody else too."""
    yield from at(0, opens_public_access())
    yield from at(50, begins_operation())
    yield Step(at=60, deed=Operate(does=approves))
    yield from at(100, puts(rule("partner", "203.0.113.7")))
    yield from at(200, ends_operation())


# --- moved -----------------------------------------------------------------------------------------

MOVED: Final = replace(
    ORDERS,
    id=ResourceId(
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/archive/providers/"
        "Microsoft.DBforPostgreSQL/flexibleServers/orders"
    ),
)


def moves(old: ResourceId, new: ServerSnapshot) -> tuple[Write, ...]:
    """A server moves to another resource group: one event, on the group that it left."""
    group = ResourceId(f"/subscriptions/{old.subscription}/resourceGroups/{old.resource_group}")
    left = replace(
        removed(old),
        operation="Microsoft.Resources/subscriptions/resourceGroups/moveResources/action",
        subject=group,
    )
    return (replace(made(new), event=False), left)


def _moved(seconds: float) -> Iterator[Step]:
    """A server that nobody remembers under its new id counts as never seen compliant."""
    yield from at(0, *moves(SERVER, MOVED))
    yield from at(600, puts(azure(), MOVED.id))


# --- a shadow, and the switch ----------------------------------------------------------------------

_GUARDED: Final = subnet(security_rule("deny-internet", 4000, sources=("Internet",)))
_CUT: Final = deny("cut", 200, "VirtualNetwork > *", "5432")
_SHADOW: Final = allow("shadow", 100, " > *", "5432", groups=(["apps"], []))


def _shadowed(seconds: float) -> Iterator[Step]:
    """Ahead of the rule that cuts the servers off stands one of which nobody can tell whom it admits."""
    assert asg("apps") in _SHADOW.source_groups
    yield from at(0, puts_security_rule(_GUARDED, _SHADOW), puts_security_rule(_GUARDED, _CUT))


def _has_rule(name: str, there: Snapshot) -> bool:
    held = there.security_group if isinstance(there, SubnetSnapshot) else None
    return held is not None and any(one.name == name for one in held.rules)


def throws(name: str) -> Operate:
    """Somebody with the storage account's key writes a blob into ``control``."""
    return Operate(does=lambda stage: stage.blobs.put("control", name, b""))


def _switched(name: str, seconds: float) -> Iterator[Step]:
    yield Step(at=0, deed=throws(name))
    yield from at(10, puts(everybody()))


# --- tags ------------------------------------------------------------------------------------------


def _tagged_off(seconds: float) -> Iterator[Step]:
    """A tag moves the server to where the file says that tags may switch off; then it is opened."""
    yield from at(0, tags(env="dev"))
    yield from at(300, puts(azure()))


TAGGED_OFF: Final = f"""scopes:
  - scope: {GROUP}
    tags: {{env: dev}}
    tagsMayLower: true
    policies: {{{ALL_AZURE_POLICY}: {{effect: off}}}}
"""


_ON_ORDERS: Final = partial(Attack, seeds=(ORDERS,), exposed=lets_strangers_in)
_AZURE_ON_ORDERS: Final = partial(_ON_ORDERS, policies=(ALL_AZURE_POLICY, WHOLE_POLICY))

ATTACKS: Final = (
    _AZURE_ON_ORDERS(name="settling", steps=_busy_writer, short_hours=0.75),
    _AZURE_ON_ORDERS(name="settlingByTags", steps=_tagging, short_hours=0.75),
    _AZURE_ON_ORDERS(
        name="settlingByFlicker", steps=_flicker, is_fight=True, longest=1860.0, short_hours=0.75
    ),
    _ON_ORDERS(name="busy", steps=_updating, policies=(), about=(WHOLE_POLICY,), severity=Severity.CRITICAL),
    _ON_ORDERS(
        name="budget",
        steps=_spent,
        policies=(WHOLE_POLICY, *LOG_POLICIES),
        about=(WHOLE_POLICY,),
        severity=Severity.CRITICAL,
        messages_an_hour=20.0,
        short_hours=0.7,
    ),
    Attack(
        name="budgetOfOthers",
        seeds=(ORDERS, *ELEVEN),
        policies=(WHOLE_POLICY, *LOG_POLICIES),
        about=(WHOLE_POLICY,),
        steps=_spent_elsewhere,
        exposed=lets_strangers_in,
        severity=Severity.CRITICAL,
        messages_an_hour=120.0,
        short_hours=1.0,
    ),
    Attack(
        name="confusedDeputy",
        seeds=(_WIDE, _PAYMENTS),
        policies=(IN_SUBNET_POLICY,),
        steps=_borrowed,
        exposed=_is_written_into,
        provable=False,
        may_write=False,
        short_hours=1.0,
    ),
    _ON_ORDERS(
        name="lastWay",
        seeds=(ONLY_OFFICE,),
        policies=(WHOLE_POLICY, ALL_AZURE_POLICY),
        steps=_last_way,
        severity=Severity.CRITICAL,
    ),
    _AZURE_ON_ORDERS(name="threeReopenings", steps=_three_reopenings),
    _AZURE_ON_ORDERS(name="fight", steps=_for_ever, is_fight=True, longest=1860.0),
    _AZURE_ON_ORDERS(
        name="rollback", steps=_after_rollback, exposed=opened_by_rule("mine"), counts_from=1000.0
    ),
    Attack(
        name="approvalThenWider",
        seeds=(OVER_OFFICE,),
        policies=(PUBLIC_POLICY,),
        steps=_wider_than_approved,
        exposed=lets_strangers_in,
        provable=False,
        may_write=False,
        short_hours=1.0,
    ),
    _AZURE_ON_ORDERS(name="tag", steps=_tagged_off, file=TAGGED_OFF, provable=False),
    Attack(
        name="shadowRule",
        seeds=(_GUARDED,),
        policies=(IN_SUBNET_POLICY,),
        steps=_shadowed,
        exposed=partial(_has_rule, "cut"),
        provable=False,
    ),
    _AZURE_ON_ORDERS(name="moved", steps=_moved),
    _ON_ORDERS(
        name="breakGlass",
        policies=(WHOLE_POLICY,),
        steps=partial(_switched, "Break-Glass.txt"),
        severity=Severity.CRITICAL,
        provable=False,
        may_write=False,
        short_hours=1.0,
    ),
)
