"""What closes the loop: a scenario's drift, the alert that it opens, and a person who pastes what that says.

The app only audits, so that nobody but the person mends anything. Every printed command is run by azure-cli
itself against the simulator, in the order printed; before the first and after each, every policy judges every
server and subnet there is. What has to be known to fill in a command stands in ``filled_in.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import ComplianceState, EnforcementMode, Finding, Severity
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.resource_id import ResourceId
from shared.model.values import value
from tests.az.filled_in import STANDS_READY, STANDS_READY_FOR, fill_in
from tests.az.session import ENDPOINT, AzureCli, Said
from tests.catalogue import network_team
from tests.catalogue.scenario import Scenario
from tests.catalogue.stage import Play, Stage, everything_on
from tests.catalogue.test_scenarios import alert_of, first_look, notice

SUBSCRIPTIONS = (seeds.SUBSCRIPTION, network_team.SUBSCRIPTION)
_JUDGED = {
    "microsoft.dbforpostgresql/flexibleservers",
    "microsoft.dbforpostgresql/servers",
    "microsoft.network/virtualnetworks/subnets",
}
_BADNESS = {ComplianceState.UNKNOWN: 1, ComplianceState.ERROR: 1, ComplianceState.NON_COMPLIANT: 2}
_RANKS = {severity: rank for rank, severity in enumerate(reversed(Severity))}

Verdicts: TypeAlias = Mapping[tuple[str, str], Finding]
"""Of each target (id) and policy, what is found."""


@value
class Step:
    """One command as it was run, how it ended, and who is worse off than before the first one."""

    command: str
    said: Said
    worse: tuple[str, ...]
    """Policies, each with the target and its reason."""
    policies: tuple[str, ...]


@value
class Walk:
    """A scenario from the alert to the end of its commands."""

    alert: AlertRecord
    steps: tuple[Step, ...]
    ends_with: Finding
    """Of the scenario's policy on its target, after the last command."""
    on_new: tuple[Finding, ...]
    """The same on each target of it that the commands made."""


Choose: TypeAlias = Callable[[AlertRecord], Sequence[str]]


def printed(alert: AlertRecord) -> Sequence[str]:
    """What is to be pasted: of a choice, the safe way."""
    return alert.commands


def instead(choice: int, way: int) -> Choose:
    """The same with another way of a choice."""

    def chosen(alert: AlertRecord) -> Sequence[str]:
        safe, other = alert.alternatives[choice][0], alert.alternatives[choice][way]
        at = _position(alert.commands, safe.commands)
        rest = alert.commands[at + len(safe.commands) :]
        return (*alert.commands[:at], *other.commands, *rest)

    return chosen


def _position(commands: Sequence[str], part: Sequence[str]) -> int:
    return next(at for at in range(len(commands)) if tuple(commands[at : at + len(part)]) == tuple(part))


def walk(stage: Stage, cli: AzureCli, scenario: Scenario, choose: Choose = printed) -> Walk:
    """Play the scenario up to its alert, then run what the alert says."""
    ready = STANDS_READY_FOR.get(scenario.policy, ()) if choose is printed else ()
    play = drifted(stage, scenario, EnforcementMode.AUDIT, ready)
    alert = alert_of(play, scenario)
    before = _verdicts(play)
    steps = tuple(_step(play, cli, command, before) for command in map(fill_in, choose(alert)))
    after = _verdicts(play)
    return Walk(
        alert=alert,
        steps=steps,
        ends_with=after[scenario.resource.lower(), scenario.policy],
        on_new=_applying(
            after[place] for place in after.keys() - before.keys() if place[1] == scenario.policy
        ),
    )


def _applying(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.applies)


def drifted(
    stage: Stage, scenario: Scenario, mode: EnforcementMode, ready: Sequence[JsonObject] = ()
) -> Play:
    """An app with every policy on, and the drift that it has noticed."""
    play = app_on(stage, [*ready, *scenario.seed], scenario.resource, scenario.settings)
    if scenario.switches:
        stage.azure.switches(**scenario.switches)
    play.mode = mode
    first_look(play, scenario)
    play.drift(scenario.drift)
    notice(play, scenario)
    return play


def app_on(stage: Stage, seed: Sequence[JsonObject], resource: str, settings: str = "") -> Play:
    """An app that audits with every policy on, before what the seed holds and what a person has ready."""
    play = stage.play_on([*STANDS_READY, *seed], everything_on([settings]), ResourceId(resource))
    play.mode, play.endpoint = EnforcementMode.AUDIT, ENDPOINT
    return play


def open_alerts(play: Play) -> dict[tuple[str, str], AlertRecord]:
    """By the id of the target and the policy."""
    return {
        (str(alert.target.id).lower(), alert.policy): alert
        for alert in play.store.alerts()
        if alert.status is not AlertStatus.RESOLVED
    }


def _step(play: Play, cli: AzureCli, command: str, before: Verdicts) -> Step:
    said = cli.run(command)
    play.stage.settle()
    worse = _worse(before, _verdicts(play))
    return Step(
        command=command,
        said=said,
        worse=tuple(f"{finding.policy} on {finding.target.id}: {finding.reason}" for finding in worse),
        policies=tuple(finding.policy for finding in worse),
    )


# --- who is worse off ------------------------------------------------------------------------------


def _verdicts(play: Play) -> Verdicts:
    return {
        (target.lower(), policy): finding
        for target in _targets(play)
        for policy, finding in play.findings(ResourceId(target)).items()
    }


def _targets(play: Play) -> list[str]:
    resources = play.stage.azure.state()["resources"]
    assert isinstance(resources, list)
    return [str(one["id"]) for one in resources if isinstance(one, dict) and _is_judged(one)]


def _is_judged(body: JsonObject) -> bool:
    return str(body["type"]).lower() in _JUDGED


def _worse(before: Verdicts, after: Verdicts) -> list[Finding]:
    """What is found worse than before; a target that was not there before was not worse off."""
    return [
        finding
        for place, finding in after.items()
        if place in before and _rank(finding) > _rank(before[place])
    ]


def _rank(finding: Finding) -> tuple[int, int]:
    badness = _BADNESS.get(finding.state, 0)
    return badness, _RANKS[finding.severity] if badness else 0
