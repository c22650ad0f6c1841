"""What is played: each scenario is a way that a drift, an alert or a change goes, step by step.

What stands before the first step is not taped. Between two steps the app is left alone for as long as the
step says, so that a step begins where the one before has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from datetime import timedelta
from typing import Any, Final

from shared.model import (
    Direction,
    Edit,
    PutSecurityRule,
    ServerState,
    Snapshot,
    Target,
)
from shared.model.errors import Denied, GatewayError, Transient
from shared.model.resource_id import ResourceId
from shared.model.values import value
from tests.builders import (
    ALL_AZURE,
    DRIFTED,
    OFFICE,
    SERVER,
    public_server,
    rule,
    security_rule,
    server,
    subnet,
)
from tests.steady.courses import FIGHT, OUTAGE, Course
from tests.steady.plant import Plant

FIREWALL: Final = "postgres-firewall-allows-all-azure"
WHOLE: Final = "postgres-firewall-allows-whole-internet"
PUBLIC: Final = "postgres-public-access-enabled"
BLOCKS: Final = "nsg-blocks-postgres-in-subnet"
GOOD: Final = public_server()
TARGET: Final = GOOD.target
OTHER: Final = replace(DRIFTED, firewall_rules=(OFFICE, rule("again", "0.0.0.0")))
"""Another drift of the same server."""
BOTH: Final = server(public_access=DRIFTED.public_access, firewall_rules=(ALL_AZURE,))
BLOCKED: Final = subnet(
    security_rule("deny-all", 200), security_rule("deny-out", 200, direction=Direction.OUTBOUND)
)
"""What it takes two edits to mend."""
BLOCKED_OTHERWISE: Final = subnet(security_rule("deny-more", 210))
ELSEWHERE: Final = ResourceId(str(SERVER).replace("/data/", "/other/"))
NO_ROLE: Final = Denied("no role", code="AuthorizationFailed", status=403)
BROKEN: Final = Transient("internal error", code="InternalServerError", status=500)
OPERATION: Final = 15.0

Does = Callable[[Plant], object]


@value
class Step:
    """What somebody does, and for how many seconds the app is left alone then."""

    does: Does
    seconds: float = 60.0
    settles: bool = True
    """Whether all is done by then, so that more time changes nothing."""


@value
class Scenario:
    name: str
    """As the report names it."""
    steps: tuple[Step, ...]
    policies: tuple[str, ...] = (FIREWALL,)
    """Those that revert; all others are off."""
    given: Does = lambda _: None
    """What has happened before, beside that ``good`` was seen."""
    good: Snapshot = GOOD
    changed: Snapshot = OTHER
    """Another drift, for what others may do meanwhile."""
    effect: str = "revert"
    more: str = ""
    """More of ``policies.yaml``."""
    parts: dict[str, Any] = field(default_factory=dict)
    """Of the plant."""
    course: Course = Course()
    """What is right where it depends on when things happen."""

    @property
    def is_timed(self) -> bool:
        """Whether it comes to rest, so that it can be told how much later that was."""
        return any(step.settles for step in self.steps)

    def plant(self) -> Plant:
        """The world before the first step: everything is known, and the chains have begun."""
        on = "".join(f"  {policy}: {{effect: {self.effect}}}\n" for policy in self.policies)
        text = f"version: 1\ndefaults: {{effect: off}}\npolicies:\n{on}{self.more}"
        plant = Plant(policies_file=text, on=self.policies, **self.parts)
        plant.azure.put(self.good)
        plant.sweep()
        plant.work(60)
        self.given(plant)
        return plant


# --- what is done ----------------------------------------------------------------------------------


def writes(snapshot: Snapshot) -> Does:
    return lambda plant: plant.write(snapshot)


def deletes(target: Target = TARGET) -> Does:
    return lambda plant: plant.delete(target)


def sweeps(plant: Plant) -> None:
    plant.sweep()


def in_turn(*deeds: Does) -> Does:
    def does(plant: Plant) -> None:
        for deed in deeds:
            deed(plant)

    return does


def nothing(_: Plant) -> None:
    """Time passes."""


def drifts(plant: Plant) -> None:
    """A drift that was reverted before the scenario begins."""
    plant.write(DRIFTED)
    plant.work(120)


def rolls_back(plant: Plant) -> None:
    """An operator undoes the last change, until four hours from now."""
    change = plant.store.changes()[0]
    body = {
        "reason": "the partner needs it",
        "expiresAt": (plant.clock.now() + timedelta(hours=4)).isoformat(),
        "by": "jane",
    }
    plant.call("rollback_change", body, of=change.id)


def rolled_back(plant: Plant) -> None:
    drifts(plant)
    rolls_back(plant)
    plant.work(120)


def runs(plant: Plant) -> None:
    plant.call("start_run", {"resourceId": str(SERVER), "enforcement": "enforce"})


def exempts(plant: Plant) -> None:
    """An operator exempts the server, until four hours from now."""
    ends = (plant.clock.now() + timedelta(hours=4)).isoformat()
    said = {"policy": FIREWALL, "scope": str(SERVER), "reason": "the partner needs it", "by": "jane"}
    plant.call("add_exemption", {**said, "expiresAt": ends})


def takes_it_back(plant: Plant) -> None:
    (given,) = plant.store.exemptions.all()
    plant.call("revoke_exemption", {"by": "jane"}, of=given.id)


def approves(plant: Plant) -> None:
    (alert,) = plant.open_alerts(PUBLIC)
    plant.call("approve_alert", {"by": "jane"}, of=alert.id)


def waits_for_approval(plant: Plant) -> None:
    plant.write(public_server())
    plant.work(60)


def is_moved(plant: Plant) -> None:
    """The server has another id now, and is as it was."""
    plant.delete(TARGET)
    plant.write(replace(DRIFTED, id=ELSEWHERE))


def becomes_busy(plant: Plant) -> None:
    plant.write(replace(DRIFTED, state=ServerState.BUSY, state_text="Updating"))


def drifts_unheard(plant: Plant) -> None:
    """The sink takes nothing for a while, and somebody drifts."""
    plant.down("sink.deliver", 100)
    plant.write(DRIFTED)


def is_poisoned(plant: Plant) -> None:
    """What is known of a target cannot be read for two minutes, and somebody drifts."""
    plant.down("tables.get targets/t", 126)
    plant.write(DRIFTED)


def _spends_budget(plant: Plant) -> None:
    """Other servers spend what the subscription has."""
    for number in range(2):
        name = f"{SERVER}-{number}"
        one = public_server(id=ResourceId(name), host_name=f"other{number}.example")
        plant.write(one)
        plant.work(30)
        plant.write(replace(DRIFTED, id=one.id, host_name=one.host_name))
        plant.work(60)


def _second_is_refused(edit: Edit) -> GatewayError | None:
    return (
        NO_ROLE if isinstance(edit, PutSecurityRule) and edit.rule.direction is Direction.OUTBOUND else None
    )


# --- the scenarios ---------------------------------------------------------------------------------

_SLOW: Final = {"operation_seconds": OPERATION}
_SUBNET: Final = Scenario(
    name="", steps=(), policies=(BLOCKS,), good=subnet(), changed=BLOCKED_OTHERWISE, parts=_SLOW
)

SCENARIOS: Final = (
    Scenario(name="one revert", steps=(Step(does=writes(DRIFTED)),)),
    Scenario(name="one long revert", steps=(Step(does=writes(DRIFTED), seconds=90),), parts=_SLOW),
    replace(_SUBNET, name="two edits", steps=(Step(does=writes(BLOCKED), seconds=120),)),
    replace(
        _SUBNET,
        name="second edit refused",
        steps=(Step(does=writes(BLOCKED), seconds=180),),
        parts={**_SLOW, "refuses": _second_is_refused},
    ),
    Scenario(
        name="two drifts in turn",
        steps=(Step(does=writes(BOTH), seconds=180),),
        policies=(FIREWALL, PUBLIC),
        good=server(),
        changed=server(public_access=DRIFTED.public_access),
        parts=_SLOW,
    ),
    Scenario(name="rollback", steps=(Step(does=rolls_back, seconds=120),), given=drifts, parts=_SLOW),
    Scenario(
        name="rollback refused",
        steps=(Step(does=rolls_back, seconds=120),),
        given=drifts,
        parts={"refuses": lambda edit: NO_ROLE if edit.kind.startswith("put") else None},
    ),
    Scenario(
        name="approved and carried out",
        steps=(Step(does=approves, seconds=90),),
        policies=(PUBLIC,),
        given=waits_for_approval,
        good=server(firewall_rules=(OFFICE,)),
        changed=public_server(firewall_rules=(OFFICE, rule("home", "203.0.113.7"))),
        parts=_SLOW,
    ),
    Scenario(
        name="alert opened, counted, resolved",
        steps=(
            Step(does=writes(DRIFTED)),
            Step(does=writes(replace(DRIFTED, tags={"cost": "1"}))),
            Step(does=writes(GOOD)),
        ),
        effect="alert",
    ),
    Scenario(
        name="deleted with an open alert",
        steps=(Step(does=writes(DRIFTED)), Step(does=deletes())),
        effect="alert",
    ),
    Scenario(
        name="deleted with a change in flight",
        steps=(Step(does=writes(DRIFTED), seconds=10, settles=False), Step(does=deletes(), seconds=120)),
        parts=_SLOW,
    ),
    Scenario(name="moved", steps=(Step(does=is_moved, seconds=120),), parts=_SLOW),
    Scenario(
        name="operation fails late",
        steps=(Step(does=writes(DRIFTED), seconds=300),),
        parts={**_SLOW, "ends_with": lambda _: BROKEN},
    ),
    Scenario(
        name="exposure told, then reverted",
        steps=(Step(does=becomes_busy, seconds=240), Step(does=writes(DRIFTED), seconds=90)),
        parts=_SLOW,
    ),
    Scenario(
        name="budget spent",
        steps=(Step(does=writes(DRIFTED)),),
        given=_spends_budget,
        more="budgets: {writesPerSubscription: 2}\n",
    ),
    Scenario(
        name="exemption expires",
        steps=(Step(does=sweeps, seconds=120), Step(does=writes(DRIFTED), seconds=120)),
        given=in_turn(rolled_back, lambda plant: plant.clock.advance(5 * 3600)),
    ),
    Scenario(
        name="exemption given and revoked",
        steps=(
            Step(does=exempts, seconds=90),
            Step(does=writes(DRIFTED), seconds=60),
            Step(does=takes_it_back, seconds=120),
        ),
    ),
    Scenario(
        name="run over HTTP",
        steps=(Step(does=runs, seconds=90),),
        given=lambda p: p.azure.put(DRIFTED),
        parts=_SLOW,
    ),
    Scenario(
        name="poisoned",
        steps=(Step(does=is_poisoned, seconds=300), Step(does=writes(DRIFTED), seconds=60)),
        course=OUTAGE,
    ),
    Scenario(
        name="told when the sink is back",
        steps=(Step(does=drifts_unheard, seconds=400),),
        effect="alert",
    ),
    Scenario(
        name="fight",
        steps=tuple(Step(does=writes(DRIFTED), seconds=40, settles=False) for _ in range(5)),
        course=FIGHT,
    ),
)
BY_NAME: Final = {scenario.name: scenario for scenario in SCENARIOS}
