"""What an alert prints, pasted: azure-cli itself runs every command of every scenario in the order printed.

No command fails; after each of them every policy judges, and nobody is worse off than before the first; after
the last the finding is gone. What of this does not hold, and why, stands in the tables here, one line each.
"""

from __future__ import annotations

import pytest

from shared.model import ComplianceState
from shared.policies import discover
from tests.az.closed_loop import Walk, walk
from tests.az.session import AzureCli
from tests.catalogue.scenario import Scenario, catalogue, title
from tests.catalogue.stage import Stage

pytestmark = pytest.mark.az

QUICK = {
    "nsg-blocks-storage-outbound",
    "nsg-without-final-deny",
    "nsg-missing-on-postgres-subnet",
    "postgres-diagnostic-settings-missing",
    "postgres-endpoint-dns-zone-wrong-no-zone",
    "postgres-entra-sign-in-off",
    "postgres-firewall-allows-whole-internet-widened",
    "postgres-geo-redundant-backup-off",
    "postgres-no-approved-private-endpoint",
    "postgres-private-endpoint-not-approved",
    "postgres-public-access-enabled",
    "postgres-public-access-enabled-single-server",
    "postgres-tls-not-required",
}
"""One of each kind of command; the others are long."""

NOTHING_TO_PASTE: dict[str, str] = {}
"""Scenarios without a command whose policy has one elsewhere, and why there is none here."""

WORSE_ON_THE_WAY = {
    ("postgres-entra-sign-in-off", "postgres-entra-administrator-missing"): (
        "an administrator can be given only to a server that accepts Entra sign-in"
    ),
    ("postgres-no-approved-private-endpoint", "postgres-endpoint-dns-zone-wrong"): (
        "an endpoint gets its zone group only when it is there; until then it has clients as few as before"
    ),
    ("postgres-endpoint-dns-zone-wrong", "postgres-endpoint-dns-zone-not-linked"): (
        "a zone is there before its link is; nobody asks it until then"
    ),
    ("postgres-endpoint-dns-zone-wrong", "postgres-endpoint-dns-record-wrong"): (
        "a zone is there before its records are; nobody asks it until its link is"
    ),
}
"""Policies (of the alert, of the finding) that the first commands make worse and the last ones mend again."""


def cases() -> list[object]:
    return [
        pytest.param(one, id=title(one), marks=() if title(one) in QUICK else pytest.mark.long)
        for one in catalogue().all
    ]


@pytest.mark.field(
    "commands",
    "Every printed command works as printed, in the order printed: the finding is gone after the last one and "
    "no policy is worse off after any of them.",
    source="azure-cli 2.91.0, which runs them",
    date="2026-11-29",
)
@pytest.mark.parametrize("scenario", cases())
def test_what_an_alert_prints_mends_it_and_leaves_nobody_worse_off(
    stage: Stage, cli: AzureCli, scenario: Scenario
) -> None:
    walked = walk(stage, cli, scenario)
    assert_each_command_works(walked)
    assert_nobody_is_worse_off(walked, scenario)
    assert_it_ends(walked, scenario)


def assert_each_command_works(walked: Walk) -> None:
    failed = [f"{step.command}\n{step.said.errors}" for step in walked.steps if step.said.code != 0]
    assert failed == []


def assert_nobody_is_worse_off(walked: Walk, scenario: Scenario) -> None:
    for step in walked.steps:
        excused = {worse for policy, worse in WORSE_ON_THE_WAY if policy == scenario.policy}
        allowed = excused if step is not walked.steps[-1] else set()
        assert set(step.policies) <= allowed, (step.command, step.worse)


def assert_it_ends(walked: Walk, scenario: Scenario) -> None:
    if scenario.judged_by.no_command or title(scenario) in NOTHING_TO_PASTE:
        assert walked.steps == ()
        return
    assert walked.steps, "nothing is printed, and no reason is given for that"
    if walked.alert.ends_on_new_server:
        assert walked.on_new_server is not None, "no new server came of it"
        assert walked.on_new_server.state is ComplianceState.COMPLIANT, walked.on_new_server.reason
        return
    assert walked.ends_with.state is ComplianceState.COMPLIANT, walked.ends_with.reason


def test_few_policies_have_no_command_and_each_says_why() -> None:
    without = {policy.id: policy.no_command for policy in discover() if policy.no_command}
    assert len(without) <= 10
    assert all(len(reason.split()) >= 4 for reason in without.values()), without
