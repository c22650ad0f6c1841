"""Where notifications go: an Event Grid custom topic, and any channel that apprise can reach; to some we post
a form of our own (``channels``, ``mailing``).

A sink delivers one notification or raises ``SinkError``; trying again belongs to the queue, which
holds one message per sink, so here there are few retries and short waits. The names of sinks stand in
logs and messages and hold nothing secret: many channels keep their token where a host name usually is,
so a name shows the scheme, a host where it is one, and a short hash to tell two channels apart.

azure.eventgrid, azure.identity and apprise are imported when a sink is made: an app without alerts to
send pays for none of them. Nothing here words a notification.
"""

from __future__ import annotations

import hashlib
import logging
from copy import copy
from typing import TYPE_CHECKING, Any, Final, assert_never
from urllib.parse import urlsplit

from azure.core.credentials import AzureKeyCredential, TokenCredential
from azure.core.exceptions import AzureError
from azure.core.messaging import CloudEvent

from shared.adapters.channels import Exchange, exchange, posting_sink
from shared.adapters.identity import ForAudience, azure_credential
from shared.adapters.mailing import mail_sink
from shared.config.settings import Settings
from shared.model import Severity
from shared.model.alert_records import Notification, NotificationType
from shared.model.clouds import PLACES
from shared.model.errors import ConfigurationError, SinkError
from shared.model.interfaces import Sink
from shared.model.renderings import Renderings
from shared.model.resource_id import parse_resource_id
from shared.model.web_addresses import is_loopback, scheme_and_host

if TYPE_CHECKING:
    from apprise import Apprise, NotifyType
    from apprise.plugins.custom_json import NotifyJSON

_RETRIES: Final = 2
_BACKOFF_SECONDS: Final = 0.3
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 10

_NOISY_LOGGER: Final = "azure.eventgrid._legacy._generated._serialization"

