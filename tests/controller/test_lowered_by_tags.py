"""A tag change that lowers an effect: one alert at once, with the tag, its writer and what it lowers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.alerts.lifecycle import IllegalTransition, acknowledge, approve
from shared.model import Actor, Reason, Severity
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.codec import dump, load
from shared.model.memory import TargetRecord
from tests.builders import GROUP, public_server, server, subnet
from tests.fakes import START, World

LOWERED = "effect-lowered-by-tag"
PUBLIC = "postgres-public-access-enabled"
DEV = f"""version: 1
scopes:
- scope: {GROUP}
  tags: {{Env: dev}}
  tagsMayLower: true
  policies:
    {PUBLIC}: {{effect: off}}
    postgres-firewall-allows-all-azure: {{effect: alert}}
"""
PROD = f"""version: 1
defaults: {{effect: alert}}
scopes:
- scope: {GROUP}
  tags: {{env: prod}}
  effect: revert
"""


def tagged(world: World, **tags: str) -> list[AlertRecord]:
    world.event(world.azure.put(server(tags=tags)))
    world.drain(5)
    return world.open_alerts(LOWERED)


def told(world: World) -> list[NotificationType]:
    return [n.type for n in world.delivered if n.data["policy"] == LOWERED]


@pytest.mark.field(
    "brakes",
    "A tag change that lowers what is done about drift alerts at once, with the tag and who wrote last",
    source="docs/configuration.md",
    date="2026-11-29",
)
def test_a_tag_that_lowers_an_effect_is_told_at_once() -> None:
    world = World(policies_file=DEV)
    assert tagged(world, owner="data") == []
    (alert,) = tagged(world, owner="else", env="dev")
    assert alert.decision.reason is Reason.EFFECT_LOWERED_BY_TAG
    assert alert.severity is Severity.HIGH
    assert alert.evidence == {
        "tags": [{"name": "env", "was": None, "is": "dev"}],
        "lastWriter": "Jane Doe",
        "lowered": [
            {"policy": "postgres-firewall-allows-all-azure", "from": "revert", "to": "alert"},
            {"policy": PUBLIC, "from": "revert", "to": "off"},
        ],
    }
    assert told(world) == [NotificationType.ALERT_OPENED]
    assert any("Tag 'env' is 'dev' and was absent" in message.body for message in world.delivered)
    for _ in range(3):
        tagged(world, env="dev")
    assert len(told(world)) == 1


@pytest.mark.field(
    "brakes",
    "A harmless write to a server with a tag that lowers an effect is no news, whoever writes",
    source="docs/configuration.md",
    date="2026-11-29",
)
def test_harmless_writes_of_others_are_no_news_of_the_tag() -> None:
    world = World(policies_file=DEV)
    tagged(world)
    tagged(world, env="dev")
    for name in ("Mallory", "Ann", "Mallory"):
        world.event(world.azure.put(server(tags={"env": "dev", "by": name})), Actor(name=name))
        world.drain(5)
    assert told(world) == [NotificationType.ALERT_OPENED]


def test_a_tag_that_is_taken_away_lowers_as_well() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod")
    (alert,) = tagged(world)
    assert alert.evidence["tags"] == [{"name": "env", "was": "prod", "is": None}]
    assert {part["to"] for part in alert.evidence["lowered"]} == {"alert"}


def test_the_alert_is_over_an_hour_after_the_tag_was_put_back() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod")
    tagged(world, env="test")
    assert len(tagged(world, env="prod")) == 1
    world.drain(timedelta(minutes=59).total_seconds())
    assert len(world.open_alerts(LOWERED)) == 1
    world.drain(timedelta(minutes=1).total_seconds())
    assert world.open_alerts(LOWERED) == []
    (over,) = world.store.alerts(policy=LOWERED)
    assert over.resolution == "no tag lowers anything any more"
    (again,) = tagged(world)
    assert again.id == over.id


def test_whoever_acknowledges_it_accepts_the_new_tags() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod")
    (alert,) = tagged(world, env="test")
    world.store.put_alert(acknowledge(alert, "jane"))
    assert tagged(world, env="test") == []
    (over,) = world.store.alerts(policy=LOWERED)
    assert over.status is AlertStatus.RESOLVED
    assert tagged(world, env="dev") == [], "no less than with the tags that were accepted"


@pytest.mark.field(
    "brakes",
    "A tag that comes and goes is one alert and one message, and is over when it has stayed away for an hour",
    source="docs/configuration.md",
    date="2026-11-29",
)
def test_a_tag_that_comes_and_goes_is_told_once() -> None:
    world = World(policies_file=PROD)
    for _ in range(4):
        tagged(world, env="prod")
        tagged(world, env="test")
        world.drain(timedelta(minutes=40).total_seconds())
    assert told(world) == [NotificationType.ALERT_OPENED]
    tagged(world, env="prod")
    world.drain(timedelta(hours=1).total_seconds())
    assert told(world) == [NotificationType.ALERT_OPENED, NotificationType.ALERT_RESOLVED]


def test_an_acknowledged_alert_is_over_at_once_when_the_tag_is_back_and_covers_no_later_one() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod")
    (alert,) = tagged(world, env="test")
    world.store.put_alert(acknowledge(alert, "jane"))
    assert tagged(world, env="prod") == []
    (again,) = tagged(world, env="test")
    assert (again.status, again.acknowledged_by) == (AlertStatus.OPEN, None)


@pytest.mark.field(
    "brakes",
    "Whoever acknowledges lowered tags accepts those that the alert showed; what comes next is told again",
    source="docs/configuration.md",
    date="2026-11-29",
)
def test_an_acknowledgement_does_not_accept_the_tags_that_come_after_it() -> None:
    two = DEV.replace("Env: dev", "env: dev") + DEV[DEV.index("- scope") :].replace("Env: dev", "x: y")
    world = World(policies_file=two)
    tagged(world)
    (alert,) = tagged(world, env="dev")
    world.store.put_alert(acknowledge(alert, "jane"))
    (again,) = tagged(world, env="dev", x="y")
    assert (again.status, again.acknowledged_by) == (AlertStatus.OPEN, None)
    assert [tag["name"] for tag in again.evidence["tags"]] == ["env", "x"]
    assert told(world) == [NotificationType.ALERT_OPENED, NotificationType.ALERT_UPDATED]
    assert len(tagged(world, env="dev", x="y")) == 1, "nothing was accepted"
    world.store.put_alert(acknowledge(again, "jane"))
    assert tagged(world, env="dev", x="y") == []


def test_memory_of_before_the_hour_is_read_and_rests_from_now() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod")
    tagged(world, env="test")
    record = world.store.recall(public_server().target, START)
    text = dump(record).replace('"backSince":null,', "").replace(',"backSince":null', "")
    assert "backSince" not in text
    world.store.save(replace(load(TargetRecord, text), etag=record.etag))
    assert len(tagged(world, env="prod")) == 1
    world.drain(timedelta(hours=1).total_seconds())
    assert world.open_alerts(LOWERED) == []


def test_another_tag_that_lowers_further_is_told_again() -> None:
    world = World(
        policies_file=DEV.replace("Env: dev", "env: dev")
        + DEV[DEV.index("- scope") :].replace("Env: dev", "x: y")
    )
    tagged(world)
    tagged(world, env="dev")
    (alert,) = tagged(world, env="dev", x="y")
    assert [tag["name"] for tag in alert.evidence["tags"]] == ["env", "x"]
    assert told(world) == [NotificationType.ALERT_OPENED, NotificationType.ALERT_UPDATED]


def test_a_change_of_the_file_is_none_of_a_tag() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod")
    world.policies_file = PROD.replace("revert", "alert")
    assert tagged(world, env="prod") == []
    assert tagged(world, env="dev") == []


def test_other_tags_and_subnets_are_nobodys_business() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod", a="1")
    assert tagged(world, ENV="prod", a="2") == []
    world.event(world.azure.put(subnet()))
    world.drain(5)
    assert world.store.recall(subnet().target, START).selecting_tags is None


def test_there_is_nothing_to_approve_about_a_tag() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod")
    (alert,) = tagged(world)
    with pytest.raises(IllegalTransition):
        approve(alert, "jane", world.clock.now())


def test_memory_that_is_older_begins_with_the_tags_of_today() -> None:
    world = World(policies_file=PROD)
    tagged(world, env="prod")
    record = world.store.recall(public_server().target, START)
    text = dump(replace(record, selecting_tags=None)).replace('"selectingTags":null,', "")
    world.store.save(replace(load(TargetRecord, text), etag=record.etag))
    assert tagged(world) == []
