"""The questions of the looks, answered as the simulator's Resource Graph answers them."""

from __future__ import annotations

from typing import Any

import pytest

from driftward.scanning.documents.kql import NotUnderstood, question
from local.simulator.kql import run

ROWS: list[dict[str, Any]] = [
    {
        "id": "/subscriptions/S/b",
        "type": "microsoft.network/virtualnetworks",
        "resourceGroup": "rg",
        "properties": {"subnets": [{"name": "GatewaySubnet"}], "dhcpOptions": {"dnsServers": ["10.0.0.4"]}},
    },
    {
        "id": "/subscriptions/S/a",
        "type": "microsoft.dbforpostgresql/flexibleservers",
        "resourceGroup": "RG",
        "properties": {"network": {"delegatedSubnetResourceId": "/Subnets/One"}},
    },
    {
        "id": "/subscriptions/S/c",
        "type": "microsoft.network/privateendpoints",
        "resourceGroup": "it's",
        "properties": {"subnet": {"id": "/Subnets/Two"}, "to": "Microsoft.DBforPostgreSQL/servers/x"},
    },
]


@pytest.mark.parametrize(
    "query",
    [
        "resources | where type =~ 'Microsoft.Network/virtualNetworks' | project id, type | order by id asc",
        "resources | where type in~ ('microsoft.network/privateendpoints', 'x') | project id",
        "resources | where resourceGroup =~ 'rg' | project s = properties.network.delegatedSubnetResourceId"
        " | order by s asc",
        "resources | where tostring(properties) contains 'microsoft.dbforpostgresql/' | project id",
        r"resources | where resourceGroup =~ 'it\'s' | project id, properties | order by id asc",
        "resources | where (type =~ 'microsoft.network/privateendpoints' and properties.subnet.id startswith"
        " '/subnets/') or (properties.network.delegatedSubnetResourceId =~ '/subnets/one') | project id"
        " | order by id asc",
        "resources | where id in~ ('/SUBSCRIPTIONS/s/A') or type contains 'network' | project id, type,"
        " learns = tostring(properties.subnets) contains 'gatewaysubnet'"
        " or tostring(properties.subnets) contains 'routeserversubnet' | order by type asc, id asc",
    ],
)
def test_both_answer_alike(query: str) -> None:
    assert question(query).of(ROWS) == run(query, [*ROWS])


@pytest.mark.parametrize(
    "query",
    [
        *("resourcechanges | project id", "resources | count", "resources | where type != 'x'"),
        *("resources | where type ==", "resources | order by id desc", "resources | where id in~ (other)"),
        *("resources | where (type =~ 'x'", "resources | project id | take 3", "resources; drop"),
    ],
)
def test_what_is_not_understood_is_no_answer(query: str) -> None:
    with pytest.raises(NotUnderstood):
        question(query).of(ROWS)


def test_the_types_that_are_asked_about_are_told() -> None:
    found = question("resources | where type =~ 'A/b' or (type in~ ('c', 'D') and name =~ 'e')")
    assert found.types == {"a/b", "c", "d"}
