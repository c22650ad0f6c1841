"""Every template is read, and what it would deploy is what Azure's types say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft201909Validator
from tree_sitter import Node

from local.dev.bicep.deploying import Scope, deploy
from local.dev.bicep.functions import guid
from local.dev.bicep.reading import NotBicep, Template, read, read_text, text, walk
from local.dev.bicep.types import EXTRACT, faults, types
from local.dev.environments import ROOT
from local.dev.package import OUT
from tests.infra.azure import CLOUDS, HOME, INFRA, OTHER, FakeAzure, installed, subscribed
from tests.infra.one_set import azure_yaml

TEMPLATES = sorted(INFRA.rglob("*.bicep"))
VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "enforce in a group of another subscription": {
        "enforcementMode": "enforce",
        "scopes": f"/subscriptions/{HOME}, /subscriptions/{OTHER}/resourceGroups/rg-data",
        "signInClientId": "client",
        "alertMails": "one@example.com, two@example.com",
    },
    "integrated": {"network": "integrated"},
    "closed": {"network": "closed", "journalDays": 0},
    "Government": {"cloud": "AzureUSGovernment", "signInClientId": "client"},
    "China, closed": {"cloud": "AzureChinaCloud", "network": "closed"},
}


def whole(variant: dict[str, Any]) -> FakeAzure:
    """Both templates, with the events of every subscription."""
    azure, outputs = installed(**variant)
    for subscription in outputs["DRIFTWARD_SUBSCRIPTIONS"].split():
        subscribed(azure, outputs, subscription)
    return azure


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(INFRA).as_posix())
def test_every_template_is_read_and_names_nothing_in_vain(path: Path) -> None:
    assert read(path).unused() == []


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_every_resource_has_the_properties_of_its_type(variant: dict[str, Any]) -> None:
    azure = whole(variant)
    assert len(azure.made) > 50
    assert [fault for made in azure.made.values() for fault in faults(made)] == []


def test_every_resource_of_every_template_is_in_some_variant() -> None:
    made = {
        f"{one.type}@{one.version}" for variant in VARIANTS.values() for one in whole(variant).made.values()
    }
    declared = {one.of for path in TEMPLATES for one in read(path).resources.values() if not one.is_existing}
    assert declared == made
    assert declared <= set(types())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(INFRA).as_posix())
def test_what_is_secret_is_handed_on_as_a_secret_alone(path: Path) -> None:
    """The history of deployments keeps every other parameter for whoever may read the resource group."""
    assert [*_told_openly(read(path))] == []


def test_a_secret_is_said_to_a_module_that_keeps_it() -> None:
    """So that the test above has something to look at."""
    handed = [*_handed_on(read(INFRA / "app.bicep"))]
    assert ("modules/function.bicep", "settings") in {(module, parameter) for module, parameter, _ in handed}


def _told_openly(template: Template) -> Iterator[str]:
    for module, parameter, _ in _handed_on(template):
        if not read(template.path.parent / module).parameters[parameter].is_secure:
            yield f"{module}: {parameter}"


def _handed_on(template: Template) -> Iterator[tuple[str, str, set[str]]]:
    """Each parameter of a module in which secret ones of the template are named, and these."""
    secrets = {name for name, one in template.parameters.items() if one.is_secure}
    for module in template.modules.values():
        given = next((one for one in walk(module.body) if _is_pair(one, "params")), None)
        pairs = given.named_children[1].named_children if given is not None else []
        for pair in (one for one in pairs if one.type == "object_property"):
            name, held = text(pair.named_children[0]), pair.named_children[1]
            if found := secrets & {text(node) for node in walk(held) if node.type == "identifier"}:
                yield module.of, name, found


def _is_pair(node: Node, name: str) -> bool:
    return node.type == "object_property" and text(node.named_children[0]) == name


def test_the_extract_says_where_it_is_from() -> None:
    held = json.loads(EXTRACT.read_text("utf-8"))
    assert held["source"].startswith("https://github.com/Azure/bicep-types-az@")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("minimumTlsVersion: 'TLS1_2'", ".properties.minimumTlsVersion: 'TLS9' is none of"),
        ("allowBlobPublicAccess: false", ".properties.allowBlobPublicAcces: "),
        ("sku: { name: 'Standard_ZRS' }", ".sku: is required"),
        ("supportsHttpsTrafficOnly: true", ".properties.supportsHttpsTrafficOnly: 'yes' is no bool"),
        ("kind: 'StorageV2'", ".kind: is required"),
    ],
    ids=["a text", "a name", "a required object", "a kind", "a required text"],
)
def test_what_the_types_do_not_know_is_named(written: str, said: str, tmp_path: Path) -> None:
    wrong = {
        "minimumTlsVersion: 'TLS1_2'": "minimumTlsVersion: 'TLS9'",
        "allowBlobPublicAccess: false": "allowBlobPublicAcces: false",
        "supportsHttpsTrafficOnly: true": "supportsHttpsTrafficOnly: 'yes'",
    }
    source = (INFRA / "modules" / "storage.bicep").read_text("utf-8")
    assert source.count(written) == 1
    path = tmp_path / "storage.bicep"
    path.write_text(source.replace(written, wrong.get(written, "")), encoding="utf-8")
    azure = FakeAzure()
    given = {
        "location": "canadacentral",
        "name": "stdriftward",
        "tags": {},
        "principalId": "principal",
        "isPrivate": False,
        "withEventQueue": False,
        "journalDays": 7,
    }
    deploy(path, Scope(subscription=HOME, group="rg"), given, azure)
    (fault,) = [fault for made in azure.made.values() for fault in faults(made)]
    assert said in fault


@pytest.mark.parametrize(
    "source",
    ["param a string = ", "extension graph", "var a = { ...b }", "var a = [f(1), 2]", "b = 1"],
    ids=["a piece", "an extension", "spread", "an array that begins with a call", "nothing known"],
)
def test_what_cannot_be_read_is_refused(source: str) -> None:
    with pytest.raises(NotBicep):
        read_text(source, Path("x.bicep"))


def test_guids_are_those_of_azure() -> None:
    """The value that Microsoft's example of `guid` shows for nothing but its form is a name of version 5."""
    assert guid("a", "b") == guid("a", "b") != guid("b", "a")
    assert guid("a")[14] == "5"