_HOST_IS_A_HOST: Final = frozenset(
    {"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "workflow", "workflows"}
)
"""Schemes whose URLs name a server; for others the same place holds a token or a topic."""

_LOCAL_KEY: Final = "a topic on this machine checks no key"


class EventGridSink:
    """Publishes CloudEvents 1.0 to a custom topic; ``data`` is the alert or change of the HTTP API.

    The event's id is the notification's, so a subscriber can drop what it has seen.
    """

    def __init__(self, endpoint: str, credential: AzureKeyCredential | TokenCredential) -> None:
        from azure.eventgrid import EventGridPublisherClient

        # The same version also shows each call's options to its serialiser, which warns of every one.
        logging.getLogger(_NOISY_LOGGER).setLevel(logging.ERROR)
        self._client = EventGridPublisherClient(endpoint, credential)
        self._name = f"eventgrid://{urlsplit(endpoint).netloc}"

    @property
    def name(self) -> str:
        return self._name

    def deliver(self, notification: Notification) -> None:
        try:
            # azure-eventgrid 4.22 drops the options of the constructor when it publishes to a basic
            # topic, so they are said with each call.
            self._client.send(
                cloud_event(notification),
                retry_total=_RETRIES,
                retry_backoff_factor=_BACKOFF_SECONDS,
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
            )
        except AzureError as error:
            raise SinkError(f"{self._name} did not take {notification.id}: {_reason(error)}") from error


class AppriseSink:
    """Sends to one channel: Teams, Slack, PagerDuty, e-mail, … as its apprise URL says."""

    def __init__(self, url: str) -> None:
        """Raises ``ConfigurationError``, without the URL, which may hold a token."""
        from apprise import Apprise

        self._channel: Apprise = Apprise()
        if not self._channel.add(url):
            raise ConfigurationError(f"ALERT_URLS: apprise does not understand {masked(url)!r}")
        self._name = _channel_name(self._channel)

    @property
    def name(self) -> str:
        return self._name

    @property
    def plugin(self) -> object:
        """What apprise made of the URL."""
        return self._channel[0]

    def deliver(self, notification: Notification) -> None:
        from apprise import NotifyFormat

        taken = self._channel.notify(
            title=self._said(notification.title),
            body=self._said(notification.body),
            notify_type=_notify_type(notification),
            body_format=NotifyFormat.MARKDOWN,
        )
        if not taken:
            raise SinkError(f"{self._name} did not take {notification.id}")

    def _said(self, text: str) -> str:
        """apprise 2.2.0 calls whoever stands behind an ``@`` in a message to Discord, also within code
        (``NotifyDiscord.ping_payload``); the command as it is has the HTTP API."""
        return text.replace("@", f"@{_JOINER}") if self._name.startswith("discord") else text


class WebHookSink:
    """``json://`` and ``jsons://``: what apprise posts, and the message itself beside it."""

    def __init__(self, name: str, plugin: NotifyJSON, forms: Renderings) -> None:
        self._name = name
        self._plugin = plugin
        self._forms = forms

    @property
    def name(self) -> str:
        return self._name

    def deliver(self, notification: Notification) -> None:
        plugin: Any = copy(self._plugin)
        plugin.payload_extras = {**self._forms.web_hook(notification), **self._plugin.payload_extras}
        loudness = _notify_type(notification)
        if not plugin.send(title=notification.title, body=notification.body, notify_type=loudness):
            raise SinkError(f"{self._name} did not take {notification.id}")


def channel_sink(url: str, forms: Renderings, ask: Exchange = exchange) -> Sink:
    """The sink of an apprise URL: one that posts a form of ours, where there is one for the channel.

    Raises ``ConfigurationError``, without the URL, which may hold a token.
    """
    plain = AppriseSink(url)
    name, plugin = plain.name, plain.plugin
    if isinstance(plugin, _json_plugin()):
        return WebHookSink(name, plugin, forms)
    return posting_sink(name, plugin, forms, ask) or mail_sink(name, plugin, forms) or plain


def _json_plugin() -> type[NotifyJSON]:
    from apprise.plugins.custom_json import NotifyJSON

    return NotifyJSON


def event_grid_sink(settings: Settings) -> EventGridSink:
    """A sink for the topic, keyless and with tokens of its cloud; a made-up key only where the topic is on
    this machine. azure-eventgrid 4.22 asks for tokens of the public cloud whatever the topic.

    Raises ``ConfigurationError`` for an endpoint that is neither https nor on this machine.
    """
    endpoint = settings.alert_topic
    scheme, host = scheme_and_host(endpoint)
    if scheme == "http" and is_loopback(endpoint):
        return EventGridSink(endpoint, AzureKeyCredential(_LOCAL_KEY))
    if scheme != "https" or not host:
        raise ConfigurationError(f"ALERT_TOPIC_ENDPOINT: {endpoint!r} is not an https URL")
    audience = f"https://{PLACES[settings.cloud].event_grid}"
    return EventGridSink(endpoint, ForAudience(azure_credential(settings), audience))


def cloud_event(notification: Notification) -> CloudEvent[object]:
    """The notification as it is published. The source is Driftward in the resource's subscription."""
    resource = parse_resource_id(notification.subject)
    source = f"/subscriptions/{resource.subscription}/driftward" if resource is not None else "/driftward"
    return CloudEvent(
        source=source,
        type=notification.type.value,
        subject=notification.subject,
        id=notification.id,
        time=notification.time,
        datacontenttype="application/json",
        data=dict(notification.data),
    )


_JOINER: Final = "\u2060"
"""What parts a mention and nobody sees (U+2060 WORD JOINER)."""


def _notify_type(notification: Notification) -> NotifyType:
    """How loud it is: good news is a success, whatever the severity of what it is about."""
    from apprise import NotifyType

    if notification.type in _GOOD_NEWS:
        return NotifyType.SUCCESS
    match notification.severity:
        case Severity.CRITICAL | Severity.HIGH:
            return NotifyType.FAILURE
        case Severity.MEDIUM:
            return NotifyType.WARNING
        case Severity.LOW | Severity.INFORMATIONAL:
            return NotifyType.INFO
        case _:
            assert_never(notification.severity)


_GOOD_NEWS: Final = frozenset({NotificationType.ALERT_RESOLVED, NotificationType.CHANGE_APPLIED})


def masked(url: str) -> str:
    """A URL of which only the scheme is sure to be no secret: `slak://… (48 characters)`."""
    scheme, told, _ = url.partition("://")
    return (
        f"{scheme}://… ({len(url)} characters)" if told and scheme.isalnum() else f"… ({len(url)} characters)"
    )


def _channel_name(channel: Apprise) -> str:
    """``slack#5f0c21``, or ``mailtos://mail.example.com#5f0c21``; the hash is of the masked URL."""
    masked = channel.urls(privacy=True)[0]
    parts = urlsplit(masked)
    host = f"://{parts.netloc.rpartition('@')[2]}" if parts.scheme in _HOST_IS_A_HOST else ""
    return f"{parts.scheme}{host}#{hashlib.sha256(masked.encode()).hexdigest()[:6]}"


def _reason(error: AzureError) -> str:
    """The kind and the first line: an answer's body may be long."""
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else 'no message'}"
