"""Ask for every client's verdict and the server's own needs, and for what mends them, ready to be pasted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from driftward.diagnosis.azure import Case
from driftward.diagnosis.words import Diagnosis, Needed, Result, Told
from shared.alerts.commands import ACTIVE_CLOUD, at_endpoint, fix_commands, is_command
from shared.alerts.steps import texts_told
from shared.config.settings import Settings
from shared.model import ComplianceState, Edit, Finding, PutSecurityRule, Severity, SubnetSnapshot
from shared.posture.findings import is_drift
from shared.posture.need_verdicts import denied_by_group, judge, service_suggestion
from shared.posture.needs import Need, needs
from shared.posture.repairs import repairs
from shared.posture.service_questions import Service
from shared.posture.steps import OneOf, Step
from shared.posture.subnet_answers import ask, wrong_ones
from shared.posture.subnet_facts import POSTGRES_PORT
from shared.posture.subnet_questions import About
from shared.posture.subnet_rules import inquiry_suggestion, with_added
from shared.posture.ways.answers import State
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import Client, SubnetClient, World

_ABOUT: Final = About(policy="diagnose", severity=Severity.HIGH)
_ABOVE: Final = "what is told above mends it too"
_FIRST: Final = "after what is told above:"
_RESULTS: Final = {ComplianceState.COMPLIANT: Result.WELL, ComplianceState.NON_COMPLIANT: Result.FAULT}


def asked(case: Case, settings: Settings) -> Diagnosis:
    """The verdict of every client, and what is known of the server's own needs."""
    asking = _Asking(case.world, settings)
    return Diagnosis(
        server=case.world.server,
        clients=tuple(map(asking.client, case.clients)),
        needs=tuple(asking.needs(case.subnet)) if case.subnet is not None else (),
    )


class _Asking:
    """One server. What mends one thing goes with what mends those before it, so that all can be pasted: two
    rules of an NSG never get one priority."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world, self._settings = world, settings
        self._rules: list[PutSecurityRule] = []
        """Those that are told already."""
        self._commands: set[str] = set()

    def client(self, client: Client) -> Told:
        found = verdict(self._world, client)
        world, then = self._world, found
        if self._rules and found.state is State.BLOCKED:
            places = self._world.server.places or ()
            server = replace(self._world.server, places=tuple(map(self._after, places)))
            world = replace(self._world, server=server)
            then = verdict(world, self._client_after(client))
        settled = (_ABOVE,) if then.state is not found.state else repairs(world, then)
        return Told(verdict=found, mends=self._pasted(settled))

    def needs(self, subnet: SubnetSnapshot) -> Iterator[Needed]:
        for need in needs(_ABOUT, subnet, [], [POSTGRES_PORT]):
            found = judge(need, subnet)
            steps = (*self._letting_pass(need, found, subnet), *texts_told(found.evidence))
            yield Needed(
                name=need.name,
                result=_RESULTS.get(found.state, Result.UNKNOWN),
                says=found.reason,
                resource=str(found.resource_id),
                mends=self._pasted(steps),
            )

    def _letting_pass(self, need: Need, found: Finding, subnet: SubnetSnapshot) -> tuple[Step | Edit, ...]:
        """The rules that let it pass where the NSG denies it."""
        if not (is_drift(found) and denied_by_group(found)):
            return ()
        after = self._after(subnet)
        if isinstance(need.asked, Service):
            then = judge(need, after)
            return service_suggestion(need, then, after) if denied_by_group(then) else (_ABOVE,)
        inquiry = replace(need.asked, subnet=after)
        return inquiry_suggestion(need.about, inquiry) if wrong_ones(ask(inquiry)) else (_ABOVE,)

    def _client_after(self, client: Client) -> Client:
        return (
            replace(client, subnet=self._after(client.subnet)) if isinstance(client, SubnetClient) else client
        )

    def _after(self, subnet: SubnetSnapshot) -> SubnetSnapshot:
        """The subnet with the rules that are told already."""
        group = subnet.security_group
        return with_added(subnet, (one.rule for one in self._rules if group and one.nsg == group.id))

    def _pasted(self, steps: Sequence[Step | Edit]) -> tuple[str, ...]:
        self._rules += [step for step in steps if isinstance(step, PutSecurityRule)]
        texts = pasted(steps, self._settings)
        again = self._commands.intersection(texts)
        self._commands |= {text for text in texts if is_command(text)}
        new = tuple(text for text in texts if text not in again)
        return ((_ABOVE,) if again == set(texts) else (_FIRST, *new)) if again else texts


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
