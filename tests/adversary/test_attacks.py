"""No brake can be played: what is exposed is told within two minutes of it, and shut where that is sure.

Each attack is played in audit and in enforce with the settings that nobody changed; a short play here, a day
in `make test-long`. Figures of both are printed by `make bench`.
"""

from __future__ import annotations

from typing import Final

import pytest

from shared.model import EnforcementMode
from tests.adversary.attack import Attack, Figures
from tests.adversary.attacks import ATTACKS
from tests.adversary.own_attacks import OWN
from tests.adversary.promises import broken
from tests.adversary.stage import attacked

BY_NAME: Final = {attack.name: attack for attack in (*ATTACKS, *OWN)}
MODES: Final = pytest.mark.parametrize("mode", list(EnforcementMode))


def plays(mode: EnforcementMode, *names: str) -> list[Figures]:
    """What comes of the attacks of these names; every promise holds."""
    played = [(BY_NAME[name], attacked(BY_NAME[name], mode, BY_NAME[name].short_hours)) for name in names]
    assert {attack.name: broken(attack, mode, came) for attack, came in played} == {
        attack.name: [] for attack, _ in played
    }
    return [came for _, came in played]


@MODES
@pytest.mark.field(
    "brakes",
    "Whoever writes each 50 s, tags, or shuts a hole for 10 s a minute delays no message and no revert.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_nobody_writes_often_enough_to_keep_a_hole_open(mode: EnforcementMode) -> None:
    plays(mode, "settling", "settlingByTags", "settlingByFlicker")


@MODES
@pytest.mark.field(
    "brakes",
    "A hole on a server kept Updating is told at once, and what cannot be judged meanwhile is one alert.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_server_that_is_kept_busy_hides_no_hole(mode: EnforcementMode) -> None:
    plays(mode, "busy")


@MODES
@pytest.mark.field(
    "brakes",
    "Harmless reverts, of this server or of many others, spend nothing of what is kept for holes.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_harmless_reverts_spend_nothing_of_what_is_kept_for_holes(mode: EnforcementMode) -> None:
    plays(mode, "budget", "budgetOfOthers")


@MODES
@pytest.mark.field(
    "brakes",
    "Whoever joins another team's NSG to a wide subnet has nothing written into it without an approval.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_nothing_is_written_into_somebody_elses_nsg(mode: EnforcementMode) -> None:
    (came,) = plays(mode, "confusedDeputy")
    assert came.exposures == {}
    assert came.messages[0].at <= 120


@MODES
@pytest.mark.field(
    "brakes",
    "Whoever deletes the one good rule and lets everybody in finds it put back, and the hole deleted.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_hole_does_not_become_the_last_way_in(mode: EnforcementMode) -> None:
    plays(mode, "lastWay")


@MODES
@pytest.mark.field(
    "brakes",
    "A hole that is opened again and again is shut again and again, with growing pauses, under one alert.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_whoever_opens_again_is_not_given_up(mode: EnforcementMode) -> None:
    plays(mode, "threeReopenings", "fight")


@MODES
@pytest.mark.field(
    "brakes",
    "A rollback exempts the edits that it undid; another hole of the same policy is told and shut.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_rollback_covers_no_other_hole(mode: EnforcementMode) -> None:
    plays(mode, "rollback")


@MODES
@pytest.mark.field(
    "brakes",
    "What would cut off more than was approved is not written when its time has come.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_an_approval_is_for_nothing_wider(mode: EnforcementMode) -> None:
    plays(mode, "approvalThenWider")


@MODES
@pytest.mark.field(
    "brakes",
    "A tag that switches a policy off says so to people before anything is opened.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_tag_switches_nothing_off_in_silence(mode: EnforcementMode) -> None:
    plays(mode, "tag")


@MODES
@pytest.mark.field(
    "brakes",
    "A rule that makes a sure verdict unknown is told at once where the last sure one was compliant.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_shadow_rule_is_told_at_once(mode: EnforcementMode) -> None:
    plays(mode, "shadowRule")


@MODES
@pytest.mark.field(
    "brakes",
    "A server that moved is remembered: a hole in it is a drift, and shut.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_moved_server_is_remembered(mode: EnforcementMode) -> None:
    plays(mode, "moved")


@MODES
@pytest.mark.field(
    "brakes",
    "A switch whose name somebody misspelled stops every write, and holes are told all the same.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_misspelled_switch_stops_every_write(mode: EnforcementMode) -> None:
    plays(mode, "breakGlass")


@pytest.mark.parametrize("attack", OWN, ids=lambda attack: attack.name)
def test_what_somebody_tries_who_has_read_the_code_gains_nothing(attack: Attack) -> None:
    plays(EnforcementMode.ENFORCE, attack.name)


@pytest.mark.long
@MODES
@pytest.mark.parametrize("attack", [*ATTACKS, *OWN], ids=lambda attack: attack.name)
def test_a_day_of_it_gains_nothing_either(attack: Attack, mode: EnforcementMode) -> None:
    assert broken(attack, mode, attacked(attack, mode, 24)) == []
