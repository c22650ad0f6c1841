"""What stands there before anybody writes: well-kept servers and subnets, nobody's drift. Pure.

A third of the servers is public with one address of an office (somebody's old decision, which is alerted and
never reverted), the others are closed and have a private endpoint. Every subnet is delegated to PostgreSQL
and has a group of its own. ``policies_yaml`` switches on what ``model`` can judge, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model.values import value

SCOPE: Final = f"/subscriptions/{seeds.SUBSCRIPTION}"
PUBLIC_ACCESS: Final = "postgres-public-access-enabled"
ALL_AZURE: Final = "postgres-firewall-allows-all-azure"
WHOLE_INTERNET: Final = "postgres-firewall-allows-whole-internet"
TLS: Final = "postgres-tls-not-required"
LOGS: Final = {
    "log_checkpoints": "postgres-log-checkpoints-off",
    "log_connections": "postgres-log-connections-off",
    "log_disconnections": "postgres-log-disconnections-off",
}
"""By the parameter that is to be on."""
BLOCKED: Final = "nsg-blocks-postgres-in-subnet"
EXPOSED: Final = "nsg-exposes-postgres-to-internet"
JUDGED: Final = (PUBLIC_ACCESS, ALL_AZURE, WHOLE_INTERNET, TLS, *LOGS.values(), BLOCKED, EXPOSED)
SPACE: Final = "10.0.0.0/8"
"""The address space of every virtual network here."""
_ENDPOINTS_TOGETHER: Final = 10
"""So many servers have their endpoints in one subnet."""


class PlaceKind(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"
    SUBNET = "subnet"


@value
class Place:
    """Something that operators write to. ``id`` is the target's; a subnet's ``group`` is its NSG."""

    kind: PlaceKind
    id: str
    group: str = ""
    prefix: str = ""


def places(servers: int, groups: int) -> list[Place]:
    """The servers, then the subnets."""
    return [*(_server(number) for number in range(servers)), *(_subnet(number) for number in range(groups))]


def _server(number: int) -> Place:
    kind = PlaceKind.PUBLIC if number % 3 == 0 else PlaceKind.PRIVATE
    return Place(kind=kind, id=seeds.flexible_server_id(name=f"pg-{kind}-{number}"))


def _subnet(number: int) -> Place:
    return Place(
        kind=PlaceKind.SUBNET,
        id=seeds.subnet_id(vnet=f"vnet-data-{number}", name="postgres"),
        group=seeds.nsg_id(name=f"nsg-data-{number}"),
        prefix=f"10.1.{number}.0/24",
    )


def resources(standing: list[Place]) -> list[JsonObject]:
    """The seed."""
    closed = [place for place in standing if place.kind is PlaceKind.PRIVATE]
    return [
        *(body for place in standing for body in _bodies(place)),
        *(body for number, place in enumerate(closed) for body in _endpoint(number, place)),
    ]


def _bodies(place: Place) -> Iterator[JsonObject]:
    name = place.id.rsplit("/", 1)[-1]
    match place.kind:
        case PlaceKind.PUBLIC:
            yield from seeds.well_kept(_aged(seeds.flexible_server(name=name)))
            yield seeds.firewall_rule(server=place.id, name="office", start="203.0.113.17")
        case PlaceKind.PRIVATE:
            yield from seeds.well_kept(_aged(seeds.flexible_server(name=name, public_access="Disabled")))
        case PlaceKind.SUBNET:
            inside = seeds.subnet(name="postgres", prefix=place.prefix, nsg=place.group)
            yield seeds.nsg(name=place.group.rsplit("/", 1)[-1])
            yield seeds.vnet(name=place.id.split("/")[-3], prefixes=[SPACE], subnets=[inside])


def _aged(server: JsonObject) -> JsonObject:
    return {**server, "systemData": {"createdAt": "2024-03-01T08:00:00Z"}}


def _endpoint(number: int, place: Place) -> Iterator[JsonObject]:
    network = f"vnet-endpoints-{number // _ENDPOINTS_TOGETHER}"
    if number % _ENDPOINTS_TOGETHER == 0:
        inside = seeds.subnet(name="endpoints", prefix="10.2.0.0/24", delegated=False)
        yield seeds.vnet(name=network, prefixes=[SPACE], subnets=[inside])
    name = f"pe-{place.id.rsplit('/', 1)[-1]}"
    yield from seeds.way_in(name=name, server=place.id, vnet=network, subnet="endpoints")


def policies_yaml() -> str:
    """The configuration of the run (JSON is YAML): the policies that the model judges, with room to write.

    The budgets are no subject here: so many writes in so few minutes would exhaust them at once, and then
    every drift would be an alert. Nor is mass drift: the model counts what is told of each target.
    """
    on = {policy: {"effect": "revert"} for policy in JUDGED}
    budgets = {"writesPerTarget": 1000, "writesPerSubscription": 100_000, "flappingReverts": 1000}
    return json.dumps(
        {
            "version": 1,
            "defaults": {"effect": "off"},
            "policies": on,
            "budgets": budgets,
            "massDrift": {"enabled": False},
        },
        indent=1,
    )
