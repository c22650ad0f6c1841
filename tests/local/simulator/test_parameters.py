"""Server parameters: which there are by kind and version, what they take, and what waits for a restart."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.postgresqlflexibleservers.models import ConfigurationForUpdate
from azure.mgmt.rdbms.postgresql.models import Configuration as SingleConfiguration

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.parameter_defaults import accepts, catalogue
from local.simulator.values import JsonObject, as_object, dig
from tests.local.simulator.conftest import Sdk

SERVER = seeds.flexible_server_id()
OLD = seeds.single_server_id(name="pg-legacy")


def of_version(version: str) -> JsonObject:
    return seeds.flexible_server(properties={"version": version})


def properties_of(client: SimulatorClient, name: str) -> JsonObject:
    return as_object(client.get(f"{SERVER}/configurations/{name}")["properties"])


def set_parameter(client: SimulatorClient, name: str, value: str, server: str = SERVER) -> None:
    change: JsonObject = {"properties": {"value": value, "source": "user-override"}}
    client.put(f"{server}/configurations/{name}", change)


def test_the_list_shows_every_parameter_with_all_its_fields(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([of_version("17")])
    listed = {one.name: one for one in sdk.flexible.configurations.list_by_server(seeds.GROUP, seeds.SERVER)}
    tls = listed["ssl_min_protocol_version"].properties
    assert tls is not None
    assert (tls.value, tls.default_value, tls.data_type) == ("TLSv1.2", "TLSv1.2", "Enumeration")
    assert tls.allowed_values == "TLSv1.2,TLSv1.3"
    assert (tls.is_dynamic_config, tls.is_read_only, tls.is_config_pending_restart) == (True, False, False)
    assert listed["ssl_min_protocol_version"].id == f"{SERVER}/configurations/ssl_min_protocol_version"


def test_the_list_comes_in_pages_where_the_switch_says_so(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([of_version("17")])
    whole = [one.name for one in sdk.flexible.configurations.list_by_server(seeds.GROUP, seeds.SERVER)]
    client.switches(page_size=5)
    client.reset_calls()
    paged = [one.name for one in sdk.flexible.configurations.list_by_server(seeds.GROUP, seeds.SERVER)]
    assert paged == whole
    assert len(client.calls(kind="read")) == -(-len(whole) // 5)


@pytest.mark.parametrize(
    ("version", "kind", "allowed"),
    [
        ("14", "Boolean", "on,off"),
        ("17", "Boolean", "on,off"),
        ("18", "Set", "on,off,receipt,authentication,authorization,setup_durations,all"),
    ],
)
def test_log_connections_is_a_set_from_version_18_on(
    client: SimulatorClient, version: str, kind: str, allowed: str
) -> None:
    client.seed([of_version(version)])
    shown = properties_of(client, "log_connections")
    assert (shown["dataType"], shown["allowedValues"], shown["value"]) == (kind, allowed, "on")


def test_a_set_takes_several_of_its_members_and_no_other(client: SimulatorClient) -> None:
    client.seed([of_version("18")])
    set_parameter(client, "log_connections", "receipt,authorization")
    assert properties_of(client, "log_connections")["value"] == "receipt,authorization"
    with pytest.raises(ArmCallFailed) as refused:
        set_parameter(client, "log_connections", "receipt,everything")
    assert refused.value.status == 400


@pytest.mark.parametrize(("version", "status"), [("15", 200), ("16", 404), ("18", 404)])
def test_connection_throttling_ends_with_version_15(
    client: SimulatorClient, version: str, status: int
) -> None:
    client.seed([of_version(version)])
    answered, _, body = client.arm("GET", f"{SERVER}/configurations/connection_throttle.enable")
    assert answered == status
    listed = [one["name"] for one in client.list_all(f"{SERVER}/configurations")]
    assert ("connection_throttle.enable" in listed) == (status == 200)
    if status == 404:
        assert dig(body, "error", "code") == "ConfigurationNotExists"


def test_an_old_version_takes_tls_versions_that_a_new_one_refuses(client: SimulatorClient) -> None:
    client.seed([of_version("13")])
    set_parameter(client, "ssl_min_protocol_version", "TLSv1.1")
    assert properties_of(client, "ssl_min_protocol_version")["value"] == "TLSv1.1"
    client.seed([of_version("17")], replace=True)
    with pytest.raises(ArmCallFailed):
        set_parameter(client, "ssl_min_protocol_version", "TLSv1.1")
    set_parameter(client, "ssl_max_protocol_version", "TLSv1.2")


def test_passwords_are_hashed_with_md5_by_default_before_version_14(client: SimulatorClient) -> None:
    client.seed([of_version("13")])
    assert properties_of(client, "password_encryption")["value"] == "md5"
    client.seed([of_version("17")], replace=True)
    assert properties_of(client, "password_encryption")["value"] == "scram-sha-256"


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("logfiles.retention_days", "7", True),
        ("logfiles.retention_days", "8", False),
        ("logfiles.retention_days", "2.5", False),
        ("logfiles.retention_days", "many", False),
        ("require_secure_transport", "off", True),
        ("require_secure_transport", "OFF", False),
        ("azure.extensions", "", True),
        ("azure.extensions", "pgcrypto, uuid-ossp", True),
        ("azure.extensions", "pgcrypto,no_such_one", False),
        ("pgaudit.log", "all,-misc", True),
        ("pgaudit.log", "some", False),
        ("log_line_prefix", "%m [%p] ", True),
        ("log_line_prefix", "it's", False),
        ("ssl_max_protocol_version", "", True),
    ],
)
def test_what_a_parameter_takes_is_said_by_its_list_range_or_pattern(
    name: str, value: str, taken: bool
) -> None:
    assert accepts(catalogue("17", True)[name], value) is taken


def test_a_range_may_begin_below_nothing_and_a_parameter_without_a_list_takes_anything() -> None:
    assert accepts({"dataType": "Integer", "allowedValues": "-1-2147483647"}, "-1")
    assert not accepts({"dataType": "Integer", "allowedValues": "-1-2147483647"}, "-2")
    assert accepts({"dataType": "Numeric", "allowedValues": "0-1.79769e+308"}, "0.25")
    assert accepts({"dataType": "String"}, "whatever")


def test_a_static_parameter_waits_for_a_restart_and_not_longer(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([of_version("17")])
    change = ConfigurationForUpdate(
        {"properties": {"value": "pg_cron,pg_stat_statements,pgaudit", "source": "user-override"}}
    )
    sdk.flexible.configurations.begin_update(
        seeds.GROUP, seeds.SERVER, "shared_preload_libraries", change
    ).result()
    waiting = properties_of(client, "shared_preload_libraries")
    assert waiting["value"] == "pg_cron,pg_stat_statements,pgaudit"
    assert waiting["isConfigPendingRestart"] is True
    sdk.flexible.servers.begin_restart(seeds.GROUP, seeds.SERVER).result()
    assert properties_of(client, "shared_preload_libraries")["isConfigPendingRestart"] is False


def test_writing_what_a_static_parameter_already_is_waits_for_nothing(client: SimulatorClient) -> None:
    client.seed([of_version("17")])
    set_parameter(client, "wal_level", "replica")
    assert properties_of(client, "wal_level")["isConfigPendingRestart"] is False


def test_a_stop_loads_nothing_and_the_start_after_it_does(client: SimulatorClient) -> None:
    client.seed([of_version("17")])
    set_parameter(client, "wal_level", "logical")
    client.post(f"{SERVER}/stop")
    assert properties_of(client, "wal_level")["isConfigPendingRestart"] is True
    client.post(f"{SERVER}/start")
    assert properties_of(client, "wal_level")["isConfigPendingRestart"] is False


def test_a_read_only_parameter_is_not_written_even_with_its_own_value(client: SimulatorClient) -> None:
    client.seed([of_version("17")])
    with pytest.raises(ArmCallFailed) as refused:
        set_parameter(client, "ssl", "on")
    assert refused.value.status == 400


def test_a_parameter_goes_back_to_its_default_by_the_source(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([of_version("17"), seeds.parameter(server=SERVER, name="log_checkpoints", value="off")])
    assert properties_of(client, "log_checkpoints")["value"] == "off"
    sdk.flexible.configurations.begin_put(
        seeds.GROUP,
        seeds.SERVER,
        "log_checkpoints",
        ConfigurationForUpdate({"properties": {"source": "system-default"}}),
    ).result()
    shown = properties_of(client, "log_checkpoints")
    assert (shown["value"], shown["source"]) == ("on", "system-default")


def test_a_seeded_parameter_can_say_what_the_catalogue_does_not(client: SimulatorClient) -> None:
    client.seed(
        [
            of_version("17"),
            seeds.parameter(server=SERVER, name="log_checkpoints", value="off", fields={"isReadOnly": True}),
            seeds.parameter(server=SERVER, name="cron.max_running_jobs", value="3"),
        ]
    )
    assert properties_of(client, "log_checkpoints")["isReadOnly"] is True
    assert properties_of(client, "cron.max_running_jobs")["value"] == "3"


def test_a_single_server_has_parameters_of_its_own_without_the_newer_fields(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    listed = [one.name for one in sdk.single.configurations.list_by_server(seeds.GROUP, "pg-legacy")]
    assert {"connection_throttling", "log_retention_days", "log_checkpoints", "log_duration"} <= set(listed)
    assert "require_secure_transport" not in listed
    shown = as_object(client.get(f"{OLD}/configurations/log_retention_days")["properties"])
    assert set(shown) == {"value", "description", "defaultValue", "dataType", "allowedValues", "source"}


def test_a_single_servers_parameter_is_written_by_its_own_client(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    change = SingleConfiguration(value="7", source="user-override")
    write = sdk.single.configurations.begin_create_or_update
    assert write(seeds.GROUP, "pg-legacy", "log_retention_days", change).result().value == "7"
    with pytest.raises(HttpResponseError) as refused:
        write(seeds.GROUP, "pg-legacy", "log_retention_days", SingleConfiguration(value="8"))
    assert refused.value.status_code == 400
