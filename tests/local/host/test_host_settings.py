"""host.json, local.settings.json and binding expressions: what holds, what is refused and why."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from local.host.settings import (
    HostOptions,
    MessageEncoding,
    QueueOptions,
    SettingsError,
    app_settings,
    connection_string,
    host_options,
    is_disabled,
    resolve,
)


def write(folder: Path, name: str, content: object) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def queues(section: object) -> object:
    return {"version": "2.0", "extensions": {"queues": section}}


def test_without_a_host_json_the_documented_defaults_hold(tmp_path: Path) -> None:
    defaults = QueueOptions(
        batch_size=16,
        new_batch_threshold=8,
        visibility_timeout=timedelta(0),
        max_dequeue_count=5,
        max_polling_interval=timedelta(minutes=1),
        message_encoding=MessageEncoding.BASE64,
    )
    assert host_options(tmp_path) == HostOptions(route_prefix="api", queues=defaults)
    assert host_options(write(tmp_path, "host.json", {"version": "2.0"})) == HostOptions()


def test_every_queue_option_is_read(tmp_path: Path) -> None:
    section = {
        "batchSize": 3,
        "newBatchThreshold": 0,
        "visibilityTimeout": "00:00:30",
        "maxDequeueCount": 2,
        "maxPollingInterval": "1.00:00:02.5",
        "messageEncoding": "none",
    }
    assert host_options(write(tmp_path, "host.json", queues(section))).queues == QueueOptions(
        batch_size=3,
        new_batch_threshold=0,
        visibility_timeout=timedelta(seconds=30),
        max_dequeue_count=2,
        max_polling_interval=timedelta(days=1, seconds=2.5),
        message_encoding=MessageEncoding.NONE,
    )


def test_the_batch_threshold_defaults_to_half_the_batch(tmp_path: Path) -> None:
    assert (
        host_options(write(tmp_path, "host.json", queues({"batchSize": 5}))).queues.new_batch_threshold == 2
    )


def test_the_route_prefix_may_be_empty(tmp_path: Path) -> None:
    content = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}
    assert host_options(write(tmp_path, "host.json", content)).route_prefix == ""


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "host.json"),
        ("[]", "host.json"),
        ({}, "version"),
        ({"version": "1.0"}, "version"),
        ({"version": "2.0", "extensions": []}, "extensions"),
        ({"version": "2.0", "extensions": {"http": {"routePrefix": 1}}}, "routePrefix"),
        (queues([]), "queues"),
        (queues({"batchSize": 33}), "batchSize"),
        (queues({"batchSize": True}), "batchSize"),
        (queues({"newBatchThreshold": -1}), "newBatchThreshold"),
        (queues({"maxDequeueCount": 0}), "maxDequeueCount"),
        (queues({"visibilityTimeout": 30}), "visibilityTimeout"),
        (queues({"maxPollingInterval": "soon"}), "maxPollingInterval"),
        (queues({"maxPollingInterval": "00:00:00.05"}), "maxPollingInterval"),
        (queues({"messageEncoding": "utf8"}), "messageEncoding"),
    ],
)
def test_an_unusable_host_json_is_refused_by_the_name_of_its_key(
    tmp_path: Path, content: object, named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        host_options(write(tmp_path, "host.json", content))


def test_the_environment_wins_over_local_settings(tmp_path: Path) -> None:
    write(tmp_path, "local.settings.json", {"IsEncrypted": False, "Values": {"A": "file", "B": "file"}})
    assert app_settings(tmp_path, {"A": "environment"}) == {"A": "environment", "B": "file"}


@pytest.mark.parametrize(
    "content", ["{", {"Values": []}, {"Values": {"A": 1}}, {"IsEncrypted": True, "Values": {}}]
)
def test_unusable_local_settings_are_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(SettingsError, match=r"local\.settings\.json"):
        app_settings(write(tmp_path, "local.settings.json", content), {})


def test_a_binding_expression_takes_settings_by_name() -> None:
    assert resolve("a-%X%-%Y%", {"X": "1", "Y": "2"}) == "a-1-2"
    with pytest.raises(SettingsError, match="setting X is not set"):
        resolve("%X%", {"Y": "2"})


@pytest.mark.parametrize(
    ("connection", "settings", "expected"),
    [
        ("", {"AzureWebJobsStorage": "AccountName=a"}, "AccountName=a"),
        ("AzureWebJobsStorage", {"AzureWebJobsStorage": "AccountName=a"}, "AccountName=a"),
        ("Other", {"AzureWebJobsOther": "AccountName=b", "Other": "AccountName=c"}, "AccountName=b"),
        ("%NAME%", {"NAME": "Other", "Other": "AccountName=c"}, "AccountName=c"),
    ],
)
def test_a_connection_names_the_setting_that_holds_it(
    connection: str, settings: dict[str, str], expected: str
) -> None:
    assert connection_string(connection, settings) == expected


def test_development_storage_means_the_emulators_default_ports() -> None:
    found = connection_string("", {"AzureWebJobsStorage": "UseDevelopmentStorage=true"})
    assert "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1" in found


@pytest.mark.parametrize("settings", [{}, {"AzureWebJobsStorage": "https://host"}])
def test_a_queue_without_a_connection_string_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="AzureWebJobsStorage"):
        connection_string("", settings)


def test_a_setting_switches_a_function_off() -> None:
    assert is_disabled("sweep", {"AzureWebJobs.sweep.Disabled": "True"})
    assert not is_disabled("sweep", {"AzureWebJobs.sweep.Disabled": "false"})
    assert not is_disabled("sweep", {})
