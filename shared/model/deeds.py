"""Deeds: what happened, each as a small value of its own, to be entered into a chain of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from shared.model.targets import Actor
from shared.model.values import Json, value


class DeedKind(StrEnum):
    CHANGE_CLAIMED = "changeClaimed"
    CHANGE_ENDED = "changeEnded"
    CHANGE_LAPSED = "changeLapsed"
    APPROVAL_GIVEN = "approvalGiven"
    EXEMPTION_BEGUN = "exemptionBegun"
    EXEMPTION_ENDED = "exemptionEnded"
    SWITCH_ON = "switchOn"
    SWITCH_OFF = "switchOff"
    JOURNAL_BEGUN = "journalBegun"
    CHAIN_CUT = "chainCut"


@value
class Deed:
    """What happened, at what time, by whom. ``what`` holds texts, numbers, booleans and null."""

    kind: DeedKind
    time: datetime
    what: Mapping[str, Json]
    actor: Actor = field(default_factory=Actor)
    blobs: Mapping[str, str] = field(default_factory=dict)
    """Texts that belong to it, by what they are: references into the archive."""
    healed: bool = False
    """Whether it was entered late: whoever should have done so died before."""
