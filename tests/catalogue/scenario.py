"""What a scenario says, as a value, and how the scenarios are found.

A scenario holds data only: bodies of ARM, calls that a person makes, and what they must come to. How it is
played is ``stage.py``'s.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from importlib import import_module
from typing import Literal, TypeAlias

from local.simulator.values import JsonObject, JsonValue
from shared.model import Outcome, Reason, Safety, TargetKind
from shared.model.values import value
from shared.policies import discover, find
from shared.posture.policy import AnyPolicy
from tests.catalogue import scenarios


@value
class Call:
    """A write to ARM by a person. ``path`` is the id of what is written."""

    method: Literal["PUT", "PATCH", "POST", "DELETE"]
    path: str
    body: JsonObject | None = None


@value
class Happening:
    """What becomes of Azure without anybody's call, and so without an event: bodies as in a seed."""

    bodies: tuple[JsonObject, ...]


Step: TypeAlias = Call | Happening


def put(path: str, body: JsonObject) -> Call:
    return Call(method="PUT", path=path, body=body)


def patch(path: str, body: JsonObject) -> Call:
    return Call(method="PATCH", path=path, body=body)


def post(path: str, body: JsonObject | None = None) -> Call:
    return Call(method="POST", path=path, body=body)


def delete(path: str) -> Call:
    return Call(method="DELETE", path=path)


def happening(*bodies: JsonObject) -> Happening:
    return Happening(bodies=bodies)


@value
class Scenario:
    """One drift of one policy, from the compliant state to what Driftward comes to."""

    policy: str
    kind: TargetKind
    resource: str
    """Id of the target that the policy judges."""
    seed: tuple[JsonObject, ...]
    """What stands in Azure before; the policy finds it compliant."""
    drift: tuple[Step, ...]
    outcome: Literal[Outcome.REVERTED, Outcome.ALERTED]
    reason: Reason = Reason.DRIFT
    """Of the decision: why it was reverted, or why it was not."""
    settings: str = ""
    """Text of ``policies.yaml``, laid over "this policy reverts, every other is off"."""
    leaves: tuple[str, ...] = ()
    """Ids that differ after the revert from before the drift, or that what differs lies under."""
    switches: Mapping[str, JsonValue] = field(default_factory=dict)
    """Behaviour of Azure that the drift needs and that is not the simulator's default."""
    part: str = ""
    """The ARM action of the optional part without which the policy is ``Unknown``."""
    name: str = ""
    """Tells the further scenarios of a policy apart."""

    @property
    def judged_by(self) -> AnyPolicy:
        policy = find(self.policy)
        assert policy is not None, f"there is no policy {self.policy}"
        return policy

    @property
    def needs_approval(self) -> bool:
        return self.outcome is Outcome.REVERTED and self.judged_by.safety is Safety.APPROVAL


@value
class Catalogue:
    """The scenarios by the id of the policy that their file is named after."""

    main: Mapping[str, Scenario] = field(default_factory=dict)
    further: Mapping[str, tuple[Scenario, ...]] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Scenario, ...]:
        return (*self.main.values(), *(one for some in self.further.values() for one in some))


@cache
def catalogue() -> Catalogue:
    """Every scenario in the folder."""
    names = sorted(found.name for found in pkgutil.iter_modules(scenarios.__path__))
    modules = {name.replace("_", "-"): import_module(f"{scenarios.__name__}.{name}") for name in names}
    return Catalogue(
        main={policy: module.SCENARIO for policy, module in modules.items()},
        further={policy: getattr(module, "ALSO", ()) for policy, module in modules.items()},
    )


def without_scenario() -> set[str]:
    """The ids of the policies that nobody has written a scenario for."""
    return {policy.id for policy in discover()} - set(catalogue().main)


def title(scenario: Scenario) -> str:
    return f"{scenario.policy}-{scenario.name}" if scenario.name else scenario.policy
