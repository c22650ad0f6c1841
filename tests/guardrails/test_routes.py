"""Who hears of what: a route lets something through, and a gap between routes is no silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.guardrails.routes import Route, heard_by
from shared.model import Severity
from shared.model.resource_id import ResourceId
from tests.builders import SERVER

SLACK, PAGER, MAIL, TOPIC = (
    "1 slack#5f0c21",
    "2 pagerduty#0a1b2c",
    "3 mailtos://mail.example.com#1",
    "4 eventgrid://x",
)
SINKS = (SLACK, PAGER, MAIL, TOPIC)
GRAVE = Route(sinks=("pagerduty",), severity=Severity.HIGH)
OTHER = ResourceId("/subscriptions/00000000-0000-0000-0000-00000000000e")
ELSEWHERE = Route(
    sinks=("mailto",),
    severity=Severity.LOW,
    scope=OTHER,
)


@pytest.mark.parametrize("severity", Severity)
def test_without_routes_every_sink_hears_of_everything(severity: Severity) -> None:
    assert heard_by(SINKS, severity, SERVER, ()) == SINKS


def test_a_sink_hears_of_what_its_routes_let_through_and_the_others_of_everything() -> None:
    assert heard_by(SINKS, Severity.HIGH, SERVER, (GRAVE,)) == SINKS
    assert heard_by(SINKS, Severity.LOW, SERVER, (GRAVE,)) == (SLACK, MAIL, TOPIC)
    assert heard_by(SINKS, Severity.HIGH, SERVER, (GRAVE, ELSEWHERE)) == (SLACK, PAGER, TOPIC)
    here = Route(sinks=("3",), severity=Severity.LOW, scope=SERVER)
    assert heard_by(SINKS, Severity.LOW, SERVER, (GRAVE, ELSEWHERE, here)) == (SLACK, MAIL, TOPIC)


def test_what_is_grave_and_would_reach_nobody_goes_to_every_sink() -> None:
    routes = (Route(sinks=("slack", "pagerduty", MAIL), severity=Severity.LOW, scope=OTHER),)
    assert heard_by(SINKS, Severity.HIGH, SERVER, routes) == SINKS
    assert heard_by(SINKS, Severity.MEDIUM, SERVER, routes) == (TOPIC,)


def test_the_topic_cannot_be_routed_away() -> None:
    routes = (Route(sinks=("eventgrid",), severity=Severity.CRITICAL),)
    assert heard_by((TOPIC,), Severity.LOW, SERVER, routes) == (TOPIC,)


# --- by tag ----------------------------------------------------------------------------------------

SHOP = {"team": "shop"}
OF_SHOP = Route(sinks=("slack",), severity=Severity.LOW, tags={"Team": "shop"})
CRITICAL_HERE = Route(sinks=("slack",), severity=Severity.CRITICAL)


def test_what_is_mild_is_told_to_the_sinks_of_its_tags() -> None:
    assert SLACK in heard_by(SINKS, Severity.MEDIUM, SERVER, (OF_SHOP,), SHOP)
    assert SLACK not in heard_by(SINKS, Severity.MEDIUM, SERVER, (OF_SHOP,), {"team": "Shop"})
    assert SLACK not in heard_by(SINKS, Severity.MEDIUM, SERVER, (OF_SHOP,))


def test_of_what_is_grave_a_tag_adds_a_sink() -> None:
    routes = (OF_SHOP, CRITICAL_HERE)
    assert SLACK in heard_by(SINKS, Severity.HIGH, SERVER, routes, SHOP)
    assert SLACK not in heard_by(SINKS, Severity.HIGH, SERVER, routes)


def test_of_what_is_grave_no_missing_tag_takes_a_sink_away() -> None:
    assert heard_by(SINKS, Severity.HIGH, SERVER, (OF_SHOP,)) == SINKS


_ROUTES = st.builds(
    Route,
    sinks=st.lists(st.sampled_from(["slack", "pagerduty", "mailto", "1", "4"]), min_size=1).map(tuple),
    severity=st.sampled_from(Severity),
    scope=st.sampled_from([None, SERVER, OTHER]),
    tags=st.sampled_from([{}, {"team": "shop"}, {"team": "shop", "stage": "prod"}]),
)


@given(
    routes=st.lists(_ROUTES, max_size=5).map(tuple),
    severity=st.sampled_from([Severity.HIGH, Severity.CRITICAL]),
    tags=st.dictionaries(st.sampled_from(["team", "stage"]), st.sampled_from(["shop", "prod", "x"])),
)
def test_whoever_may_tag_silences_nothing_that_is_grave(
    routes: tuple[Route, ...], severity: Severity, tags: dict[str, str]
) -> None:
    """Whatever the tags, whoever would hear of it without any route by tag hears of it."""
    wanted = tuple(route for route in routes if not route.tags)
    without = [sink for sink in SINKS if _hears(sink, severity, wanted)]
    heard = heard_by(SINKS, severity, SERVER, routes, tags)
    assert set(heard) >= set(without)
    assert any(sink != TOPIC for sink in heard)


def _hears(sink: str, severity: Severity, routes: tuple[Route, ...]) -> bool:
    """By itself: that nobody else hears is no reason here."""
    return sink in heard_by((sink, "9 syslog"), severity, SERVER, routes)
