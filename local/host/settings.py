"""What the emulated Functions host reads before it starts: `host.json`, `local.settings.json`, app settings.

App settings are the environment; `Values` of `local.settings.json` fill in what the environment does not
set, as the Core Tools do. Binding texts may name a setting: `%NAME%` anywhere in a queue name or schedule,
and the `connection` of a queue is the name of a setting, with or without the prefix `AzureWebJobs`.

Defaults and ranges of `extensions.queues` are those of the documented host.json reference
(learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue). Sections that the emulation
does not act on are ignored. Everything unusable is a `SettingsError` whose text names the file and the key.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import cast

Settings = Mapping[str, str]
_Json = Mapping[str, object]

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,7}))?")
_ACCOUNT = "devstoreaccount1"
# The key of that account is the same in every emulator and published in its documentation: no secret.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_DEFAULT_ADDRESSES = {
    "Blob": "http://127.0.0.1:10000",
    "Queue": "http://127.0.0.1:10001",
    "Table": "http://127.0.0.1:10002",
}


class SettingsError(Exception):
    """The host cannot start: a file, a key or a setting is unusable. The text says which and why."""


class MessageEncoding(StrEnum):
    BASE64 = "base64"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """`extensions.queues`. Of one function `batch_size + new_batch_threshold` messages run at once."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    visibility_timeout: timedelta = timedelta(0)
    max_dequeue_count: int = 5
    max_polling_interval: timedelta = timedelta(minutes=1)
    message_encoding: MessageEncoding = MessageEncoding.BASE64


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """The part of `host.json` that is emulated."""

    route_prefix: str = "api"
    queues: QueueOptions = QueueOptions()


def app_settings(app_root: Path, environment: Settings) -> dict[str, str]:
    """The environment over `Values` of the app's `local.settings.json`, where there is one."""
    path = app_root / "local.settings.json"
    if not path.exists():
        return dict(environment)
    content = _read_object(path)
    if content.get("IsEncrypted"):
        raise SettingsError(f"{path.name}: IsEncrypted is true, and only the Core Tools hold the key")
    values = content.get("Values", {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SettingsError(f"{path.name}: Values must be an object of strings")
    return {**values, **environment}


def host_options(app_root: Path) -> HostOptions:
    """Read `host.json`; without the file the documented defaults hold."""
    path = app_root / "host.json"
    if not path.exists():
        return HostOptions()
    content = _read_object(path)
    if content.get("version") != "2.0":
        raise SettingsError('host.json: version must be "2.0"')
    extensions = _object(content, "extensions", "host.json: extensions")
    prefix = _object(extensions, "http", "host.json: extensions.http").get("routePrefix", "api")
    if not isinstance(prefix, str):
        raise SettingsError("host.json: extensions.http.routePrefix must be a string")
    return HostOptions(
        route_prefix=prefix.strip("/"),
        queues=_queue_options(_object(extensions, "queues", "host.json: extensions.queues")),
    )


def resolve(text: str, settings: Settings) -> str:
    """Replace every `%NAME%` by the setting of that name, as the host does in binding expressions."""

    def setting(found: re.Match[str]) -> str:
        value = settings.get(found[1])
        if not value:
            raise SettingsError(f"setting {found[1]} is not set, but a binding says {text!r}")
        return value

    return re.sub(r"%([^%]+)%", setting, text)


def connection_string(connection: str, settings: Settings) -> str:
    """The storage connection string that a binding's `connection` names (default `AzureWebJobsStorage`)."""
    name = resolve(connection, settings) or "AzureWebJobsStorage"
    value = settings.get(f"AzureWebJobs{name}") or settings.get(name)
    if not value:
        raise SettingsError(f"setting {name} is not set: queue triggers need a storage connection string")
    if "AccountName=" in value:
        return value
    if "usedevelopmentstorage=true" in value.lower():
        return emulator_connection_string(_DEFAULT_ADDRESSES)
    raise SettingsError(f"setting {name} is no storage connection string")


def emulator_connection_string(addresses: Mapping[str, str]) -> str:
    """The connection string of a storage emulator from the addresses of its `Blob`, `Queue` and `Table`."""
    endpoints = "".join(f"{kind}Endpoint={address}/{_ACCOUNT};" for kind, address in addresses.items())
    return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};{endpoints}"


def is_disabled(function: str, settings: Settings) -> bool:
    """Whether the app setting `AzureWebJobs.<function>.Disabled` switches the function off."""
    return settings.get(f"AzureWebJobs.{function}.Disabled", "").lower() in {"1", "true"}


def _queue_options(section: _Json) -> QueueOptions:
    batch_size = _whole(section, "batchSize", 16, 1, 32)
    encoding = section.get("messageEncoding", MessageEncoding.BASE64)
    if encoding not in set(MessageEncoding):
        raise SettingsError("host.json: extensions.queues.messageEncoding must be base64 or none")
    polling = _time_span(section, "maxPollingInterval", timedelta(minutes=1))
    if polling < timedelta(milliseconds=100):
        raise SettingsError("host.json: extensions.queues.maxPollingInterval must be at least 00:00:00.1")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_whole(section, "newBatchThreshold", batch_size // 2, 0, 10_000),
        visibility_timeout=_time_span(section, "visibilityTimeout", timedelta(0)),
        max_dequeue_count=_whole(section, "maxDequeueCount", 5, 1, 10_000),
        max_polling_interval=polling,
        message_encoding=MessageEncoding(cast(str, encoding)),
    )


def _whole(section: _Json, key: str, default: int, least: int, most: int) -> int:
    value = section.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SettingsError(f"host.json: extensions.queues.{key} must be a whole number {least}–{most}")
    return value


def _time_span(section: _Json, key: str, default: timedelta) -> timedelta:
    value = section.get(key)
    if value is None:
        return default
    found = _TIME_SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise SettingsError(f"host.json: extensions.queues.{key} must be a time span such as 00:00:30")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[:4])
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + float(f"0.{found[5] or 0}"))


def _object(parent: _Json, key: str, where: str) -> _Json:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise SettingsError(f"{where} must be an object")
    return value


def _read_object(path: Path) -> _Json:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path.name}: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path.name}: must hold a JSON object")
    return content
