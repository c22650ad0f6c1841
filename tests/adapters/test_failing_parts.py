"""A part of a reading that Azure fails to give, however often it is asked: the rest is read all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.adapters.arm.gateway import ArmGateway
from shared.adapters.arm.session.pace import Pace
from shared.model import Aspect, ServerSnapshot, SubnetSnapshot, Target, TargetKind
from shared.model.errors import GatewayError, Transient, said_of
from shared.model.resource_id import ResourceId
from shared.model.snapshots import SERVER_PARTS
from tests.adapters.conftest import NOW, Azure

SERVER = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(seeds.flexible_server_id()))
ASPECTS = frozenset(SERVER_PARTS) - {Aspect.VIRTUAL_NETWORK_RULES, Aspect.DNS_LOCKS}
PATHS = {
    Aspect.FIREWALL_RULES: "/firewallRules",
    Aspect.PARAMETERS: "/configurations",
    Aspect.ADMINISTRATORS: "/administrators",
    Aspect.THREAT_PROTECTION: "/advancedThreatProtectionSettings",
    Aspect.DIAGNOSTIC_SETTINGS: "/diagnosticSettings",
    Aspect.HEALTH: "/availabilityStatuses",
}
ANSWERS: dict[str, JsonObject] = {
    "it is broken": {"status": 503, "code": "ServiceUnavailable"},
    "it is broken without a word": {"status": 500, "emptyCode": True},
    "it is throttled": {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "60"}},
    "it hangs up": {"drop": True},
}


def reading(azure: Azure) -> tuple[ServerSnapshot, tuple[Transient, ...]]:
    gateway = azure.gateway()
    snapshot = gateway.read(SERVER, ASPECTS)
    assert isinstance(snapshot, ServerSnapshot)
    return snapshot, tuple(gateway.troubles)


def seeded(azure: Azure) -> None:
    asked: JsonObject = {
        "highAvailability": {"mode": "ZoneRedundant", "state": "FailingOver"},
        "authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"},
    }
    azure.simulator.seed([seeds.flexible_server(properties=asked)])


@pytest.mark.field(
    "steady",
    "A part of a server that Azure throttles or fails to give for ever is unread with its reason; all other "
    "parts are read as ever.",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("how", ANSWERS)
def test_a_part_that_fails_without_end_is_unread_and_the_rest_is_there(azure: Azure, how: str) -> None:
    seeded(azure)
    whole, none = reading(azure)
    assert (dict(whole.unread), none) == ({}, ())
    for aspect, path in PATHS.items():
        azure.simulator.fault(ANSWERS[how], path_contains=path, times=99)
        partial, troubles = reading(azure)
        azure.simulator.clear_faults()
        azure.clients.pace = Pace()
        assert getattr(partial, SERVER_PARTS[aspect]) is None
        assert set(partial.unread) == {aspect}
        assert partial.unread[aspect] != ""
        kept = {name: getattr(whole, name) for part, name in SERVER_PARTS.items() if part is aspect}
        assert replace(partial, unread={}, read_at=NOW, **kept) == replace(whole, read_at=NOW)
        assert [path in said_of(trouble) for trouble in troubles] == [True]


@pytest.mark.parametrize("how", ANSWERS)
def test_the_targets_own_body_is_essential(azure: Azure, how: str) -> None:
    seeded(azure)
    azure.simulator.fault(ANSWERS[how], path_contains="/flexibleServers/", times=99)
    with pytest.raises(Transient) as caught:
        azure.gateway().read(SERVER, ASPECTS)
    assert said_of(caught.value).startswith(f"GET {SERVER.id} ")


def test_a_subnet_is_read_without_an_nsg_that_cannot_be_read_now(azure: Azure) -> None:
    azure.simulator.seed([seeds.nsg(), seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id())])])
    azure.simulator.fault({"status": 502, "code": "BadGateway"}, path_contains="SecurityGroups", times=99)
    gateway = azure.gateway()
    subnet = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id()))
    found = gateway.read(subnet, frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.VIRTUAL_NETWORK}))
    assert isinstance(found, SubnetSnapshot)
    assert (found.security_group, set(found.unread)) == (None, {Aspect.SECURITY_GROUP})
    assert found.virtual_network is not None


def test_an_error_is_said_with_its_request_and_its_answer() -> None:
    error = GatewayError("no", code="Broken", status=503)
    assert said_of(error) == "GatewayError Broken: no"
    error.request = "GET /a"
    assert said_of(error) == "GET /a answered 503 Broken: no"
    silent = GatewayError("no usable answer: closed")
    silent.request = "GET /a"
    assert said_of(silent) == "GET /a got no answer: no usable answer: closed"


class SlowAnswers:
    """A clock by which every request of a gateway takes 16 seconds."""

    def __init__(self) -> None:
        self.gateway: ArmGateway | None = None

    def now(self) -> datetime:
        return NOW + timedelta(seconds=16 * len(self.gateway.calls if self.gateway is not None else ()))


@pytest.mark.field(
    "steady",
    "A reading has a time to be done in: what is left of it then is unread with the reason, and asked again",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-30",
)
def test_what_is_left_of_a_reading_that_takes_too_long_is_unread_and_asked_again_soon(azure: Azure) -> None:
    seeded(azure)
    clock = SlowAnswers()
    gateway = clock.gateway = ArmGateway(azure.clients, clock, azure.slept.append)
    snapshot = gateway.read(SERVER, ASPECTS)
    assert len(gateway.calls) == 3
    assert len(snapshot.unread) == len(PATHS) - 2
    assert set(snapshot.unread.values()) == {"not asked: what was read of the target before took 45 s"}
    assert len(gateway.troubles) == len(snapshot.unread)
    again = gateway.read(SERVER, frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES}))
    assert dict(again.unread) == {}, "every reading has a time of its own"


def test_no_request_of_a_reading_waits_for_its_answer_longer_than_is_left(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded(azure)
    clock, waits = SlowAnswers(), []
    gateway = clock.gateway = ArmGateway(azure.clients, clock, azure.slept.append)
    pipeline = azure.clients.pipeline()
    send = pipeline.send_request

    def noting(*args: Any, **kwargs: Any) -> Any:
        waits.append(kwargs["read_timeout"])
        return send(*args, **kwargs)

    monkeypatch.setattr(pipeline, "send_request", noting)
    gateway.read(SERVER, frozenset({Aspect.SERVER, Aspect.DIAGNOSTIC_SETTINGS, Aspect.HEALTH}))
    assert waits == [29.0, 13.0]
