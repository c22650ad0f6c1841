"""An exemption that has ended: one alert for it, whoever it covered, until it is removed or renewed."""

from __future__ import annotations

import pytest

from shared.alerts.lifecycle import IllegalTransition, approve
from shared.alerts.views import alert_view
from shared.controller.sweep import sweep
from shared.model import Reason, Severity
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.resource_id import ResourceId
from tests.builders import DRIFTED, GROUP, SERVER, public_server, subnet
from tests.fakes import World

FIREWALL = "postgres-firewall-allows-all-azure"
EXPIRED = "exemption-expired"
ENTRY = f"  - {{scope: {GROUP}, policy: {FIREWALL}, reason: a partner, approver: jane, expires: %s}}\n"


def file(*ends: str) -> str:
    return "version: 1\nexemptions:\n" + "".join(ENTRY % end for end in ends) if ends else "version: 1\n"


def world(*ends: str) -> World:
    """Two servers and a subnet in the scope, which are known."""
    there = World(policies_file=file(*ends))
    there.azure.put(public_server())
    there.azure.put(public_server(id=ResourceId(f"{SERVER}-2")))
    there.azure.put(subnet())
    swept(there)
    return there


def swept(there: World) -> list[AlertRecord]:
    sweep(there.deps())
    there.drain(1)
    return there.open_alerts(EXPIRED)


def ended() -> World:
    """The entry ends a minute after the first sweep."""
    there = world("2026-11-02T08:01:00Z")
    assert there.open_alerts(EXPIRED) == []
    there.clock.advance(60)
    return there


def test_an_exemption_that_has_ended_raises_one_alert_that_names_it() -> None:
    there = ended()
    (alert,) = swept(there)
    assert alert.decision.reason is Reason.EXEMPTION_EXPIRED
    assert alert.severity is Severity.MEDIUM
    assert alert.resource_id == ResourceId(GROUP)
    assert alert.target.id == SERVER, "the first of what it covered that the policy is about"
    assert alert.evidence == {
        "policy": FIREWALL,
        "scope": GROUP,
        "reason": "a partner",
        "approver": "jane",
        "expired": "2026-11-02T08:01:00+00:00",
        "place": "policies.yaml:3",
        "targets": 2,
    }
    assert alert_view(alert)["policy"] == EXPIRED


def test_people_are_told_once_however_often_the_sweep_comes() -> None:
    there = ended()
    for _ in range(3):
        (alert,) = swept(there)
    assert alert.count == 1
    told = [n for n in there.delivered if n.data["policy"] == EXPIRED]
    assert [n.type for n in told] == [NotificationType.ALERT_OPENED]
    assert "a partner" in told[0].body
    assert GROUP in told[0].body


def test_the_drift_that_it_covered_is_judged_again() -> None:
    there = ended()
    there.clock.advance(-30)
    target = there.azure.put(DRIFTED)
    there.event(target)
    there.drain()
    assert there.azure.writes == []
    there.clock.advance(30)
    swept(there)
    there.drain(5)
    assert len(there.azure.writes) == 1


def test_it_is_resolved_when_the_entry_is_removed_or_renewed() -> None:
    for after in ((), ("2027-01-01",), ("2026-11-02T08:01:00Z", "2027-01-01")):
        there = ended()
        (alert,) = swept(there)
        there.policies_file = file(*after)
        assert swept(there) == []
        resolved = there.store.alert(alert.id)
        assert resolved is not None
        assert resolved.resolution == "the exemption was removed or renewed"


def test_what_was_renewed_and_ends_again_opens_the_same_alert_again() -> None:
    there = ended()
    (alert,) = swept(there)
    there.policies_file = file("2026-11-02T09:00:00Z")
    assert swept(there) == []
    there.clock.advance(3600)
    (again,) = swept(there)
    assert (again.id, again.count) == (alert.id, 2)


def test_an_entry_that_covers_nothing_known_is_not_told() -> None:
    there = world("2026-11-01")
    there.policies_file = file("2026-11-01").replace(GROUP, f"{GROUP}-2")
    assert swept(there) == []


def test_there_is_nothing_to_approve_about_it() -> None:
    there = ended()
    (alert,) = swept(there)
    with pytest.raises(IllegalTransition, match="no change to approve"):
        approve(alert, "jane", there.clock.now())


def test_it_stays_one_alert_when_the_target_on_which_it_stands_is_deleted() -> None:
    there = ended()
    (alert,) = swept(there)
    del there.azure.snapshots[SERVER.key]
    swept(there)
    (still,) = swept(there)
    assert still.id == alert.id
