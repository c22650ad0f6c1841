"""The page behind a message's link: what it shows to whom, what its forms do, what no other site can do."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.pages.callers import principal_header
from shared.alerts.page_link import ACT, LOOK, page_link, page_path, sign_in_path
from shared.api import ApiRequest, ApiResponse, answer
from shared.api.form_tokens import VALID
from shared.api.http import HTML
from shared.api.rights import ROLES, Right
from shared.api.routes import ROUTES
from shared.controller.notifying import end_alert
from shared.model import Action, Actor, Decision, EnforcementMode, Json, Reason
from shared.model.alert_records import AlertRecord, AlertStatus, Planned
from shared.model.sections import Link
from shared.state.store import Store
from tests.api.calling import WorldSources, alerted, problem
from tests.fakes import SOMEBODY, World
from tests.memory import MemoryBlobs, MemoryTables

HOST = "driftward.azurewebsites.net"
OPERATOR, APPROVER = ROLES[Right.OPERATE], ROLES[Right.APPROVE]
KIM = principal_header(OPERATOR, APPROVER, object_id="kim-object")
SAME_SITE = {"sec-fetch-site": "same-origin", "origin": f"https://{HOST}", "host": HOST}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
STEPS = ("acknowledge", "approve")
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>`javascript:alert(1)` {{7*7}} \u202e</style>"
)


class Read(HTMLParser):
    """Elements with their attributes, the texts, and the forms as a browser would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.forms: dict[str, dict[str, str]] = {}
        self._at = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.elements.append((tag, said))
        if tag == "form":
            assert said["method"] == "post"
            self._at = str(said["action"])
            self.forms[self._at] = {}
        if tag == "input":
            self.forms[self._at][str(said["name"])] = str(said["value"])

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def form(self, step: str) -> dict[str, str]:
        return next(fields for path, fields in self.forms.items() if path.endswith(f"/{step}"))

    def has(self, step: str) -> bool:
        return any(path.endswith(f"/{step}") for path in self.forms)


def waiting() -> tuple[World, AlertRecord]:
    """A drift whose revert somebody has to approve, in an app where people sign in."""
    world, alert = alerted()
    world.authentication, world.host = True, HOST
    asks = Decision(policy=alert.policy, action=Action.ALERT, reason=Reason.APPROVAL_REQUIRED)
    plan = Planned(edits=("one",), does=("public access is set to Disabled",), digest="digest-1")
    return world, world.store.put_alert(replace(alert, decision=asks, planned=plan))


def get(world: World, alert_id: str, headers: Mapping[str, str] = KIM) -> ApiResponse:
    sent = {"host": HOST, **BROWSER, **headers}
    request = ApiRequest(parameters={"id": alert_id}, headers=sent)
    return answer("show_alert_page", request, WorldSources(world))


def read(world: World, alert: AlertRecord, headers: Mapping[str, str] = KIM) -> Read:
    shown = get(world, alert.id, headers)
    assert (shown.status, shown.media_type) == (200, HTML), shown.body
    return Read(str(shown.body))


def post(
    world: World, alert: AlertRecord, step: str, fields: Mapping[str, str], headers: Mapping[str, str] = KIM
) -> ApiResponse:
    sent = {**SAME_SITE, **BROWSER, **FORM, **headers}
    body = urlencode(fields).encode()
    request = ApiRequest(parameters={"id": alert.id}, headers=sent, body=body)
    return answer(f"{step}_on_page", request, WorldSources(world))


def kept(world: World, alert: AlertRecord) -> AlertRecord:
    found = world.store.alert(alert.id)
    assert found is not None
    return found


def is_untouched(world: World, alert: AlertRecord) -> bool:
    return (kept(world, alert).status, kept(world, alert).approval) == (alert.status, alert.approval)


# --- what it shows ---------------------------------------------------------------------------------


def test_whoever_signed_in_reads_the_alert_as_people_are_told_of_it() -> None:
    world, alert = waiting()
    text = read(world, alert).text
    for lead in (
        "What:",
        "Where:",
        "Who and when:",
        "Why it matters:",
        "Decision:",
        "To fix it by hand",
        "Alert:",
    ):
        assert lead in text
    assert "What an approval would do, and no more" in text
    assert "public access is set to Disabled" in text
    assert "Signed in as Jane Doe" in text
    assert all(command in text for command in alert.commands)


