"""Azure as an installation meets it: the simulator holds every resource, this says what Azure refuses.

Each refusal is of one kind: what something needs is not there (yet), or something else still needs it. What
the simulator knows of a type it judges itself. A resource of a template and one of a command come by the same
way. Who is in the directory (identities, people, registrations) is kept here, for ARM has none of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from local.dev.bicep.deploying import Made
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import parse_address
from tests.infra.azure import FakeAzure, computed

ACCOUNT: Final = "Microsoft.Storage/storageAccounts"
ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"
DEFINITION: Final = "Microsoft.Authorization/roleDefinitions"
GROUP: Final = "Microsoft.Resources/subscriptions/resourceGroups"
IDENTITY: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
SERVICES: Final = ("blobServices", "queueServices", "tableServices")
"""What every storage account has."""
SITE: Final = "Microsoft.Web/sites"
TOPIC: Final = "Microsoft.EventGrid/systemTopics"
BUILT_IN: Final = {
    "Website Contributor": "de139f84-1756-47ae-9be6-808fbbe84772",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Storage Table Data Reader": "76199698-9eea-4c19-bc75-cec21354c6b6",
    "EventGrid Data Sender": "d5a91429-5739-47e2-a06b-3470a27159e7",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
REGISTERED: Final = frozenset({"microsoft.resources", "microsoft.authorization", "microsoft.managedidentity"})
"""What every subscription knows."""


class Refused(Exception):
    """What Azure says to what cannot be done."""


def named(resource_id: str) -> str:
    return resource_id.rpartition("/")[2]


def principal_of(resource_id: str) -> str:
    """The object id of a resource's identity."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, resource_id.lower()))


