"""What honest people do all day, as plays: whoever mends the brakes must not make them pay for it.

A step of a deployment takes its time, and the server is busy meanwhile: a write of ours between two steps
would cost the next one a busy answer. Our own writes take half a minute here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

from shared.model import EnforcementMode, ServerSnapshot, Snapshot
from shared.model.resource_id import ResourceId
from shared.model.values import value
from tests.adversary.attack import Figures, Step, Write
from tests.adversary.attacks import ORDERS
from tests.adversary.deeds import (
    ALL_AZURE_POLICY,
    LOG_POLICIES,
    PUBLIC_POLICY,
    WHOLE_POLICY,
    at,
    azure,
    begins_operation,
    deletes,
    ends_operation,
    in_order,
    lets_strangers_in,
    opens_public_access,
    puts,
    sets,
    shuts_public_access,
    switches,
    tags,
)
from tests.adversary.own_attacks import BEGAN, PRIVATE
from tests.adversary.stage import Stage, policies_file
from tests.builders import GROUP, OFFICE, SERVER, rule

AGENT: Final = rule("build-agent", "203.0.113.7")
ON: Final = (ALL_AZURE_POLICY, WHOLE_POLICY, PUBLIC_POLICY, *LOG_POLICIES)


@value
class Work:
    """Something honest that is done to servers within so many seconds."""

    name: str
    seeds: tuple[Snapshot, ...]
    steps: Callable[[], Iterator[Step]]
    seconds: float = 3 * 3600.0
    file: str = ""
    sweep_every: timedelta = timedelta(minutes=30)


def worked(work: Work, mode: EnforcementMode = EnforcementMode.ENFORCE, latency: float = 0.0) -> Figures:
    """What comes of honest work; ``latency`` is within how many seconds events arrive."""
    stage = Stage(
        mode=mode,
        policies_file=policies_file(ON, work.file),
        operation_seconds=30.0,
        exposed=lets_strangers_in,
        on=ON,
        sweep_every=work.sweep_every,
        latency=latency,
    )
    stage.warm_up(work.seeds)
    stage.play(work.steps(), work.seconds)
    return stage.figures(work.seconds)


# --- single pieces of work, on one server ----------------------------------------------------------


def _taking(begin: float, seconds: float, write: Write) -> Iterator[Step]:
    """A write whose operation takes so many seconds: what it wrote is there at its end, with its event."""
    server = write.target
    yield from at(begin, begins_operation(server))
    yield from at(begin + seconds, replace(ends_operation(server), event=False), write)


def six_steps(server: ResourceId, begin: float) -> Iterator[Step]:
    """A template of six steps: size, public access for a job, its agent, a parameter, and back."""
    writes = (
        sets(server, tier="GeneralPurpose"),
        opens_public_access(server),
        puts(AGENT, server),
        switches("log_duration", "on", server),
        deletes(AGENT.name, server),
        shuts_public_access(server),
    )
    for number, write in enumerate(writes):
        yield from _taking(begin + 35 * number, 20, write)


def pipeline(server: ResourceId, begin: float) -> Iterator[Step]:
    """Opens, adds its agent, deletes it and closes, all within two minutes."""
    yield from at(begin, opens_public_access(server))
    yield from at(begin + 20, puts(AGENT, server))
    yield from at(begin + 75, deletes(AGENT.name, server))
    yield from at(begin + 95, shuts_public_access(server))


def migration(server: ResourceId, begin: float) -> Iterator[Step]:
    """Open to Azure for two hours, with some writes in between."""
    yield from at(begin, puts(azure("migration"), server))
    for minute in range(10, 120, 10):
        yield from at(begin + 60 * minute, tags(server, batch=str(minute)))
    yield from at(begin + 7200, deletes("migration", server))


def redone(server: ResourceId, begin: float) -> Iterator[Step]:
    """An apply that takes away what it is about to make anew."""
    yield from at(begin, switches("log_connections", "off", server))
    yield from at(begin + 10, deletes(OFFICE.name, server))
    yield from at(begin + 20, puts(azure("temporary"), server))
    yield from at(begin + 40, deletes("temporary", server), puts(OFFICE, server))
    yield from at(begin + 50, switches("log_connections", "on", server))


def mistake(server: ResourceId, begin: float) -> Iterator[Step]:
    """Somebody lets all of Azure in, and forgets it."""
    yield from at(begin, puts(azure("test"), server))


def _exempted(*servers: ResourceId, seconds: float) -> str:
    until = (BEGAN + timedelta(seconds=seconds)).isoformat()
    entries = "".join(
        f"  - {{scope: {server}, policy: {ALL_AZURE_POLICY}, reason: planned migration, "
        f"approver: jane@example.com, expires: {until}}}\n"
        for server in servers
    )
    return f"exemptions:\n{entries}"


SIX_STEPS: Final = Work(name="sixSteps", seeds=(PRIVATE,), steps=lambda: six_steps(SERVER, 30))
PIPELINE: Final = Work(name="pipeline", seeds=(PRIVATE,), steps=lambda: pipeline(SERVER, 30))
MIGRATION: Final = Work(
    name="migration",
    seeds=(ORDERS,),
    steps=lambda: migration(SERVER, 30),
    file=_exempted(SERVER, seconds=9000),
)
REDONE: Final = Work(name="redone", seeds=(ORDERS,), steps=lambda: redone(SERVER, 30))
MISTAKE: Final = Work(name="mistake", seeds=(ORDERS,), steps=lambda: mistake(SERVER, 30))
SINGLE: Final = (SIX_STEPS, PIPELINE, MIGRATION, REDONE, MISTAKE)

# --- a week ----------------------------------------------------------------------------------------

DAY: Final = 86_400.0
SERVERS: Final = 200
MIGRATIONS: Final = (0, 2, 4)
"""The numbers of servers that are migrated within the week."""


def _server(number: int) -> ServerSnapshot:
    """Even ones are public for the office, odd ones private."""
    name = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/server-{number}"
    made = ORDERS if number % 2 == 0 else PRIVATE
    return replace(made, id=ResourceId(name), host_name=f"server-{number}.postgres.database.azure.com")


def _week() -> Iterator[Step]:
    """Forty deployments in the week's working hours, three migrations and four mistakes among them."""
    chosen = Random(7)
    public = chosen.sample(range(6, SERVERS, 2), 15)
    private = chosen.sample(range(1, SERVERS, 2), 18)
    kinds = (
        *((migration, number) for number in MIGRATIONS),
        *((mistake, number) for number in public[:4]),
        *((redone, number) for number in public[4:]),
        *((six_steps, number) for number in private[:9]),
        *((pipeline, number) for number in private[9:]),
    )
    again = ((pipeline, private[9]), (redone, public[4]), (six_steps, private[0]), (pipeline, private[9]))
    times = sorted(DAY * chosen.randrange(5) + chosen.uniform(0, 9 * 3600) for _ in (*kinds, *again))
    work = [*kinds, *again]
    chosen.shuffle(work)
    yield from in_order(
        *(kind(_server(number).id, begin) for (kind, number), begin in zip(work, times, strict=True))
    )


QUIET_WEEK: Final = Work(
    name="quietWeek",
    seeds=tuple(map(_server, range(SERVERS))),
    steps=_week,
    seconds=7 * DAY,
    file=_exempted(*(_server(number).id for number in MIGRATIONS), seconds=6 * DAY),
    sweep_every=timedelta(hours=12),
)
