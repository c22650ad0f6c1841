"""Twenty messages in the form of each channel: as the golden files have them, and as the services take them.

``GOLDEN=write`` writes the files anew; whoever does reads what has changed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from shared.adapters.channels import Answer, Outgoing
from shared.adapters.sinks import channel_sink
from shared.alerts.channels.forms import RENDERINGS
from shared.alerts.channels.mail import mail
from shared.alerts.channels.opsgenie import opsgenie_calls
from shared.alerts.channels.pagerduty import pagerduty_call
from shared.alerts.channels.runs import plain, runs
from shared.alerts.channels.slack import slack_message
from shared.alerts.channels.teams import teams_message
from shared.alerts.channels.webhook import web_hook_fields
from shared.controller.sweep import sweep
from shared.model import Json, Severity
from shared.model.alert_records import Notification
from shared.model.codec import to_json
from shared.model.errors import SinkError
from shared.model.interfaces import Sink
from shared.model.sections import Section
from tests.adapters.services import Mailbox, Services, mail_server, serving
from tests.alerts.golden_alerts import HOSTILE, golden
from tests.builders import ALL_AZURE, OFFICE, public_server
from tests.controller.test_letters import COMPLIANT, HOUR, becomes, told_world

FOLDER: Final = Path(__file__).parent.parent / "alerts" / "golden"
FORMS: Final[dict[str, Callable[[Notification], Json]]] = {
    "teams": teams_message,
    "slack": slack_message,
    "pagerduty": lambda told: to_json(pagerduty_call(told, "routing-key")),
    "opsgenie": lambda told: [to_json(call) for call in opsgenie_calls(told)],
    "mail": lambda told: to_json(mail(told, "example.com")),
    "webhook": lambda told: {name: part for name, part in web_hook_fields(told).items() if name != "data"},
}
URLS: Final = {
    "teams": "workflows://prod-12.westus.logic.azure.com:443/643e69f83c8944/SignatureOfTheFlow",
    "slack": "slack://TokenA1234/TokenB1234/TokenC12345678901234567",
    "pagerduty": "pagerduty://IntegrationKey1@ApiKey2/",
    "opsgenie": "opsgenie://a1b2c3d4-0000-1111-2222-333344445555",
}
MESSAGES: Final = dict(golden())


@pytest.fixture(name="services")
def _services() -> Iterator[Services]:
    with serving() as services:
        yield services


@pytest.fixture(name="mailbox")
def _mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


def golden_sink(channel: str, services: Services) -> Sink:
    return channel_sink(URLS[channel], RENDERINGS, services.ask)


def mail_sink_at(mailbox: Mailbox, query: str = "") -> Sink:
    url = f"mailto://127.0.0.1:{mailbox.port}/?from=driftward@example.com&to=ops@example.com&mode=insecure{query}"
    return channel_sink(url, RENDERINGS)


# --- forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", FORMS)
def test_what_a_channel_is_told_is_what_its_golden_file_says(channel: str) -> None:
    same_as_golden(channel, {name: FORMS[channel](told) for name, told in MESSAGES.items()})


def same_as_golden(name: str, shown: Json) -> None:
    """What is shown is what the file of this name says; or is written there."""
    text = _spelt(shown) + "\n"
    path = FOLDER / f"{name}.json"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert json.loads(text) == json.loads(path.read_text(encoding="utf-8"))


def _spelt(part: Json, indent: int = 0) -> str:
    """JSON with each part in one line where it fits into one."""
    line = json.dumps(part, ensure_ascii=False)
    if len(line) + indent <= 120 or not isinstance(part, dict | list):
        return line
    inner = indent + 1
    if isinstance(part, dict):
        parts = [
            f"{json.dumps(name, ensure_ascii=False)}: {_spelt(one, inner)}" for name, one in part.items()
        ]
    else:
        parts = [_spelt(one, inner) for one in part]
    opening, closing = "{}" if isinstance(part, dict) else "[]"
    return f"{opening}\n{' ' * inner}" + f",\n{' ' * inner}".join(parts) + f"\n{' ' * indent}{closing}"


def test_there_are_twenty_messages_of_every_kind() -> None:
    assert len(MESSAGES) == 20
    assert {told.severity for told in MESSAGES.values()} == set(Severity)


@pytest.mark.parametrize("channel", URLS)
def test_a_service_takes_every_message(channel: str, services: Services) -> None:
    sink = golden_sink(channel, services)
    for told in MESSAGES.values():
        sink.deliver(told)
    assert len(services.taken) >= len(MESSAGES)


def test_a_mail_server_takes_every_message(mailbox: Mailbox) -> None:
    sink = mail_sink_at(mailbox)
    for told in MESSAGES.values():
        sink.deliver(told)
    subjects = [" ".join(str(sent["Subject"]).split()) for _, sent in mailbox.mails]
    assert subjects == [" ".join(told.title.split()) for told in MESSAGES.values()]


@pytest.mark.parametrize("channel", FORMS)
def test_a_command_is_shown_whole_or_not_at_all(channel: str) -> None:
    """Half a command that is pasted is another one."""
    shown = _flat(FORMS[channel](MESSAGES["hostile"]), channel)
    for command in _commands("hostile"):
        assert json.dumps(command, ensure_ascii=False)[1:-1] in shown
    huge = _flat(FORMS[channel](MESSAGES["huge"]), channel)
    assert {len(run) for run in re.findall("xx+", huge)} <= {900}


def _commands(name: str) -> list[str]:
    found = [command for section in MESSAGES[name].sections for command in section.commands]
    assert found
    return found


def _flat(shown: Json, channel: str) -> str:
    return json.dumps(shown["text"] if channel == "mail" else shown, ensure_ascii=False)


# --- strangers' names ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Alert", "Change"])
def test_an_event_that_pagerduty_would_find_too_large_is_cut_and_says_so(
    kind: str, services: Services
) -> None:
    told = next(one for one in MESSAGES.values() if f".{kind}." in one.type.value)
    items = tuple(f"{number} é" * 100 for number in range(2_000))
    huge = replace(told, sections=(Section(lead="What has changed:", text="Much.", items=items),))
    assert len(json.dumps(pagerduty_call(huge, "routing-key").body).encode()) <= 512_000
    assert "more, in the HTTP API" in str(pagerduty_call(huge, "routing-key").body)
    golden_sink("pagerduty", services).deliver(huge)


def test_no_letter_formats_in_teams() -> None:
    """A TextBlock would read Markdown; a TextRun does not."""
    card = teams_message(MESSAGES["hostile"])["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert [one["url"] for one in card["actions"]] == [link.url for link in MESSAGES["hostile"].links]


def test_no_letter_formats_or_mentions_in_slack() -> None:
    message = slack_message(MESSAGES["hostile"])
    assert {block["type"] for block in message["blocks"]} == {"header", "rich_text"}
    assert "mrkdwn" not in json.dumps(message)
    assert not {"user", "broadcast", "usergroup"} & {*_types(message["blocks"])}


def _types(part: Json) -> Iterator[str]:
    match part:
        case dict():
            yield from [part["type"]] if isinstance(part.get("type"), str) else []
            yield from (kind for inner in part.values() for kind in _types(inner))
        case list():
            yield from (kind for inner in part for kind in _types(inner))


def test_no_name_becomes_an_element_or_a_header_of_a_mail(mailbox: Mailbox) -> None:
    sink = mail_sink_at(mailbox)
    sink.deliver(MESSAGES["hostile"])
    sink.deliver(replace(MESSAGES["hostile"], title=HOSTILE.replace("\r\n", " ")))
    for receivers, sent in mailbox.mails:
        assert receivers == ("ops@example.com",)
        assert sent["Bcc"] is None
        html = sent.get_body(("html",))
        assert html is not None
        assert "<script" not in html.get_content()
        assert "<img" not in html.get_content()
        assert html.get_content().count("<a ") == len(MESSAGES["hostile"].links)


@pytest.mark.parametrize("title", ["=?utf-8?q?=0D=0ABcc:_spy@example.com?=", "a\u2028Bcc: spy", "\ud800 b"])
def test_no_title_writes_a_header_of_a_mail(title: str, mailbox: Mailbox) -> None:
    """An encoded word (RFC 2047) may hide a line end, and email's own parser takes it apart."""
    sink = mail_sink_at(mailbox)
    sink.deliver(replace(MESSAGES["opened"], title=title))
    sink.deliver(MESSAGES["opened"])
    (_, sent), (_, usual) = mailbox.mails
    assert sent.keys() == usual.keys()
    assert len(str(sent["Subject"]).splitlines()) == 1


