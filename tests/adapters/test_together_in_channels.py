"""Several things in one message, in the form of each chat and mail: as the golden files have them, within
what the services take, and with nothing of strangers that formats, mentions or leads anywhere.

``GOLDEN=write`` writes the files anew; whoever does reads what has changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from shared.alerts.bundles import BODY
from shared.alerts.channels.mail import mail
from shared.alerts.channels.slack import slack_message
from shared.alerts.channels.teams import LIMIT, size, teams_message
from shared.model import Json
from shared.model.alert_records import Notification
from shared.model.codec import to_json
from tests.adapters.services import mail_server, serving
from tests.adapters.test_channels import golden_sink, mail_sink_at, same_as_golden
from tests.alerts.golden_together import together

MESSAGES: Final = dict(together())
FORMS: Final[dict[str, Callable[[Notification], Json]]] = {
    "teams": teams_message,
    "slack": slack_message,
    "mail": lambda told: to_json(mail(told, "example.com")),
    "plain": lambda told: {"title": told.title, "body": told.body},
}


@pytest.mark.parametrize("channel", FORMS)
def test_several_in_one_message_are_what_the_golden_file_says(channel: str) -> None:
    same_as_golden(f"together-{channel}", {name: FORMS[channel](told) for name, told in MESSAGES.items()})


@pytest.mark.parametrize("channel", ["teams", "slack"])
def test_a_service_takes_several_in_one_message(channel: str) -> None:
    with serving() as services:
        sink = golden_sink(channel, services)
        for told in MESSAGES.values():
            sink.deliver(told)
        assert len(services.taken) == len(MESSAGES)


def test_a_mail_server_takes_several_in_one_mail() -> None:
    with mail_server() as mailbox:
        sink = mail_sink_at(mailbox)
        for told in MESSAGES.values():
            sink.deliver(told)
        subjects = [" ".join(str(sent["Subject"]).split()) for _, sent in mailbox.mails]
        assert subjects == [told.title for told in MESSAGES.values()]
        for (_, sent), told in zip(mailbox.mails, MESSAGES.values(), strict=True):
            html = sent.get_body(("html",))
            assert html is not None
            items = sum(len(section.items) for section in told.sections)
            assert (html.get_content().count("<a "), html.get_content().count("<script")) == (items, 0)


@pytest.mark.parametrize("channel", FORMS)
@pytest.mark.parametrize("name", ["thirty", "forty-long"])
def test_every_one_of_many_is_named_or_counted(channel: str, name: str) -> None:
    told = MESSAGES[name]
    assert size(teams_message(told)) <= LIMIT
    assert len(told.body) <= BODY
    shown = json.dumps(FORMS[channel](told), ensure_ascii=False)
    shown = shown if channel != "mail" else mail(told, "example.com").text
    named = len(set(re.findall(r"\b0{14}[0-9a-f]{2}\b", shown)))
    counted = sum(int(more) for more in re.findall(r"and (\d+) more", shown))
    assert named + counted == sum(len(section.items) for section in told.sections)
    assert named >= 6


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_of_several_holds_no_command_and_leads_to_the_portal_alone(name: str) -> None:
    told = MESSAGES[name]
    assert not any(section.commands for section in told.sections)
    links = [url for section in told.sections for url in section.urls]
    assert all(url.startswith("https://portal.azure.com/#@/resource/") for url in links)
    assert sorted(set(_urls(teams_message(told)))) == sorted(set(_urls(teams_message(told))) & set(links))


def _urls(part: Json) -> Iterator[str]:
    match part:
        case {"type": "Action.OpenUrl", "url": str(url)}:
            yield url
        case dict():
            yield from (url for inner in part.values() for url in _urls(inner))
        case list():
            yield from (url for inner in part for url in _urls(inner))


def test_no_name_formats_or_mentions_in_a_message_of_several() -> None:
    told = MESSAGES["hostile"]
    blocks = json.dumps(slack_message(told)["blocks"])
    assert "mrkdwn" not in blocks
    assert not {'"user"', '"broadcast"', '"usergroup"'} & set(re.findall(r'"\w+"', blocks))
    card = teams_message(told)["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert "](https://evil" not in told.body
    assert re.search(r"(?<!\w)@(?=everyone|all|U1)", told.body) is None
