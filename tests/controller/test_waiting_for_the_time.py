"""Freezes, windows and tags in the story of a target: what is not written, who hears, and when it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.controller.judging import policies_in_question
from shared.model import EnforcementMode, Outcome, PublicAccess, Reason, ServerSnapshot, Snapshot, Target
from shared.model.alert_records import AlertRecord
from tests.builders import ALL_AZURE, DRIFTED, GROUP, OFFICE, public_server, server
from tests.fakes import SOMEBODY, START, SUBSCRIPTION, US, World

PUBLIC = "postgres-public-access-enabled"
FIREWALL = "postgres-firewall-allows-all-azure"
TAG = "driftward-exempt"
DAY = 86_400.0
TAGS_EXEMPT = "version: 1\ntagExemptions: {enabled: true}\n"
FREEZE = f"""version: 1
freezes: [{{scope: {GROUP}, from: 2026-11-02T08:00:00Z, to: 2026-11-02T20:00:00Z, reason: audit week}}]
"""
NIGHTS = f"""version: 1
maintenanceWindows: [{{scope: {GROUP}, from: "22:00", to: "04:00", timezone: Europe/Berlin}}]
"""


def world(policies_file: str, first: ServerSnapshot | None = None) -> World:
    """A world in which the public server was read once, compliant."""
    made = World(policies_file=policies_file)
    made.look(made.azure.put(first or public_server()))
    made.drain()
    return made


def write(there: World, snapshot: Snapshot) -> Target:
    """Somebody writes, and the event is looked at."""
    target = there.azure.put(snapshot)
    there.event(target)
    there.drain(1)
    return target


def later(there: World, seconds: float) -> None:
    there.clock.advance(seconds)
    there.drain(1)


def alert(there: World, policy: str = FIREWALL) -> AlertRecord:
    (found,) = there.open_alerts(policy)
    return found


def reverted(there: World, policy: str = FIREWALL) -> bool:
    return any(c.outcome is Outcome.REVERTED for c in there.store.changes(policy=policy))


def give_approval(there: World, target: Target) -> None:
    there.approve(alert(there))
    there.look(target)
    there.drain(1)


# --- freezes ---------------------------------------------------------------------------------------


def test_during_a_freeze_a_drift_alerts_and_is_reverted_at_its_end_by_itself() -> None:
    there = world(FREEZE)
    write(there, DRIFTED)
    assert alert(there).decision.reason is Reason.CHANGE_FREEZE
    assert "audit week" in alert(there).decision.detail
    later(there, 11 * 3600)
    assert there.azure.writes == []
    later(there, 3600)
    assert reverted(there)
    assert there.open_alerts(FIREWALL) == []


def test_a_freeze_that_has_not_begun_or_that_is_elsewhere_holds_nothing_back() -> None:
    for other in (FREEZE.replace("-02T08", "-02T09"), FREEZE.replace(GROUP, f"{GROUP}-2")):
        there = world(other)
        write(there, DRIFTED)
        assert reverted(there)


def test_an_approval_does_not_open_a_freeze() -> None:
    there = world(FREEZE)
    target = write(there, DRIFTED)
    give_approval(there, target)
    assert there.azure.writes == []


def test_a_catastrophe_may_be_reverted_during_a_freeze_and_what_waits_does_not_hold_it_up() -> None:
    closed = FREEZE + f"policies: {{{PUBLIC}: {{duringFreeze: revert}}}}\n"
    there = world(closed, server())
    write(there, server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,)))
    assert [edit.kind for edit in there.azure.writes] == ["setPublicAccess"]
    assert reverted(there, PUBLIC)


def test_audit_says_that_a_freeze_would_hold_the_revert_back() -> None:
    there = world(FREEZE)
    there.mode = EnforcementMode.AUDIT
    write(there, DRIFTED)
    assert alert(there).decision.reason is Reason.CHANGE_FREEZE
    assert alert(there).decision.dry_run


def test_many_looks_during_a_freeze_leave_one_message_for_its_end() -> None:
    there = world(FREEZE)
    target = write(there, DRIFTED)
    for _ in range(5):
        there.event(target)
        there.drain(60)
    there.clock.set(START + timedelta(hours=12))
    reads = there.azure.reads
    there.drain()
    assert reverted(there)
    assert there.azure.reads - reads == 2, "one look, and the reading that verifies the change"


def test_a_run_that_adopts_is_not_made_by_itself_days_later() -> None:
    there = World(policies_file=FREEZE)
    target = there.azure.put(DRIFTED)
    there.look(target)
    there.drain()
    there.look(target, adopt=True)
    there.drain(1)
    assert alert(there).decision.reason is Reason.CHANGE_FREEZE
    later(there, DAY)
    later(there, DAY)
    assert there.azure.writes == []
    assert alert(there).decision.reason is Reason.INHERITED


# --- windows ---------------------------------------------------------------------------------------


def test_outside_the_window_a_drift_alerts_and_is_reverted_when_it_opens() -> None:
    there = world(NIGHTS)
    write(there, DRIFTED)
    assert alert(there).decision.reason is Reason.OUTSIDE_WINDOW
    assert "2026-11-02T21:00:00+00:00" in alert(there).decision.detail  # 22:00 in Berlin
    later(there, 12 * 3600)
    assert there.azure.writes == []
    later(there, 3600)
    assert reverted(there)


def test_an_approval_has_the_change_made_outside_the_window() -> None:
    there = world(NIGHTS)
    target = write(there, DRIFTED)
    give_approval(there, target)
    assert reverted(there)


def test_within_the_window_a_drift_is_reverted_at_once() -> None:
    there = world(NIGHTS.replace('"22:00"', '"08:00"').replace('"04:00"', '"10:00"'))
    write(there, DRIFTED)
    assert reverted(there)


# --- tags ------------------------------------------------------------------------------------------


def tagged(text: str, snapshot: ServerSnapshot = DRIFTED) -> ServerSnapshot:
    return replace(snapshot, tags={"Driftward-Exempt": text})


def test_without_the_switch_a_tag_means_nothing() -> None:
    there = world("version: 1\n")
    write(there, tagged("*"))
    assert reverted(there)


def test_a_tag_lowers_a_revert_to_an_alert_with_its_author_for_seven_days() -> None:
    there = world(TAGS_EXEMPT)
    write(there, tagged("*"))
    assert alert(there).decision.reason is Reason.EXEMPT_BY_TAG
    assert "last writer Jane Doe" in alert(there).decision.detail
    (told,) = [n for n in there.delivered if n.data["policy"] == FIREWALL]
    assert "Jane Doe" in told.body
    assert "until 2026-11-09T08:00:00" in told.body
    later(there, 7 * DAY - 3600)
    assert there.azure.writes == []
    later(there, 3600)
    assert reverted(there)


def test_a_tag_for_other_policies_exempts_nothing() -> None:
    there = world(TAGS_EXEMPT)
    write(there, tagged(PUBLIC))
    assert reverted(there)


def test_a_tag_may_end_earlier() -> None:
    there = world(TAGS_EXEMPT)
    write(there, tagged(f"{FIREWALL}, {PUBLIC} until 2026-11-03"))
    assert alert(there).decision.reason is Reason.EXEMPT_BY_TAG
    later(there, 16 * 3600)
    assert reverted(there)


def test_writing_the_tag_anew_every_day_does_not_extend_its_time() -> None:
    there = world(TAGS_EXEMPT)
    for day in range(7):
        write(there, tagged(f"* until 2026-12-{day + 1:02}"))
        assert not reverted(there)
        later(there, DAY - 1)
    write(there, tagged("* until 2026-12-24"))
    assert reverted(there)


def test_a_tag_that_was_there_for_a_week_exempts_no_new_drift() -> None:
    there = world(TAGS_EXEMPT, tagged("*", public_server()))
    later(there, 7 * DAY)
    write(there, tagged("*"))
    assert reverted(there)


def test_a_tag_that_was_removed_and_put_back_is_no_new_tag() -> None:
    there = world(TAGS_EXEMPT, tagged("*", public_server()))
    write(there, public_server())
    later(there, 7 * DAY)
    write(there, tagged("*"))
    assert reverted(there)


def test_after_a_week_of_compliance_a_new_tag_counts_anew() -> None:
    there = world(TAGS_EXEMPT)
    write(there, tagged("*"))
    later(there, 6 * DAY)
    write(there, public_server())
    later(there, 7 * DAY)
    write(there, tagged("* until 2026-12-01"))
    assert alert(there).decision.reason is Reason.EXEMPT_BY_TAG
    later(there, 6 * DAY)
    assert not reverted(there)


def test_a_breach_that_is_closed_for_a_moment_does_not_begin_a_tags_time_anew() -> None:
    there = world(TAGS_EXEMPT)
    write(there, tagged("*"))
    later(there, 6 * DAY)
    write(there, public_server())
    later(there, DAY)
    write(there, tagged("* until 2026-12-01"))
    assert reverted(there)


def test_a_tag_whose_end_is_no_time_in_utc_exempts_nothing_and_does_not_stop_the_look() -> None:
    there = world(TAGS_EXEMPT)
    write(there, tagged("* until 9999-12-31T23:59:59-05:00"))
    assert reverted(there)


def test_the_drift_goes_on_after_the_tag_is_removed() -> None:
    there = world(TAGS_EXEMPT)
    write(there, tagged("*"))
    write(there, DRIFTED)
    assert reverted(there)


def test_an_approval_is_stronger_than_a_tag() -> None:
    there = world(TAGS_EXEMPT)
    target = write(there, tagged("*"))
    give_approval(there, target)
    assert reverted(there)


def test_a_tag_that_no_event_told_of_has_no_author() -> None:
    there = world(TAGS_EXEMPT)
    there.look(there.azure.put(tagged("*")))
    there.drain(1)
    assert "nobody whom an event names" in alert(there).decision.detail


def test_driftward_is_never_the_author_of_a_tag() -> None:
    there = world(TAGS_EXEMPT)
    there.event(there.azure.put(tagged("*")), actor=US)
    there.drain(1)
    assert "nobody whom an event names" in alert(there).decision.detail


# --- sections by tag -------------------------------------------------------------------------------

ONLY_PROD = f"""version: 1
defaults: {{effect: off}}
scopes:
  - scope: /subscriptions/{SUBSCRIPTION}
    tags: {{env: prod}}
    policies: {{{FIREWALL}: {{effect: revert}}}}
