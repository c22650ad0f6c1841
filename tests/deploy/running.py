"""The app as the platform runs it: our own code over the simulator, with its storage in memory.

It runs only with what an installation has given it: the host finds its functions when the settings name an
account that exists and on which its identity has the roles, and of ARM it may do what the roles that are
assigned to it say. Before its routes stands App Service authentication, as it is set.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler
from io import StringIO
from pathlib import Path
from typing import Any, Final
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from driftward.cli import main
from driftward.remembered import remembered
from local.dev.environments import ROOT
from shared.adapters.clock import SystemClock
from shared.adapters.storage.connection import STORAGE, read_connection
from shared.api import ApiRequest, ApiResponse, answer
from shared.config.event_queue import events_come_by_queue
from shared.config.settings import read_settings
from shared.controller.dispatch import dispatch
from shared.controller.sweep import sweep
from shared.model import Cause, CauseKind, Json, Target
from shared.model.errors import ConfigurationError
from shared.model.messages import Message, MessageKind
from shared.state.store import Store
from shared.wiring import Wiring
from tests.deploy.az import PERSON
from tests.deploy.cloud import ACCOUNT, ASSIGNMENT, DEFINITION, SITE, Cloud, Refused, named
from tests.deploy.programs import Call, Said
from tests.driftward.serving import route_of
from tests.infra.one_set import triggers_below
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables

APP_ID: Final = "d21f7a2d-0000-4000-8000-00000000a001"
"""Under which the app asks the simulator."""
DATA_ROLES: Final = (
    "Storage Blob Data Owner",
    "Storage Queue Data Contributor",
    "Storage Table Data Contributor",
)
READER_ROLES: Final = ("Storage Blob Data Reader", "Storage Table Data Reader")
_AT_ONCE: Final = {"COALESCE_SECONDS": "0", "SETTLE_SECONDS": "0"}
_ELSEWHERE: Final = ("ALERT_TOPIC_ENDPOINT", "ALERT_URLS")
"""Settings by which the app would call others than ARM."""


class Running:
    """Every app of a cloud; there is one."""

    def __init__(self, cloud: Cloud, policies: Path) -> None:
        self.cloud = cloud
        self.url = ""
        self.lost = 0
        self.asked: list[tuple[str, ...]] = []
        self.has_command = False
        self._policies = policies
        self._waiting = FakeClock()
        self._queue = MemoryQueue(self._waiting)
        self.store = Store(MemoryTables(), MemoryBlobs(), self._queue)

    # --- the host -----------------------------------------------------------------------------------

    def publish(self, site: str, package: Path) -> None:
        """Take a package; the host starts and finds its functions, or does not. Raises Refused."""
        self.cloud.needs(site)
        if not package.is_file() or package.read_bytes()[:2] != b"PK":
            raise Refused(f"{package} is no package")
        settings = self._settings(site)
        self._can_start(site, settings)
        by_queue = events_come_by_queue(settings)
        found = triggers_below(ROOT).items()
        names = [name for name, queue in found if by_queue or not queue.startswith("events")]
        self.cloud.client.seed(
            [{"id": f"{site}/functions/{one}", "properties": {"name": one}} for one in names]
        )

    def _can_start(self, site: str, settings: Mapping[str, str]) -> None:
        try:
            connection = read_connection(settings, read_settings(settings).cloud)
        except ConfigurationError as error:
            raise Refused(f"the host does not start: {error}") from None
        if connection.text:
            raise Refused(f"the host does not start: {STORAGE} has a key, and the account takes none")
        account = self._account_at(connection.blob_url)
        for role in DATA_ROLES:
            if not self.cloud.holds(self._principal(site), role, account):
                raise Refused(f"the host does not start: its identity is not {role} at {named(account)}")

    def _account_at(self, address: str) -> str:
        name = (urlsplit(address).hostname or "").split(".")[0]
        for one in self.cloud.all_of(ACCOUNT):
            if one["name"] == name:
                return str(one["id"])
        raise Refused(f"the host does not start: there is no account at {address}")

    def _settings(self, site: str) -> dict[str, str]:
        held: dict[str, str] = self.cloud.show(f"{site}/config/appsettings")["properties"]
        return dict(held)

    def _principal(self, site: str) -> str:
        identity = self.cloud.show(site).get("identity") or {}
        if identity.get("type") == "SystemAssigned":
            return str(identity["principalId"])
        for one in identity.get("userAssignedIdentities") or {}:
            return str(self.cloud.show(one)["properties"]["principalId"])
        raise Refused(f"{named(site)} has no identity")

    # --- our code -----------------------------------------------------------------------------------

    def wiring(self) -> Wiring:
        """The app with the settings and rights that it has now."""
        site = self._site()
        self.cloud.client.roles({APP_ID: self._actions(site)})
        settings = {k: v for k, v in self._settings(site).items() if k not in _ELSEWHERE}
        sign_in = {"WEBSITE_AUTH_ENABLED": "true"} if self._sign_in(site) else {}
        ours = {"ARM_ENDPOINT": self.cloud.client.url, "POLICIES_FILE": str(self._policies)}
        wiring = Wiring({**settings, **sign_in, **_AT_ONCE, **ours})
        vars(wiring)["store"] = self.store
        return wiring

    def look(self, target: Target) -> None:
        cause = Cause(kind=CauseKind.OPERATOR, time=SystemClock().now())
        self.store.send(Message(kind=MessageKind.RECHECK, target=target, cause=cause))
        self.drain()

    def later(self, seconds: float = 60) -> None:
        """What the queue held back comes, as if that time had passed."""
        self._waiting.advance(seconds)
        self.drain()

    def sweep(self) -> None:
        """As the timer has it."""
        sweep(self.wiring().deps())
        self.drain()

    def drain(self) -> None:
        deps = self.wiring().deps()
        while (message := self._queue.receive()) is not None:
            dispatch(self.store.read_message(message.body), deps)
            self._queue.delete(message)

    def _site(self) -> str:
        sites = [one["id"] for one in self.cloud.all_of(SITE) if self._runs(one["id"])]
        if len(sites) != 1:
            raise Refused("404: no app runs")
        return str(sites[0])

    def _runs(self, site: str) -> bool:
        return self.cloud.is_there(f"{site}/functions/status")

    def _actions(self, site: str) -> list[str]:
        """What the roles say that are assigned to it where it watches."""
        principal = self._principal(site)
        defined = {
            named(one["id"]): one["properties"]["permissions"] for one in self.cloud.all_of(DEFINITION)
        }
        held = [one["properties"] for one in self.cloud.all_of(ASSIGNMENT)]
        names = {named(one["roleDefinitionId"]) for one in held if one["principalId"] == principal}
        return sorted(
            {action for name in names & defined.keys() for one in defined[name] for action in one["actions"]}
        )

    # --- its door -----------------------------------------------------------------------------------

    def answer(self, handler: BaseHTTPRequestHandler, body: Json) -> ApiResponse:
        """What a call over HTTP gets, after what waits was done."""
        self.drain()
        return self.respond(handler.command, handler.path, dict(handler.headers.items()), body)

    def respond(self, method: str, address: str, headers: Mapping[str, str], body: Json) -> ApiResponse:
        site, parts = self._site(), urlsplit(address)
        lowered = {
            name.lower(): text for name, text in headers.items() if not name.lower().startswith("x-ms-")
        }
        admitted = self._admitted(site, parts.path, lowered.get("authorization", ""))
        if admitted is None:
            return ApiResponse(status=401, body={"detail": "sign in"})
        name, parameter = route_of(method, parts.path.removeprefix("/api/"))
        request = ApiRequest(
            parameters={} if parameter is None else {"id": parameter},
            query=dict(parse_qsl(parts.query)),
            headers={**lowered, **admitted},
            body=b"" if body is None else json.dumps(body).encode(),
        )
        return answer(name, request, self.wiring())

    def _sign_in(self, site: str) -> dict[str, Any]:
        held = f"{site}/config/authsettingsV2"
        return self.cloud.show(held)["properties"] if self.cloud.is_there(held) else {}

    def _admitted(self, site: str, path: str, token: str) -> Mapping[str, str] | None:
        """The headers that the platform adds; None for whoever has to sign in first."""
        sign_in = self._sign_in(site)
        if sign_in and path in sign_in["globalValidation"]["excludedPaths"]:
            return {}
        if not sign_in:
            return {} if path == "/api/health" else None
        client = sign_in["identityProviders"]["azureActiveDirectory"]["registration"]["clientId"]
        return self._principal_header(client) if token == f"Bearer token for {client}" else None

    def _principal_header(self, client: str) -> Mapping[str, str]:
        (held,) = (one for one in self.cloud.registrations.values() if one["appId"] == client)
        given = held["people"].get(PERSON, [])
        roles = [role["value"] for role in held["appRoles"] if role["id"] in given]
        claims = [{"typ": "name", "val": "Olive Operator"}, *({"typ": "roles", "val": one} for one in roles)]
        text = json.dumps({"auth_typ": "aad", "role_typ": "roles", "claims": claims})
        return {"x-ms-client-principal": base64.b64encode(text.encode()).decode()}

    # --- the command --------------------------------------------------------------------------------

    def command(self, call: Call) -> Said:
        """`driftward` itself, with the address of the app as it is here."""
        if not self.has_command:
            return Said(code=127, errors="driftward: command not found\n")
        self.asked.append(call.words)
        home = {"XDG_CONFIG_HOME": str(call.folder.parent / "configuration"), "HOME": str(call.folder.parent)}
        try:
            with mock.patch.dict(os.environ, home, clear=True):
                return self._called(call)
        except Refused as refused:
            return Said(code=1, errors=f"driftward: {refused}\n")

    def _called(self, call: Call) -> Said:
        os.environ.update(self._given(call))
        out, errors = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(errors), self._as_here():
            code = main(list(call.words))
        # what a run finds in somebody's servers is no fault of the page
        return Said(
            out=out.getvalue(),
            code=0 if call.words[0] == "run" and code == 1 else code,
            errors=errors.getvalue(),
        )

    @contextmanager
    def _as_here(self) -> Iterator[None]:
        """Its store is the app's, and nobody waits."""
        with mock.patch.object(Wiring, "store", self.store), mock.patch("driftward.run._BETWEEN", 0.01):
            yield

    def _given(self, call: Call) -> Mapping[str, str]:
        if call.words[0] == "use":
            return {}
        if call.words[0] == "verify-journal":
            return self._of_the_journal(call.environment)
        known = remembered()
        if known is None or known.client_id is None:
            raise Refused("no app is remembered, or nobody signs in to it")
        host = self.cloud.show(self._site())["properties"]["defaultHostName"]
        if known.url.rstrip("/") != f"https://{host}":
            raise Refused(f"{known.url} is no app; there is https://{host}")
        return {"DRIFTWARD_URL": self.url, "DRIFTWARD_TOKEN": f"token for {known.client_id}"}

    def _of_the_journal(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        said = {name: text for name, text in environment.items() if name.startswith(STORAGE)}
        connection = read_connection(said, read_settings({}).cloud)
        account = self._account_at(connection.blob_url)
        for role in READER_ROLES:
            if not self.cloud.holds(PERSON, role, account):
                raise Refused(f"403: {PERSON} is not {role} at {named(account)}")
        scopes = self._settings(self._site())["SCOPES"]
        return {**said, "ARM_ENDPOINT": self.cloud.client.url, "SCOPES": scopes}
