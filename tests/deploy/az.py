"""What `az` does with the commands of the pages: requests to ARM, and to the directory.

A command that is not here ends with 64, so that a page cannot grow one that nobody has thought about. What a
command leaves is what azure-cli 2.91 leaves by its source: `functionapp create` a key in the settings and a
plan, `functionapp show` on Flex Consumption the body as ARM has it, the rest of it flattened.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jmespath

from local.dev.bicep.deploying import Scope, deploy
from shared.model.values import value
from tests.deploy.cloud import (
    ACCOUNT,
    ASSIGNMENT,
    BUILT_IN,
    DEFINITION,
    IDENTITY,
    SITE,
    TOPIC,
    Cloud,
    Refused,
    named,
)
from tests.deploy.programs import Call, Said
from tests.infra.azure import TENANT

ARM: Final = "https://management.azure.com"
GRAPH: Final = "https://graph.microsoft.com/v1.0"
PERSON: Final = "0d5f4a3e-0000-4000-8000-0000000000aa"
"""Whoever is signed in."""
ASKS: Final = (
    "az group delete",
    "az resource delete",
    "az storage account delete",
    "az eventgrid system-topic delete",
    "az eventgrid system-topic event-subscription delete",
)
"""What asks whether one is sure (azure-cli 2.91, `confirmation=True`)."""
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNFILLED: Final = re.compile(r"00000000-0000-0000-0000-000000000000|CLIENT_ID|TENANT_ID|<[a-z][\w-]*>|\$")


@value
class Asked:
    """A command, what stands after each option, and where it was given."""

    command: str
    options: Mapping[str, Sequence[str]]
    folder: Path

    def one(self, option: str) -> str:
        """What an option says. Raises Refused where it says nothing."""
        if not self.options.get(option):
            raise Refused(f"the following arguments are required: {option}")
        return self.options[option][0]

    def document(self, option: str) -> Any:
        """JSON, or that of the file behind an @."""
        text = self.one(option)
        return json.loads((self.folder / text[1:]).read_text("utf-8") if text.startswith("@") else text)


class Az:
    """The command over a cloud; ``publish`` sends a package to an app."""

    def __init__(self, cloud: Cloud, publish: Callable[[str, Path], None]) -> None:
        self.cloud = cloud
        self._publish = publish

    def __call__(self, call: Call) -> Said:
        asked = _parsed(call)
        do = COMMANDS.get(asked.command)
        if do is None:
            return Said(code=64, errors=f"az {asked.command} is not known here\n")
        try:
            _all_filled_in(asked)
            return Said(out=_printed(do(self, asked), asked))
        except Refused as refused:
            return Said(code=1, errors=f"ERROR: az {asked.command}: {refused}\n")

    # --- ids ----------------------------------------------------------------------------------------

    def group(self, name: str) -> str:
        return f"/subscriptions/{self.cloud.subscription}/resourceGroups/{name}"

    def of_group(self, asked: Asked, kind: str, option: str = "--name") -> str:
        return f"{self.group(asked.one('--resource-group'))}/providers/{kind}/{asked.one(option)}"

    def topic(self, asked: Asked) -> str:
        return self.of_group(asked, TOPIC, "--system-topic-name")

    def account(self, asked: Asked, option: str = "--name") -> str:
        return self.of_group(asked, ACCOUNT, option)

    def container(self, asked: Asked) -> str:
        option = "--container-name" if "--container-name" in asked.options else "--name"
        account = "--account-name" if "--account-name" in asked.options else "--storage-account"
        return f"{self.account(asked, account)}/blobServices/default/containers/{asked.one(option)}"

    # --- accounts and groups ------------------------------------------------------------------------

    def signed_in(self, _: Asked) -> Any:
        self.cloud.people.add(PERSON)
        return None

    def show_account(self, _: Asked) -> Any:
        if PERSON not in self.cloud.people:
            raise Refused("Please run 'az login' to setup account.")
        return {"id": self.cloud.subscription, "tenantId": TENANT}

    def token(self, asked: Asked) -> Any:
        scope = asked.options.get("--scope", ["arm"])[0]
        client = scope.removeprefix("api://").removesuffix("/.default")
        if client == "arm":
            return {"accessToken": "token for arm"}
        registration = self.registration(client)
        if not registration["scope"] or not registration["trusts az"]:
            raise Refused(f"AADSTS65001: nobody has consented to azure-cli for {client}")
        if registration["assigned only"] and PERSON not in registration["people"]:
            raise Refused(f"AADSTS50105: no role of {client} is assigned to the signed in user")
        return {"accessToken": f"token for {client}"}

    def register(self, asked: Asked) -> Any:
        self.cloud.register(asked.one("--namespace"))

    def create_group(self, asked: Asked) -> Any:
        return self.cloud.put(self.group(asked.one("--name")), {"location": asked.one("--location")})

    def group_exists(self, asked: Asked) -> Any:
        return self.cloud.is_there(self.group(asked.one("--name")))

    def delete_group(self, asked: Asked) -> Any:
        self.cloud.delete(self.group(asked.one("--name")))

    def list_resources(self, asked: Asked) -> Any:
        inside = f"{self.group(asked.one('--resource-group'))}/providers/"
        every: Any = self.cloud.client.state()["resources"]
        return [one for one in every if str(one["id"]).lower().startswith(inside.lower())]

    # --- storage ------------------------------------------------------------------------------------

    def create_account(self, asked: Asked) -> Any:
        properties = {
            "allowSharedKeyAccess": asked.one("--allow-shared-key-access") == "true",
            "allowBlobPublicAccess": asked.one("--allow-blob-public-access") == "true",
        }
        body = {"kind": "StorageV2", "location": asked.one("--location"), "properties": properties}
        return self.cloud.put(self.account(asked), body)

    def show_storage(self, asked: Asked) -> Any:
        return self.cloud.show(self.account(asked))

    def delete_account(self, asked: Asked) -> Any:
        self.cloud.delete(self.account(asked))

    def create_container(self, asked: Asked) -> Any:
        return self.cloud.put(self.container(asked), {"properties": {}})

    def keep_container(self, asked: Asked) -> Any:
        days = {"immutabilityPeriodSinceCreationInDays": int(asked.one("--period"))}
        return self.cloud.put(f"{self.container(asked)}/immutabilityPolicies/default", {"properties": days})

    # --- the app ------------------------------------------------------------------------------------

    def create_app(self, asked: Asked) -> Any:
        account, site = self.account(asked, "--storage-account"), self.of_group(asked, SITE)
        self.cloud.needs(account)
        location = asked.one("--flexconsumption-location")
        group = site.rpartition(f"/{SITE}")[0]
        plan = f"{group}/Microsoft.Web/serverfarms/ASP-{asked.one('--name')}"
        self.cloud.put(plan, {"location": location, "sku": {"name": "FC1"}})
        self.cloud.register("Microsoft.Insights")
        self.cloud.put(f"{group}/Microsoft.Insights/components/{asked.one('--name')}", {"location": location})
        packages = f"{account}/blobServices/default/containers/app-package-{asked.one('--name')}"
        self.cloud.put(packages, {"properties": {}})
        runtime = {"name": asked.one("--runtime"), "version": asked.one("--runtime-version")}
        properties = {
            "serverFarmId": plan,
            "sku": "FlexConsumption",
            "functionAppConfig": {"runtime": runtime},
        }
        body: dict[str, Any] = {"location": location, "kind": "functionapp,linux", "properties": properties}
        if "[system]" in asked.options.get("--assign-identity", ()):
            body["identity"] = {"type": "SystemAssigned"}
        self.cloud.put(site, body)
        key = {
            "AzureWebJobsStorage": f"DefaultEndpointsProtocol=https;AccountName={named(account)};AccountKey=a"
        }
        self.cloud.put(f"{site}/config/appsettings", {"properties": key})

    def show_app(self, asked: Asked) -> Any:
        """On Flex Consumption as ARM has it (azure-cli: `get_raw_functionapp`)."""
        site = self.cloud.show(self.of_group(asked, SITE))
        host = site["properties"]["defaultHostName"].replace(".", ".scm.", 1)
        states = [
            {"name": site["properties"]["defaultHostName"], "hostType": "Standard"},
            {"name": host, "hostType": "Repository"},
        ]
        known = {**site["properties"], "hostNameSslStates": states}
        is_flex = "functionAppConfig" in known
        return {**site, "properties": known} if is_flex else {**site, **known, "properties": None}

    def show_app_identity(self, asked: Asked) -> Any:
        return self.cloud.show(self.of_group(asked, SITE)).get("identity")

    def keep_ready(self, asked: Asked) -> Any:
        self.cloud.needs(self.of_group(asked, SITE))

    def set_settings(self, asked: Asked) -> Any:
        given = dict(one.split("=", 1) for one in asked.options["--settings"])
        return self._write_settings(asked, lambda held: {**held, **given})

    def delete_settings(self, asked: Asked) -> Any:
        gone = set(asked.options["--setting-names"])
        return self._write_settings(asked, lambda held: {k: v for k, v in held.items() if k not in gone})

    def _write_settings(self, asked: Asked, change: Callable[[Any], Any]) -> Any:
        settings = f"{self.of_group(asked, SITE)}/config/appsettings"
        return self.cloud.put(settings, {"properties": change(self.cloud.show(settings)["properties"])})

    def send(self, asked: Asked) -> Any:
        """On Flex Consumption it builds Python anew, whatever it is told."""
        site = self.of_group(asked, SITE)
        if (
            "functionAppConfig" in self.cloud.show(site)["properties"]
            or asked.one("--build-remote") != "false"
        ):
            raise Refused("the package would be built anew")
        self._publish(site, asked.folder / asked.one("--src"))

    def show_function(self, asked: Asked) -> Any:
        return self.cloud.show(f"{self.of_group(asked, SITE)}/functions/{asked.one('--function-name')}")

    def delete_app(self, asked: Asked) -> Any:
        self.cloud.delete(self.of_group(asked, SITE))

    # --- roles --------------------------------------------------------------------------------------

    def define(self, asked: Asked) -> Any:
        told = asked.document("--role-definition")
        if told["Name"] in {one["properties"]["roleName"] for one in self.cloud.all_of(DEFINITION)}:
            raise Refused(f"(RoleDefinitionWithSameNameExists) {told['Name']}")
        return self._define(str(uuid.uuid4()), told)

    def define_anew(self, asked: Asked) -> Any:
        told = asked.document("--role-definition")
        return self._define(self.cloud.role_named(told["Name"]), told)

    def _define(self, name: str, told: Mapping[str, Any]) -> Any:
        home = f"/subscriptions/{self.cloud.subscription}"
        if told["AssignableScopes"] != [home]:
            raise Refused(f"(LinkedInvalidPropertyId) {told['AssignableScopes']}")
        permissions = [{"actions": told["Actions"], "notActions": told["NotActions"]}]
        body = {"roleName": told["Name"], "type": "CustomRole", "permissions": permissions}
        return self.cloud.put(f"{home}/providers/{DEFINITION}/{name}", {"properties": body})

    def list_roles(self, asked: Asked) -> Any:
        custom = [one["properties"] for one in self.cloud.all_of(DEFINITION)]
        if asked.options.get("--custom-role-only") == ["true"]:
            return custom
        return [*custom, *({"roleName": name} for name in BUILT_IN)]

    def delete_role(self, asked: Asked) -> Any:
        name = self.cloud.role_named(asked.one("--name"))
        self.cloud.delete(f"/subscriptions/{self.cloud.subscription}/providers/{DEFINITION}/{name}")

    def assign(self, asked: Asked) -> Any:
        scope, principal = asked.one("--scope"), asked.one("--assignee-object-id")
        role = self.cloud.role_named(asked.one("--role"))
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{scope} {principal} {role}")
        body = {
            "roleDefinitionId": f"/subscriptions/{self.cloud.subscription}/providers/{DEFINITION}/{role}",
            "principalId": principal,
            "principalType": asked.one("--assignee-principal-type"),
        }
        return self.cloud.put(f"{scope}/providers/{ASSIGNMENT}/{name}", {"properties": body})

    def list_assignments(self, asked: Asked) -> Any:
        """Whoever is gone is not found by an id any more."""
        principal = asked.one("--assignee")
        if not self.cloud.is_known(principal):
            raise Refused(f"Cannot find user or service principal in graph database for '{principal}'.")
        return [one for one in self.cloud.all_of(ASSIGNMENT) if one["properties"]["principalId"] == principal]

    def unassign(self, asked: Asked) -> Any:
        if "--ids" in asked.options:
            for one in asked.options["--ids"]:
                self.cloud.delete(one)
            return
        scope, role = asked.one("--scope"), asked.options.get("--role")
        found = [
            one
            for one in self.list_assignments(asked)
            if one["id"].startswith(f"{scope}/providers/{ASSIGNMENT}")
        ]
        for one in found:
            if not role or named(one["properties"]["roleDefinitionId"]) == self.cloud.role_named(role[0]):
                self.cloud.delete(one["id"])

    # --- the directory ------------------------------------------------------------------------------

    def registration(self, client: str) -> dict[str, Any]:
        for one in self.cloud.registrations.values():
            if client in (one["appId"], one["service"]):
                return one
        raise Refused(f"(Request_ResourceNotFound) there is no application {client}")

    def create_registration(self, asked: Asked) -> Any:
        made = {
            "appId": str(uuid.uuid4()),
            "service": "",
            "appRoles": [{**role, "id": str(role["id"])} for role in asked.document("--app-roles")],
            "scope": False,
            "trusts az": False,
            "assigned only": False,
            "people": {},
        }
        self.cloud.registrations[asked.one("--display-name")] = made
        return made

    def update_registration(self, asked: Asked) -> Any:
        held = self.registration(asked.one("--id"))
        if asked.one("--identifier-uris") != f"api://{held['appId']}":
            raise Refused("the identifier is not that of this application")

    def create_service(self, asked: Asked) -> Any:
        held = self.registration(asked.one("--id"))
        held["service"] = str(uuid.uuid4())
        self.cloud.people.add(held["service"])
        return {"id": held["service"]}

    def update_service(self, asked: Asked) -> Any:
        self.registration(asked.one("--id"))["assigned only"] = (
            asked.one("--set") == "appRoleAssignmentRequired=true"
        )

    def show_service(self, asked: Asked) -> Any:
        return self.registration(asked.one("--id"))

    def show_person(self, _: Asked) -> Any:
        return {"id": PERSON}

    def delete_registration(self, asked: Asked) -> Any:
        held = self.registration(asked.one("--id"))
        self.cloud.registrations = {k: v for k, v in self.cloud.registrations.items() if v is not held}

    def rest(self, asked: Asked) -> Any:
        method, url, body = asked.one("--method").upper(), asked.one("--url"), asked.document("--body")
        if url.startswith(GRAPH):
            return self._graph(url.removeprefix(GRAPH), body)
        resource_id = url.removeprefix(ARM).split("?")[0]
        if method not in ("PUT", "PATCH") or not resource_id.startswith("/subscriptions/"):
            raise Refused(f"{method} {url} is not known here")
        if resource_id.endswith("/config/authsettingsV2"):
            self._of_a_registration(body)
        return self.cloud.put(resource_id, body) if method == "PUT" else self.cloud.patch(resource_id, body)

    def _of_a_registration(self, body: Any) -> None:
        providers = body["properties"]["identityProviders"]
        self.registration(providers["azureActiveDirectory"]["registration"]["clientId"])

    def _graph(self, path: str, body: Any) -> Any:
        (client,) = _ID.findall(path)
        held = self.registration(client)
        api = body.get("api") or {}
        held["scope"] |= "oauth2PermissionScopes" in api
        held["trusts az"] |= "preAuthorizedApplications" in api and held["scope"]
        if path.endswith("/appRoleAssignedTo"):
            if body["appRoleId"] not in {role["id"] for role in held["appRoles"]}:
                raise Refused(f"(Request_BadRequest) {body['appRoleId']!r} is no role of {held['appId']}")
            held["people"].setdefault(body["principalId"], []).append(body["appRoleId"])

    # --- identities, events, templates --------------------------------------------------------------

    def create_identity(self, asked: Asked) -> Any:
        identity = self.of_group(asked, IDENTITY)
        return self.cloud.put(identity, {"location": asked.one("--location")})

    def show_identity(self, asked: Asked) -> Any:
        identity = self.cloud.show(self.of_group(asked, IDENTITY))
        return {**identity, **identity["properties"]}

    def trust(self, asked: Asked) -> Any:
        identity = self.of_group(asked, IDENTITY, "--identity-name")
        trusted = {"issuer": asked.one("--issuer"), "subject": asked.one("--subject")}
        return self.cloud.put(
            f"{identity}/federatedIdentityCredentials/{asked.one('--name')}", {"properties": trusted}
        )

    def create_topic(self, asked: Asked) -> Any:
        identity = (
            {"type": "SystemAssigned"} if asked.options.get("--identity") == ["systemassigned"] else None
        )
        properties = {"source": asked.one("--source"), "topicType": asked.one("--topic-type")}
        body = {"location": asked.one("--location"), "properties": properties, "identity": identity}
        return self.cloud.put(self.of_group(asked, TOPIC), {k: v for k, v in body.items() if v})

    def show_topic(self, asked: Asked) -> Any:
        return self.cloud.show(self.of_group(asked, TOPIC))

    def list_topics(self, _: Asked) -> Any:
        found = self.cloud.all_of(TOPIC)
        return [{**one, **one["properties"], "resourceGroup": one["id"].split("/")[4]} for one in found]

    def delete_topic(self, asked: Asked) -> Any:
        self.cloud.delete(self.of_group(asked, TOPIC) if "--name" in asked.options else self.topic(asked))

    def list_subscriptions(self, asked: Asked) -> Any:
        self.cloud.needs(self.topic(asked))
        return self.cloud.all_of(f"{TOPIC}/eventSubscriptions", self.topic(asked))

    def show_subscription(self, asked: Asked) -> Any:
        return self.cloud.show(f"{self.topic(asked)}/eventSubscriptions/{asked.one('--name')}")["properties"]

    def delete_subscription(self, asked: Asked) -> Any:
        self.cloud.delete(f"{self.topic(asked)}/eventSubscriptions/{asked.one('--name')}")

    def deploy(self, asked: Asked) -> Any:
        given = dict(one.split("=", 1) for one in asked.options["--parameters"])
        known = {name: {"true": True, "false": False}.get(text, text) for name, text in given.items()}
        scope = Scope(subscription=asked.options.get("--subscription", [self.cloud.subscription])[0])
        return deploy(asked.folder / asked.one("--template-file"), scope, known, self.cloud)

    def delete_metric_alert(self, asked: Asked) -> Any:
        """What is not there is deleted already."""
        alert = self.of_group(asked, "Microsoft.Insights/metricAlerts")
        if self.cloud.is_there(alert):
            self.cloud.delete(alert)

    def delete_rule(self, asked: Asked) -> Any:
        nsg = self.of_group(asked, "Microsoft.Network/networkSecurityGroups", "--nsg-name")
        self.cloud.delete(f"{nsg}/securityRules/{asked.one('--name')}")


def _parsed(call: Call) -> Asked:
    at = next((number for number, word in enumerate(call.words) if word.startswith("-")), len(call.words))
    options: dict[str, list[str]] = {}
    for word in call.words[at:]:
        if word.startswith("--"):
            options[word] = []
        else:
            options[list(options)[-1]].append(word)
    return Asked(command=" ".join(call.words[:at]), options=options, folder=call.folder)


def _all_filled_in(asked: Asked) -> None:
    for option, texts in asked.options.items():
        for text in texts:
            if option != "--query" and (not text or _UNFILLED.search(text)):
                raise Refused(f"{option} is empty or was not filled in: {text!r}")


def _printed(found: Any, asked: Asked) -> str:
    wanted = jmespath.search(asked.one("--query"), found) if "--query" in asked.options else found
    if asked.options.get("--output") != ["tsv"]:
        return "" if wanted is None else f"{json.dumps(wanted)}\n"
    rows = wanted if isinstance(wanted, list) else [] if wanted is None else [wanted]
    return "".join(f"{_cell(row)}\n" for row in rows)


def _cell(found: Any) -> str:
    return str(found).lower() if isinstance(found, bool) else str(found)


COMMANDS: Final[Mapping[str, Callable[[Az, Asked], Any]]] = {
    "login": Az.signed_in,
    "account show": Az.show_account,
    "account get-access-token": Az.token,
    "provider register": Az.register,
    "group create": Az.create_group,
    "group exists": Az.group_exists,
    "group delete": Az.delete_group,
    "resource list": Az.list_resources,
    "storage account create": Az.create_account,
    "storage account show": Az.show_storage,
    "storage account delete": Az.delete_account,
    "storage container-rm create": Az.create_container,
    "storage container immutability-policy create": Az.keep_container,
    "functionapp create": Az.create_app,
    "functionapp show": Az.show_app,
    "functionapp delete": Az.delete_app,
    "functionapp identity show": Az.show_app_identity,
    "functionapp scale config always-ready set": Az.keep_ready,
    "functionapp config appsettings set": Az.set_settings,
    "functionapp config appsettings delete": Az.delete_settings,
    "functionapp deployment source config-zip": Az.send,
    "functionapp function show": Az.show_function,
    "role definition create": Az.define,
    "role definition update": Az.define_anew,
    "role definition list": Az.list_roles,
    "role definition delete": Az.delete_role,
    "role assignment create": Az.assign,
    "role assignment list": Az.list_assignments,
    "role assignment delete": Az.unassign,
    "ad app create": Az.create_registration,
    "ad app update": Az.update_registration,
    "ad app delete": Az.delete_registration,
    "ad sp create": Az.create_service,
    "ad sp update": Az.update_service,
    "ad sp show": Az.show_service,
    "ad signed-in-user show": Az.show_person,
    "rest": Az.rest,
    "identity create": Az.create_identity,
    "identity show": Az.show_identity,
    "identity federated-credential create": Az.trust,
    "eventgrid system-topic create": Az.create_topic,
    "eventgrid system-topic show": Az.show_topic,
    "eventgrid system-topic list": Az.list_topics,
    "eventgrid system-topic delete": Az.delete_topic,
    "eventgrid system-topic event-subscription list": Az.list_subscriptions,
    "eventgrid system-topic event-subscription show": Az.show_subscription,
    "eventgrid system-topic event-subscription delete": Az.delete_subscription,
    "deployment sub create": Az.deploy,
    "monitor metrics alert delete": Az.delete_metric_alert,
    "network nsg rule delete": Az.delete_rule,
}
