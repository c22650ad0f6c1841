"""What each kind of event names, who it says did it, and what becomes of events that are odd."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import azure.functions as func
import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from hypothesis import given
from hypothesis import strategies as st

from shared.controller.event_targets import (
    Ignored,
    IgnoredReason,
    Mapped,
    Unmappable,
    UnmappableReason,
    locate,
    map_event,
)
from shared.controller.events import EVENT_TYPES, ResourceEvent, parse_event
from shared.model import Actor, CauseKind, Json, Locator, LocatorKind, Target, TargetKind
from shared.model.resource_id import ResourceId

FIXTURES = Path(__file__).parents[1] / "events"
SUBSCRIPTION = "/subscriptions/8d1f2c3b-0001-4a5b-9c6d-7e8f90a1b2c3"
GROUP = f"{SUBSCRIPTION}/resourceGroups/shop-prod"
FLEXIBLE = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
SINGLE = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/servers/legacy"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/core"
SUBNET = f"{NETWORK}/subnets/databases"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/databases-nsg"
ENDPOINT = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/orders-pe"
ROUTES = f"{GROUP}/providers/Microsoft.Network/routeTables/through-hub"
ZONE = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/keys"
TAGS = "/providers/Microsoft.Resources/tags/default"
LOCK = "/providers/Microsoft.Authorization/locks/keep"
THREAT = "/providers/Microsoft.Security/advancedThreatProtectionSettings/current"
DIAGNOSTICS = "/providers/Microsoft.Insights/diagnosticSettings/to-workspace"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def event(
    operation: str | None = "Microsoft.DBforPostgreSQL/flexibleServers/write",
    subject: str | None = FLEXIBLE,
    event_type: str | None = "Microsoft.Resources.ResourceWriteSuccess",
    **data: Json,
) -> ResourceEvent:
    named = {} if operation is None else {"operationName": operation}
    body = {**named, "correlationId": "c0ffee", **data}
    return parse_event(event_id="e-1", event_type=event_type, subject=subject, time=NOON, data=body)


def flexible(text: str = FLEXIBLE) -> Target:
    return Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(text))


def single() -> Target:
    return Target(kind=TargetKind.SINGLE_SERVER, id=ResourceId(SINGLE))


def subnet() -> Target:
    return Target(kind=TargetKind.SUBNET, id=ResourceId(SUBNET))


def locator(kind: LocatorKind, text: str) -> Locator:
    return Locator(kind=kind, id=ResourceId(text))


def named_by(event: ResourceEvent) -> Target | Locator:
    mapped = map_event(event)
    assert isinstance(mapped, Mapped)
    found: list[Target | Locator] = [*mapped.targets, *mapped.locators]
    assert len(found) == 1
    return found[0]


def reason_of(event: ResourceEvent) -> UnmappableReason:
    with pytest.raises(Unmappable) as raised:
        map_event(event)
    return raised.value.reason


# --- what an operation names -----------------------------------------------------------------------

PG = "Microsoft.DBforPostgreSQL"
NET = "Microsoft.Network"


@pytest.mark.parametrize(
    ("operation", "subject", "named"),
    [
        (f"{PG}/flexibleServers/write", FLEXIBLE, flexible()),
        (f"{PG}/flexibleServers/delete", FLEXIBLE, flexible()),
        (f"{PG}/flexibleServers/restart/action", FLEXIBLE, flexible()),
        (f"{PG}/flexibleServers/migrateNetwork/action", FLEXIBLE, flexible()),
        (f"{PG}/flexibleServers/firewallRules/write", f"{FLEXIBLE}/firewallRules/all", flexible()),
        (f"{PG}/flexibleServers/firewallRules/delete", f"{FLEXIBLE}/firewallRules/all", flexible()),
        (f"{PG}/flexibleServers/configurations/write", f"{FLEXIBLE}/configurations/x", flexible()),
        (f"{PG}/flexibleServers/firewallRules/write", FLEXIBLE, flexible()),
        (
            f"{PG}/flexibleServers/privateEndpointConnections/write",
            f"{FLEXIBLE}/privateEndpointConnections/pe.1",
            flexible(),
        ),
        ("Microsoft.DBForPostgreSql/FLEXIBLESERVERS/WRITE", FLEXIBLE, flexible()),
        (f"{PG}/servers/write", SINGLE, single()),
        (f"{PG}/servers/firewallRules/write", f"{SINGLE}/firewallRules/all", single()),
        (f"{PG}/servers/virtualNetworkRules/delete", f"{SINGLE}/virtualNetworkRules/a", single()),
        (f"{NET}/virtualNetworks/subnets/write", SUBNET, subnet()),
        (f"{NET}/virtualNetworks/subnets/delete", SUBNET, subnet()),
        (f"{NET}/virtualNetworks/subnets/join/action", SUBNET, subnet()),
        (f"{NET}/virtualNetworks/write", NETWORK, locator(LocatorKind.VIRTUAL_NETWORK, NETWORK)),
        (f"{NET}/virtualNetworks/delete", NETWORK, locator(LocatorKind.VIRTUAL_NETWORK, NETWORK)),
        (
            f"{NET}/virtualNetworks/virtualNetworkPeerings/write",
            f"{NETWORK}/virtualNetworkPeerings/hub",
            locator(LocatorKind.VIRTUAL_NETWORK, NETWORK),
        ),
        (f"{NET}/networkSecurityGroups/write", NSG, locator(LocatorKind.NSG, NSG)),
        (f"{NET}/networkSecurityGroups/delete", NSG, locator(LocatorKind.NSG, NSG)),
        (
            f"{NET}/networkSecurityGroups/securityRules/write",
            f"{NSG}/securityRules/DenyAll",
            locator(LocatorKind.NSG, NSG),
        ),
        (
            "Microsoft.Resources/subscriptions/resourceGroups/delete",
            GROUP,
            locator(LocatorKind.SCOPE, GROUP),
        ),
        (
            "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action",
            GROUP,
            locator(LocatorKind.SCOPE, GROUP),
        ),
        (f"{NET}/routeTables/write", ROUTES, locator(LocatorKind.ROUTE_TABLE, ROUTES)),
        (f"{NET}/routeTables/routes/delete", f"{ROUTES}/routes/r", locator(LocatorKind.ROUTE_TABLE, ROUTES)),
        (f"{NET}/privateEndpoints/delete", ENDPOINT, locator(LocatorKind.PRIVATE_ENDPOINT, ENDPOINT)),
        (
            f"{NET}/privateEndpoints/privateDnsZoneGroups/write",
            f"{ENDPOINT}/privateDnsZoneGroups/default",
            locator(LocatorKind.PRIVATE_ENDPOINT, ENDPOINT),
        ),
        (f"{NET}/privateDnsZones/A/write", f"{ZONE}/A/orders", locator(LocatorKind.PRIVATE_DNS_ZONE, ZONE)),
        (
            f"{NET}/privateDnsZones/virtualNetworkLinks/delete",
            f"{ZONE}/virtualNetworkLinks/hub",
            locator(LocatorKind.PRIVATE_DNS_ZONE, ZONE),
        ),
        ("Microsoft.Authorization/locks/write", FLEXIBLE + LOCK, flexible()),
        ("Microsoft.Authorization/locks/write", FLEXIBLE, flexible()),
        ("Microsoft.Authorization/locks/delete", f"{FLEXIBLE}/firewallRules/all{LOCK}", flexible()),
        ("Microsoft.Authorization/locks/write", ZONE + LOCK, locator(LocatorKind.PRIVATE_DNS_ZONE, ZONE)),
        (
            "Microsoft.Authorization/locks/write",
            f"{ZONE}/A/orders{LOCK}",
            locator(LocatorKind.PRIVATE_DNS_ZONE, ZONE),
        ),
        ("Microsoft.Authorization/locks/write", GROUP + LOCK, locator(LocatorKind.SCOPE, GROUP)),
        ("microsoft.insights/diagnosticSettings/write", FLEXIBLE + DIAGNOSTICS, flexible()),
        ("Microsoft.Security/advancedThreatProtectionSettings/write", FLEXIBLE + THREAT, flexible()),
        ("Microsoft.Insights/DiagnosticSettings/Delete", SINGLE + DIAGNOSTICS.lower(), single()),
        ("Microsoft.Resources/tags/write", FLEXIBLE, flexible()),
        ("Microsoft.Resources/tags/write", FLEXIBLE + TAGS, flexible()),
        ("Microsoft.Resources/tags/delete", SINGLE + TAGS, single()),
        ("Microsoft.Resources/tags/write", NSG + TAGS.lower(), locator(LocatorKind.NSG, NSG)),
        ("microsoft.resources/TAGS/write", NETWORK, locator(LocatorKind.VIRTUAL_NETWORK, NETWORK)),
        (None, FLEXIBLE, flexible()),
        (None, f"{FLEXIBLE}/firewallRules/all", flexible()),
        (None, FLEXIBLE + LOCK, flexible()),
        (None, SUBNET, subnet()),
        (None, FLEXIBLE + TAGS, flexible()),
        ("", FLEXIBLE, flexible()),
    ],
)
def test_an_operation_names_a_target_or_a_locator(
    operation: str | None, subject: str, named: Target | Locator
) -> None:
    assert named_by(event(operation, subject)) == named


@pytest.mark.parametrize(
    ("operation", "subject"),
    [
        ("Microsoft.Storage/storageAccounts/write", "anything"),
        ("Microsoft.Storage/storageAccounts/write", ""),
        (f"{PG}/serverGroupsv2/write", f"{GROUP}/providers/{PG}/serverGroupsv2/c"),
        (f"{PG}/flexibleServersLike/write", FLEXIBLE),
        (f"{PG}/flexibleServers", FLEXIBLE),
        ("Microsoft.Resources/deployments/write", GROUP),
        ("Microsoft.Resources/subscriptions/resourceGroups/write", GROUP),
        ("Microsoft.Resources/subscriptions/resourceGroups/deleteAll", GROUP),
        ("Microsoft.Resources/tags/write", GROUP + TAGS),
        ("Microsoft.Resources/tags/write", SUBSCRIPTION + TAGS),
        ("Microsoft.Resources/tags/write", VAULT + TAGS),
        ("Microsoft.Authorization/locks/write", SUBSCRIPTION + LOCK),
        ("Microsoft.Authorization/locks/write", VAULT + LOCK),
        ("Microsoft.Authorization/roleAssignments/write", FLEXIBLE),
        ("Microsoft.Insights/diagnosticSettings/write", SUBSCRIPTION + DIAGNOSTICS),
        ("Microsoft.Insights/diagnosticSettings/write", GROUP + DIAGNOSTICS),
        ("Microsoft.Insights/diagnosticSettings/write", VAULT + DIAGNOSTICS),
        (f"{NET}/networkInterfaces/write", f"{GROUP}/providers/{NET}/networkInterfaces/n"),
        (None, VAULT),
        (None, GROUP + LOCK),
    ],
)
def test_what_no_policy_reads_is_ignored(operation: str | None, subject: str) -> None:
    assert map_event(event(operation, subject)) == Ignored(reason=IgnoredReason.OPERATION)


@pytest.mark.parametrize("event_type", [*EVENT_TYPES, *(name.upper() for name in EVENT_TYPES)])
def test_every_end_of_every_deed_counts(event_type: str) -> None:
    assert named_by(event(event_type=event_type)) == flexible()


@pytest.mark.parametrize(
    "event_type",
    [
        "Microsoft.EventGrid.SubscriptionValidationEvent",
        "Microsoft.Storage.BlobCreated",
        "Microsoft.Resources.ResourceReadSuccess",
        "Microsoft.Resources.ResourceWriteSuccessful",
        "Driftward.Alert.Opened",
    ],
)
def test_other_event_types_are_ignored_whatever_they_hold(event_type: str) -> None:
    odd = parse_event(event_id=None, event_type=event_type, subject=None, time=NOON, data=["odd"])
    assert map_event(odd) == Ignored(reason=IgnoredReason.EVENT_TYPE)


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        (FLEXIBLE, flexible()),
        (f"{FLEXIBLE}/firewallRules/all", flexible()),
        (SINGLE.upper(), single()),
        (SUBNET, subnet()),
        (NETWORK, locator(LocatorKind.VIRTUAL_NETWORK, NETWORK)),
        (f"{NSG}/securityRules/DenyAll", locator(LocatorKind.NSG, NSG)),
        (ENDPOINT, locator(LocatorKind.PRIVATE_ENDPOINT, ENDPOINT)),
        (f"{ROUTES}/routes/r", locator(LocatorKind.ROUTE_TABLE, ROUTES)),
        (f"{ZONE}/A/orders", locator(LocatorKind.PRIVATE_DNS_ZONE, ZONE)),
        (FLEXIBLE + LOCK, flexible()),
        (VAULT, None),
        (GROUP, None),
        (GROUP + LOCK, None),
        (SUBSCRIPTION, None),
    ],
)
def test_a_resource_that_a_person_names_is_looked_at_as_for_an_event(
    resource: str, named: Target | Locator | None
) -> None:
    assert locate(ResourceId(resource)) == named


# --- what cannot be mapped -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation",
    [
        f"{PG}/flexibleServers/write",
        f"{NET}/networkSecurityGroups/write",
        "Microsoft.Resources/subscriptions/resourceGroups/delete",
        "Microsoft.Authorization/locks/write",
        "Microsoft.Resources/tags/write",
    ],
)
@pytest.mark.parametrize("subject", [None, "", "   "])
def test_a_relevant_operation_without_subject_cannot_be_mapped(operation: str, subject: str | None) -> None:
    assert reason_of(event(operation, subject)) is UnmappableReason.SUBJECT_MISSING


@pytest.mark.parametrize("subject", ["orders", "/subscriptions", f"{FLEXIBLE}/firewallRules", FLEXIBLE * 20])
@pytest.mark.parametrize("operation", [f"{PG}/flexibleServers/write", "Microsoft.Resources/tags/write"])
def test_a_subject_that_is_no_resource_cannot_be_mapped(operation: str, subject: str) -> None:
    assert reason_of(event(operation, subject)) is UnmappableReason.SUBJECT_NOT_A_RESOURCE


@pytest.mark.parametrize(
    ("operation", "subject"),
    [
        (f"{PG}/flexibleServers/write", NSG),
        (f"{PG}/flexibleServers/write", SINGLE),
        (f"{PG}/servers/write", FLEXIBLE),
        (f"{NET}/virtualNetworks/subnets/write", NETWORK),
        ("Microsoft.Resources/subscriptions/resourceGroups/delete", FLEXIBLE),
    ],
)
def test_a_subject_of_another_type_than_the_operation_cannot_be_mapped(operation: str, subject: str) -> None:
    assert reason_of(event(operation, subject)) is UnmappableReason.SUBJECT_OF_ANOTHER_TYPE


def without_data(subject: str, data: Json = None, event_type: str = EVENT_TYPES[0]) -> ResourceEvent:
    return parse_event(event_id="e", event_type=event_type, subject=subject, time=NOON, data=data)


@pytest.mark.field(
    "events",
    "An event without usable data is followed where its subject is ours, and ignored where it is nobody's.",
    source="https://learn.microsoft.com/azure/event-grid/event-schema",
    date="2026-11-29",
)
@pytest.mark.parametrize("data", [None, [], "text", 7, True, {}, {"operationName": None}])
def test_without_data_the_subject_says_what_the_event_is_about(data: Json) -> None:
    assert named_by(without_data(f"{FLEXIBLE}/firewallRules/all", data)) == flexible()
    assert named_by(without_data(NSG, data)) == locator(LocatorKind.NSG, NSG)
    for elsewhere in (
        VAULT,
        GROUP,
        SUBSCRIPTION,
        SUBSCRIPTION + DIAGNOSTICS,
        f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{OBJECT}",
        "/providers/Microsoft.Management/managementGroups/all",
    ):
        assert map_event(without_data(elsewhere, data)) == Ignored(reason=IgnoredReason.OPERATION)


@pytest.mark.parametrize("deed", ["DeleteSuccess", "ActionSuccess"])
def test_without_data_a_group_that_may_be_gone_is_looked_into(deed: str) -> None:
    gone = without_data(GROUP, event_type=f"Microsoft.Resources.Resource{deed}")
    assert named_by(gone) == locator(LocatorKind.SCOPE, GROUP)


@pytest.mark.parametrize("subject", ["", "orders", "/subscriptions", f"{GROUP}/providers", FLEXIBLE * 20])
@pytest.mark.parametrize("data", [None, [], "text", 7, True])
def test_neither_data_nor_a_subject_cannot_be_mapped(data: Json, subject: str) -> None:
    assert reason_of(without_data(subject, data)) is UnmappableReason.DATA_NOT_AN_OBJECT


# --- subjects that are odd -------------------------------------------------------------------------


@pytest.mark.field(
    "events",
    "Several slashes in a subject are read as one, as ARM reads them.",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "subject",
    [
        f"/{FLEXIBLE}",
        FLEXIBLE.replace("/providers", "//providers"),
        f"{FLEXIBLE}//firewallRules///all//",
        FLEXIBLE.replace("/", "//") + TAGS.replace("/", "//"),
    ],
)
@pytest.mark.parametrize("operation", [f"{PG}/flexibleServers/write", None])
def test_several_slashes_are_one(operation: str | None, subject: str) -> None:
    assert named_by(event(operation, subject)) == flexible()


ODD_SUBJECTS = {
    "half of a surrogate pair": f"{FLEXIBLE}\ud800",
    "half of one in a parent": f"{GROUP}/providers/{PG}/flexibleServers/\udc00/firewallRules/all",
    "a blank name": f"{GROUP}/providers/{PG}/flexibleServers/ ",
    "a blank parent": f"{GROUP}/providers/{PG}/flexibleServers/ /firewallRules/all",
    "a blank that is no space": f"{GROUP}/providers/{PG}/flexibleServers/\u2003/firewallRules/all",
    "a name that was lost": f"{GROUP}/providers/{PG}/flexibleServers//firewallRules/all",
    "a control character": f"{FLEXIBLE}\x00",
    "a line feed": f"{GROUP}/providers/{PG}/flexibleServers/or\nders/firewallRules/all",
    "a blank subscription": FLEXIBLE.replace(SUBSCRIPTION, "/subscriptions/ "),
    "a subscription longer than a key": FLEXIBLE.replace(SUBSCRIPTION, f"/subscriptions/{'s' * 1500}"),
    "providers without a type": f"{FLEXIBLE}/providers/Microsoft.X/providers/Microsoft.Y/locks/l",
    "providers of providers": f"{FLEXIBLE}/providers/providers/locks/l",
    "providers at the end": f"{FLEXIBLE}/providers/Microsoft.X/a/b/providers/Microsoft.Y",
}


@pytest.mark.field(
    "events",
    "A subject that no resource of Azure can have is put aside with a reason; nothing that arrives raises.",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules",
    date="2026-11-29",
)
@pytest.mark.parametrize("subject", ODD_SUBJECTS.values(), ids=list(ODD_SUBJECTS))
def test_a_subject_that_no_resource_has_cannot_be_mapped(subject: str) -> None:
    assert reason_of(event(subject=subject)) is UnmappableReason.SUBJECT_NOT_A_RESOURCE
    assert reason_of(event(None, subject)) is UnmappableReason.NO_OPERATION_AND_NO_SUBJECT
    assert reason_of(without_data(subject)) is UnmappableReason.DATA_NOT_AN_OBJECT


@pytest.mark.parametrize(
    "rule", ["providers", "Ausnahme für Köln", "%20", "a%2Fb", "x" * 500, "a b", "日本", "a?b#c"]
)
def test_what_a_child_is_called_does_not_matter(rule: str) -> None:
    assert named_by(event(subject=f"{FLEXIBLE}/firewallRules/{rule}")) == flexible()


@pytest.mark.parametrize("subject", [None, "", "orders"])
@pytest.mark.parametrize("operation", [None, "", 7, ["write"]])
def test_neither_operation_nor_subject_cannot_be_mapped(operation: Json, subject: str | None) -> None:
    odd = event(None, subject, operationName=operation)
    assert reason_of(odd) is UnmappableReason.NO_OPERATION_AND_NO_SUBJECT


def test_an_event_without_type_cannot_be_mapped() -> None:
    assert reason_of(event(event_type=None)) is UnmappableReason.NO_EVENT_TYPE


def test_what_cannot_be_mapped_says_why_in_one_short_line() -> None:
    with pytest.raises(Unmappable) as raised:
        map_event(event(subject="not\nan id " + "x" * 5000))
    assert str(raised.value).startswith("subject-not-a-resource: not an id xxx")
    assert len(str(raised.value)) < 300


# --- cause and actor -------------------------------------------------------------------------------

OBJECT_ID_CLAIM = "http://schemas.microsoft.com/identity/claims/objectidentifier"
UPN_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
APP = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OBJECT = "5b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4d"


def test_the_cause_holds_what_the_event_says() -> None:
    claims = {"appid": APP, OBJECT_ID_CLAIM: OBJECT, "name": "Ada Lovelace"}
    mapped = map_event(event(claims=claims))
    assert isinstance(mapped, Mapped)
    cause = mapped.cause
    assert cause.kind is CauseKind.EVENT
    assert cause.time == NOON
    assert cause.actor == Actor(app_id=APP, object_id=OBJECT, name="Ada Lovelace")
    assert (cause.correlation_id, cause.event_id, cause.count) == ("c0ffee", "e-1", 1)
    assert cause.operation_name == f"{PG}/flexibleServers/write"


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ada", UPN_CLAIM: "ada@example.com", NAME_CLAIM: "a"}, "Ada"),
        ({UPN_CLAIM: "ada@example.com", NAME_CLAIM: "a"}, "ada@example.com"),
        ({NAME_CLAIM: "live.com#ada@example.com"}, "live.com#ada@example.com"),
        ({"name": "", UPN_CLAIM: 7, NAME_CLAIM: "a"}, "a"),
        ({}, None),
        (None, None),
        ("odd", None),
    ],
)
def test_the_actors_name_is_the_first_claim_that_holds_one(claims: Json, name: str | None) -> None:
    assert event(claims=claims).actor.name == name


@pytest.mark.parametrize(
    ("claims", "principal", "object_id"),
    [
        ({OBJECT_ID_CLAIM: OBJECT}, "0" * 32, OBJECT),
        ({OBJECT_ID_CLAIM: OBJECT.upper()}, None, OBJECT),
        ({}, OBJECT.replace("-", ""), OBJECT),
        ({}, OBJECT, OBJECT),
        ({}, "not a guid", "not a guid"),
        ({}, None, None),
    ],
)
def test_the_object_id_has_one_spelling_wherever_it_was_found(
    claims: Json, principal: str | None, object_id: str | None
) -> None:
    authorization = {"evidence": {"role": "Contributor", "principalId": principal}}
    assert event(claims=claims, authorization=authorization).actor.object_id == object_id


@pytest.mark.parametrize("authorization", [None, "odd", {}, {"evidence": None}, {"evidence": ["odd"]}])
def test_odd_authorization_names_nobody(authorization: Json) -> None:
    assert event(authorization=authorization).actor == Actor()


@pytest.mark.parametrize(
    "time",
    [
        datetime(2026, 11, 21, 12, 0),  # noqa: DTZ001 - the library hands over some times without a zone
        datetime(2026, 11, 21, 14, 0, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_times_become_utc(time: datetime) -> None:
    parsed = parse_event(event_id="e", event_type=EVENT_TYPES[0], subject=FLEXIBLE, time=time, data={})
    assert parsed.time == NOON
    assert parsed.time.tzinfo is UTC


def test_texts_of_strangers_are_short_and_on_one_line() -> None:
    parsed = event(claims={"name": "Ada\r\nlevel=error " + "x" * 1_000_000}, correlationId="a\x00b")
    assert parsed.actor.name is not None
    assert parsed.actor.name.startswith("Ada  level=error xxx")
    assert len(parsed.actor.name) <= 256
    assert parsed.correlation_id == "a b"


def test_a_megabyte_of_data_changes_nothing() -> None:
    assert named_by(event(responseBody="x" * 1_000_000, more=[{"n": n} for n in range(10_000)])) == flexible()


# --- as real traffic has it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject",
    [
        FLEXIBLE,
        FLEXIBLE.replace("resourceGroups", "resourcegroups"),
        FLEXIBLE.replace(PG, "Microsoft.DBForPostgreSql"),
        FLEXIBLE.replace(PG, "Microsoft.DBForPostgreSQL").replace("flexibleServers", "flexibleservers"),
        FLEXIBLE.lower() + TAGS,
        f"{FLEXIBLE}/",
    ],
)
def test_tags_written_on_a_server_name_that_server_in_every_spelling(subject: str) -> None:
    assert named_by(event("Microsoft.Resources/tags/write", subject)) == flexible()


def test_an_event_without_the_http_request_of_a_first_creation_is_mapped() -> None:
    request = {"method": "PUT", "clientIpAddress": "203.0.113.7", "url": f"https://example{FLEXIBLE}"}
    assert map_event(event()) == map_event(event(httpRequest=request))


def test_a_rule_written_on_a_server_in_a_subnet_is_a_look_like_any_other() -> None:
    rule = event(f"{PG}/flexibleServers/firewallRules/write", f"{FLEXIBLE}/firewallRules/harmless")
    assert named_by(rule) == flexible()


# --- properties ------------------------------------------------------------------------------------

SUBJECTS = {
    f"{PG}/flexibleServers/firewallRules/write": f"{FLEXIBLE}/firewallRules/all",
    f"{PG}/servers/delete": SINGLE,
    f"{NET}/virtualNetworks/subnets/write": SUBNET,
    f"{NET}/virtualNetworks/virtualNetworkPeerings/delete": f"{NETWORK}/virtualNetworkPeerings/p",
    f"{NET}/networkSecurityGroups/securityRules/delete": f"{NSG}/securityRules/r",
    f"{NET}/privateEndpoints/privateDnsZoneGroups/write": f"{ENDPOINT}/privateDnsZoneGroups/d",
    f"{NET}/privateDnsZones/A/delete": f"{ZONE}/A/orders",
    f"{NET}/routeTables/write": ROUTES,
    "Microsoft.Authorization/locks/delete": ZONE + LOCK,
    "Microsoft.Insights/diagnosticSettings/write": SINGLE + DIAGNOSTICS,
    "Microsoft.Security/advancedThreatProtectionSettings/write": FLEXIBLE + THREAT,
    "Microsoft.Resources/tags/write": FLEXIBLE + TAGS,
    "Microsoft.Resources/subscriptions/resourceGroups/delete": GROUP,
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def recased(draw: st.DrawFn, text: str) -> str:
    flips = draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    return "".join(char.swapcase() if flip else char for char, flip in zip(text, flips, strict=True))


@given(st.data(), st.sampled_from(sorted(SUBJECTS)), st.sampled_from(EVENT_TYPES))
def test_letter_case_never_matters(data: st.DataObject, operation: str, event_type: str) -> None:
    subject = SUBJECTS[operation]
    straight = named_by(event(operation, subject, event_type))
    other = event(*(data.draw(recased(text)) for text in (operation, subject, event_type)))
    assert named_by(other) == straight
    assert named_by(other).key == straight.key


@given(st.dictionaries(st.text(max_size=12), json_values), st.sampled_from(sorted(SUBJECTS)))
def test_unknown_names_never_matter(noise: dict[str, Json], operation: str) -> None:
    known = {"operationName", "correlationId", "claims", "authorization", "status"}
    unknown = {f"{name}_" if name in known else name: inner for name, inner in noise.items()}
    subject = SUBJECTS[operation]
    assert map_event(event(operation, subject, **unknown)) == map_event(event(operation, subject))


@given(json_values, st.text(max_size=40), st.text(max_size=80) | st.just(FLEXIBLE))
def test_every_event_is_mapped_ignored_or_refused(data: Json, event_type: str, subject: str) -> None:
    for kind in (event_type, EVENT_TYPES[0]):
        odd = parse_event(event_id="e", event_type=kind, subject=subject, time=NOON, data=data)
        assert isinstance(_answer(odd), Mapped | Ignored | UnmappableReason)


def _answer(event: ResourceEvent) -> Mapped | Ignored | UnmappableReason:
    try:
        return map_event(event)
    except Unmappable as refused:
        return refused.reason


# --- as the functions library hands them over ------------------------------------------------------


def _decoded(name: str) -> ResourceEvent:
    """The fixture through the library's own converter, then taken apart as the trigger does it."""
    text = (FIXTURES / name).read_text(encoding="utf-8")
    datum = Datum(type="json", value=text)
    decoded = EventGridEventInConverter.decode(datum, trigger_metadata=None)
    if isinstance(decoded, func.CloudEvent):
        parts: Mapping[str, Json] = {"event_type": decoded.type, "time": decoded.time}
    else:
        parts = {"event_type": decoded.event_type, "time": decoded.event_time}
    return parse_event(event_id=decoded.id, subject=decoded.subject, data=decoded.get_json(), **parts)


@pytest.mark.parametrize("name", ["event_grid_schema.json", "cloud_event.json"])
def test_both_schemas_say_the_same(name: str) -> None:
    parsed = _decoded(name)
    mapped = map_event(parsed)
    assert isinstance(mapped, Mapped)
    assert mapped.targets == (flexible(),)
    assert mapped.cause.actor.object_id == OBJECT
    assert mapped.cause.actor.name == "ada@example.com"
    assert mapped.cause.time == datetime(2026, 11, 21, 10, 2, 11, 763881, tzinfo=UTC)
    assert parsed.status == "Succeeded"


def test_the_fixtures_hold_no_more_than_one_event_each() -> None:
    assert all(isinstance(json.loads(path.read_text()), dict) for path in FIXTURES.glob("*.json"))
