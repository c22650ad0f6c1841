"""The subscription of the demonstration: what stands in it, who changes what, and how it must end.

A small shop: servers behind private endpoints, one in a subnet of its own, some that were public before
Driftward came (nobody's drift, so nobody's to revert). The deeds are what people do on a bad morning, made
through the simulated ARM under their own names. The end states are read from the simulator and never from
Driftward. What must not live here: talking to Driftward, printing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from local.simulator import seeds
from local.simulator.client import Actor, SimulatorClient
from local.simulator.values import JsonObject, as_list, as_object, as_text, dig
from shared.model.values import value

SUBSCRIPTION: Final = seeds.SUBSCRIPTION
SCOPE: Final = f"/subscriptions/{SUBSCRIPTION}"
PUBLIC_ACCESS: Final = "postgres-public-access-enabled"
ALL_AZURE: Final = "postgres-firewall-allows-all-azure"
NSG_BLOCKS: Final = "nsg-blocks-postgres-in-subnet"

_AZURE_CLI: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
_PORTAL: Final = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
JANE: Final = Actor(
    app_id=_AZURE_CLI,
    object_id="6b0f2d54-1d3b-4b57-9a0e-3f2a5f0c1001",
    name="Jane Doe",
    upn="jane.doe@shop.example",
)
RAVI: Final = Actor(
    app_id=_PORTAL,
    object_id="6b0f2d54-1d3b-4b57-9a0e-3f2a5f0c1002",
    name="Ravi Patel",
    upn="ravi.patel@shop.example",
)
MEI: Final = Actor(
    app_id=_PORTAL,
    object_id="6b0f2d54-1d3b-4b57-9a0e-3f2a5f0c1003",
    name="Mei Lin",
    upn="mei.lin@shop.example",
)
PIPELINE: Final = Actor(
    app_id="9f4c2a10-77aa-4a0e-8a59-d1c5a1b21004",
    object_id="6b0f2d54-1d3b-4b57-9a0e-3f2a5f0c1004",
    name="sp-release-pipeline",
)

ORDERS: Final = seeds.flexible_server_id(name="pg-orders")
LEDGER: Final = seeds.flexible_server_id(name="pg-ledger")
ARCHIVE: Final = seeds.flexible_server_id(name="pg-archive")
BILLING: Final = seeds.flexible_server_id(name="pg-billing")
PARTNER: Final = seeds.flexible_server_id(name="pg-partner")
SUBNET: Final = seeds.subnet_id()
NSG: Final = seeds.nsg_id()

PORTAL_RULE: Final = "AllowAllAzureServicesAndResourcesWithinAzureIps_2026-11-20_9-41-7"
DENY_ALL: Final = "deny-all-inbound"
OFFICE_RULE: Final = "office-toronto"
TARGETS: Final = 9
"""Servers and subnets that Driftward should find here."""


@value
class Deed:
    """Something that a person does to the subscription.

    ``policies`` are those that it violates, in the order in which their changes must come; ``reverted`` says
    whether enforce changes it back (otherwise it alerts); ``parts`` are what the paths of ARM calls about it
    contain.
    """

    actor: Actor
    words: str
    target: str
    policies: tuple[str, ...]
    reverted: bool
    parts: tuple[str, ...]
    perform: Callable[[SimulatorClient], None]
    undo: Callable[[SimulatorClient], None]


@value
class EndState:
    """One line of the last table: ``actual`` is read from the simulator's resources, by id in lower case."""

    what: str
    why: str
    expected: str
    actual: Callable[[Mapping[str, JsonObject]], str]


# --- what stands there -----------------------------------------------------------------------------


def resources() -> list[JsonObject]:
    """The seed: well-kept resources whose names lead to them in the network, two servers that are public by
    somebody's old decision, and one that nobody can reach."""
    return [
        seeds.nsg(rules=[_allow_apps()]),
        seeds.vnet(
            subnets=[
                seeds.subnet(nsg=NSG),
                seeds.subnet(name="snet-apps", prefix="10.20.2.0/24", delegated=False),
                seeds.subnet(name="snet-endpoints", prefix="10.20.3.0/24", delegated=False),
            ]
        ),
        seeds.private_dns_zone(name=_ZONE),
        seeds.zone_link(zone=seeds.zone_id(name=_ZONE), vnet=seeds.vnet_id()),
        *seeds.well_kept(_core()),
        *_behind_endpoint("pg-orders"),
        *_behind_endpoint("pg-ledger"),
        *seeds.well_kept(seeds.flexible_server(name="pg-archive", public_access="Disabled")),
        *seeds.well_kept(seeds.flexible_server(name="pg-billing")),
        seeds.firewall_rule(server=BILLING, name=OFFICE_RULE, start="203.0.113.17"),
        *seeds.well_kept(seeds.flexible_server(name="pg-partner")),
        seeds.firewall_rule(server=PARTNER, name="partner-vpn", start="198.51.100.7"),
        seeds.firewall_rule(server=PARTNER, name="AllowAllAzureIps", start="0.0.0.0"),
        *_catalog(),
    ]


