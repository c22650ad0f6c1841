"""Who hears of what: a route lets something through, and a gap between routes is no silence."""

from __future__ import annotations

import pytest

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
