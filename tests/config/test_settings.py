"""The settings: their defaults, what each accepts, and that an error names the setting."""

from __future__ import annotations

import pytest

from shared.config.setting_values import parse_scope
from shared.config.settings import Settings, read_settings
from shared.config.settings_table import SETTINGS
from shared.model import EnforcementMode, PublicAccess, SetPublicAccess
from shared.model.clouds import Cloud
from shared.model.errors import ConfigurationError
from shared.model.resource_id import ResourceId
from shared.model.web_addresses import is_loopback

SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
GROUP = f"{SUBSCRIPTION}/resourceGroups/data"


def read(**environment: str) -> Settings:
    return read_settings(environment)


def test_without_any_setting_nothing_is_written_to_azure() -> None:
    assert read() == Settings()
    assert read().mode is EnforcementMode.AUDIT


def test_an_empty_setting_means_its_default() -> None:
    assert read(**{setting.name: " " for setting in SETTINGS}) == Settings()


def test_every_default_of_the_table_is_what_an_absent_setting_means() -> None:
    assert read(**{setting.name: setting.default for setting in SETTINGS}) == Settings()


def test_every_setting_says_what_it_means_and_has_a_name_of_its_own() -> None:
    assert all(setting.meaning.endswith(".") for setting in SETTINGS)
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


def test_settings_become_typed_values() -> None:
    said = read(
        ENFORCEMENT_MODE="Enforce",
        SCOPES=f"{SUBSCRIPTION}, {GROUP}",
        POLICIES_FILE="other.yaml",
        COALESCE_SECONDS="1",
        SETTLE_SECONDS="0.5",
        CLOUD="usGovernment",
        ARM_ENDPOINT="http://127.0.0.1:8080/",
        ARM_API_VERSIONS="flexible=2025-08-01,network=2024-05-01-preview",
        AZURE_CLIENT_ID="client",
        OPERATOR_KEYS="Allow",
        WEBSITE_AUTH_ENABLED="True",
        ALERT_TOPIC_ENDPOINT="https://topic.example",
        ALERT_URLS="json://one  json://two",
        EVENTS_QUEUE="Events",
    )
    assert said == Settings(
        mode=EnforcementMode.ENFORCE,
        scopes=(ResourceId(SUBSCRIPTION), ResourceId(GROUP)),
        policies_file="other.yaml",
        coalesce_seconds=1.0,
        settle_seconds=0.5,
        cloud=Cloud.US_GOVERNMENT,
        arm_endpoint="http://127.0.0.1:8080",
        api_versions=(("flexible", "2025-08-01"), ("network", "2024-05-01-preview")),
        client_id="client",
        operator_keys=True,
        authentication=True,
        alert_topic="https://topic.example",
        alert_urls=("json://one", "json://two"),
        events_by_queue=True,
    )


@pytest.mark.parametrize("said", ["", "False", "false", "0", "1", "yes", "on"])
def test_the_platforms_authentication_is_on_only_where_the_platform_says_true(said: str) -> None:
    assert read(WEBSITE_AUTH_ENABLED=said).authentication is False
    assert read(WEBSITE_AUTH_ENABLED=" TRUE ").authentication is True


WRONG = [
    ("ENFORCEMENT_MODE", "on"),
    ("ENFORCEMENT_MODE", "true"),
    ("OPERATOR_KEYS", "true"),
    ("OPERATOR_KEYS", "deny"),
    ("SCOPES", "everything"),
    ("SCOPES", f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"),
    ("SCOPES", f"{GROUP}/providers/Microsoft.Resources/deployments/nightly"),
    ("SCOPES", "/providers/Microsoft.Management/managementGroups/all"),
    ("SCOPES", "11111111-2222-3333-4444-555555555555"),
    ("COALESCE_SECONDS", "soon"),
    ("COALESCE_SECONDS", "-1"),
    ("SETTLE_SECONDS", "nan"),
    ("SETTLE_SECONDS", "inf"),
    ("SETTLE_SECONDS", "86401"),
    ("CLOUD", "germany"),
    ("ARM_ENDPOINT", "http://management.azure.com"),
    ("ARM_ENDPOINT", "http://127.0.0.1@example.com"),
    ("ARM_ENDPOINT", "http://[bad"),
    ("ARM_ENDPOINT", "https://"),
    ("ARM_ENDPOINT", "ftp://localhost"),
    ("ARM_ENDPOINT", "localhost:8080"),
    ("ARM_API_VERSIONS", "flexible"),
    ("ARM_API_VERSIONS", "flexible=latest"),
    ("ARM_API_VERSIONS", "storage=2024-01-01"),
    ("EVENTS_QUEUE", "event"),
    ("EVENTS_QUEUE", "true"),
]


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_a_wrong_setting_is_refused_by_its_name_and_value(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}: ") as refused:
        read_settings({name: text})
    assert repr(text) in str(refused.value)


def test_a_bare_subscription_is_told_as_what_it_is_meant_to_be() -> None:
    with pytest.raises(ConfigurationError, match=f"is {SUBSCRIPTION} meant"):
        read(SCOPES=SUBSCRIPTION.removeprefix("/subscriptions/"))


@pytest.mark.parametrize("name", ["ALERT_URLS", "AzureWebJobsStorage", "SCOPES"])
def test_a_key_vault_reference_that_was_not_resolved_is_told_as_such(name: str) -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://kv-driftward.vault.azure.net/secrets/alerts)"
    with pytest.raises(ConfigurationError, match=rf"^{name}: .*Key Vault Secrets User"):
        read_settings({name: reference})


def test_enforcing_without_scopes_is_refused_by_the_name_of_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"^SCOPES: .*ENFORCEMENT_MODE=enforce"):
        read(ENFORCEMENT_MODE="enforce", SCOPES=" , ")


SERVER_ID = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"


@pytest.mark.parametrize(
    ("mode", "scopes", "covered"),
    [
        ("audit", "", True),
        ("audit", GROUP.upper(), True),
        ("enforce", SUBSCRIPTION, True),
        ("enforce", GROUP, True),
        ("enforce", f"{GROUP}-of-others", False),
        ("audit", GROUP[:-1], False),
    ],
)
def test_a_resource_is_covered_by_what_it_lies_in(mode: str, scopes: str, covered: bool) -> None:
    said = read(ENFORCEMENT_MODE=mode, SCOPES=scopes)
    edit = SetPublicAccess(server=ResourceId(SERVER_ID), access=PublicAccess.DISABLED)
    assert said.covers(ResourceId(SERVER_ID)) is covered
    assert said.outside([edit, edit]) == (() if covered else (ResourceId(SERVER_ID),))


def test_settings_that_enforce_without_scopes_cover_nothing() -> None:
    assert not Settings(mode=EnforcementMode.ENFORCE).covers(ResourceId(SERVER_ID))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1", "https://localhost", "http://[::1]:80/x", "http://127.9.9.9", "HTTP://LOCALHOST"],
)
def test_a_loopback_address_is_this_machine(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url", ["", "https://management.azure.com", "http://localhost.example", "http://10.0.0.1", "http://[bad"]
)
def test_no_other_address_gets_a_fake_credential(url: str) -> None:
    assert not is_loopback(url)


def test_a_scope_error_names_the_field_that_was_asked_for() -> None:
    assert parse_scope(GROUP.lower(), "scope") == ResourceId(GROUP)
    with pytest.raises(ConfigurationError, match=r"^scope: "):
        parse_scope("nothing", "scope")
