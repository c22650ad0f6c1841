"""What the simulator raises for a write passes the filter, and names what the table of events says."""

from __future__ import annotations

from typing import Final

import pytest

from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.events import EventSchema
from local.simulator.values import JsonObject, as_list, as_object, as_text, dig
from shared.controller.event_targets import Mapped, map_event
from shared.controller.events import EVENT_TYPES, ResourceEvent, parse_event
from shared.controller.handled_types import operation_prefixes
from shared.model import Locator, LocatorKind, Target, TargetKind
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import NOW
from tests.local.simulator.conftest import Webhook

SERVER: Final = seeds.flexible_server_id()
VNET: Final = seeds.vnet_id()
TABLE: Final = seeds.network_id(kind="routeTables", name="through-hub")
ENDPOINT: Final = seeds.endpoint_id(name="pe")
ZONE: Final = seeds.network_id(kind="privateDnsZones", name="privatelink.postgres.database.azure.com")
FLEXIBLE: Final = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
AT_ENDPOINT: Final = Locator(kind=LocatorKind.PRIVATE_ENDPOINT, id=ResourceId(ENDPOINT))
AT_TABLE: Final = Locator(kind=LocatorKind.ROUTE_TABLE, id=ResourceId(TABLE))
AT_ZONE: Final = Locator(kind=LocatorKind.PRIVATE_DNS_ZONE, id=ResourceId(ZONE))
LOCK: Final = "providers/Microsoft.Authorization/locks/keep"
WORKSPACE: Final = f"{seeds.group_id()}/providers/Microsoft.OperationalInsights/workspaces/logs"

WRITES: Final[list[tuple[str, JsonObject, Target | Locator]]] = [
    (f"{SERVER}/configurations/log_checkpoints", {"properties": {"value": "off"}}, FLEXIBLE),
    (f"{SERVER}/{LOCK}", {"properties": {"level": "CanNotDelete"}}, FLEXIBLE),
    (
        f"{SERVER}/providers/Microsoft.Insights/diagnosticSettings/out",
        {"properties": {"workspaceId": WORKSPACE, "logs": []}},
        FLEXIBLE,
    ),
    (f"{SERVER}/providers/Microsoft.Resources/tags/default", {"properties": {"tags": {"a": "b"}}}, FLEXIBLE),
    (
        f"{TABLE}/routes/all",
        {"properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "Internet"}},
        AT_TABLE,
    ),
    (
        f"{ENDPOINT}/privateDnsZoneGroups/default",
        {"properties": {"privateDnsZoneConfigs": [{"name": "z", "properties": {"privateDnsZoneId": ZONE}}]}},
        AT_ENDPOINT,
    ),
    (f"{ZONE}/A/{seeds.SERVER}", {"properties": {"ttl": 10, "aRecords": []}}, AT_ZONE),
    (
        f"{ZONE}/virtualNetworkLinks/hub",
        {
            "location": "global",
            "properties": {"virtualNetwork": {"id": VNET}, "registrationEnabled": False},
        },
        AT_ZONE,
    ),
    (f"{ZONE}/{LOCK}", {"properties": {"level": "ReadOnly"}}, AT_ZONE),
]


def seeded(client: SimulatorClient) -> None:
    client.seed(
        [
            seeds.flexible_server(),
            seeds.route_table(name="through-hub"),
            seeds.vnet(subnets=[seeds.subnet(delegated=False)]),
            seeds.private_endpoint(name="pe", server=SERVER, subnet=seeds.subnet_id()),
            seeds.private_dns_zone(),
        ]
    )


def arrived(client: SimulatorClient, webhook: Webhook) -> list[ResourceEvent]:
    """The events that came, as the trigger takes them apart."""
    assert client.wait_idle()
    bodies = [as_object(one) for body in webhook.notifications for one in as_list(body)]
    return [
        parse_event(
            event_id=as_text(body["id"]),
            event_type=as_text(body["eventType"]),
            subject=as_text(body["subject"]),
            time=NOW,
            data=body["data"],
        )
        for body in bodies
    ]


def passes(event: ResourceEvent) -> bool:
    operation = as_text(dig(event.data, "operationName")).lower()
    return event.type in EVENT_TYPES and operation.startswith(tuple(p.lower() for p in operation_prefixes()))


@pytest.mark.parametrize(
    ("path", "body", "named"), WRITES, ids=[path.split("/")[-2] for path, _, _ in WRITES]
)
def test_a_write_raises_an_event_that_names_who_is_concerned(
    client: SimulatorClient, webhook: Webhook, path: str, body: JsonObject, named: Target | Locator
) -> None:
    seeded(client)
    client.subscribe(webhook.url, EventSchema.EVENT_GRID)
    client.arm("PUT", path, body)
    client.wait_idle()
    first, *_ = arrived(client, webhook)
    assert passes(first)
    mapped = map_event(first)
    assert isinstance(mapped, Mapped)
    assert [*mapped.targets, *mapped.locators] == [named]
