"""Ask for every client's verdict and the server's own needs, and for what mends them, ready to be pasted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from driftward.diagnosis.azure import Case
from driftward.diagnosis.words import Diagnosis, Needed, Result, Told
from shared.alerts.commands import ACTIVE_CLOUD, at_endpoint, fix_commands
from shared.alerts.steps import texts_told
from shared.config.settings import Settings
from shared.model import ComplianceState, Edit, Finding, Severity, SubnetSnapshot
from shared.posture.findings import is_drift
from shared.posture.need_verdicts import denied_by_group, judge, service_suggestion
from shared.posture.needs import Need, needs
from shared.posture.repairs import repairs
from shared.posture.service_questions import Service
from shared.posture.steps import OneOf, Step
from shared.posture.subnet_facts import POSTGRES_PORT
from shared.posture.subnet_questions import About
from shared.posture.subnet_rules import inquiry_suggestion
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import Client, World

_ABOUT: Final = About(policy="diagnose", severity=Severity.HIGH)
_RESULTS: Final = {ComplianceState.COMPLIANT: Result.WELL, ComplianceState.NON_COMPLIANT: Result.FAULT}


def asked(case: Case, settings: Settings) -> Diagnosis:
    """The verdict of every client, and what is known of the server's own needs."""
    return Diagnosis(
        server=case.world.server,
        clients=tuple(_asked(case.world, client, settings) for client in case.clients),
        needs=tuple(_needed(case.subnet, settings)) if case.subnet is not None else (),
    )


def _asked(world: World, client: Client, settings: Settings) -> Told:
    found = verdict(world, client)
    return Told(verdict=found, mends=pasted(repairs(world, found), settings))


def _needed(subnet: SubnetSnapshot, settings: Settings) -> Iterator[Needed]:
    for need in needs(_ABOUT, subnet, [], [POSTGRES_PORT]):
        found = judge(need, subnet)
        steps = (*_rules(need, found, subnet), *texts_told(found.evidence))
        yield Needed(
            name=need.name,
            result=_RESULTS.get(found.state, Result.UNKNOWN),
            says=found.reason,
            resource=str(found.resource_id),
            mends=pasted(steps, settings),
        )


def _rules(need: Need, found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The rules that let it pass where the NSG denies it."""
    if not (is_drift(found) and denied_by_group(found)):
        return ()
    if isinstance(need.asked, Service):
        return service_suggestion(need, found, subnet)
    return inquiry_suggestion(need.about, need.asked)


def pasted(steps: Iterable[Step | Edit], settings: Settings) -> tuple[str, ...]:
    """The steps as texts, with commands that go to the ARM of the settings."""
    texts = (text for step in steps for text in texts_of(step))
    where, audience = settings.management_endpoint, settings.management_audience
    return tuple(at_endpoint(text, where, audience) for text in texts)


def texts_of(step: Step | Edit) -> Iterator[str]:
    """Commands and sentences; of a choice each way with what it is right for, the safe one first."""
    if isinstance(step, str):
        yield step
    elif isinstance(step, OneOf):
        for way in step.ways:
            yield f"{way.when}:"
            yield from way.steps
    else:
        yield from fix_commands([step], ACTIVE_CLOUD)