# --- what azd reads ---------------------------------------------------------------------------------


def test_azure_yaml_is_what_its_schema_says() -> None:
    schema = json.loads((Path(__file__).parent / "azure.yaml.schema.json").read_text("utf-8"))
    assert list(Draft201909Validator(schema).iter_errors(azure_yaml())) == []


def test_azure_yaml_names_files_that_are_there_and_the_service_that_is_tagged() -> None:
    held = azure_yaml()
    module = ROOT / held["infra"]["path"] / f"{held['infra']['module']}.bicep"
    assert module in TEMPLATES
    assert (ROOT / held["hooks"]["postdeploy"]["run"]).is_file()
    azure, _ = installed()
    site = azure.one("Microsoft.Web/sites")
    assert [site.body["tags"]["azd-service-name"]] == list(held["services"])


def test_azd_up_makes_the_package_and_sends_it_as_it_is() -> None:
    held = azure_yaml()
    ((service, app),) = held["services"].items()
    assert app["remoteBuild"] is False
    assert held["hooks"]["preup"]["run"] == "make package"
    sent = f"deploy {service} --from-package {OUT.relative_to(ROOT)}"
    assert [step["azd"] for step in held["workflows"]["up"]["steps"]] == ["provision", sent]
    assert sent in (ROOT / "docs" / "infrastructure.md").read_text("utf-8")


def test_the_parameters_that_azd_fills_in_are_the_templates() -> None:
    held = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    template = read(INFRA / "main.bicep")
    required = {name for name, one in template.parameters.items() if one.default is None}
    assert required <= set(held) <= set(template.parameters)


# --- what is promised -------------------------------------------------------------------------------