class Cloud:
    """Implements ``deploying.Azure``."""

    def __init__(self, client: SimulatorClient, subscription: str) -> None:
        self.client = client
        self.subscription = subscription
        self.facts = FakeAzure().facts
        self.providers = set(REGISTERED)
        self.people: set[str] = set()
        self.registrations: dict[str, dict[str, Any]] = {}
        self.are_anchors_kept = False
        """Whether there are blobs that nobody can delete yet."""

    # --- what is there ----------------------------------------------------------------------------

    def show(self, resource_id: str, version: str = "") -> dict[str, Any]:
        """Raises Refused for what is not there."""
        return self._asked("GET", resource_id)

    def is_there(self, resource_id: str) -> bool:
        if resource_id.lower() == f"/subscriptions/{self.subscription}".lower():
            return True
        status, _, _ = self.client.arm("GET", resource_id)
        return status < 400

    def all_of(self, kind: str, scope: str = "") -> list[dict[str, Any]]:
        """Every resource of a type at or below a scope."""
        return [dict(one) for one in self._everything() if _is_of(dict(one), kind, scope)]

    def needs(self, resource_id: str) -> None:
        if not self.is_there(resource_id):
            raise Refused(f"(ResourceNotFound) {resource_id} is not there")

    def holds(self, principal: str, role: str, resource_id: str) -> bool:
        """Whether a role is assigned at a resource or above it."""
        return any(
            one["properties"]["principalId"] == principal
            and named(one["properties"]["roleDefinitionId"]) == self.role_named(role)
            and f"{resource_id}/".lower().startswith(f"{_scope_of(one)}/")
            for one in self.all_of(ASSIGNMENT)
        )

    def role_named(self, name: str) -> str:
        """The GUID of a role. Raises Refused for one that nobody has defined."""
        if name in BUILT_IN:
            return BUILT_IN[name]
        for one in self.all_of(DEFINITION):
            if one["properties"]["roleName"] == name:
                return named(one["id"])
        raise Refused(f"Role '{name}' doesn't exist.")

    def is_known(self, principal: str) -> bool:
        """Whether the directory has an identity, a person or the principal of an application."""
        if principal in self.people:
            return True
        return any(principal == _principal_in(dict(one)) for one in self._everything())

    # --- what is done -----------------------------------------------------------------------------

    def register(self, provider: str) -> None:
        self.providers.add(provider.lower())

    def make(self, made: Made) -> Mapping[str, Any]:
        """As a deployment makes it, which registers its provider."""
        self.register(made.type.split("/")[0])
        return self.put(made.id, made.body)

    def put(self, resource_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make or write a resource. Raises Refused."""
        address = parse_address(resource_id)
        if address.provider.lower() not in self.providers:
            raise Refused(f"The subscription is not registered to use namespace '{address.provider}'.")
        if address.group and address.type != GROUP:
            self.needs(f"/subscriptions/{address.subscription}/resourceGroups/{address.group}")
        check = _BEFORE.get(address.type)
        if check is not None:
            check(self, resource_id, body)
        made = self._asked("PUT", resource_id, body)
        if address.type == ACCOUNT:
            services = [f"{resource_id}/{one}/default" for one in SERVICES]
            self.client.seed([{"id": one, "properties": {}} for one in services])
        known = self._known(made, address.type)
        if not known:
            return made
        self.client.amend(resource_id, known)
        return self.show(resource_id)

    def patch(self, resource_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self.put(resource_id, {**self.show(resource_id), **body})

    def delete(self, resource_id: str) -> None:
        """Raises Refused for what is not there, and while something else needs it."""
        self.needs(resource_id)
        for one in self._everything():
            if f"{one['id']}/".lower().startswith(f"{resource_id}/".lower()):
                self._may_go(str(one["id"]), str(one["type"]), resource_id)
        self._asked("DELETE", resource_id)

    def _may_go(self, resource_id: str, kind: str, with_whom: str) -> None:
        check = _BEFORE_IT_GOES.get(kind)
        if check is not None:
            check(self, resource_id, with_whom)

    def _known(self, made: Mapping[str, Any], kind: str) -> dict[str, Any]:
        """What Azure adds."""
        principal = {"principalId": principal_of(made["id"])}
        suffix = self.facts["environment"]["suffixes"]["storage"]
        properties = computed(kind, made["name"], suffix) | (principal if kind == IDENTITY else {})
        has_own = "SystemAssigned" in str((made.get("identity") or {}).get("type"))
        return {
            **({"properties": properties} if properties else {}),
            **({"identity": principal} if has_own else {}),
        }

    def _everything(self) -> list[Any]:
        resources: Any = self.client.state()["resources"]
        return list(resources)

    def _asked(self, method: str, resource_id: str, body: Any = None) -> dict[str, Any]:
        try:
            if method == "PUT":
                return dict(self.client.put(resource_id, dict(body)))
            if method == "DELETE":
                self.client.delete(resource_id)
                return {}
            return dict(self.client.get(resource_id))
        except ArmCallFailed as failed:
            raise Refused(f"({failed.code}) {failed.message}") from None


def _is_of(one: Mapping[str, Any], kind: str, scope: str) -> bool:
    is_within = f"{one['id']}/".lower().startswith(f"{scope}/".lower()) if scope else True
    return str(one["type"]).lower() == kind.lower() and is_within


def _scope_of(assignment: Mapping[str, Any]) -> str:
    return str(assignment["id"]).lower().rpartition("/providers/")[0]


def _principal_in(one: Mapping[str, Any]) -> str:
    if one["type"] == IDENTITY:
        return str(one["properties"]["principalId"])
    return str((one.get("identity") or {}).get("principalId"))


# --- what must be there before ----------------------------------------------------------------------


def _before_assignment(cloud: Cloud, resource_id: str, body: Mapping[str, Any]) -> None:
    properties = body["properties"]
    role = named(properties["roleDefinitionId"])
    cloud.needs(resource_id[: resource_id.rindex("/providers/")])
    if role not in BUILT_IN.values() and role not in {named(one["id"]) for one in cloud.all_of(DEFINITION)}:
        raise Refused(f"(RoleDefinitionDoesNotExist) {role}")
    if not cloud.is_known(properties["principalId"]):
        raise Refused(f"(PrincipalNotFound) {properties['principalId']!r} is not in the directory")


def _before_site(cloud: Cloud, _: str, body: Mapping[str, Any]) -> None:
    cloud.needs(body["properties"]["serverFarmId"])
    for identity in (body.get("identity") or {}).get("userAssignedIdentities") or {}:
        cloud.needs(identity)


def _before_event_subscription(cloud: Cloud, resource_id: str, body: Mapping[str, Any]) -> None:
    """Event Grid looks at the function, and at where it is to write, by whom."""
    properties, topic = body["properties"], resource_id.rpartition("/eventSubscriptions/")[0]
    principal = str((cloud.show(topic).get("identity") or {}).get("principalId") or "")
    _may_dead_letter(cloud, properties, principal)
    delivered = properties.get("deliveryWithResourceIdentity") or {}
    where = (delivered.get("destination") or properties["destination"])["properties"]
    if "queueName" in where:
        queue = f"{where['resourceId']}/queueServices/default/queues/{where['queueName']}"
        cloud.needs(queue)
        _must_hold(cloud, principal, "Storage Queue Data Message Sender", queue)
    elif not cloud.is_there(where["resourceId"]):
        raise Refused("(Endpoint validation) Destination endpoint not found. " + where["resourceId"])


def _may_dead_letter(cloud: Cloud, properties: Mapping[str, Any], principal: str) -> None:
    letters = properties.get("deadLetterWithResourceIdentity")
    if letters is None:
        raise Refused("dead letters without an identity go nowhere on an account without keys")
    where = letters["deadLetterDestination"]["properties"]
    container = f"{where['resourceId']}/blobServices/default/containers/{where['blobContainerName']}"
    cloud.needs(container)
    _must_hold(cloud, principal, "Storage Blob Data Contributor", container)


def _must_hold(cloud: Cloud, principal: str, role: str, resource_id: str) -> None:
    if not principal:
        raise Refused("the system topic has no identity of its own")
    if not cloud.holds(principal, role, resource_id):
        raise Refused(f"(Forbidden) the topic's identity is not {role} at {resource_id}")


_BEFORE: Final[Mapping[str, Callable[[Cloud, str, Mapping[str, Any]], None]]] = {
    ASSIGNMENT: _before_assignment,
    SITE: _before_site,
    f"{TOPIC}/eventSubscriptions": _before_event_subscription,
}


# --- what still needs it ----------------------------------------------------------------------------


def _unassigned(cloud: Cloud, resource_id: str, _: str) -> None:
    held = [
        one
        for one in cloud.all_of(ASSIGNMENT)
        if named(one["properties"]["roleDefinitionId"]) == named(resource_id)
    ]
    if held:
        raise Refused(f"(RoleDefinitionHasAssignments) {named(resource_id)} has {len(held)}")


def _without_kept_blobs(cloud: Cloud, resource_id: str, _: str) -> None:
    kept = cloud.all_of(f"{ACCOUNT}/blobServices/containers/immutabilityPolicies", resource_id)
    if cloud.are_anchors_kept and kept:
        raise Refused(f"(ContainerImmutabilityPolicyFailure) {named(resource_id)} holds blobs that are kept")


def _without_subscribers(cloud: Cloud, resource_id: str, with_whom: str) -> None:
    """Whoever deletes a topic would take the events from all that are subscribed."""
    held = cloud.all_of(f"{TOPIC}/eventSubscriptions", resource_id)
    if held and with_whom.lower() == resource_id.lower():
        raise Refused(
            f"(InvalidRequest) {named(resource_id)} has event subscriptions: {named(held[0]['id'])}"
        )


_BEFORE_IT_GOES: Final[Mapping[str, Callable[[Cloud, str, str], None]]] = {
    ACCOUNT: _without_kept_blobs,
    DEFINITION: _unassigned,
    TOPIC: _without_subscribers,
}
