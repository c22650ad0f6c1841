"""An ARM that answers pages for ever ends in an error by name, whoever goes through the pages."""

from __future__ import annotations

import pytest

from shared.adapters.arm.session.session import MOST_PAGES
from shared.model import Aspect, ServerSnapshot
from shared.model.errors import Permanent
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Bench
from tests.adapters.scripted_arm import Reply
from tests.adapters.test_arm_protocol import RULES, SERVER, TARGET, body

GRAPH = "/providers/Microsoft.ResourceGraph/resources"


def test_a_list_of_an_sdk_ends_after_its_last_page_allowed(bench: Bench) -> None:
    bench.arm.on("GET", SERVER, Reply(body=body()))
    rules = f"{SERVER}/firewallRules"
    bench.arm.on("GET", rules, Reply(body={"value": [], "nextLink": f"{bench.arm.url}{rules}"}))
    read = bench.gateway.read(TARGET, RULES)
    assert isinstance(read, ServerSnapshot)
    assert read.firewall_rules is None
    assert "has no end" in read.unread[Aspect.FIREWALL_RULES]
    assert len(bench.arm.asked) == 1 + MOST_PAGES
    assert bench.slept == []


def test_rows_of_resource_graph_end_after_the_last_page_allowed(bench: Bench) -> None:
    bench.arm.on("POST", GRAPH, Reply(body={"data": [], "$skipToken": "more"}))
    with pytest.raises(Permanent, match="has no end") as endless:
        list(bench.gateway.enumerate(ResourceId(f"/subscriptions/{TARGET.id.subscription}")))
    assert endless.value.code == "EndlessList"
    assert len(bench.arm.asked) == 3 * MOST_PAGES  # servers, endpoints, networks: none stands for another


def test_a_list_as_long_as_is_allowed_is_read_whole(bench: Bench) -> None:
    bench.arm.on("GET", SERVER, Reply(body=body()))
    rules = f"{SERVER}/firewallRules"
    more = Reply(body={"value": [], "nextLink": f"{bench.arm.url}{rules}"})
    bench.arm.on("GET", rules, *[more] * (MOST_PAGES - 1), Reply(body={"value": []}))
    read = bench.gateway.read(TARGET, RULES)
    assert isinstance(read, ServerSnapshot)
    assert read.firewall_rules == ()