_ZONE: Final = "shop.private.postgres.database.azure.com"


def _core() -> JsonObject:
    network: JsonObject = {
        "publicNetworkAccess": "Disabled",
        "delegatedSubnetResourceId": SUBNET,
        "privateDnsZoneArmResourceId": seeds.zone_id(name=_ZONE),
    }
    return seeds.flexible_server(name="pg-core", properties={"network": network})


def _behind_endpoint(name: str) -> list[JsonObject]:
    server = seeds.flexible_server(name=name, public_access="Disabled")
    return [*seeds.well_kept(server), *_endpoint(name, seeds.flexible_server_id(name=name))]


def _endpoint(name: str, server: str) -> list[JsonObject]:
    """An endpoint, and the server's record in the zone that is linked to the network."""
    return seeds.way_in(name=f"pe-{name}", server=server, subnet="snet-endpoints")


def _catalog() -> list[JsonObject]:
    """A single server that is still there."""
    server = seeds.single_server_id(name="pgs-catalog")
    logged = {"log_disconnections": "on", "log_duration": "on", "log_retention_days": "7"}
    return [
        seeds.single_server(
            name="pgs-catalog", public_access="Disabled", properties={"minimalTlsVersion": "TLS1_2"}
        ),
        *(seeds.parameter(server=server, name=name, value=value) for name, value in logged.items()),
        seeds.administrator(server=server, object_id=seeds.ADMINISTRATOR),
        *_endpoint("pgs-catalog", server),
    ]


def _allow_apps() -> JsonObject:
    return seeds.security_rule(
        name="allow-apps-to-postgres",
        priority=100,
        access="Allow",
        properties={
            "protocol": "Tcp",
            "sourceAddressPrefix": "10.20.2.0/24",
            "destinationAddressPrefix": "10.20.1.0/24",
            "destinationPortRanges": ["5432", "6432"],
        },
    )


# --- what people do --------------------------------------------------------------------------------


def first_deeds() -> tuple[Deed, ...]:
    """Done in both modes."""
    return (
        Deed(
            actor=JANE,
            words="opens public access on pg-orders (it has a private endpoint)",
            target=ORDERS,
            policies=(PUBLIC_ACCESS,),
            reverted=True,
            parts=("/flexibleServers/pg-orders", "/privateEndpoints/pe-pg-orders", "/A/pg-orders"),
            perform=lambda azure: _set_access(azure, ORDERS, "Enabled"),
            undo=lambda azure: _set_access(azure, ORDERS, "Disabled"),
        ),
        Deed(
            actor=PIPELINE,
            words="opens public access on pg-archive (it has no private endpoint)",
            target=ARCHIVE,
            policies=(PUBLIC_ACCESS,),
            reverted=False,
            parts=("/flexibleServers/pg-archive",),
            perform=lambda azure: _set_access(azure, ARCHIVE, "Enabled"),
            undo=lambda azure: _set_access(azure, ARCHIVE, "Disabled"),
        ),
        Deed(
            actor=RAVI,
            words="ticks “allow access from any Azure service” on pg-billing",
            target=BILLING,
            policies=(ALL_AZURE,),
            reverted=True,
            parts=("/flexibleServers/pg-billing",),
            perform=lambda azure: _allow_all_azure(azure, BILLING),
            undo=lambda azure: azure.delete(f"{BILLING}/firewallRules/{PORTAL_RULE}"),
        ),
        Deed(
            actor=MEI,
            words=f"adds {DENY_ALL} (priority 4000) to nsg-data",
            target=SUBNET,
            policies=(NSG_BLOCKS,),
            reverted=True,
            parts=(
                "/networkSecurityGroups/nsg-data",
                "/virtualNetworks/vnet-orders",
                "/flexibleServers/pg-core",
            ),
            perform=_deny_all,
            undo=lambda azure: azure.delete(f"{NSG}/securityRules/{DENY_ALL}"),
        ),
    )


def both_at_once() -> Deed:
    """Two drifts of one server: the rule must go first, because Azure refuses firewall writes afterwards."""
    return Deed(
        actor=JANE,
        words="opens public access on pg-ledger and lets all of Azure in",
        target=LEDGER,
        policies=(ALL_AZURE, PUBLIC_ACCESS),
        reverted=True,
        parts=("/flexibleServers/pg-ledger", "/privateEndpoints/pe-pg-ledger", "/A/pg-ledger"),
        perform=_open_and_allow,
        undo=lambda azure: _set_access(azure, LEDGER, "Disabled"),
    )


def _open_and_allow(azure: SimulatorClient) -> None:
    _set_access(azure, LEDGER, "Enabled")
    _allow_all_azure(azure, LEDGER)


def _set_access(azure: SimulatorClient, server: str, access: str) -> None:
    azure.patch(server, {"properties": {"network": {"publicNetworkAccess": access}}})