def test_looking_at_it_changes_nothing_and_asks_azure_nothing() -> None:
    world, alert = waiting()
    before = (world.queue.bodies(), world.azure.reads, list(world.azure.writes), world.delivered.copy())
    for _ in range(3):
        read(world, alert)
    assert kept(world, alert) == alert
    assert (world.queue.bodies(), world.azure.reads, list(world.azure.writes), world.delivered) == before


@pytest.mark.parametrize(
    ("roles", "steps"),
    [((), ()), ((OPERATOR,), ("acknowledge",)), ((APPROVER,), ("approve",)), ((OPERATOR, APPROVER), STEPS)],
)
def test_a_button_is_shown_to_whom_the_api_would_admit_and_the_others_read_which_role_it_takes(
    roles: tuple[str, ...], steps: tuple[str, ...]
) -> None:
    world, alert = waiting()
    shown = read(world, alert, principal_header(*roles, object_id="kim-object"))
    assert [step for step in STEPS if shown.has(step)] == list(steps)
    missing = {OPERATOR, APPROVER} - set(roles)
    assert all(
        (f"takes the app role {role}" in shown.text) == (role in missing) for role in (OPERATOR, APPROVER)
    )


def test_no_approval_is_offered_to_the_writer_nor_in_audit_nor_where_none_is_asked_for() -> None:
    world, alert = waiting()
    own = read(world, alert, principal_header(APPROVER, object_id=str(SOMEBODY.object_id)))
    assert not own.has("approve")
    assert "somebody else has to approve" in own.text
    world.mode = EnforcementMode.AUDIT
    assert not read(world, alert).has("approve")
    world.mode = EnforcementMode.ENFORCE
    by_hand = replace(alert.decision, reason=Reason.MANUAL)
    assert not read(world, world.store.put_alert(replace(alert, decision=by_hand))).has("approve")


def test_what_is_over_shows_how_it_ended_and_no_button() -> None:
    world, alert = waiting()
    over = replace(
        alert,
        status=AlertStatus.RESOLVED,
        resolution="a later look found it gone",
        resolved_at=alert.last_seen,
    )
    shown = read(world, world.store.put_alert(over))
    assert shown.forms == {}
    assert "later look found it gone" in shown.text


# --- names of strangers, and what a browser is told ------------------------------------------------


def test_nothing_that_a_stranger_chose_is_markup() -> None:
    world, alert = waiting()
    actor = Actor(object_id="mallory", app_id=HOSTILE, name=HOSTILE)
    plan = Planned(edits=("one",), does=(HOSTILE,), digest="digest-1")
    odd = replace(
        alert,
        title=HOSTILE,
        reason=HOSTILE,
        why=HOSTILE,
        evidence={HOSTILE: HOSTILE, "rules": [{"name": HOSTILE}]},
        cause=replace(alert.cause, actor=actor, operation_name=HOSTILE),
        commands=(f"az {HOSTILE}",),
        planned=plan,
        acknowledged_by=HOSTILE,
        portal=f"https://portal.azure.com/{HOSTILE}",
    )
    body = str(get(world, world.store.put_alert(odd).id).body)
    shown = Read(body)
    assert {tag for tag, _ in shown.elements} <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "h1",
            "h2",
            "p",
            "ul",
            "li",
            "br",
            "strong",
        ),
        *("code", "pre", "a", "form", "input", "button"),
    }
    assert body.count("<style>") == body.count("</style>") == 1
    assert not any(name.startswith("on") or name == "style" for _, said in shown.elements for name in said)
    links = [str(said["href"]) for tag, said in shown.elements if tag == "a"]
    assert all(link.startswith("https://portal.azure.com/") for link in links)
    assert "<script>" in unescape(body)  # it is told, as letters


@given(st.text(max_size=60))
def test_no_text_breaks_the_page(text: str) -> None:
    world, alert = waiting()
    odd = replace(alert, reason=text, cause=replace(alert.cause, actor=Actor(name=text)))
    response = get(world, world.store.put_alert(odd).id)
    assert response.status == 200
    str(response.body).encode()
    assert {tag for tag, _ in Read(str(response.body)).elements}.isdisjoint(
        {"script", "img", "iframe", "svg"}
    )


