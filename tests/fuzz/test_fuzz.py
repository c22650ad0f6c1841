"""Whatever arrives, nothing breaks and nothing is written: a few thousand cases, many more by `make fuzz`.

``FUZZ_CASES`` and ``FUZZ_SEED`` say how many and which; the same seed plays the same cases.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any, Final, Protocol

import azure.functions as func
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from local.dev.environments import ROOT
from shared.api.routes import ROUTES
from tests.functions.conftest import Function
from tests.fuzz.arm import Arm
from tests.fuzz.events import Events
from tests.fuzz.messages import Messages
from tests.fuzz.requests import Requests

CASES: Final = int(os.environ.get("FUZZ_CASES") or 5_000)
SEED: Final = int(os.environ.get("FUZZ_SEED") or 12)
SHARES: Final[Mapping[str, float]] = {
    "events": 0.34,
    "messages": 0.25,
    "arm": 0.06,
    "requests": 0.25,
    "described requests": 0.1,
}
"""Of all cases; those that cost most are the fewest."""
TOGETHER: Final = 25
"""Cases that are played to one world after the other."""
SLICE: Final = 2_000
"""Cases in one test at most, so that they can be spread."""


class Player(Protocol):
    def play(self, random: Random) -> None: ...


Maker = Callable[[], Player]


def slices(kind: str) -> list[Any]:
    """The numbers of the cases of one kind, a slice for each test."""
    wanted = round(CASES * SHARES[kind])
    ranges = (range(first, min(first + SLICE, wanted)) for first in range(0, wanted, SLICE))
    return [pytest.param(one, id=f"{one.start}-{one.stop - 1}") for one in ranges]


def play(kind: str, numbers: range, make: Maker) -> None:
    player = make()
    for number in numbers:
        if number % TOGETHER == 0:
            player = make()
        with named(f"{kind} {number} of seed {SEED}"):
            player.play(Random(f"{SEED}/{kind}/{number}"))


@contextmanager
def named(case: str) -> Iterator[None]:
    """Whatever goes wrong says in which case."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"case {case}; FUZZ_SEED and FUZZ_CASES play it again")
        raise


@pytest.fixture
def requests(functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch) -> Callable[[], Requests]:
    """Makes players whose world the functions reach instead of Azure."""

    def make() -> Requests:
        made = Requests(functions)
        monkeypatch.setattr("shared.wiring.wiring", lambda: made.sources)
        monkeypatch.setattr("shared.wiring.deps", made.world.deps)
        return made

    return make


@pytest.mark.long
@pytest.mark.parametrize("numbers", slices("events"))
def test_no_event_breaks_anything_or_writes(numbers: range) -> None:
    play("events", numbers, Events)


@pytest.mark.long
@pytest.mark.parametrize("numbers", slices("messages"))
def test_no_message_of_the_queue_breaks_anything_or_writes(numbers: range) -> None:
    play("messages", numbers, Messages)


@pytest.mark.long
@pytest.mark.parametrize("numbers", slices("arm"))
def test_no_answer_of_azure_breaks_anything_or_makes_a_write(numbers: range) -> None:
    play("arm", numbers, Arm)


@pytest.mark.long
@pytest.mark.parametrize("numbers", slices("requests"))
def test_no_request_is_answered_as_our_fault_or_writes(
    requests: Callable[[], Requests], numbers: range
) -> None:
    play("requests", numbers, requests)


@pytest.mark.long
@pytest.mark.parametrize("numbers", slices("described requests"))
def test_no_request_that_the_openapi_document_describes_or_forbids_is_answered_as_our_fault(
    requests: Callable[[], Requests], numbers: range
) -> None:
    player = requests()

    @seed(SEED * 1_000_003 + numbers.start)
    @settings(
        max_examples=len(numbers),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(described())
    def asked(case: Any) -> None:
        player.ask(_name(case), as_the_host_hands_it_on(case))

    with named(f"described requests {numbers.start} of seed {SEED}"):
        asked()


def described() -> st.SearchStrategy[Any]:
    """Requests as schemathesis makes them from the document: what it allows, and what it does not."""
    import schemathesis

    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    read: Any = schemathesis.openapi.from_dict(document).get_all_operations()
    found = [one.ok() for one in read]
    takes_input = [one for one in found if one.path not in ("/api/health", "/api/openapi.json")]
    allowed = [one.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE) for one in found]
    not_allowed = [
        one.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE) for one in takes_input
    ]
    return st.one_of(*allowed, *not_allowed)


def as_the_host_hands_it_on(case: Any) -> func.HttpRequest:
    """The request as the Functions host would give it to the function: query and headers are texts."""
    prepared = case.as_transport_kwargs(base_url="https://app.example.net")
    body = prepared.get("data") or prepared.get("json")
    return func.HttpRequest(
        case.method,
        "https://app.example.net/api",
        headers={str(name): str(text) for name, text in (case.headers or {}).items()},
        params={str(name): str(text) for name, text in (case.query or {}).items()},
        route_params={str(name): str(text) for name, text in (case.path_parameters or {}).items()},
        body=body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b"",
    )


def _name(case: Any) -> str:
    wanted = case.method.upper(), case.path.removeprefix("/api/")
    return next(route.name for route in ROUTES if (route.method, route.path) == wanted)


def test_every_case_has_its_kind() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("kind", "make", "cases"), [("events", Events, 20), ("messages", Messages, 20), ("arm", Arm, 2)]
)
def test_a_few_cases_of_each_kind_show_that_they_can_be_played(kind: str, make: Maker, cases: int) -> None:
    play(kind, range(cases), make)
