"""Service tags: the list of a location, its pages and refusals, as the real client and as HTTP see it."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from azure.core.exceptions import HttpResponseError

from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.service_tags import TAG_NAMES, TAG_PREFIXES
from local.simulator.values import as_list, as_text, dig
from tests.local.simulator.conftest import Sdk


def listing(location: str, subscription: str = seeds.SUBSCRIPTION) -> str:
    return f"/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/serviceTags"


def names(body: object) -> list[str]:
    assert isinstance(body, dict)
    return [as_text(dig(one, "name")) for one in as_list(body["values"])]


def test_the_sdk_reads_names_numbers_and_prefixes_of_both_families(sdk: Sdk) -> None:
    listed = sdk.network.service_tags.list("westeurope")
    assert (listed.name, listed.type, listed.cloud) == ("public", "Microsoft.Network/serviceTags", "Public")
    assert (listed.change_number, listed.next_link) == ("1", None)
    tags = {tag.name: tag.properties for tag in listed.values_property or []}
    assert set(tags) >= {"Storage", "Storage.WestEurope", "AzureActiveDirectory", "Sql", "AzureMonitor"}
    region = tags["Storage.WestEurope"]
    assert region is not None
    assert (region.region, region.system_service) == ("westeurope", "Storage")
    assert {ip_network(prefix).version for prefix in region.address_prefixes or []} == {4, 6}


@pytest.mark.parametrize("name", [name for name in TAG_PREFIXES if "." in name])
def test_a_regional_tag_is_a_part_of_its_whole(name: str) -> None:
    whole = [ip_network(prefix) for prefix in TAG_PREFIXES[name.partition(".")[0]]]
    for prefix in map(ip_network, TAG_PREFIXES[name]):
        assert any(prefix[0] in one and prefix[-1] in one for one in whole)


def test_a_rule_may_name_every_tag_that_is_listed() -> None:
    assert {name.partition(".")[0].lower() for name in TAG_PREFIXES} <= TAG_NAMES


def test_the_location_filters_nothing_and_may_be_written_as_it_is_displayed(client: SimulatorClient) -> None:
    east, west = client.get(listing("eastus")), client.get(listing("West Europe"))
    assert names(east) == names(west) == list(TAG_PREFIXES)


def test_a_location_that_azure_does_not_have_is_refused(client: SimulatorClient, sdk: Sdk) -> None:
    with pytest.raises(HttpResponseError) as refused:
        sdk.network.service_tags.list("atlantis")
    assert refused.value.status_code == 400
    assert refused.value.error is not None
    assert refused.value.error.code == "NoRegisteredProviderFound"
    assert [call["status"] for call in client.calls()] == [400]


def test_a_seeded_list_stands_for_its_own_location_and_subscription_only(client: SimulatorClient) -> None:
    client.seed(
        [seeds.service_tags(prefixes={"Sql": ["192.0.2.0/24"]}, location="westeurope", change_number="7")]
    )
    seeded = client.get(listing("westeurope"))
    assert (names(seeded), seeded["changeNumber"], seeded["name"]) == (["Sql"], "7", "public")
    assert len(names(client.get(listing("northeurope")))) == len(TAG_PREFIXES)
    assert len(names(client.get(listing("westeurope", "another")))) == len(TAG_PREFIXES)


def test_pages_follow_each_other_and_carry_the_same_number(client: SimulatorClient) -> None:
    client.switches(page_size=5)
    pages = [client.get(listing("westeurope"))]
    while link := as_text(pages[-1].get("nextLink")):
        pages.append(client.get(link.removeprefix(client.url)))
    assert [len(names(page)) for page in pages] == [5, 5, 2]
    assert [name for page in pages for name in names(page)] == list(TAG_PREFIXES)
    assert {as_text(page["changeNumber"]) for page in pages} == {"1"}


def test_a_fault_meets_this_list_as_any_other_call(client: SimulatorClient, sdk: Sdk) -> None:
    client.fault({"status": 429, "code": "TooManyRequests"}, method="GET", path_contains="serviceTags")
    with pytest.raises(HttpResponseError) as refused:
        sdk.network.service_tags.list("westeurope")
    assert refused.value.status_code == 429
    assert sdk.network.service_tags.list("westeurope").change_number == "1"