def test_nobody_has_a_key_and_identities_alone_are_let_in() -> None:
    azure = whole({})
    account = azure.one("Microsoft.Storage/storageAccounts").body["properties"]
    assert (account["allowSharedKeyAccess"], account["allowBlobPublicAccess"]) == (False, False)
    assert azure.one("Microsoft.EventGrid/topics").body["properties"]["disableLocalAuth"] is True
    assert azure.one("Microsoft.Insights/components").body["properties"]["DisableLocalAuth"] is True
    policies = azure.of("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert [one.body["properties"]["allow"] for one in policies] == [False, False]
    site = azure.one("Microsoft.Web/sites").body
    storage = site["properties"]["functionAppConfig"]["deployment"]["storage"]
    assert (
        storage["authentication"]["type"] == site["identity"]["type"] + "Identity" == "UserAssignedIdentity"
    )


def test_audit_may_read_alone_and_enforce_writes_only_within_the_scopes() -> None:
    def assigned(azure: FakeAzure) -> set[tuple[str, str]]:
        names = {
            one.id.rpartition("/")[2]: one.body["properties"]["roleName"].removesuffix(" (dw)")
            for one in azure.of("Microsoft.Authorization/roleDefinitions")
        }
        found = [
            (
                one.id.partition("/providers/")[0],
                one.body["properties"]["roleDefinitionId"].rpartition("/")[2],
            )
            for one in azure.of("Microsoft.Authorization/roleAssignments")
        ]
        return {(scope, names[role]) for scope, role in found if role in names}

    group = f"/subscriptions/{OTHER}/resourceGroups/rg-data"
    scopes = f"/subscriptions/{HOME} {group}"
    reads = {(f"/subscriptions/{one}", "Driftward Reader") for one in (HOME, OTHER)}
    remediators = ("Driftward PostgreSQL Remediator", "Driftward Network Remediator")
    writes = {(scope, role) for scope in (f"/subscriptions/{HOME}", group) for role in remediators}
    assert assigned(whole({"scopes": scopes})) == reads
    assert assigned(whole({"scopes": scopes, "enforcementMode": "enforce"})) == reads | writes


def test_a_firewall_lets_event_grid_in_by_the_topics_own_identity() -> None:
    for network, action in (("public", "Allow"), ("integrated", "Deny"), ("closed", "Deny")):
        azure = whole({"network": network})
        account = azure.one("Microsoft.Storage/storageAccounts").body["properties"]
        assert account["networkAcls"] == {"bypass": "AzureServices", "defaultAction": action}
        assert account["publicNetworkAccess"] == "Enabled"
        assert azure.one("Microsoft.EventGrid/systemTopics").body["identity"] == {"type": "SystemAssigned"}
        subscription = azure.one("Microsoft.EventGrid/systemTopics/eventSubscriptions").body["properties"]
        letters = subscription["deadLetterWithResourceIdentity"]
        assert letters["identity"] == {"type": "SystemAssigned"}
        assert ("destination" in subscription) is (network != "closed")


def test_one_instance_is_always_there_for_the_events() -> None:
    for network, function in (("public", "resource_events"), ("closed", "queued_events")):
        config = (
            whole({"network": network}).one("Microsoft.Web/sites").body["properties"]["functionAppConfig"]
        )
        assert config["scaleAndConcurrency"]["alwaysReady"] == [
            {"name": f"function:{function}", "instanceCount": 1}
        ]
        assert config["runtime"] == {"name": "python", "version": "3.13"}


def test_a_topic_that_is_there_already_is_used_and_not_written() -> None:
    azure, outputs = installed()
    topic = (
        f"/subscriptions/{HOME}/resourceGroups/rg-theirs/providers/Microsoft.EventGrid/systemTopics/theirs"
    )
    azure.resources[topic.lower()] = {"identity": {"type": "SystemAssigned", "principalId": "theirs"}}
    subscribed(azure, outputs, HOME, topicName="theirs", topicGroup="rg-theirs", topicExists=True)
    assert azure.of("Microsoft.EventGrid/systemTopics") == []
    made = azure.one("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    assert made.id == f"{topic}/eventSubscriptions/driftward"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_cloud_has_its_own_addresses(cloud: str) -> None:
    azure = whole({"cloud": cloud, "signInClientId": "client", "network": "closed"})
    texts = json.dumps([made.body for made in azure.made.values()])
    for other, (authority, suffix) in CLOUDS.items():
        assert (authority in texts) is (other == cloud)
        assert (f"privatelink.blob.{suffix}" in texts) is (other == cloud)
    settings = azure.named("Microsoft.Web/sites/config", "appsettings").body["properties"]
    assert settings["CLOUD"] == {"AzureCloud": "public", "AzureUSGovernment": "usgovernment"}.get(
        cloud, "china"
    )
    is_flex = azure.one("Microsoft.Web/serverfarms").body["sku"]["tier"] == "FlexConsumption"
    assert is_flex is (cloud == "AzureCloud")
    assert ("FUNCTIONS_WORKER_RUNTIME" in settings) is not is_flex