"""


@pytest.mark.parametrize(("env", "judged"), [("prod", {FIREWALL}), ("test", set())])
def test_what_is_on_for_some_tags_is_read_for_and_judged_where_the_tags_are(
    env: str, judged: set[str]
) -> None:
    there = World(policies_file=ONLY_PROD)
    target = there.azure.put(public_server(tags={"Env": env}))
    there.look(target)
    (result,) = there.drain()
    assert {finding.policy for finding in result.findings} == judged


def test_before_the_tags_are_known_what_some_tags_switch_on_is_in_question_and_nothing_else() -> None:
    target = public_server().target
    by_tag = policies_in_question(target, World(policies_file=ONLY_PROD).deps())
    assert {policy.id for policy in by_tag} == {FIREWALL}
    assert (
        policies_in_question(target, World(policies_file="version: 1\ndefaults: {effect: off}\n").deps())
        == ()
    )


def test_a_section_by_tag_binds_its_parameters_after_the_reading() -> None:
    wide = "postgres-firewall-range-too-wide"
    text = f"""version: 1
scopes:
  - scope: {GROUP}
    tags: {{zone: dmz}}
    policies: {{{wide}: {{parameters: {{maxAddresses: 1}}}}}}
"""
    there = World(policies_file=text)
    target = there.azure.put(public_server(firewall_rules=(OFFICE,), tags={"zone": "dmz"}))
    there.look(target)
    there.drain()
    assert there.open_alerts(wide)
    there.event(there.azure.put(public_server(firewall_rules=(OFFICE,))), actor=SOMEBODY)
    there.drain(1)
    assert there.open_alerts(wide) == []
