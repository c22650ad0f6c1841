"""Resource Graph through azure-mgmt-resourcegraph 8.0.1, and the part of KQL that it understands."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.kql import Unsupported, run
from local.simulator.values import JsonObject, dig
from tests.local.simulator.conftest import BOT, Sdk

SERVERS = (
    "resources | where type in~ "
    "('Microsoft.DBforPostgreSQL/flexibleServers', 'microsoft.dbforpostgresql/servers') "
    "| project id, name, type | order by id asc"
)
SUBNETS = (
    "resources | where type =~ 'Microsoft.Network/virtualNetworks' "
    "| mv-expand subnet = properties.subnets "
    "| where subnet.properties.delegations[0].properties.serviceName "
    "=~ 'Microsoft.DBforPostgreSQL/flexibleServers' "
    "| project id = tostring(subnet.id), nsg = tostring(subnet.properties.networkSecurityGroup.id) "
    "| order by id asc"
)


def ask(sdk: Sdk, query: str, top: int | None = None) -> list[JsonObject]:
    """All rows, page after page."""
    rows: list[JsonObject] = []
    token: str | None = None
    while True:
        request = QueryRequest(
            subscriptions=[seeds.SUBSCRIPTION],
            query=query,
            options=QueryRequestOptions(result_format="objectArray", skip_token=token, top=top),
        )
        page = sdk.graph.resources(request)
        data = page.data
        assert isinstance(data, list)
        rows += data
        token = page.skip_token
        if not token:
            return rows


def test_servers_are_found_by_type_in_lower_case_and_in_order(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(
        [
            seeds.flexible_server(name="b"),
            seeds.single_server(name="a"),
            seeds.flexible_server(name="a"),
            seeds.nsg(),
        ]
    )
    rows = ask(sdk, SERVERS)
    assert [row["name"] for row in rows] == ["a", "b", "a"]
    assert {row["type"] for row in rows} == {
        "microsoft.dbforpostgresql/flexibleservers",
        "microsoft.dbforpostgresql/servers",
    }


def test_rows_come_in_pages_of_the_size_asked_for(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server(name=f"pg-{number}") for number in range(5)])
    assert [row["name"] for row in ask(sdk, SERVERS, top=2)] == [f"pg-{number}" for number in range(5)]
    assert len(client.calls(path="ResourceGraph")) == 3


def test_a_page_says_in_text_whether_it_is_truncated(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(name=f"pg-{number}") for number in range(3)])
    path = "/providers/Microsoft.ResourceGraph/resources"
    _, headers, page = client.arm("POST", path, {"query": SERVERS, "options": {"$top": 2}})
    assert isinstance(page, dict)
    assert (page["totalRecords"], page["count"], page["resultTruncated"]) == (3, 2, "false")
    assert headers["x-ms-user-quota-remaining"]
    _, _, page = client.arm("POST", path, {"query": "resources | project name", "options": {"$top": 2}})
    assert isinstance(page, dict)
    assert page["resultTruncated"] == "true"
    assert "$skipToken" not in page


def test_delegated_subnets_are_found_by_expanding_networks(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(
        [
            seeds.nsg(),
            seeds.vnet(
                subnets=[
                    seeds.subnet(nsg=seeds.nsg_id()),
                    seeds.subnet(name="apps", prefix="10.20.2.0/24", delegated=False),
                ]
            ),
            seeds.vnet(name="empty"),
        ]
    )
    assert ask(sdk, SUBNETS) == [{"id": seeds.subnet_id(), "nsg": seeds.nsg_id()}]


def test_the_servers_of_a_subnet_and_of_a_group_are_found(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(
        [
            seeds.flexible_server(name="in", delegated_subnet=seeds.subnet_id()),
            seeds.flexible_server(name="out", group="rg-other"),
        ]
    )
    subnet = seeds.subnet_id().upper()
    query = f"resources | where properties.network.delegatedSubnetResourceId =~ '{subnet}' | project id"
    assert [row["id"] for row in ask(sdk, query)] == [seeds.flexible_server_id(name="in")]
    [row] = ask(sdk, "resources | where resourceGroup =~ 'RG-Other' and type contains 'postgres'")
    assert row["name"] == "out"
    assert row["resourceGroup"] == "rg-other"


def test_rows_lag_behind_where_the_switch_says_so(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    assert len(ask(sdk, SERVERS)) == 1
    client.switches(graph_lag_seconds=60)
    assert ask(sdk, SERVERS) == []


def test_a_caller_sees_the_rows_that_it_may_read(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server(), seeds.nsg()])
    client.roles({BOT.app_id: ["Microsoft.Network/*/read"]})
    assert [row["name"] for row in ask(sdk, "resources | project id, name")] == [seeds.NSG]


def test_a_query_that_is_not_simulated_is_refused_by_name(sdk: Sdk) -> None:
    with pytest.raises(HttpResponseError) as refused:
        ask(sdk, "resources | summarize count() by type")
    assert refused.value.status_code == 400
    assert refused.value.error is not None
    assert refused.value.error.code == "BadRequest"
    assert "summarize" in str(refused.value.error.message)


ROWS: list[JsonObject] = [
    {"id": "2", "name": "Beta", "n": 5, "deep": {"on": True, "list": ["x", "y"]}},
    {"id": "1", "name": "alpha", "n": 3, "deep": {"on": False, "list": []}},
    {"id": "3", "name": "gamma", "n": 4},
]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("resources | where name == 'beta'", []),
        ("resources | where name =~ 'BETA'", ["2"]),
        ("resources | where name !~ 'BETA' | order by id asc", ["1", "3"]),
        ("resources | where name in ('alpha', 'GAMMA')", ["1"]),
        ("resources | where name in~ ('alpha', 'GAMMA')", ["1", "3"]),
        ("resources | where name !in~ ('alpha', 'GAMMA')", ["2"]),
        ("resources | where name contains 'AM' or id == '1'", ["1", "3"]),
        ("resources | where not (name startswith 'b' or name endswith 'a')", []),
        ("resources | where deep.on == true and array_length(deep.list) == 2", ["2"]),
        ("resources | where isnotempty(deep['list'][1])", ["2"]),
        ("resources | where isnull(deep)", ["3"]),
        ('Resources | where tolower(name) == "beta"', ["2"]),
        ("resources | order by id", ["3", "2", "1"]),
        ("resources | sort by id asc | take 2", ["1", "2"]),
        ("resources | mv-expand item = deep.list | where item =~ 'Y' | extend same = tostring(id)", ["2"]),
    ],
)
def test_the_language_does_what_kusto_does(query: str, ids: list[str]) -> None:
    assert [row["id"] for row in run(query, ROWS)] == ids


def test_expansion_gives_a_row_for_each_item() -> None:
    rows = run("resources | mv-expand item = deep.list | where isnotempty(item) | project id, item", ROWS)
    assert rows == [{"id": "2", "item": "x"}, {"id": "2", "item": "y"}]


def test_expansion_silently_stops_at_its_limit() -> None:
    wide: list[JsonObject] = [{"id": "1", "items": list(range(300))}]
    assert len(run("resources | mv-expand item = items", wide)) == 128
    assert len(run("resources | mv-expand item = items limit 250", wide)) == 250


def test_projection_of_a_path_names_its_column_by_the_steps() -> None:
    assert run("resources | where id == '2' | project deep.on, copy = n", ROWS) == [
        {"deep_on": True, "copy": 5}
    ]


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("securityresources | take 1", "securityresources"),
        ("resources | join kind=inner (resources) on id", "join"),
        ("resources | where strlen(name) == 3", "strlen"),
        ("resources | where name matches 'x'", "matches"),
        ("resources | where name ==", "ends"),
        ("resources | take all", "all"),
        ("resources | where name == 'x' }", "}"),
        ("", "ends"),
    ],
)
def test_what_is_not_understood_is_named(query: str, part: str) -> None:
    with pytest.raises(Unsupported, match=part):
        run(query, ROWS)


APPS = seeds.subnet_id(name="apps")
LINK_ZONE = seeds.zone_id()
ESTATE: list[JsonObject] = [
    seeds.flexible_server(),
    seeds.single_server(name="pg-legacy"),
    seeds.route_table(name="rt-data"),
    seeds.vnet(subnets=[seeds.subnet(name="apps", prefix="10.20.2.0/24", delegated=False)]),
    seeds.private_dns_zone(),
    seeds.zone_link(zone=LINK_ZONE, vnet=seeds.vnet_id()),
    seeds.a_record(zone=LINK_ZONE, addresses=["10.20.2.4"]),
    seeds.private_endpoint(name="pe-b", server=seeds.flexible_server_id(), subnet=APPS),
    seeds.private_endpoint(name="pe-a", server=seeds.single_server_id(name="pg-legacy"), subnet=APPS),
]


def names(rows: list[JsonObject]) -> list[str]:
    return [str(row["id"]).rsplit("/", 1)[-1] for row in rows]


def test_the_endpoints_of_a_subnet_are_found_with_their_properties(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(ESTATE)
    rows = ask(
        sdk,
        "resources | where type =~ 'Microsoft.Network/privateEndpoints' "
        f"| where properties.subnet.id =~ '{APPS.upper()}' | project id, properties | order by id asc",
    )
    assert names(rows) == ["pe-a", "pe-b"]
    assert dig(rows[0], "properties", "subnet", "id") == APPS
    assert ask(sdk, "resources | where properties.subnet.id =~ 'elsewhere'") == []


def test_endpoints_are_found_by_the_server_that_they_lead_to(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(ESTATE)
    rows = ask(
        sdk,
        "resources | where type =~ 'microsoft.network/privateendpoints' "
        "| where tostring(properties.privateLinkServiceConnections) "
        f"contains '\"{seeds.flexible_server_id().lower()}\"' | project id",
    )
    assert names(rows) == ["pe-b"]
    first = "properties.privateLinkServiceConnections[0].properties.privateLinkServiceId"
    rows = ask(sdk, f"resources | where {first} endswith '/servers/pg-legacy' | project id")
    assert names(rows) == ["pe-a"]


def test_the_links_of_zones_are_rows_and_their_records_are_not(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(ESTATE)
    rows = ask(
        sdk,
        "resources | where type =~ 'microsoft.network/privatednszones/virtualnetworklinks' "
        f"| where properties.virtualNetwork.id =~ '{seeds.vnet_id()}' | project id, properties",
    )
    assert names(rows) == ["link"]
    assert ask(sdk, "resources | where type contains 'privatednszones/a'") == []


@pytest.mark.parametrize(
    "kind",
    [
        "microsoft.dbforpostgresql/flexibleservers",
        "microsoft.dbforpostgresql/servers",
        "microsoft.network/routetables",
        "microsoft.network/virtualnetworks",
        "microsoft.network/privatednszones",
        "microsoft.network/networkinterfaces",
    ],
)
def test_every_kind_that_a_sweep_asks_for_has_its_rows(client: SimulatorClient, sdk: Sdk, kind: str) -> None:
    client.seed(ESTATE)
    assert {row["type"] for row in ask(sdk, f"resources | where type =~ '{kind}'")} == {kind}


def test_what_is_no_text_is_compared_as_json() -> None:
    rows: list[JsonObject] = [{"id": "a", "listed": [{"open": True}], "none": None}]
    assert run("resources | where tostring(listed) == '[{\"open\":true}]' | project id", rows) == [
        {"id": "a"}
    ]
    assert run("resources | where tostring(none) == '' | project id", rows) == [{"id": "a"}]