@pytest.mark.parametrize("path", ["shown", "signed out", "missing", "refused", "done"])
def test_a_browser_is_told_to_run_load_and_keep_nothing_and_to_frame_no_page(path: str) -> None:
    world, alert = waiting()
    fields = read(world, alert).form("acknowledge")
    response = {
        "shown": lambda: get(world, alert.id),
        "signed out": lambda: get(world, alert.id, {}),
        "missing": lambda: get(world, "nothing"),
        "refused": lambda: post(world, alert, "acknowledge", {}),
        "done": lambda: post(world, alert, "acknowledge", fields),
    }[path]()
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    style = re.findall("<style>(.*?)</style>", str(response.body), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256("".join(style).encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert response.media_type == HTML
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_other_sites_hear_no_address_of_ours_and_our_own_forms_say_where_they_come_from() -> None:
    """``no-referrer`` would make the form's ``Origin`` null, which App Service authentication refuses."""
    world, alert = waiting()
    assert get(world, alert.id).headers["Referrer-Policy"] == "same-origin"


# --- signing in ------------------------------------------------------------------------------------


def test_whoever_did_not_sign_in_is_shown_the_way_in_and_nothing_of_any_alert() -> None:
    world, alert = waiting()
    there, missing = get(world, alert.id, {}), get(world, "0000000000000000", {})
    assert there.status == missing.status == 401
    assert str(there.body).replace(alert.id, "") == str(missing.body).replace("0000000000000000", "")
    (link,) = [said["href"] for tag, said in Read(str(there.body)).elements if tag == "a"]
    assert link == sign_in_path(alert.id)


def test_the_way_in_leads_back_to_the_page_of_the_same_host_and_nowhere_else() -> None:
    parts = urlsplit(sign_in_path("36053170bd2017c4"))
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/.auth/login/aad")
    assert parse_qs(parts.query) == {"post_login_redirect_uri": ["/api/alerts/36053170bd2017c4/page"]}


@pytest.mark.parametrize(
    "odd", ["//evil.example", "https://evil.example", "..", "a/b", "a%2fb", "é", "", "x" * 65]
)
def test_an_id_that_is_none_leads_nowhere(odd: str) -> None:
    world, _ = waiting()
    for headers in ({}, KIM):
        response = get(world, odd, headers)
        assert response.status == 404
        assert "evil.example" not in str(response.body)


@pytest.mark.parametrize("operator_keys", [False, True])
def test_without_a_sign_in_the_page_names_the_commands_and_takes_no_key(operator_keys: bool) -> None:
    world, alert = waiting()
    world.authentication, world.operator_keys = False, operator_keys
    query = {"code": "the-key"}
    headers = {"host": HOST, "x-functions-key": "the-key", **KIM}
    request = ApiRequest(parameters={"id": alert.id}, headers=headers, query=query)
    response = answer("show_alert_page", request, WorldSources(world))
    shown = Read(str(response.body))
    assert response.status == 200
    assert shown.forms == {}
    assert f"driftward alert approve {alert.id}" in shown.text
    assert alert.title not in shown.text
    assert "the-key" not in str(response.body)
    for step in STEPS:
        assert post(world, alert, step, {"seen": "x", "until": "1", "token": "x"}).status == 401
    assert is_untouched(world, alert)


# --- forms -----------------------------------------------------------------------------------------


def test_the_button_acknowledges_in_the_name_of_whoever_signed_in() -> None:
    world, alert = waiting()
    response = post(world, alert, "acknowledge", read(world, alert).form("acknowledge"))
    assert (response.status, response.headers["Location"]) == (303, page_path(alert.id))
    assert (kept(world, alert).status, kept(world, alert).acknowledged_by) == (
        AlertStatus.ACKNOWLEDGED,
        "Jane Doe",
    )
    assert not read(world, alert).has("acknowledge")


def test_the_button_approves_what_was_shown_and_has_it_looked_at() -> None:
    world, alert = waiting()
    response = post(world, alert, "approve", read(world, alert).form("approve"))
    approval = kept(world, alert).approval
    assert response.status == 303
    assert approval is not None
    assert (approval.planned, approval.actor) == (
        alert.planned,
        Actor(object_id="kim-object", name="Jane Doe"),
    )
    assert world.queue.bodies() != []
    shown = read(world, alert)
    assert not shown.has("approve")
    assert "Approved" in shown.text


def changed_plan(alert: AlertRecord) -> AlertRecord:
    assert alert.planned is not None
    return replace(alert, planned=replace(alert.planned, does=("everything is deleted",), digest="digest-2"))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "change",
    [changed_plan, lambda one: replace(one, count=one.count + 1)],
    ids=["another plan", "seen again"],
)
def test_what_has_changed_since_it_was_shown_is_refused_and_shown_as_it_is_now(
    step: str, change: object
) -> None:
    world, alert = waiting()
    fields = read(world, alert).form(step)
    assert callable(change)
    newer = world.store.put_alert(change(alert))
    response = post(world, alert, step, fields)
    assert response.status == 409
    assert is_untouched(world, alert)
    shown = Read(str(response.body))
    assert "not what you were shown" in shown.text
    assert newer.planned is not None
    assert newer.planned.does[0] in shown.text
    assert post(world, newer, step, shown.form(step)).status == 303


def other_alert(world: World) -> AlertRecord:
    _, alert = waiting()
    return world.store.put_alert(replace(alert, id="0" * 16, etag=None, listed=()))


@pytest.mark.parametrize("step", STEPS)
def test_a_form_of_another_person_alert_step_or_making_does_nothing(step: str) -> None:
    world, alert = waiting()
    other, fields = other_alert(world), read(world, alert).form(step)
    another = next(name for name in STEPS if name != step)
    lee = principal_header(OPERATOR, APPROVER, object_id="lee-object")
    later = {**fields, "until": str(int(fields["until"]) + 3600)}
    forged = [
        post(world, alert, step, fields, lee),
        post(world, other, step, fields),
        post(world, alert, another, fields),
        post(world, alert, step, later),
        post(world, alert, step, {**fields, "seen": "another"}),
        post(world, alert, step, {**fields, "token": "é" * 64}),
        post(world, alert, step, {**fields, "token": ""}),
    ]
    assert [response.status for response in forged] == [*[403] * 6, 400]
    assert is_untouched(world, alert)
    assert is_untouched(world, other)


@pytest.mark.parametrize(
    "fields", [{}, {"seen": "a"}, {"seen": "a", "until": "b", "token": "c", "by": "Jane"}]
)
def test_a_form_with_other_fields_is_no_form_of_ours(fields: dict[str, str]) -> None:
    world, alert = waiting()
    assert post(world, alert, "acknowledge", fields).status == 400
    assert is_untouched(world, alert)


def test_a_form_counts_for_half_an_hour() -> None:
    world, alert = waiting()
    fields = read(world, alert).form("acknowledge")
    world.clock.advance((VALID + timedelta(seconds=1)).total_seconds())
    response = post(world, alert, "acknowledge", fields)
    assert response.status == 409
    assert Read(str(response.body)).has("acknowledge")
    assert is_untouched(world, alert)


def test_every_worker_knows_the_forms_of_the_others_and_no_other_store_does() -> None:
    world, alert = waiting()
    fields = read(world, alert).form("acknowledge")
    world.store = Store(world.tables, world.blobs, world.queue)
    assert post(world, alert, "acknowledge", fields).status == 303
    one, other = (
        Store(MemoryTables(), MemoryBlobs(), world.queue),
        Store(MemoryTables(), MemoryBlobs(), world.queue),
    )
    assert one.page_key.read() == one.page_key.read() != other.page_key.read()
    assert len(one.page_key.read()) == 64


@pytest.mark.parametrize("step", STEPS)
def test_a_form_takes_the_role_of_the_api(step: str) -> None:
    world, alert = waiting()
    fields = read(world, alert).form(step)
    needed = OPERATOR if step == "acknowledge" else APPROVER
    without = principal_header(*({OPERATOR, APPROVER} - {needed}), object_id="kim-object")
    assert post(world, alert, step, fields, without).status == 403
    assert is_untouched(world, alert)


# --- other sites -----------------------------------------------------------------------------------

ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "another site": {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    "another app of the same domain": {
        "sec-fetch-site": "same-site",
        "origin": "https://evil.azurewebsites.net",
    },
    "another site, by an older browser": {"origin": "https://evil.example", "host": HOST},
    "a page without an origin": {"origin": "null", "host": HOST},
    "another port": {"origin": f"https://{HOST}:8443", "host": HOST},
    "an origin that is none": {"origin": "https://[", "host": HOST},
    "a host that nobody knows": {"origin": "https://evil.example"},
    "a word that is none": {
        "sec-fetch-site": "same-origin, cross-site",
        "origin": f"https://{HOST}",
        "host": HOST,
    },
}
POSTS = [route.name for route in ROUTES if route.method != "GET"]


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.field(
    "http",
    "A POST that a browser says comes from another site is refused, though its session goes along.",
    source="https://www.w3.org/TR/fetch-metadata/",
    date="2026-11-30",
)
def test_no_other_site_has_a_signed_in_browser_ask_anything(name: str, headers: Mapping[str, str]) -> None:
    world, alert = waiting()
    before = (world.queue.bodies(), list(world.azure.writes))
    kind = "application/x-www-form-urlencoded" if name.endswith("_on_page") else "application/json"
    sent = {**KIM, **headers, "content-type": kind}
    response = answer(
        name, ApiRequest(parameters={"id": alert.id}, headers=sent, body=b"{}"), WorldSources(world)
    )
    assert response.status == 403
    assert "another site" in str(response.body)
    assert is_untouched(world, alert)
    assert (world.queue.bodies(), list(world.azure.writes)) == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": f"https://{HOST}", "host": HOST},
        {"sec-fetch-site": "none", "host": HOST},
        {"origin": f"https://{HOST.upper()}", "host": HOST},
    ],
    ids=["a program", "our page", "the person", "our page, by an older browser"],
)
def test_programs_and_our_own_pages_are_answered(headers: Mapping[str, str]) -> None:
    world, alert = waiting()
    sent = {**KIM, **headers, "content-type": "application/json"}
    request = ApiRequest(parameters={"id": alert.id}, headers=sent, body=b"{}")
    assert answer("acknowledge_alert", request, WorldSources(world)).status == 200


