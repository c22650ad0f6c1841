"""Documents with nonsense anywhere in them: each is read or refused by name, and never falls over."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from driftward.scanning.documents.holdings import with_children
from driftward.scanning.documents.recognising import held_in
from driftward.scanning.documents.terraform.estate import PlannedEstate
from driftward.scanning.documents.terraform.plan import plan_of
from driftward.scanning.documents.what_if import foreseen
from local.simulator import seeds
from shared.nsg.asking import BadInput
from tests.driftward.documents.planned import CASES
from tests.driftward.documents.test_what_if import change

ODD: tuple[Any, ...] = (None, [], {}, "x", 3, [None], [3], {"a": None}, [[{}]], True)
PG, PLACE = seeds.flexible_server_id(name="pg"), seeds.subnet_id(name="a", vnet="v")
NETWORK = seeds.vnet(name="v", subnets=[seeds.subnet(name="a")])


def planned(document: Any) -> None:
    PlannedEstate(plan_of(document, "tfplan.json")).holdings()


def deployed(document: Any) -> None:
    foreseen(document, "whatif.json")


def exported(document: Any) -> None:
    with_children(held_in(document).bodies)


WHAT_IF = {
    "changes": [
        change("Create", PG, after=seeds.flexible_server(name="pg")),
        change("Modify", seeds.vnet_id(name="v"), before={}, after=NETWORK),
        change(
            "Create",
            seeds.endpoint_id(name="e"),
            after=seeds.private_endpoint(name="e", server=PG, subnet=PLACE),
        ),
        change("Unsupported", f"{PG}/firewallRules/a"),
    ],
    "potentialChanges": [],
}


def paths(found: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield way
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for step, one in inner:
        yield from paths(one, (*way, step))


def with_odd(document: Any, way: tuple[Any, ...], odd: Any) -> Any:
    if not way:
        return odd
    changed = copy.deepcopy(document)
    place = changed
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = odd
    return changed


@pytest.mark.parametrize(
    ("read", "document"),
    [
        (deployed, WHAT_IF),
        (exported, [seeds.flexible_server(name="pg"), NETWORK]),
        *(
            pytest.param(planned, CASES[name].document(name), marks=pytest.mark.long)
            for name in ("endpoint", "modules", "azapi", "routes", "inline-subnets")
        ),
    ],
    ids=["what-if", "export", "endpoint", "modules", "azapi", "routes", "inline-subnets"],
)
def test_nonsense_anywhere_is_read_or_refused(read: Callable[[Any], None], document: Any) -> None:
    fell: list[str] = []
    for way in paths(document):
        for odd in ODD:
            try:
                read(with_odd(document, way, odd))
            except BadInput:
                continue
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                fell.append(f"{way} = {odd!r}: {error!r}")
    assert fell == []