def _allow_all_azure(azure: SimulatorClient, server: str) -> None:
    rule: JsonObject = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}
    azure.put(f"{server}/firewallRules/{PORTAL_RULE}", rule)


def _deny_all(azure: SimulatorClient) -> None:
    rule = seeds.security_rule(name=DENY_ALL, priority=4000)
    azure.put(f"{NSG}/securityRules/{DENY_ALL}", {"properties": as_object(rule["properties"])})


# --- how it must end -------------------------------------------------------------------------------


def end_states() -> tuple[EndState, ...]:
    """After enforcing, and after the rollback on pg-billing."""
    return (
        EndState(
            what="pg-orders: public access",
            why="reverted",
            expected="Disabled",
            actual=lambda held: _access(held, ORDERS),
        ),
        EndState(
            what="pg-archive: public access",
            why="alerted: last way in",
            expected="Enabled",
            actual=lambda held: _access(held, ARCHIVE),
        ),
        EndState(
            what="pg-ledger: public access",
            why="reverted, second",
            expected="Disabled",
            actual=lambda held: _access(held, LEDGER),
        ),
        EndState(
            what="pg-ledger: rules",
            why="reverted, first",
            expected="none",
            actual=lambda held: _firewall(held, LEDGER),
        ),
        EndState(
            what="pg-billing: rules",
            why="reverted, rolled back",
            expected="0.0.0.0, 203.0.113.17",
            actual=lambda held: _firewall(held, BILLING),
        ),
        EndState(
            what="pg-billing: public access",
            why="inherited: untouched",
            expected="Enabled",
            actual=lambda held: _access(held, BILLING),
        ),
        EndState(
            what="pg-partner: rules",
            why="inherited: untouched",
            expected="0.0.0.0, 198.51.100.7",
            actual=lambda held: _firewall(held, PARTNER),
        ),
        EndState(
            what="nsg-data: 5432 and 6432",
            why="an allow ahead of it",
            expected="passes",
            actual=inside_subnet,
        ),
        EndState(
            what="nsg-data: the deny rule",
            why="left alone",
            expected="priority 4000",
            actual=_deny_priority,
        ),
    )


def by_id(azure: SimulatorClient) -> dict[str, JsonObject]:
    """Every resource that the simulator holds, by its id in lower case."""
    held = [as_object(one) for one in as_list(azure.state().get("resources"))]
    return {as_text(one.get("id")).lower(): one for one in held}


def inside_subnet(held: Mapping[str, JsonObject]) -> str:
    """Whether the first inbound rule that matches a PostgreSQL packet inside the subnet allows it.

    A plain first-match loop over the custom rules, for the two shapes of this demonstration: it must not
    believe Driftward's own engine.
    """
    rules = [as_object(rule) for rule in as_list(dig(held.get(NSG.lower()), "properties", "securityRules"))]
    properties = [as_object(rule.get("properties")) for rule in rules]
    inbound = [rule for rule in properties if rule.get("direction") == "Inbound"]
    for rule in sorted(inbound, key=_priority):
        if _matches(rule):
            return "passes" if rule.get("access") == "Allow" else "blocked"
    return "passes"


def _matches(rule: JsonObject) -> bool:
    sides = [_told(rule, f"{side}AddressPrefix") for side in ("source", "destination")]
    ports = _told(rule, "destinationPortRange")
    same_subnet = all({"*", "10.20.1.0/24"} & side for side in sides)
    return same_subnet and ("*" in ports or ports >= {"5432", "6432"})


def _told(rule: JsonObject, field: str) -> set[str]:
    """The values of a field and of its plural."""
    plural = f"{field}es" if field.endswith("x") else f"{field}s"
    single = as_text(rule.get(field))
    return {as_text(one) for one in as_list(rule.get(plural))} | ({single} if single else set())


def _priority(rule: JsonObject) -> int:
    found = rule.get("priority")
    return found if isinstance(found, int) else 0


def _access(held: Mapping[str, JsonObject], server: str) -> str:
    return as_text(dig(held.get(server.lower()), "properties", "network", "publicNetworkAccess"))


def _firewall(held: Mapping[str, JsonObject], server: str) -> str:
    prefix = f"{server.lower()}/firewallrules/"
    rules: Sequence[JsonObject] = [rule for id_, rule in held.items() if id_.startswith(prefix)]
    return ", ".join(sorted(_range(rule) for rule in rules)) or "none"


def _range(rule: JsonObject) -> str:
    start = as_text(dig(rule, "properties", "startIpAddress"))
    end = as_text(dig(rule, "properties", "endIpAddress"))
    return start if start == end else f"{start}–{end}"


def _deny_priority(held: Mapping[str, JsonObject]) -> str:
    rule = held.get(f"{NSG}/securityRules/{DENY_ALL}".lower())
    return f"priority {dig(rule, 'properties', 'priority')}" if rule else "gone"
