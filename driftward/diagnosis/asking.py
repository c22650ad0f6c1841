"""Ask for the verdict of every client, and for what mends what is blocked, as commands that can be pasted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from driftward.diagnosis.azure import Case
from driftward.diagnosis.show import Told
from shared.alerts.commands import ACTIVE_CLOUD, at_endpoint, fix_commands
from shared.config.settings import Settings
from shared.model import Edit
from shared.posture.steps import OneOf, Step
from shared.posture.ways.repairs import repairs
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import Client, World


def asked(case: Case, settings: Settings) -> tuple[Told, ...]:
    return tuple(_asked(case.world, client, settings) for client in case.clients)


def _asked(world: World, client: Client, settings: Settings) -> Told:
    found = verdict(world, client)
    return Told(server=world.server, verdict=found, mends=pasted(repairs(world, found), settings))


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