BODY: Mapping[str, Json] = {"on": True, "reason": "incident 4711"}


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_form_that_sends_nothing_is_a_form_still(kind: str) -> None:
    """Two routes ask for no body: browsers that say nothing of where a form comes from send them that."""
    world, alert = waiting()
    for name in ("acknowledge_alert", "approve_alert"):
        request = ApiRequest(parameters={"id": alert.id}, headers={**KIM, "content-type": kind}, body=b"")
        problem(answer(name, request, WorldSources(world)), 415, "wrong-media-type", "body")
    assert is_untouched(world, alert)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_body_that_may_come_with_nothing_but_a_cookie_has_to_be_json(kind: str) -> None:
    world, _ = waiting()
    body = b'{"on": true, "reason": "incident 4711"}'

    def asked(**more: str) -> ApiResponse:
        sent = {**KIM, "content-type": kind, **more}
        return answer("set_break_glass", ApiRequest(headers=sent, body=body), WorldSources(world))

    problem(asked(), 415, "wrong-media-type", "body")
    assert asked(authorization="Bearer token").status == 200
    assert asked(**{"content-type": "application/json; charset=utf-8"}).status == 200
    world.authentication = False
    assert asked().status == 200


# --- the link --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "signs_in", "address"),
    [
        (HOST, True, f"https://{HOST}/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Falerts%2Fa1%2Fpage"),
        (HOST, False, f"https://{HOST}/api/alerts/a1/page"),
        ("127.0.0.1:7071", False, "http://127.0.0.1:7071/api/alerts/a1/page"),
        ("localhost:7071", False, "http://localhost:7071/api/alerts/a1/page"),
        ("", True, ""),
        ("evil.example/x", True, ""),
        ("a b", True, ""),
    ],
)
def test_the_address_is_the_apps_own_and_leads_through_the_sign_in(
    host: str, signs_in: bool, address: str
) -> None:
    assert page_link("a1", host, signs_in=signs_in) == address


@pytest.mark.parametrize("host", [HOST, ""])
def test_a_message_leads_to_the_page_where_the_app_knows_its_address(host: str) -> None:
    world, alert = waiting()
    world.host = host
    world.delivered.clear()
    post(world, alert, "acknowledge", read(world, alert).form("acknowledge"))
    end_alert(kept(world, alert), "it is over", world.deps())
    world.drain(5)
    address = f"https://{HOST}{sign_in_path(alert.id)}"
    page_links = [[link for link in one.links if link.url != alert.portal] for one in world.delivered]
    labels = [ACT, LOOK] if host else []
    assert [link for links in page_links for link in links] == [
        Link(label=one, url=address) for one in labels
    ]
    assert len(page_links) == 2
