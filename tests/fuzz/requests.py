"""Requests to the HTTP API, as whoever holds a function key may send them.

The world is compliant and in enforce; what a run may be asked for is asked for too, and finds nothing to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any, NoReturn
from urllib.parse import urlencode

import azure.functions as func

from shared.api.http import HTML
from shared.api.routes import ROUTES
from tests.api.calling import WorldSources
from tests.builders import GROUP, NSG, SERVER, SUBNET
from tests.fakes import START
from tests.functions.conftest import Function
from tests.fuzz.junk import Junk, encoded
from tests.fuzz.world import Kept, at_ease

_RULE = {
    "name": "allow",
    "properties": {
        "priority": 100,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "10.0.0.0/8",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "5432",
    },
}
_BODIES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "start_run": (
        {"resourceId": str(SERVER), "enforcement": "enforce"},
        {"resourceId": str(SUBNET), "adopt": True, "policies": ["postgres-public-access-enabled"]},
        {"scope": GROUP},
    ),
    "acknowledge_alert": ({"by": "Jane Doe"}, {}),
    "add_exemption": (
        {
            "policy": "postgres-public-access-enabled",
            "scope": str(SERVER),
            "reason": "a partner connects until noon",
            "expiresAt": START.replace(month=12).isoformat(),
        },
    ),
    "revoke_exemption": ({"by": "Jane Doe"}, {}),
    "set_break_glass": ({"on": False, "reason": "incident 4711 is over"},),
    "approve_alert": ({"expiresInMinutes": 30, "by": "Jane Doe"}, {}),
    "rollback_change": (
        {"reason": "the partner needs it", "expiresAt": START.replace(month=12).isoformat()},
    ),
    "explain_nsg": (
        {
            "nsg": {"name": "nsg", "properties": {"securityRules": [_RULE]}},
            "direction": "Inbound",
            "source": "10.1.0.0/16",
            "destination": ["10.2.0.4"],
            "ports": "5432",
            "want": "allow",
        },
        {"nsg": str(NSG), "direction": "Outbound", "source": "*", "destination": "Internet", "ports": [443]},
    ),
}
_QUERIES = (
    "policy",
    "family",
    "target",
    "resourceId",
    "limit",
    "after",
    "status",
    "severity",
    "outcome",
    "code",
    "x",
)
_HEADERS = (
    "content-type",
    "x-ms-client-principal",
    "x-ms-client-principal-name",
    "x-ms-client-principal-id",
    "host",
    "origin",
    "sec-fetch-site",
)


class Requests:
    """Plays requests to the functions; ``sources`` is what they must be wired to."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.functions = functions
        self.world = at_ease()
        self.sources = WorldSources(self.world)
        self.ids = [self.world.store.alerts()[0].id, "run", "nothing"]

    def play(self, random: Random) -> None:
        junk, route = Junk(random), random.choice(ROUTES)
        query = {name: self._said(junk) for name in random.sample(_QUERIES, random.choice((0, 0, 1, 2)))}
        headers = {name: self._said(junk) for name in random.sample(_HEADERS, random.choice((0, 0, 1, 2)))}
        self.ask(
            route.name,
            func.HttpRequest(
                route.method,
                f"https://app.example.net/api?{urlencode(query, errors='replace')}",
                headers=headers,
                params=query,
                route_params={"id": random.choice([*self.ids, junk.text()])},
                body=_body(route.name, junk),
            ),
        )

    def ask(self, name: str, request: func.HttpRequest) -> func.HttpResponse:
        """The answer, which is one that has a meaning: no fault of ours, JSON or a page, nothing written."""
        kept = Kept.of(self.world)
        answer: func.HttpResponse = self.functions[name](request)
        assert answer.status_code < 500, (name, answer.status_code, answer.get_body()[:500])
        if answer.mimetype != HTML:
            json.loads(answer.get_body(), parse_constant=_no_constant)
        kept.check(self.world)
        return answer

    @staticmethod
    def _said(junk: Junk) -> str:
        return junk.text().replace("\ud800", "?")[:3000]


def _body(name: str, junk: Junk) -> bytes:
    real = junk.random.choice(_BODIES.get(name, ({},)))
    roll = junk.random.random()
    if roll < 0.1:
        return junk.bytes(encoded(real).encode())
    if roll < 0.2:
        return encoded(junk.value()).encode()
    return encoded(junk.mutated(real, junk.random.choice((0, 1, 1, 2)))).encode()


def _no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")
