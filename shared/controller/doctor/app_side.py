"""What the app itself needs: settings, ``policies.yaml``, a store that can be written, somebody who is
told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import uuid4

from shared.config.settings_table import SETTINGS
from shared.controller.doctor.checks import Asked, Check, Installation, State, assign_command, set_command
from shared.model import Severity
from shared.model.alert_records import Notification, NotificationType
from shared.model.clouds import PLACES, Cloud
from shared.model.errors import ConfigurationError, SinkError, StoreError
from shared.model.interfaces import Sink
from shared.model.web_addresses import scheme_and_host

_KEYS_ARE_OFF: Final = ("KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted")
_KEYLESS: Final = (
    "az functionapp config appsettings delete --name $APP --resource-group $GROUP "
    "--setting-names AzureWebJobsStorage",
    set_command(
        "AzureWebJobsStorage__accountName=$STORAGE", "AzureWebJobsStorage__credential=managedidentity"
    ),
)
_STORAGE_ROLES: Final = tuple(
    assign_command(role, "$STORAGE_ID")
    for role in (
        "Storage Blob Data Owner",
        "Storage Queue Data Contributor",
        "Storage Table Data Contributor",
    )
)


def settings(installation: Installation, _: Asked) -> Iterator[Check]:
    try:
        found = installation.settings
    except ConfigurationError as error:
        yield Check(name="settings", state=State.MISSING, said=str(error), remedy=(_setting_in(str(error)),))
        return
    yield Check(name="settings", state=State.OK, said=f"mode {found.mode}, cloud {found.cloud}")
    if not found.scopes:
        said = "SCOPES is empty: nothing is swept, and nothing may be written"
        remedy = (set_command("SCOPES=/subscriptions/$SUBSCRIPTION"),)
        yield Check(name="scopes", state=State.MISSING, said=said, remedy=remedy)


def _setting_in(error: str) -> str:
    """The command that sets what an error begins with; to the default where that is any use."""
    name = error.partition(":")[0].split()[0]
    default = next((one.default for one in SETTINGS if one.name == name), "")
    return set_command(f"'{name}={default or '<…>'}'")


def policies(installation: Installation, _asked: Asked) -> Iterator[Check]:
    try:
        _ = installation.configuration
    except ConfigurationError as error:
        yield Check(
            name="policies",
            state=State.MISSING,
            said=str(error),
            remedy=("driftward policies --file policies.yaml",),
        )
        return
    yield Check(name="policies", state=State.OK, said=f"{installation.settings.policies_file} is usable")


# --- the storage account ---------------------------------------------------------------------------


def store(installation: Installation, _: Asked) -> Iterator[Check]:
    """A row is written, read and deleted, and a container is read."""
    try:
        installation.store.probe(uuid4().hex)
        installation.store.break_glass("doctor", ())
    except (ConfigurationError, StoreError) as error:
        yield _store_fault(str(error), isinstance(error, ConfigurationError))
        return
    yield Check(name="store", state=State.OK, said="a row was written, read and deleted")
    yield from _named_abroad(installation)


def _store_fault(said: str, is_setting: bool) -> Check:
    if any(word in said for word in _KEYS_ARE_OFF):
        key = f"the account takes no keys, and AzureWebJobsStorage holds one: {said}"
        return Check(name="store", state=State.MISSING, said=key, remedy=(*_KEYLESS, *_STORAGE_ROLES))
    remedy = _KEYLESS[1:] if is_setting else _STORAGE_ROLES
    return Check(name="store", state=State.MISSING, said=said, remedy=remedy)


def _named_abroad(installation: Installation) -> Iterator[Check]:
    """The host takes an account's name to be in the public cloud."""
    cloud = installation.settings.cloud
    if cloud is Cloud.PUBLIC or not installation.by_name:
        return
    suffix = PLACES[cloud].storage_suffix
    services = ("blob", "queue", "table")
    addresses = (f"AzureWebJobsStorage__{one}ServiceUri=https://$STORAGE.{one}.{suffix}" for one in services)
    name = "AzureWebJobsStorage__accountName"
    said = f"{name} is looked for in the public cloud by the host, and CLOUD is {cloud}"
    yield Check(name="host-storage", state=State.MISSING, said=said, remedy=(set_command(*addresses),))


# --- who is told -----------------------------------------------------------------------------------


def sinks(installation: Installation, asked: Asked) -> Iterator[Check]:
    try:
        found = installation.sinks
    except ConfigurationError as error:
        yield Check(name="sinks", state=State.MISSING, said=str(error), remedy=(_setting_in(str(error)),))
        return
    if not found:
        said = "no sink is set: alerts open, and nobody is told"
        yield Check(name="sinks", state=State.MISSING, said=said, remedy=(set_command("ALERT_URLS='<…>'"),))
    elif not asked.send:
        said = f"{len(found)} set, and nothing was sent to them: ask with --send"
        yield Check(name="sinks", state=State.NOT_ASKED, said=said)
    for sink in found if asked.send else ():
        yield _sent(sink, installation)
    yield from _topic_abroad(installation)


def _sent(sink: Sink, installation: Installation) -> Check:
    name = f"sink {sink.name}"
    try:
        sink.deliver(_test_message(installation))
    except SinkError as error:
        return Check(name=name, state=State.MISSING, said=str(error), remedy=(_sink_remedy(sink.name),))
    return Check(name=name, state=State.OK, said="took a test message")


def _sink_remedy(name: str) -> str:
    if name.startswith("eventgrid:"):
        return assign_command("EventGrid Data Sender", "$TOPIC_ID")
    return set_command("ALERT_URLS='<…>'")


def _test_message(installation: Installation) -> Notification:
    scopes = installation.settings.scopes
    return Notification(
        id=f"doctor-{uuid4().hex}",
        type=NotificationType.ALERT_RESOLVED,
        subject=str(scopes[0]) if scopes else "/driftward/doctor",
        time=installation.clock.now(),
        title="Driftward: a test message",
        body="Somebody asked whether messages arrive. Nothing has happened, and nothing is to be done.",
        severity=Severity.INFORMATIONAL,
        data={"test": True},
    )


def _topic_abroad(installation: Installation) -> Iterator[Check]:
    """A topic of another cloud takes no token of ours."""
    host = scheme_and_host(installation.settings.alert_topic)[1]
    own = installation.settings.cloud
    for cloud, places in PLACES.items():
        if cloud is not own and host.endswith(f".{places.event_grid}"):
            said = f"ALERT_TOPIC_ENDPOINT {host!r} is in the cloud {cloud}, and CLOUD is {own}"
            yield Check(name="cloud", state=State.MISSING, said=said, remedy=(set_command(f"CLOUD={cloud}"),))
