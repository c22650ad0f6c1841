"""Who may do what over HTTP: every route, every caller, every way in which the app can be set.

``local.pages.callers`` says what reaches the app of a request, and docs/authorisation.md is made from it;
here the same requests are sent to the API.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.dev.environments import ROOT
from local.pages.authorisation_page import authorisation_page
from local.pages.callers import DOORS, Caller, arriving, passes_platform, principal_header, status_for
from shared.api import ApiRequest, ApiResponse, answer
from shared.api.admission import ShutRoute
from shared.api.operator import CLAIMED
from shared.api.principal import LONGEST_HEADER, NOBODY, PRINCIPAL_HEADER, Who, principal_in
from shared.api.rights import ROLES, Right
from shared.api.route import Route
from shared.api.routes import ROUTES
from shared.config.settings import Settings
from shared.model import Actor, Cause, CauseKind, EnforcementMode, Json
from shared.model.alert_records import AlertRecord
from shared.model.codec import load, to_json
from shared.model.errors import Denied, StoreError
from shared.model.interfaces import Entity
from shared.model.messages import Message, MessageKind
from shared.state.store import Store
from tests.api.calling import (
    IN_AN_HOUR,
    BrokenBlobs,
    WorldSources,
    alerted,
    call,
    drifted,
    problem,
    reverted,
)
from tests.builders import OFFICE, SERVER, public_server, server
from tests.fakes import SOMEBODY, START, SUBSCRIPTION, World
from tests.memory import MemoryBlobs, MemoryTables

OPERATOR, APPROVER = ROLES[Right.OPERATE], ROLES[Right.APPROVE]
READING: Mapping[str, Json] = {"resourceId": str(SERVER), "enforcement": "audit"}
BODIES: Mapping[tuple[str, str], Json] = {
    ("start_run", ""): READING,
    ("start_run", "the run enforces or adopts"): {"resourceId": str(SERVER), "enforcement": "enforce"},
    ("rollback_change", ""): {"reason": "it is needed", "expiresAt": IN_AN_HOUR},
    ("set_break_glass", ""): {"on": True, "reason": "incident 4711"},
    ("add_exemption", ""): {
        "policy": "postgres-public-access-enabled",
        "scope": str(SERVER),
        "reason": "a partner",
        "expiresAt": IN_AN_HOUR,
    },
    ("explain_nsg", ""): {"nsg": [], "direction": "Inbound", "source": "*", "destination": "*", "ports": "*"},
}
"""By route and by when it takes more than usual; no body where nothing stands here."""
CASES = [
    pytest.param(route, right, when, id=f"{route.name}{', raised' if when else ''}")
    for route in ROUTES
    for right, when in route.rights
]


def set_to(settings: Settings, **parts: Any) -> World:
    """A world whose app is set like this."""
    return World(operator_keys=settings.operator_keys, authentication=settings.authentication, **parts)


def refused(response: ApiResponse) -> int:
    """401 or 403 as the door answers them, else 200."""
    kinds = {"/problems/sign-in-required", "/problems/not-permitted"}
    at_the_door = isinstance(response.body, dict) and response.body.get("type") in kinds
    return response.status if at_the_door else 200


# --- the table -------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("route", "right", "when"), CASES)
@pytest.mark.field(
    "http",
    "Writing takes a role of whoever signed in; a header that names somebody counts where none is forged.",
    source="docs/authorisation.md",
    date="2026-11-29",
)
def test_every_route_answers_to_everybody_as_the_page_says(
    route: Route, right: Right, when: str, door: str
) -> None:
    settings = DOORS[door]
    body = BODIES.get((route.name, when))
    for who in Caller:
        if passes_platform(right, who, settings):
            headers = arriving(right, who, settings)
            response = call(set_to(settings), route.name, body, id="nothing", headers=headers)
            assert refused(response) == status_for(right, who, settings, page=route.page), who
        else:
            assert status_for(right, who, settings, page=route.page) == 401, who


@pytest.mark.parametrize(("route", "right", "when"), CASES)
def test_where_authentication_is_on_the_app_asks_for_a_caller_itself(
    route: Route, right: Right, when: str
) -> None:
    """The platform can be told to let everybody pass, and then nobody is named."""
    world = set_to(Settings(authentication=True, operator_keys=True))
    response = call(world, route.name, BODIES.get((route.name, when)), id="nothing")
    if right is Right.NONE:
        assert response.status == 200
    else:
        problem(response, 401, "sign-in-required")
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_page_is_up_to_date_and_has_a_row_for_every_right_of_every_route() -> None:
    page = (ROOT / "docs" / "authorisation.md").read_text(encoding="utf-8")
    assert page == authorisation_page()
    assert page.count("\n| `") == len(DOORS) * len(CASES)


def test_every_route_that_writes_takes_a_role() -> None:
    posts = {route.name: {right for right, _ in route.rights} & set(ROLES) for route in ROUTES}
    assert {name: rights for name, rights in posts.items() if rights} == {
        "set_break_glass": {Right.OPERATE},
        "start_run": {Right.OPERATE},
        "acknowledge_alert": {Right.OPERATE},
        "approve_alert": {Right.APPROVE},
        "acknowledge_on_page": {Right.OPERATE},
        "approve_on_page": {Right.APPROVE},
        "rollback_change": {Right.OPERATE},
        "add_exemption": {Right.APPROVE},
        "revoke_exemption": {Right.OPERATE},
    }
    assert {name for name, rights in posts.items() if rights} >= {
        route.name for route in ROUTES if route.method != "GET" and route.name != "explain_nsg"
    }


@pytest.mark.parametrize("mode", EnforcementMode)
@pytest.mark.parametrize("enforcement", [None, "audit", "enforce"])
@pytest.mark.parametrize("adopt", [False, True])
def test_a_run_takes_a_role_where_it_would_write_or_adopts(
    mode: EnforcementMode, enforcement: str | None, adopt: bool
) -> None:
    world = set_to(Settings(), mode=mode)
    world.azure.put(server())
    response = call(
        world, "start_run", {"resourceId": str(SERVER), "enforcement": enforcement, "adopt": adopt}
    )
    writes = adopt or (enforcement != "audit" and mode is EnforcementMode.ENFORCE)
    assert refused(response) == (403 if writes else 200)


def test_nothing_is_done_for_whoever_is_refused() -> None:
    world, alert = alerted()
    world.operator_keys = False
    done = (list(world.azure.writes), world.azure.reads, world.queue.bodies())
    for name, body in (("acknowledge_alert", None), ("approve_alert", None)):
        problem(call(world, name, body, id=alert.id), 403, "not-permitted")
    problem(call(world, "start_run", {"resourceId": str(SERVER), "adopt": True}), 403, "not-permitted")
    assert world.store.alert(alert.id) == alert
    assert (world.azure.writes, world.azure.reads, world.queue.bodies()) == done


def test_a_refusal_names_the_role_and_the_one_setting_that_opens_the_route() -> None:
    world, alert = alerted()
    world.operator_keys = False
    detail = problem(call(world, "approve_alert", id=alert.id), 403, "not-permitted")
    assert "Driftward.Approver" in detail
    assert "OPERATOR_KEYS=allow" in detail
    world.authentication = True
    response = call(world, "approve_alert", id=alert.id, headers=principal_header(OPERATOR))
    detail = problem(response, 403, "not-permitted")
    assert "Driftward.Approver" in detail
    assert "OPERATOR_KEYS" not in detail


# --- who asks --------------------------------------------------------------------------------------


def header(document: object) -> dict[str, str]:
    return {PRINCIPAL_HEADER: base64.b64encode(json.dumps(document).encode()).decode()}


def drifted_with(*, authentication: bool = False) -> World:
    world = drifted()
    world.authentication = authentication
    return world


def actor_of_a_run(world: World, headers: Mapping[str, str], **body: str) -> Json:
    response = call(world, "start_run", {"resourceId": str(SERVER), **body}, headers=headers)
    assert response.status in {200, 202}, response.body
    return response.body["cause"]["actor"]


def test_who_signed_in_is_the_actor_by_name_and_ids() -> None:
    headers = principal_header(OPERATOR, appid="azure-cli")
    actor = actor_of_a_run(drifted_with(authentication=True), headers, by="Somebody Else")
    assert actor == {"appId": "azure-cli", "objectId": "jane-object", "name": "Jane Doe"}


def test_while_authentication_is_off_no_header_names_anybody() -> None:
    """Whoever holds the key could send it."""
    headers = principal_header(OPERATOR) | {
        "x-ms-client-principal-name": "jane@example.com",
        "x-ms-client-principal-id": "jane-object",
    }
    nameless = {"appId": None, "objectId": None, "name": f"operator ({CLAIMED})"}
    assert actor_of_a_run(drifted_with(), headers) == nameless
    assert actor_of_a_run(drifted_with(), headers, by="Jane")["name"] == f"Jane ({CLAIMED})"


def test_the_short_headers_say_what_the_claims_do_not_and_name_nobody_alone() -> None:
    short = {"x-ms-client-principal-name": "Kim", "x-ms-client-principal-id": "kim-object"}
    world = drifted_with(authentication=True)
    assert actor_of_a_run(world, principal_header(OPERATOR) | short)["name"] == "Jane Doe"
    roles = header({**GOOD, "claims": GOOD["claims"][1:]})
    assert principal_in(roles) == NOBODY
    assert (principal_in(roles | short).name, principal_in(roles | short).object_id) == ("Kim", "kim-object")
    problem(call(world, "list_alerts", headers=short), 401, "sign-in-required")


def test_a_name_that_a_key_holder_claims_is_written_down_as_claimed() -> None:
    world, change = reverted()
    body = {"reason": "it is needed", "expiresAt": IN_AN_HOUR, "by": "Jane"}
    rolled_back = call(world, "rollback_change", body, id=change.id).body
    assert rolled_back["cause"]["actor"]["name"] == f"Jane ({CLAIMED})"
    (exemption,) = world.store.recall(server().target, world.clock.now()).exemptions
    assert exemption.approver == f"Jane ({CLAIMED})"


GOOD = {
    "auth_typ": "aad",
    "claims": [{"typ": "oid", "val": "jane-object"}, {"typ": "roles", "val": OPERATOR}],
    "name_typ": "name",
    "role_typ": "roles",
}
_ADDRESS = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


@pytest.mark.parametrize(
    "claims",
    [
        [{"typ": "roles", "val": OPERATOR}],
        [{"typ": "roles", "val": OPERATOR}, {"typ": "roles", "val": OPERATOR}],
        [{"typ": "roles", "val": "Another"}, {"typ": "roles", "val": OPERATOR}],
        [{"typ": _ADDRESS, "val": OPERATOR}],
        [{"typ": "mapped", "val": OPERATOR}],
        [{"typ": "roles", "val": OPERATOR}, {"typ": "groups"}, {"typ": 7, "val": None}, "odd", None],
    ],
)
def test_roles_are_read_whatever_the_claims_are_called(claims: list[Json]) -> None:
    document = {**GOOD, "role_typ": "mapped", "claims": [*GOOD["claims"][:1], *claims]}
    assert OPERATOR in principal_in(header(document)).roles


@pytest.mark.parametrize(
    "claims",
    [
        [{"typ": "groups", "val": OPERATOR}],
        [{"typ": "name", "val": OPERATOR}],
        [{"typ": "roles", "val": OPERATOR.lower()}],
        [{"typ": "roles", "val": f"{OPERATOR}, {APPROVER}"}],
        [{"typ": "roles", "val": [OPERATOR]}],
        [{"typ": "scp", "val": OPERATOR}],
    ],
)
def test_what_is_no_role_gives_none(claims: list[Json]) -> None:
    principal = principal_in(header({**GOOD, "claims": [*GOOD["claims"][:1], *claims]}))
    assert principal.who is Who.SIGNED_IN
    assert not principal.roles & {OPERATOR, APPROVER}


def test_the_header_is_read_with_and_without_padding() -> None:
    for length in range(4):
        document = {**GOOD, "claims": [*GOOD["claims"], {"typ": "x", "val": "y" * length}]}
        padded = header(document)[PRINCIPAL_HEADER]
        for text in (padded, padded.rstrip("=")):
            assert principal_in({PRINCIPAL_HEADER: text}).object_id == "jane-object"


def test_a_program_is_known_by_its_ids() -> None:
    claims = [{"typ": "appid", "val": "pipeline"}, {"typ": "roles", "val": OPERATOR}]
    principal = principal_in(header({**GOOD, "claims": claims}))
    assert (principal.who, principal.app_id, principal.name) == (Who.SIGNED_IN, "pipeline", None)


WRONG = {
    "none": {},
    "empty": {PRINCIPAL_HEADER: ""},
    "no base64": {PRINCIPAL_HEADER: "%%%"},
    "half a group": {PRINCIPAL_HEADER: "abcde"},
    "two of them": {PRINCIPAL_HEADER: ",".join([header(GOOD)[PRINCIPAL_HEADER]] * 2)},
    "no text": {PRINCIPAL_HEADER: base64.b64encode(b"\xff\xfe\x00").decode()},
    "no ascii": {PRINCIPAL_HEADER: "ü" * 8},
    "no object": header([GOOD]),
    "nested without end": {PRINCIPAL_HEADER: base64.b64encode(b"[" * 40_000).decode()},
    "too long": header({**GOOD, "padding": "x" * LONGEST_HEADER}),
    "of a static web app": header(
        {"identityProvider": "aad", "userId": "jane-object", "userRoles": [OPERATOR]}
    ),
    "of another provider": header({**GOOD, "auth_typ": "github"}),
    "of no provider": header({**GOOD, "auth_typ": None}),
    "no claims": header({**GOOD, "claims": None}),
    "claims by name": header({**GOOD, "claims": {"oid": "jane-object", "roles": OPERATOR}}),
    "nobody's": header({**GOOD, "claims": [{"typ": "roles", "val": OPERATOR}]}),
    "an id of blanks": header({**GOOD, "claims": [{"typ": "oid", "val": " \n "}]}),
    "an odd type of roles": header({**GOOD, "role_typ": ["roles"], "claims": []}),
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
def test_a_header_that_cannot_be_read_is_nobody(headers: Mapping[str, str]) -> None:
    world = drifted_with(authentication=True)
    problem(call(world, "list_alerts", headers=headers), 401, "sign-in-required")
    problem(call(world, "start_run", READING, headers=headers), 401, "sign-in-required")


def test_an_odd_type_of_roles_takes_no_role_away() -> None:
    assert OPERATOR in principal_in(header({**GOOD, "role_typ": ["roles"]})).roles


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_CLAIMS = st.lists(
    st.fixed_dictionaries({"typ": st.sampled_from(["roles", "oid", "name"]) | _JSON, "val": _JSON}) | _JSON
)
_DOCUMENTS = st.fixed_dictionaries(
    {"auth_typ": st.just("aad") | _JSON, "claims": _CLAIMS | _JSON, "role_typ": st.just("roles") | _JSON}
)
_HEADERS = st.text(max_size=40) | st.builds(lambda document: header(document)[PRINCIPAL_HEADER], _DOCUMENTS)


@given(_HEADERS)
def test_no_header_breaks_the_reading(text: str) -> None:
    principal = principal_in({PRINCIPAL_HEADER: text})
    assert (principal == NOBODY) == (principal.who is Who.NOBODY)
    assert all(isinstance(role, str) for role in principal.roles)


# --- nobody approves their own write ---------------------------------------------------------------


def approving(alerted_world: World, alert: AlertRecord, **claims: str) -> ApiResponse:
    alerted_world.authentication = True
    headers = principal_header(APPROVER, **claims)
    return call(alerted_world, "approve_alert", id=alert.id, headers=headers)


def test_whoever_made_the_drift_does_not_approve_its_revert() -> None:
    world, alert = alerted()
    detail = problem(approving(world, alert, object_id=f"{SOMEBODY.object_id}".upper()), 403, "own-write")
    assert "somebody else" in detail
    kept = world.store.alert(alert.id)
    assert kept is not None
    assert kept.approval is None


def test_somebody_else_does_and_both_are_known() -> None:
    world, alert = alerted()
    approval = approving(world, alert, object_id="kim-object", appid="portal").body["approval"]
    assert (approval["by"], approval["notKnown"]) == ("Jane Doe", "")
    assert approval["actor"] == {"appId": "portal", "objectId": "kim-object", "name": "Jane Doe"}


def test_a_writer_known_by_app_alone_is_compared_by_app() -> None:
    world, alert = alerted()
    alert = world.store.put_alert(replace(alert, cause=replace(alert.cause, actor=Actor(app_id="pipeline"))))
    problem(approving(world, alert, object_id="pipeline-object", azp="Pipeline"), 403, "own-write")
    assert approving(world, alert, object_id="kim-object", azp="another").status == 202


def test_a_name_is_no_proof_that_two_are_the_same() -> None:
    world, alert = alerted()
    alert = world.store.put_alert(replace(alert, cause=replace(alert.cause, actor=Actor(name="Jane Doe"))))
    approval = approving(world, alert).body["approval"]
    assert approval["notKnown"] == "the writer is not known"


def test_whoever_only_had_the_target_looked_at_has_written_nothing() -> None:
    world = World(authentication=True)
    world.azure.put(public_server())
    headers = principal_header(OPERATOR)
    assert call(world, "start_run", {"resourceId": str(SERVER)}, headers=headers).status == 200
    (alert,) = world.open_alerts("postgres-public-access-enabled")
    assert alert.cause.actor.object_id == "jane-object"
    assert approving(world, alert).body["approval"]["notKnown"] == "the writer is not known"


KIM = Actor(app_id="portal", object_id="kim-object", name="Kim")


def test_a_harmless_write_under_another_name_makes_no_room_for_the_writer() -> None:
    world, alert = alerted()
    world.event(server().target, KIM)
    world.drain(30)
    seen = world.store.alert(alert.id)
    assert seen is not None
    assert (seen.cause.actor, seen.writers) == (KIM, (SOMEBODY,))
    for object_id in ("jane-object", "kim-object"):
        problem(approving(world, seen, object_id=object_id), 403, "own-write")


def test_writes_that_one_look_answers_are_all_remembered() -> None:
    world = World(authentication=True)
    world.azure.put(server(firewall_rules=(OFFICE,)))
    world.look(server().target)
    world.drain()
    world.azure.put(public_server())
    world.event(server().target)
    world.event(server().target, KIM)
    world.drain(30)
    (alert,) = world.open_alerts("postgres-public-access-enabled")
    assert approving(world, alert).status == 403
    assert approving(world, alert, object_id="kim-object").status == 403
    assert approving(world, alert, object_id="lee-object").status == 202


def test_what_was_over_and_comes_back_has_other_writers() -> None:
    world, alert = alerted()
    world.azure.put(server(firewall_rules=(OFFICE,)))
    world.event(server().target)
    world.drain(30)
    world.azure.put(public_server())
    world.event(server().target, KIM)
    world.drain(30)
    again = world.store.alert(alert.id)
    assert again is not None
    assert (again.cause.actor, again.writers) == (KIM, ())
    assert approving(world, again).status == 202


@pytest.mark.parametrize(("writer", "writes"), [(SOMEBODY, 0), (KIM, 1)], ids=["herself", "somebody else"])
def test_whoever_approved_before_their_own_event_arrived_has_approved_nothing(
    writer: Actor, writes: int
) -> None:
    world = World(authentication=True)
    world.azure.put(server(firewall_rules=(OFFICE,)))
    world.look(server().target)
    world.drain()
    world.azure.put(public_server())
    written = Cause(kind=CauseKind.EVENT, time=world.clock.now(), actor=writer, event_id="late")
    world.clock.advance(2)
    assert call(world, "start_run", READING, headers=principal_header(OPERATOR)).status == 200
    (alert,) = world.open_alerts("postgres-public-access-enabled")
    approved = approving(world, alert, object_id=f"{SOMEBODY.object_id}")
    assert (approved.status, approved.body["approval"]["notKnown"]) == (202, "the writer is not known")
    look = Message(kind=MessageKind.LOOK, target=alert.target, cause=written)
    world.store.arm(look, world.clock.now(), 0)
    world.drain(60)
    assert len(world.azure.writes) == writes


# --- what is shut ----------------------------------------------------------------------------------

SHUT = (
    ShutRoute(route="POST /api/break-glass", when="", opened_by="OPERATOR_KEYS=allow"),
    ShutRoute(route="POST /api/runs", when="the run enforces or adopts", opened_by="OPERATOR_KEYS=allow"),
    ShutRoute(route="POST /api/alerts/{id}/acknowledge", when="", opened_by="OPERATOR_KEYS=allow"),
    ShutRoute(route="POST /api/alerts/{id}/approve", when="", opened_by="OPERATOR_KEYS=allow"),
    ShutRoute(route="POST /api/changes/{id}/rollback", when="", opened_by="OPERATOR_KEYS=allow"),
    ShutRoute(route="POST /api/exemptions", when="", opened_by="OPERATOR_KEYS=allow"),
    ShutRoute(route="POST /api/exemptions/{id}/revoke", when="", opened_by="OPERATOR_KEYS=allow"),
)


@pytest.mark.parametrize("door", DOORS)
def test_health_names_what_is_shut_and_the_one_setting_that_opens_it(door: str) -> None:
    settings = DOORS[door]
    told = call(set_to(settings), "health").body
    nobody_writes = not (settings.authentication or settings.operator_keys)
    shown = [{"route": one.route, "when": one.when, "openedBy": one.opened_by} for one in SHUT]
    assert (told["status"], told["shut"]) == ("ok", shown if nobody_writes else [])


def test_health_of_broken_settings_shuts_nothing_and_nobody_is_let_in() -> None:
    sources = WorldSources(set_to(Settings()), broken=("settings",))
    assert answer("health", ApiRequest(), sources).body["shut"] == []
    for route in ROUTES[1:]:
        problem(answer(route.name, ApiRequest(), sources), 500, "not-configured")


def test_status_tells_key_holders_how_the_app_is_set() -> None:
    world = set_to(Settings(), mode=EnforcementMode.AUDIT)
    told = call(world, "status").body
    assert (told["mode"], told["authentication"], told["operatorKeys"]) == ("audit", False, False)
    assert told["scopes"] == [f"/subscriptions/{SUBSCRIPTION}"]
    assert told["breakGlass"] == [{"subscription": SUBSCRIPTION, "switch": "off", "blobs": []}]
    assert [one["route"] for one in told["shut"]] == [one.route for one in SHUT]


def test_status_tells_that_a_switch_is_on_or_cannot_be_read() -> None:
    world = World()
    world.store.set_break_glass(True, SUBSCRIPTION, by="Jane", reason="incident 4711", now=START)
    (thrown,) = call(world, "status").body["breakGlass"]
    assert (thrown["switch"], [blob["name"] for blob in thrown["blobs"]]) == (
        "on",
        [f"break-glass/{SUBSCRIPTION}"],
    )
    assert "incident 4711" in thrown["blobs"][0]["note"]
    world.store = Store(MemoryTables(), BrokenBlobs(), world.queue)
    assert call(world, "status").body["breakGlass"][0]["switch"] == "unreadable"


def test_status_lists_the_targets_that_nobody_can_judge_with_since_when_and_why() -> None:
    world = World()
    target = world.azure.put(server())
    assert call(world, "status").body["unknownTargets"] == []
    closed = Denied("no role", code="AuthorizationFailed", status=403)
    closed.request = f"GET {target.id}"
    world.azure.read_errors = [closed]
    world.event(target)
    world.drain()
    (unknown,) = call(world, "status").body["unknownTargets"]
    assert unknown["target"] == {"kind": "flexibleServer", "id": str(target.id)}
    assert (unknown["since"], unknown["againAt"]) == ("2026-11-02T08:00:00Z", "2026-11-02T08:01:00Z")
    assert unknown["why"] == f"GET {target.id} answered 403 AuthorizationFailed: no role"
    world.drain(61)
    assert call(world, "status").body["unknownTargets"] == []


class BrokenTables(MemoryTables):
    """Nothing can be listed here."""

    def query(self, *where: Any, **how: Any) -> Iterator[Entity]:
        raise StoreError("the account's key is wrong")


def test_status_says_that_it_does_not_know_which_targets_are_unknown() -> None:
    world = World()
    world.store = Store(BrokenTables(), MemoryBlobs(), world.queue)
    assert call(world, "status").body["unknownTargets"] is None


def test_status_shows_a_switch_with_a_ticket_in_its_name_as_on_for_every_subscription() -> None:
    world = World()
    world.blobs.put("control", "break-glass-7c9e6679-7425-40de-944b-e07fc1f90ae7", b"INC 4711")
    (shown,) = call(world, "status").body["breakGlass"]
    assert (shown["switch"], shown["blobs"][0]["subscriptions"]) == ("on", [])


def test_keys_do_not_write_where_authentication_is_on_whatever_the_setting_says() -> None:
    world = set_to(Settings(authentication=True, operator_keys=True))
    headers = principal_header(APPROVER)
    assert call(world, "status", headers=headers).body["operatorKeys"] is False


def test_an_approval_and_an_alert_of_before_are_read_as_they_were() -> None:
    world, alert = alerted()
    approved = call(world, "approve_alert", id=alert.id)
    assert approved.status == 202
    kept = world.store.alert(alert.id)
    assert kept is not None
    document = to_json(kept)
    del document["writers"], document["approval"]["actor"], document["approval"]["notKnown"]
    before = load(AlertRecord, json.dumps(document))
    assert before.approval is not None
    assert (before.writers, before.approval.actor, before.approval.not_known) == ((), None, "")
