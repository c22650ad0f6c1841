"""Channels to which we post ourselves, as an apprise URL names them.

apprise parses the URL and knows the service's addresses; what is posted is a form of our own, because a card
has more than a title and a text, Slack refuses what is too long, and a process that was just started must be
able to end an incident that another one has opened. A URL that asks for what these forms do not have (a
template, a Slack workflow, a signed or encrypted mail) stays with apprise.

A channel takes a call or ``SinkError`` is raised, with the status and never with the address, which may hold
a secret. What stands in a letter is in ``shared.alerts.channels``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from shared.model import Json
from shared.model.alert_records import Notification
from shared.model.errors import SinkError
from shared.model.renderings import Call, Renderings
from shared.model.values import value

if TYPE_CHECKING:
    from apprise.plugins.opsgenie import NotifyOpsgenie
    from apprise.plugins.pagerduty import NotifyPagerDuty
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.workflows import NotifyWorkflows

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 10
_SHOWN: Final = 200
"""Characters of an answer that says why."""
_SECRET: Final = 8
"""So long may a part of a request be a secret."""


@value
class Outgoing:
    """A request to a service. Not to be shown: the address and the headers hold secrets."""

    method: str
    url: str
    headers: dict[str, str]
    body: dict[str, Json]


@value
class Answer:
    status: int
    text: str


Exchange: TypeAlias = Callable[[Outgoing], Answer]
"""Makes a request; raises ``SinkError`` where nobody answers."""


def exchange(request: Outgoing) -> Answer:
    """The request over the network; a redirection is an answer and is not followed."""
    asked = HttpRequest(request.method, request.url, headers=request.headers, json=request.body)
    try:
        with RequestsTransport(connection_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS) as transport:
            response = transport.send(asked)
            return Answer(status=response.status_code, text=bytes(response.read()).decode(errors="replace"))
    except AzureError as error:
        raise SinkError(f"nobody answers: {type(error).__name__}") from error


Requests: TypeAlias = Callable[[Notification], Iterable[Outgoing]]
"""What a channel is asked to tell of something, in order."""


class PostingSink:
    """A channel that takes JSON over HTTP."""

    def __init__(self, name: str, requests: Requests, ask: Exchange) -> None:
        self._name = name
        self._requests = requests
        self._ask = ask

    @property
    def name(self) -> str:
        return self._name

    def deliver(self, notification: Notification) -> None:
        for request in self._requests(notification):
            self._post(request, notification)

    def _post(self, request: Outgoing, notification: Notification) -> None:
        try:
            answer = self._ask(request)
        except SinkError as error:
            raise SinkError(f"{self._name} did not take {notification.id}: {error}") from error
        if not _is_taken(answer):
            said = _without_secrets(" ".join(answer.text.split()), request)[:_SHOWN]
            raise SinkError(f"{self._name} did not take {notification.id}: {answer.status} {said}".strip())


def _is_taken(answer: Answer) -> bool:
    """Slack's API answers 200 to what it refuses, and says so in the body."""
    return 200 <= answer.status < 300 and not answer.text.startswith('{"ok":false')


def _without_secrets(said: str, request: Outgoing) -> str:
    """An answer may repeat what was asked, and an address holds tokens."""
    asked = urlsplit(request.url)
    queried = (text for _, text in parse_qsl(asked.query))
    words = {
        *asked.path.split("/"),
        *queried,
        *request.headers.values(),
        str(request.body.get("routing_key")),
    }
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SECRET:
            said = said.replace(word, "…").replace(quote(word, safe=""), "…")
    return said


def posting_sink(name: str, plugin: object, forms: Renderings, ask: Exchange) -> PostingSink | None:
    """The sink for what apprise made of a URL; None where apprise posts itself."""
    requests = _requests_of(plugin, forms)
    return None if requests is None else PostingSink(name, requests, ask)


def _requests_of(plugin: object, forms: Renderings) -> Requests | None:
    from apprise.plugins.opsgenie import NotifyOpsgenie
    from apprise.plugins.pagerduty import NotifyPagerDuty
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.workflows import NotifyWorkflows

    match plugin:
        case NotifyWorkflows() if not len(plugin.template):
            return lambda told: [_teams(plugin, told, forms)]
        case NotifySlack() if plugin.mode in _SLACK_MODES and not len(plugin.template):
            return lambda told: _slack(plugin, told, forms)
        case NotifyPagerDuty():
            return lambda told: [_pagerduty(plugin, forms.pagerduty(told, plugin.integration_key))]
        case NotifyOpsgenie():
            return lambda told: (_opsgenie(plugin, call) for call in forms.opsgenie(told))
        case _:
            return None


