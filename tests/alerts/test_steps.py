"""What a policy tells a person to do, as an alert holds it and as a message says it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driftward.diagnosis.asking import pasted
from shared.alerts.commands import ACTIVE_CLOUD, fix_commands
from shared.alerts.lifecycle import Sighting, notification, open_alert, recur, reworded
from shared.alerts.portal import portal_link
from shared.alerts.steps import choices_told, commands_told, resolved, texts_told
from shared.alerts.views import alert_view
from shared.config.settings import read_settings
from shared.model import Json, SetServerTls
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.codec import dump, load
from shared.model.resource_id import ResourceId
from shared.posture.shell import rest
from shared.posture.steps import OneOf, Way, as_json
from tests.alerts.test_lifecycle import FINDING, NOON, SERVER, SIGHTING, policy

PORTAL = portal_link(SERVER)
APPROVE, REJECT = "az it approve", "az it reject"
CHOICE = OneOf(
    ways=(
        Way(when="where you do not know who asks", steps=(REJECT,)),
        Way(when="where the endpoint is yours", steps=(APPROVE, "tell its owner")),
    )
)
TOLD = ("look who asks", CHOICE, "az it show")


def sighting(*steps: str | OneOf, **more: Json) -> Sighting:
    evidence = {"whatToDo": as_json(steps), **more}
    finding = replace(FINDING, evidence=evidence)
    return replace(SIGHTING, finding=finding, commands=commands_told(evidence))


def opened(*steps: str | OneOf, **more: Json) -> AlertRecord:
    return open_alert(policy(), sighting(*steps, **more), PORTAL)


def body_of(alert: AlertRecord) -> str:
    return notification(alert, NotificationType.ALERT_OPENED, NOON).body


@pytest.mark.field(
    "commands",
    "Alternatives are marked as such in text and JSON, the safe one first; `commands` hold that one alone.",
    source="https://learn.microsoft.com/azure/private-link/manage-private-endpoint",
    date="2026-11-29",
)
def test_of_a_choice_the_commands_hold_the_safe_way_alone_and_the_alternatives_hold_all() -> None:
    alert = opened(*TOLD)
    assert alert.commands == (REJECT, "az it show")
    assert alert_view(alert)["alternatives"] == [
        [
            {
                "when": "where you do not know who asks",
                "commands": [REJECT],
                "advice": [],
                "inCommands": True,
            },
            {
                "when": "where the endpoint is yours",
                "commands": [APPROVE],
                "advice": ["tell its owner"],
                "inCommands": False,
            },
        ]
    ]


def test_a_message_says_that_one_way_is_to_be_chosen_and_prints_each() -> None:
    body = body_of(opened(*TOLD))
    one, other = body.index("**One of these, not all of them:**"), body.index("**or instead,**")
    assert body.index(REJECT) < one < other < body.index(APPROVE)
    assert "where you do not know who asks" in body
    assert "where the endpoint is yours" in body
    assert "Tell its owner." in body


def test_sentences_and_commands_are_told_in_the_order_in_which_they_are_done() -> None:
    body = body_of(opened("first ask", "az one", "az two", "wait for it", "az three"))
    places = [body.index(part) for part in ("First ask.", "az one\naz two", "Wait for it.", "az three")]
    assert places == sorted(places)
    assert body.count("**To fix it by hand") == 1


def test_an_alert_seen_again_has_the_choices_of_the_newest_sighting() -> None:
    alert = recur(opened(*TOLD), sighting("az other"))
    assert (alert.alternatives, alert.commands) == ((), ("az other",))


def test_an_alert_that_was_stored_without_alternatives_is_read() -> None:
    alert = opened("az it")
    text = dump(alert)
    for name in ("alternatives", "noCommand", "endsOnNewServer"):
        assert f'"{name}"' in text
    older = text.replace('"alternatives":[],', "").replace('"noCommand":"",', "")
    assert load(AlertRecord, older.replace('"endsOnNewServer":false,', "")) == alert


def test_an_alert_with_alternatives_survives_the_store() -> None:
    alert = opened(*TOLD)
    assert load(AlertRecord, dump(alert)) == alert


@pytest.mark.parametrize("told", [None, "", [], ()])
def test_nothing_told_is_no_step(told: Json) -> None:
    evidence = {} if told is None else {"whatToDo": told}
    assert (texts_told(evidence), commands_told(evidence), choices_told(evidence)) == ((), (), ())


# --- why there is no command, and where it ends ----------------------------------------------------


def test_why_no_command_exists_is_said_in_alert_and_message() -> None:
    silent = replace(policy(), no_command="a subnet in use cannot grow")
    alert = open_alert(silent, sighting("make a larger subnet"), PORTAL)
    assert alert_view(alert)["noCommand"] == "a subnet in use cannot grow"
    assert "no command exists: A subnet in use cannot grow." in body_of(alert)
    assert "What to do:** Make a larger subnet." in body_of(alert)


@pytest.mark.field(
    "commands",
    "A remedy that makes a new server says that the alert stays until the old server is deleted.",
    source="https://learn.microsoft.com/azure/postgresql/backup-restore/concepts-backup-restore",
    date="2026-11-29",
)
def test_a_remedy_that_makes_a_new_server_says_that_the_old_alert_stays() -> None:
    alert = opened("az restore it", endsOnNewServer=True)
    assert alert_view(alert)["endsOnNewServer"] is True
    assert "the alert stays until this server is deleted" in body_of(alert)
    assert "ends on new server" not in body_of(alert)
    assert recur(alert, sighting("az it")).ends_on_new_server is False


# --- where ARM is ----------------------------------------------------------------------------------

SINGLE = ResourceId(
    "/subscriptions/8d1f2c3b-0001-4a5b-9c6d-7e8f90a1b2c3/resourceGroups/shop"
    "/providers/Microsoft.DBforPostgreSQL/servers/legacy"
)
PATCH = rest("patch", SINGLE, "", "2017-12-01", {"properties": {}})


@pytest.mark.field(
    "commands",
    "`az rest` in an alert names the ARM endpoint of the settings, and whom the token is for where its "
    "address does not tell, in the commands of edits and in those of a policy's steps.",
    source="azure-cli 2.91.0, `send_raw_request` in azure/cli/core/util.py",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("environment", "endpoint", "audience"),
    [
        ({}, "https://management.azure.com", ""),
        ({"CLOUD": "china"}, "https://management.chinacloudapi.cn", ""),
        (
            {"ARM_ENDPOINT": "https://arm.example.com"},
            "https://arm.example.com",
            " --resource https://management.azure.com/",
        ),
        (
            {"ARM_ENDPOINT": "http://127.0.0.1:8100", "CLOUD": "usgovernment"},
            "http://127.0.0.1:8100",
            " --resource https://management.usgovcloudapi.net/",
        ),
    ],
)
def test_a_step_that_calls_arm_names_the_endpoint_of_the_settings(
    environment: dict[str, str], endpoint: str, audience: str
) -> None:
    settings = read_settings(environment)
    assert PATCH.startswith("az rest --method patch --url '/subscriptions/")
    choice = OneOf(ways=(Way(when="where", steps=(PATCH, "az other")),))
    evidence = {"whatToDo": as_json(["see", PATCH, choice]), "more": 1}
    told = resolved(evidence, settings.management_endpoint, settings.management_audience)
    expected = PATCH.replace("'/sub", f"'{endpoint}/sub") + audience
    assert texts_told(told) == ("see", expected, expected, "az other")
    assert told["more"] == 1
    alone = resolved({"whatToDo": PATCH}, settings.management_endpoint, settings.management_audience)
    assert alone == {"whatToDo": expected}


def test_a_diagnosis_names_the_endpoint_of_the_settings_too() -> None:
    settings = read_settings({"ARM_ENDPOINT": "https://arm.example.com"})
    fix, sentence = pasted([PATCH, "ask somebody"], settings)
    assert "'https://arm.example.com/subscriptions/" in fix
    assert sentence == "ask somebody"


def test_without_settings_the_active_cloud_is_asked() -> None:
    edit = SetServerTls(server=SINGLE, enforced=True)
    (told,) = fix_commands((edit,), ACTIVE_CLOUD)
    assert told.startswith("az rest --method patch --url '/subscriptions/")


# --- beside edits ----------------------------------------------------------------------------------


def test_what_a_policy_tells_follows_the_commands_of_our_edits() -> None:
    """A restart that has to follow stands after the setting, with the sentence that announces it."""
    beside = sighting("a restart has to follow", "az restart it")
    alert = open_alert(policy(), replace(beside, commands=("az set it", "az restart it")), PORTAL)
    body = body_of(alert)
    assert body.index("az set it") < body.index("A restart has to follow.") < body.index("az restart it")


def test_sentences_alone_stand_before_the_commands_of_our_edits() -> None:
    alert = open_alert(policy(), replace(sighting("ask the owner"), commands=("az set it",)), PORTAL)
    body = body_of(alert)
    assert body.index("Ask the owner.") < body.index("az set it")


LONG = f"let the servers of subnet {SERVER}/{'x' * 250} reach each other, and past the appliance"


def test_a_step_is_said_to_its_end_however_long_it_is() -> None:
    choice = OneOf(ways=(Way(when="here", steps=("az it",)), Way(when="there", steps=("az that", LONG))))
    said = f"L{LONG[1:]}."
    assert said in body_of(opened(LONG, "az it"))
    assert said in body_of(opened("first", choice))
    assert f"no command exists: {said}" in body_of(
        open_alert(replace(policy(), no_command=LONG), sighting(), PORTAL)
    )


def test_an_alert_that_is_reworded_has_the_steps_of_the_newest_sighting_and_the_rest_of_its_own() -> None:
    alert = reworded(opened(*TOLD, seen=1), sighting("az other", seen=2, endsOnNewServer=True))
    assert (alert.alternatives, alert.commands, alert.count) == ((), ("az other",), 1)
    assert (alert.evidence["seen"], alert.evidence["whatToDo"]) == (1, ["az other"])
    assert alert.ends_on_new_server


def test_what_keeps_a_rule_from_being_added_is_said_instead_of_that_nothing_is_known() -> None:
    why = "no lower number is free: move 'web' from 100 to 101, and put an allow rule at 100"
    body = body_of(opened(noFixReason=why))
    assert f"**To fix it by hand:** N{why[1:]}." in body
    assert "no single command" not in body