def test_a_header_of_the_url_that_no_mail_can_have_is_a_refusal(mailbox: Mailbox) -> None:
    with pytest.raises(SinkError):
        mail_sink_at(mailbox, "&+Subject=another").deliver(MESSAGES["opened"])


def test_a_text_is_read_as_runs_and_a_lonely_backtick_as_a_letter() -> None:
    assert [(run.text, run.is_code) for run in runs("a `b` c")] == [("a ", False), ("b", True), (" c", False)]
    assert plain("a ` b") == "a ` b"
    assert plain("`a` ` b") == "a ` b"


# --- the life of an alert --------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["pagerduty", "opsgenie"])
def test_an_incident_is_acknowledged_and_closed_by_another_process(channel: str, services: Services) -> None:
    golden_sink(channel, services).deliver(MESSAGES["opened"])
    [(key, state)] = services.incidents.items()
    assert (key, state) == (MESSAGES["opened"].data["id"], "triggered")
    golden_sink(channel, services).deliver(MESSAGES["opened"])
    golden_sink(channel, services).deliver(MESSAGES["acknowledged"])
    assert services.incidents == {key: "acknowledged"}
    golden_sink(channel, services).deliver(MESSAGES["resolved"])
    assert services.incidents == {}


@pytest.mark.parametrize("channel", ["pagerduty", "opsgenie"])
def test_a_change_that_was_made_leaves_no_incident_open(channel: str, services: Services) -> None:
    golden_sink(channel, services).deliver(MESSAGES["reverted"])
    assert services.taken
    assert services.incidents == {}


