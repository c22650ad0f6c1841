"""Worlds with parts that mean nothing: whatever a reading holds, the verdict is one of three and no error."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import Any, Final

import pytest

from shared.model.resource_id import ResourceId
from shared.posture.ways.answers import State
from shared.posture.ways.last_way import why_cut_off
from shared.posture.ways.verdict import verdict
from tests.ways_check.worlds import case

SEEDS = 150
_TEXTS: Final = (
    *("", "*", "x☃", "-1", "70000", "1-0", "0.0.0.0/33", "10.0.0.5-10.0.0.9", "fe80::/10", " None "),
    *("virtualnetwork", "INTERNET", "Sql.Westeurope", "ENABLED", "NxDomainRedirect", "Esp", "DENY"),
)
_IDS: Final = tuple(
    map(ResourceId, ("/subscriptions/s", "/subscriptions/s/resourceGroups/g/providers/a.b/c/d"))
)
_NETWORKS: Final = tuple(map(IPv4Network, ("0.0.0.0/0", "127.0.0.0/8", "255.255.255.255/32")))
_ADDRESSES: Final = tuple(map(IPv4Address, ("0.0.0.0", "255.255.255.255", "10.0.0.36")))


@pytest.mark.field(
    "ways",
    "Whatever a reading holds that is odd, the question who can connect has an answer.",
    source="docs/ways.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("chunk", range(3))
def test_whatever_a_reading_holds_there_is_an_answer(chunk: int) -> None:
    for seed in range(chunk, SEEDS, 3):
        made, random = case(seed), Random(seed)
        world, client = made.world, made.client
        for _ in range(random.choice([1, 3, 8, 20])):
            world, client = _odd(random, world), _odd(random, client) if random.random() < 0.2 else client
        assert verdict(world, client).state in State
        assert isinstance(why_cut_off(world, client), str)


def _odd(random: Random, whole: Any) -> Any:
    """The same with one part of it, however deep, that is absent or means nothing."""
    if isinstance(whole, tuple) and whole and random.random() < 0.8:
        at = random.randrange(len(whole))
        return (*whole[:at], _odd(random, whole[at]), *whole[at + 1 :])
    if isinstance(whole, tuple):
        return random.choice([(), whole + whole])
    if dataclasses.is_dataclass(whole) and not isinstance(whole, type):
        fields = [one for one in dataclasses.fields(whole) if one.init]
        return _with_odd(random, whole, random.choice(fields)) if fields else whole
    kinds = ((str, _TEXTS), (ResourceId, _IDS), (IPv4Network, _NETWORKS), (IPv4Address, _ADDRESSES))
    return next((random.choice(odd) for kind, odd in kinds if type(whole) is kind), whole)


def _with_odd(random: Random, whole: Any, field: dataclasses.Field[Any]) -> Any:
    absent = "None" in str(field.type) and random.random() < 0.3
    found = None if absent else _odd(random, getattr(whole, field.name))
    return dataclasses.replace(whole, **{field.name: found})
