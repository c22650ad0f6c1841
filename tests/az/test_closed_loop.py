"""What an alert prints, pasted: azure-cli itself runs every command of every scenario in the order printed.

No command fails; after each of them every policy judges, and nobody is worse off than before the first; after
the last the finding is gone. What of this does not hold, and why, stands in the tables here, one line each.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from local.simulator import seeds
from shared.model import ComplianceState, EnforcementMode
from shared.policies import discover
from tests.az.closed_loop import Walk, app_on, drifted, instead, open_alerts, walk
from tests.az.filled_in import fill_in
from tests.az.session import AzureCli
from tests.catalogue.scenario import Scenario, catalogue, title
from tests.catalogue.stage import Play, Stage
from tests.catalogue.test_scenarios import alert_of

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

NOTHING_TO_PASTE = {
    "postgres-high-availability-unhealthy": (
        "what holds the standby up is a rule or a route of the subnet, whose own alerts have the commands"
    ),
    "postgres-geo-redundant-backup-off-single-server": (
        "where its backups are kept is chosen when a server is made, and no single server is made any more"
    ),
    "postgres-endpoint-dns-record-wrong-two-endpoints": (
        "both endpoints serve their network: what is told is what to do when one of them is deleted"
    ),
}
"""Scenarios without a command whose policy has one elsewhere, and why there is none here."""

WORSE_ON_THE_WAY = {
    ("postgres-entra-sign-in-off", "postgres-entra-administrator-missing"): (
        "an administrator can be given only to a server that accepts Entra sign-in"
    ),
    ("postgres-no-approved-private-endpoint", "postgres-endpoint-dns-zone-wrong"): (
        "an endpoint gets its zone group only when it is there; until then it has clients as few as before"
    ),
    ("postgres-no-approved-private-endpoint", "postgres-endpoint-dns-record-wrong"): (
        "the zone group writes the record, and it comes after the endpoint"
    ),
    ("postgres-no-approved-private-endpoint", "postgres-endpoint-dns-zone-not-linked"): (
        "a zone that is made for the endpoint is linked last, so that it is never asked while it is empty"
    ),
    ("postgres-endpoint-dns-zone-wrong", "postgres-endpoint-dns-zone-not-linked"): (
        "a zone is there before its link is; nobody asks it until then"
    ),
    ("postgres-endpoint-dns-zone-wrong", "postgres-endpoint-dns-record-wrong"): (
        "a zone is there before its records are; nobody asks it until its link is"
    ),
}
"""Policies (of the alert, of the finding) that the first commands make worse and the last ones mend again."""

WORSE_BY_CHOICE = {
    ("postgres-endpoint-route-overridden", "postgres-endpoint-subnet-ignores-network-policies"): (
        "whoever takes this way wants the route table not to apply to the endpoint, which is what that finds"
    ),
}
"""The same for a way that is not printed first, and for good."""


def cases() -> list[object]:
    return [
        pytest.param(one, id=title(one), marks=() if title(one) in QUICK else pytest.mark.long)
        for one in catalogue().all
    ]


@pytest.mark.field(
    "commands",
    "Every printed command works as printed, in the order printed: the finding is gone after the last one, "
    "and no policy is worse off after any of them.",
    source="azure-cli 2.91.0, which runs them",
    date="2026-11-29",
)
@pytest.mark.parametrize("scenario", cases())
def test_what_an_alert_prints_mends_it_and_leaves_nobody_worse_off(
    stage: Stage, cli: AzureCli, scenario: Scenario
) -> None:
    walked = walk(stage, cli, scenario)
    assert_each_command_works(walked)
    assert_nobody_is_worse_off(walked, set(), scenario)
    assert_it_ends(walked, scenario)


@pytest.mark.long
@pytest.mark.field(
    "commands",
    "Of alternatives each is a remedy by itself: its commands work too, and leave nobody worse off.",
    source="azure-cli 2.91.0, which runs them",
    date="2026-11-29",
)
@pytest.mark.parametrize("scenario", catalogue().all, ids=title)
def test_the_other_ways_of_a_choice_work_too(stage: Stage, cli: AzureCli, scenario: Scenario) -> None:
    choices = alert_of(drifted(stage, scenario, EnforcementMode.AUDIT), scenario).alternatives
    others = [(number, way) for number, ways in enumerate(choices) for way in range(1, len(ways))]
    for number, way in others:
        walked = walk(stage, cli, scenario, instead(number, way))
        assert_each_command_works(walked)
        assert_nobody_is_worse_off(walked, excused(WORSE_BY_CHOICE, scenario), scenario)
        assert_it_ends(walked, scenario)


@pytest.mark.field(
    "commands",
    "A lock-down that is pasted command by command opens no alert on the way, and Driftward, which enforces "
    "meanwhile, takes none of it for drift.",
    source="azure-cli 2.91.0, which runs them",
    date="2026-11-29",
)
def test_a_lock_down_pasted_while_driftward_enforces_is_left_alone(stage: Stage, cli: AzureCli) -> None:
    scenario = catalogue().main["nsg-without-final-deny"]
    play = drifted(stage, scenario, EnforcementMode.ENFORCE)
    before = open_alerts(play)
    for command in alert_of(play, scenario).commands:
        said = cli.run(command)
        assert said.code == 0, said.errors
        play.receive_events()
        play.wait()
        assert open_alerts(play).keys() <= before.keys(), command
        assert play.our_writes() == [], command
    assert alert_is_gone(play, scenario)


def alert_is_gone(play: Play, scenario: Scenario) -> bool:
    return (scenario.resource.lower(), scenario.policy) not in open_alerts(play)


NSG = seeds.nsg_id(name="nsg-crowded")
CROWDED = (
    seeds.nsg(
        name="nsg-crowded",
        rules=[
            seeds.security_rule(
                name="everybody", priority=300, access="Allow", properties={"sourceAddressPrefix": "Internet"}
            ),
            seeds.security_rule(name="nobody-in", priority=4000),
            seeds.security_rule(name="nobody-out", priority=4000, direction="Outbound"),
        ],
    ),
    seeds.vnet(name="vnet-crowded", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    seeds.flexible_server(name="crowded", delegated_subnet=seeds.subnet_id(vnet="vnet-crowded", name="db")),
)
"""An NSG about which several policies have something to say at once."""


@pytest.mark.field(
    "commands",
    "What the open alerts of one NSG propose fits together: pasted one alert after the other, in whatever "
    "order, no command is refused and each finding is gone.",
    source="azure-cli 2.91.0, which runs them; ARM answers SecurityRuleConflict to a priority that is taken",
    date="2026-11-29",
)
@pytest.mark.parametrize("backwards", [False, pytest.param(True, marks=pytest.mark.long)])
def test_all_alerts_of_one_nsg_can_be_pasted(stage: Stage, cli: AzureCli, backwards: bool) -> None:
    play = app_on(stage, CROWDED, seeds.subnet_id(vnet="vnet-crowded", name="db"))
    play.sweep()
    alerts = sorted(open_alerts(play).items(), reverse=backwards)
    about = [alert for _, alert in alerts if alert.policy.startswith("nsg-") and alert.commands]
    assert len(about) > 1, "the test is about several alerts"
    for alert in about:
        for command in map(fill_in, alert.commands):
            said = cli.run(command)
            assert said.code == 0, (command, said.errors)
    found = play.findings()
    assert [one.policy for one in about if found[one.policy].state is not ComplianceState.COMPLIANT] == []


def assert_each_command_works(walked: Walk) -> None:
    failed = [f"{step.command}\n{step.said.errors}" for step in walked.steps if step.said.code != 0]
    assert failed == []


def assert_nobody_is_worse_off(walked: Walk, chosen: set[str], scenario: Scenario) -> None:
    """``chosen`` are policies that may be worse off for good."""
    on_the_way = excused(WORSE_ON_THE_WAY, scenario) | chosen
    for step in walked.steps:
        allowed = chosen if step is walked.steps[-1] else on_the_way
        assert set(step.policies) <= allowed, (step.command, step.worse)


def excused(table: Mapping[tuple[str, str], str], scenario: Scenario) -> set[str]:
    return {worse for policy, worse in table if policy == scenario.policy}


def assert_it_ends(walked: Walk, scenario: Scenario) -> None:
    if scenario.judged_by.no_command or title(scenario) in NOTHING_TO_PASTE:
        assert walked.steps == ()
        return
    assert walked.steps, "nothing is printed, and no reason is given for that"
    if walked.alert.ends_on_new_server:
        assert walked.on_new, "nothing new came of it"
        assert {one.state for one in walked.on_new} == {ComplianceState.COMPLIANT}, walked.on_new
        return
    assert walked.ends_with.state is ComplianceState.COMPLIANT, walked.ends_with.reason


def test_few_policies_have_no_command_and_each_says_why() -> None:
    without = {policy.id: policy.no_command for policy in discover() if policy.no_command}
    assert len(without) <= 10
    assert all(len(reason.split()) >= 4 for reason in without.values()), without
