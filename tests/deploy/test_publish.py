""".ci/publish: what is sent, which deployment is waited for, and who sees the token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.cloud import SITE
from tests.deploy.walking import DEPLOY, SUBSCRIPTION, Walk, blocks, walking

PUBLISH = "bash .ci/publish driftward-app rg-driftward"
APP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-driftward/providers/{SITE}/driftward-app"


@pytest.fixture(scope="module")
def at_the_package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A reader who has come to where the app is published, with the package made."""
    with walking(tmp_path_factory.mktemp("walk") / "at") as reader:
        before = "\n".join(blocks(DEPLOY)).split("bash .ci/publish")[0]
        assert reader.paste([before]).code == 0
        yield reader


@pytest.fixture
def walk(at_the_package: Walk) -> Walk:
    at_the_package.calls.clear()
    at_the_package.states = [0, 4]
    return at_the_package


def asked(walk: Walk) -> list[str]:
    return [word for call in walk.called("curl") for word in call.words if "/api/deployments/" in word]


def test_it_waits_for_its_own_deployment_whatever_the_latest_says(walk: Walk) -> None:
    walk.states = [0, 1, 4]
    assert walk.paste([PUBLISH]).code == 0
    assert len(asked(walk)) == 3
    assert {url.rpartition("/")[2] for url in asked(walk)} == {"a-deployment"}


def test_a_deployment_that_is_refused_is_told_with_where_its_log_is(walk: Walk) -> None:
    walk.states = [1, 3]
    done = walk.paste([PUBLISH])
    assert done.code == 1
    assert "/api/deployments/a-deployment/log says why" in done.errors


@pytest.mark.long
def test_one_that_never_ends_is_given_up(walk: Walk) -> None:
    walk.states = [1]
    done = walk.paste([PUBLISH])
    assert done.code == 1
    assert "not there after five minutes" in done.errors


def test_the_token_is_among_nobodys_words(walk: Walk) -> None:
    walk.paste([PUBLISH])
    assert walk.called("curl")
    assert not [call for call in walk.calls if "token for arm" in str(call)]


def test_on_another_plan_nothing_is_built_either(walk: Walk) -> None:
    site: Any = walk.cloud.show(APP)
    properties = {name: held for name, held in site["properties"].items() if name != "functionAppConfig"}
    walk.cloud.put(APP, {**site, "properties": properties})
    assert walk.paste([PUBLISH]).code == 0
    (sent,) = walk.called("az functionapp deployment")
    assert str(sent).endswith("--build-remote false")
    assert not walk.called("curl")