def test_a_mail_about_the_end_is_in_the_thread_of_the_beginning(mailbox: Mailbox) -> None:
    sink = mail_sink_at(mailbox)
    for name in ("opened", "resolved", "reverted"):
        sink.deliver(MESSAGES[name])
    first, last, other = (sent for _, sent in mailbox.mails)
    assert first["References"] == last["References"] != other["References"]
    assert first["Message-ID"] != last["Message-ID"]
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]


def test_an_address_that_is_refused_keeps_nobody_else_from_a_mail(mailbox: Mailbox) -> None:
    mailbox.unknown.add("gone@example.com")
    mail_sink_at(mailbox, "&cc=gone@example.com").deliver(MESSAGES["opened"])
    assert [receivers for receivers, _ in mailbox.mails] == [("ops@example.com",)]
    mailbox.unknown.add("ops@example.com")
    with pytest.raises(SinkError):
        mail_sink_at(mailbox).deliver(MESSAGES["opened"])


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", URLS)
def test_a_refusal_says_the_status_and_nothing_secret(channel: str, services: Services) -> None:
    services.is_down = True
    sink = golden_sink(channel, services)
    with pytest.raises(SinkError, match="503 down") as refused:
        sink.deliver(MESSAGES["opened"])
    secrets = ("Signature", "Token", "IntegrationKey", "a1b2c3d4")
    assert not any(secret in str(refused.value) for secret in secrets)


@pytest.mark.parametrize("channel", URLS)
def test_an_answer_that_repeats_the_request_is_told_without_its_secrets(channel: str) -> None:
    def repeating(request: Outgoing) -> Answer:
        return Answer(status=502, text=f"Bad gateway: {request.url} {request.headers}")

    sink = channel_sink(URLS[channel], RENDERINGS, repeating)
    with pytest.raises(SinkError, match="502 Bad gateway") as refused:
        sink.deliver(MESSAGES["opened"])
    secrets = ("Signature", "Token", "IntegrationKey", "a1b2c3d4")
    assert not any(secret in str(refused.value) for secret in secrets)


def test_a_channel_that_nobody_answers_for_raises() -> None:
    with serving() as gone:
        sink = golden_sink("slack", gone)
    with pytest.raises(SinkError, match="nobody answers"):
        sink.deliver(MESSAGES["opened"])


@pytest.mark.parametrize(
    "url",
    [
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "slack://T1JJ3T3L2/F1BRTD4JD/X1BRTD4JD/TIiajkdnlazkcOXrIdevi7Fw/?mode=workflow",
    ],
)
def test_what_has_no_form_of_ours_stays_with_apprise(url: str) -> None:
    assert type(channel_sink(url, RENDERINGS)).__name__ == "AppriseSink"


def test_a_letter_that_is_older_than_sections_is_told_by_its_text(services: Services) -> None:
    old = replace(MESSAGES["opened"], sections=(), links=())
    for channel in URLS:
        golden_sink(channel, services).deliver(old)
    assert "Public network" in json.dumps(services.taken[0].body)


# --- an outage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["pagerduty", "opsgenie"])
def test_an_outage_of_an_hour_loses_nothing(channel: str, services: Services) -> None:
    sink = golden_sink(channel, services)
    world = told_world(sink.name)
    world.deliver_to = sink.deliver
    services.is_down = True
    becomes(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.drain(HOUR)
    assert services.taken == []
    services.is_down = False
    world.drain(HOUR)
    assert len(services.incidents) == 1
    becomes(world, COMPLIANT)
    world.drain(HOUR)
    sweep(world.deps())
    world.drain(HOUR)
    assert services.incidents == {}
    assert list(world.store.letters.waiting()) == []
