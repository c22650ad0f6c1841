"""The standby: whether there is one of the wanted kind, and whether it could take over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.model import Aspect, ComplianceState, ServerState, Severity
from shared.model.parts import Availability, Health, Replication
from shared.policies.continuity.postgres_high_availability_off import POLICY as OFF
from shared.policies.continuity.postgres_high_availability_unhealthy import POLICY as UNHEALTHY
from shared.posture.policy import RaisedBy, bound
from tests.builders import SUBNET, server

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
BLOCKED = Health(
    state="Degraded",
    reason="Unplanned",
    summary="Degraded: Network Security Group (NSG) or virtual appliance blocking connections",
)
PASSING = [
    "CreatingStandby",
    "RecreatingStandby",
    "ReplicatingData",
    "FailingOver",
    "RemovingStandby",
    "ComputeUpdatingByFailover",
]


def available(mode: str, state: str = "Healthy", **parts: Any) -> Any:
    on = {"disabled": False, "zoneredundant": True, "samezone": True}.get(mode.lower())
    return server(availability=Availability(mode=mode, state=state), high_availability=on, **parts)


# --- whether there is one --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modes", "mode", "state"),
    [
        (["ZoneRedundant", "SameZone"], "zoneredundant", COMPLIANT),
        (["ZoneRedundant", "SameZone"], "SameZone", COMPLIANT),
        (["ZoneRedundant", "SameZone"], "Disabled", NON_COMPLIANT),
        (["zoneredundant"], "SameZone", NON_COMPLIANT),
        (["SameZone"], "ZoneRedundant", NON_COMPLIANT),
        (["ZoneRedundant", "SameZone"], "", UNKNOWN),
        (["ZoneRedundant", "SameZone"], "MultiRegion", UNKNOWN),
    ],
)
def test_a_server_needs_one_of_the_modes_that_will_do(
    modes: list[str], mode: str, state: ComplianceState
) -> None:
    found = bound(OFF, {"modes": modes}).evaluate(available(mode))
    assert found.state is state
    assert found.evidence["acceptedModes"] == modes


def test_the_remedy_fits_the_modes_that_will_do() -> None:
    (any_mode,) = bound(OFF, {}).evaluate(available("Disabled")).evidence["whatToDo"]
    assert any_mode.endswith("--zonal-resiliency Enabled --allow-same-zone")
    (zones,) = bound(OFF, {"modes": ["ZoneRedundant"]}).evaluate(available("Disabled")).evidence["whatToDo"]
    assert zones.endswith("--zonal-resiliency Enabled")
    (same,) = bound(OFF, {"modes": ["SameZone"]}).evaluate(available("Disabled")).evidence["whatToDo"]
    assert same.startswith("az rest --method patch")
    assert '"mode": "SameZone"' in same


def test_a_read_replica_cannot_have_a_standby() -> None:
    replica = available("Disabled", replication=Replication(role="GeoAsyncReplica"))
    found = bound(OFF, {}).evaluate(replica)
    assert (found.state, found.applies) == (COMPLIANT, False)


@pytest.mark.parametrize("wrong", [[], ["Disabled"], ["ZoneRedundant", "Both"], "ZoneRedundant", None, [1]])
def test_modes_are_modes_of_a_standby(wrong: object) -> None:
    (modes,) = OFF.parameters
    assert modes.check(wrong) is not None
    assert modes.check(["samezone"]) is None


# --- whether it could take over --------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["Healthy", "healthy", "HEALTHY"])
def test_a_healthy_standby_is_compliant(spelling: str) -> None:
    found = UNHEALTHY.evaluate(available("ZoneRedundant", spelling))
    assert (found.state, found.applies) == (COMPLIANT, True)
    assert found.evidence["resourceHealth"] is None


def test_without_high_availability_there_is_nothing_to_be_ill() -> None:
    found = UNHEALTHY.evaluate(available("Disabled", "NotEnabled"))
    assert (found.state, found.applies) == (COMPLIANT, False)


def test_a_mode_without_a_standby_is_found() -> None:
    found = UNHEALTHY.evaluate(available("SameZone", "NotEnabled"))
    assert (found.state, found.severity) == (NON_COMPLIANT, Severity.HIGH)
    assert found.fingerprint == "state=notenabled"


@pytest.mark.parametrize("state", PASSING)
def test_a_state_that_passes_is_looked_at_again_and_no_drift(state: str) -> None:
    for spelling in (state, state.upper()):
        found = UNHEALTHY.evaluate(available("ZoneRedundant", spelling))
        assert (found.state, found.fingerprint) == (UNKNOWN, "")
        assert "which passes" in found.reason


@pytest.mark.parametrize("state", [*PASSING, "NotEnabled", ""])
def test_a_standby_that_an_nsg_holds_up_is_found_in_every_state(state: str) -> None:
    found = UNHEALTHY.evaluate(available("ZoneRedundant", state, health=BLOCKED, delegated_subnet=SUBNET))
    assert found.state is NON_COMPLIANT
    assert "an NSG or a virtual appliance blocks its connections" in found.reason
    assert found.fingerprint == "an NSG or a virtual appliance blocks its connections"
    assert str(SUBNET) in found.evidence["whatToDo"]
    assert found.evidence["resourceHealth"]["availabilityState"] == "Degraded"


def test_a_server_that_became_read_only_is_found() -> None:
    full = Health(state="DEGRADED", summary="Degraded: Read-Only State")
    found = UNHEALTHY.evaluate(available("ZoneRedundant", "ReplicatingData", health=full))
    assert (found.state, found.fingerprint) == (NON_COMPLIANT, "the server is read-only")
    assert "--storage-size" in found.evidence["whatToDo"][-1]


@pytest.mark.parametrize(
    "health",
    [
        Health(state="Degraded", summary="Planned failover initiated"),
        Health(state="Degraded", summary="High availability in degraded state"),
        Health(state="Available", summary="an NSG is mentioned, and nothing is wrong"),
        Health(state="Unknown"),
        None,
    ],
)
def test_a_failover_that_runs_and_a_word_that_blames_nothing_leave_it_to_the_next_look(
    health: Health | None,
) -> None:
    assert UNHEALTHY.evaluate(available("ZoneRedundant", "FailingOver", health=health)).state is UNKNOWN


@pytest.mark.parametrize("state", ["", "Frozen"])
def test_a_state_that_is_absent_or_new_is_unknown(state: str) -> None:
    assert UNHEALTHY.evaluate(available("ZoneRedundant", state)).state is UNKNOWN


@pytest.mark.parametrize("mode", ["", "MultiRegion"])
def test_a_mode_that_is_absent_or_new_is_unknown(mode: str) -> None:
    assert UNHEALTHY.evaluate(available(mode)).state is UNKNOWN


def test_the_standby_of_a_stopped_server_waits_for_its_start() -> None:
    ready = available("ZoneRedundant", "NotEnabled")
    found = UNHEALTHY.evaluate(replace(ready, state=ServerState.STOPPED, state_text="Stopped"))
    assert found.state is UNKNOWN
    assert found.reason.endswith("the server is stopped: this waits until it runs")


def test_resource_health_that_may_not_be_read_is_told_and_takes_nothing_from_what_is_known() -> None:
    refused = {Aspect.HEALTH: "our identity may not perform a/b/read"}
    found = UNHEALTHY.evaluate(available("ZoneRedundant", "NotEnabled", unread=refused))
    assert found.state is NON_COMPLIANT
    assert found.evidence["resourceHealth"] == "our identity may not perform a/b/read"
    passing = UNHEALTHY.evaluate(available("ZoneRedundant", "ReplicatingData", unread=refused))
    assert passing.state is UNKNOWN
    assert "our identity may not perform a/b/read" in passing.reason


def test_only_the_sweep_hears_of_an_ill_standby_and_everybody_wants_to_know() -> None:
    assert (UNHEALTHY.raised_by, UNHEALTHY.opt_in, OFF.opt_in) == (RaisedBy.SWEEP, False, True)