# --- Teams -----------------------------------------------------------------------------------------


def _teams(plugin: NotifyWorkflows, told: Notification, forms: Renderings) -> Outgoing:
    """Where a flow listens, in the old way of Logic Apps or in Power Automate's."""
    port = f":{plugin.port}" if plugin.port else ""
    path = "/powerautomate/automations/direct" if plugin.power_automate else ""
    route = f"/cu/{plugin.routing_id}" if path and plugin.routing_id else ""
    flow = f"/workflows/{plugin.workflow}/triggers/manual/paths/invoke"
    asked = {
        "api-version": plugin.api_version,
        "sp": "/triggers/manual/run",
        "sv": "1.0",
        "sig": plugin.signature,
    }
    url = f"https://{plugin.host}{port}{path}{route}{flow}?{urlencode(asked)}"
    return Outgoing(method="POST", url=url, headers={}, body=dict(forms.teams(told)))


# --- Slack -----------------------------------------------------------------------------------------

_SLACK_MODES: Final = frozenset({"hook", "gov-hook", "bot"})


def _slack(plugin: NotifySlack, told: Notification, forms: Renderings) -> Iterator[Outgoing]:
    message = {**forms.slack(told), **({"username": plugin.user} if plugin.user else {})}
    for channel in plugin.channels:
        where = {"channel": _slack_channel(channel)} if channel else {}
        yield Outgoing(
            method="POST", url=_slack_url(plugin), headers=_slack_headers(plugin), body={**message, **where}
        )


def _slack_url(plugin: NotifySlack) -> str:
    if plugin.mode == "bot":
        return str(plugin.api_url).format("chat.postMessage")
    base = plugin.webhook_url if plugin.mode == "hook" else plugin.webhook_gov_url
    return f"{base}/{plugin.token_a}/{plugin.token_b}/{plugin.token_c}"


def _slack_headers(plugin: NotifySlack) -> dict[str, str]:
    return {"Authorization": f"Bearer {plugin.access_token}"} if plugin.mode == "bot" else {}


def _slack_channel(name: str) -> str:
    """apprise's spelling: ``+`` before an id, ``@`` before a person, ``#`` before a channel or nothing."""
    if name.startswith("+"):
        return name[1:]
    return name if name[0] in "#@" else f"#{name}"


# --- PagerDuty and Opsgenie ------------------------------------------------------------------------


def _pagerduty(plugin: NotifyPagerDuty, call: Call) -> Outgoing:
    host = "events.eu.pagerduty.com" if plugin.region_name == "eu" else "events.pagerduty.com"
    body = dict(call.body)
    body["payload"] = {**body["payload"], **_pagerduty_own(plugin)}
    return Outgoing(method=call.method, url=f"https://{host}{call.path}", headers={}, body=body)


def _pagerduty_own(plugin: NotifyPagerDuty) -> dict[str, Json]:
    """What the URL says beside the keys: a group of incidents, say."""
    return {"group": plugin.group} if plugin.group else {}


def _opsgenie(plugin: NotifyOpsgenie, call: Call) -> Outgoing:
    host = "api.eu.opsgenie.com" if plugin.region_name == "eu" else "api.opsgenie.com"
    body = dict(call.body)
    if not call.path:  # an alert that is created
        body |= {"responders": plugin.targets} if plugin.targets else {}
        body |= {"tags": tags} if (tags := _opsgenie_tags(plugin)) else {}
    headers = {"Authorization": f"GenieKey {plugin.apikey}"}
    return Outgoing(
        method=call.method, url=f"https://{host}/v2/alerts{call.path}", headers=headers, body=body
    )


def _opsgenie_tags(plugin: Any) -> list[str]:
    """apprise keeps them to itself, and tells them with the URL."""
    told = parse_qs(urlsplit(plugin.url()).query).get("tags", [])
    return [tag for text in told for tag in text.split(",") if tag]
