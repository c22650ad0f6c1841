"""`azd up` as docs/infrastructure.md has it: azure.yaml, its hooks and the templates in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.walking import INFRASTRUCTURE, Walk, blocks, walking
from tests.infra.one_set import azure_yaml

UP = blocks(INFRASTRUCTURE, since="Deploying", until="Private")[:1]


def subscriptions(walk: Walk) -> list[dict[str, Any]]:
    return walk.cloud.all_of("Microsoft.EventGrid/systemTopics/eventSubscriptions")


def test_the_package_is_made_first_and_events_are_subscribed_last(tmp_path: Path) -> None:
    with walking(tmp_path / "at") as walk:
        done = walk.paste(UP)
        assert done.code == 0, done.errors
        assert walk.azd.did == ["preup", "provision", "deploy", "postdeploy", "up"]
        assert [one["name"] for one in subscriptions(walk)] == ["driftward"]
        there = walk.everything()
        assert walk.paste(["azd hooks run postdeploy"]).code == 0
        assert walk.everything() == there  # run again it changes nothing


@pytest.mark.long
def test_events_come_by_a_queue_where_nobody_reaches_the_app(tmp_path: Path) -> None:
    up = UP[0].replace("azd up", "azd env set NETWORK closed\nazd up")
    with walking(tmp_path / "at") as walk:
        done = walk.paste([up])
        assert done.code == 0, done.errors
        (found,) = subscriptions(walk)
        assert (
            found["properties"]["deliveryWithResourceIdentity"]["destination"]["endpointType"]
            == "StorageQueue"
        )


def _changed(what: str) -> str:
    held = azure_yaml()
    match what:
        case "no package is made":
            del held["hooks"]["preup"]
        case "sent before there is an app":
            held["workflows"]["up"]["steps"].reverse()
        case "built anew":
            held["services"]["app"]["remoteBuild"] = True
        case "sources are sent":
            held["workflows"]["up"]["steps"][1]["azd"] = "deploy --all"
    return yaml.safe_dump(held)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("no package is made", "is no package"),
        ("sent before there is an app", "Provision first"),
        pytest.param("built anew", "build the package anew", marks=pytest.mark.long),
        pytest.param("sources are sent", "without what they import", marks=pytest.mark.long),
    ],
)
def test_it_fails_where_a_step_is_left_out_or_too_early(what: str, said: str, tmp_path: Path) -> None:
    with walking(tmp_path / "at", azure_yaml=_changed(what)) as walk:
        done = walk.paste(UP)
        assert done.code != 0
        assert said in done.errors


def test_without_its_hook_nobody_subscribes(tmp_path: Path) -> None:
    held = azure_yaml()
    del held["hooks"]["postdeploy"]
    with walking(tmp_path / "at", azure_yaml=yaml.safe_dump(held)) as walk:
        assert walk.paste(UP).code == 0
        assert subscriptions(walk) == []
