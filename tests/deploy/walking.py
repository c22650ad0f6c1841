"""A page walked: its blocks pasted into a shell beside `az`, `azd` and the command, over one simulator.

The subscription is not empty: somebody has servers, a network with rules, a role, and perhaps a system topic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from local.dev.environments import ROOT
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.switches import Switches
from local.simulator.values import JsonObject
from shared.model import Outcome, Target, TargetKind
from shared.model.resource_id import ResourceId
from tests.deploy.az import Az
from tests.deploy.azd import Azd
from tests.deploy.cloud import DEFINITION, SITE, TOPIC, Cloud, Refused
from tests.deploy.programs import Call, Pasted, Said, paste, programs
from tests.deploy.running import Running
from tests.driftward.serving import serving

NAMES: Final = ("az", "azd", "curl", "driftward", "make", "pip", "sleep")
DEPLOY: Final = ROOT / "docs" / "deploy.md"
INFRASTRUCTURE: Final = ROOT / "docs" / "infrastructure.md"
UNINSTALL: Final = ROOT / "docs" / "uninstall.md"
SUBSCRIPTION: Final = seeds.SUBSCRIPTION
NSG: Final = seeds.nsg_id()
SUBNET: Final = seeds.subnet_id()
_BLOCK: Final = re.compile(r"(?ms)^```bash\n(.*?)^```$")
_TOKEN: Final = re.compile(r'header = "(Authorization: [^"]+)"')
POLICIES: Final = """
version: 1
defaults: {effect: alert}
policies:
  nsg-blocks-postgres-in-subnet: {effect: revert}
"""


def blocks(page: Path, since: str = "", until: str = "") -> list[str]:
    """The shell blocks of a page, from one heading on, up to another."""
    text = page.read_text(encoding="utf-8")
    begin = text.index(f"\n## {since}\n") if since else 0
    end = text.index(f"\n## {until}\n") if until else len(text)
    return _BLOCK.findall(text[begin:end])


def theirs(*, with_topic: bool) -> list[JsonObject]:
    """What is in the subscription before Driftward, and has to be there after it."""
    source: JsonObject = {
        "protocol": "Tcp",
        "sourceAddressPrefix": "10.20.8.0/24",
        "destinationPortRange": "5432",
    }
    clients = seeds.security_rule(name="clients", priority=300, access="Allow", properties=source)
    role: JsonObject = {"roleName": "Auditor", "type": "CustomRole", "permissions": []}
    found: list[JsonObject] = [
        seeds.nsg(rules=[clients]),
        seeds.vnet(subnets=[seeds.subnet(nsg=NSG)]),
        {"id": f"/subscriptions/{SUBSCRIPTION}/providers/{DEFINITION}/their-role", "properties": role},
    ]
    return [*found, *(_their_topic() if with_topic else ())]


def _their_topic() -> Iterator[JsonObject]:
    """In a group of their own, with a subscriber; spelled as the service spells it."""
    topic = f"{seeds.group_id(group='rg-theirs')}/providers/{TOPIC}/theirs"
    yield {
        "id": topic,
        "location": "global",
        "identity": {"type": "SystemAssigned", "principalId": "a-principal"},
        "properties": {
            "source": f"/subscriptions/{SUBSCRIPTION}",
            "topicType": "microsoft.resources.subscriptions",
        },
    }
    yield {"id": f"{topic}/eventSubscriptions/billing", "properties": {"provisioningState": "Succeeded"}}


@dataclass
class Walk:
    """One reader in one shell. `calls` are all programs that were called."""

    folder: Path
    cloud: Cloud
    running: Running
    path: Path = Path()
    calls: list[Call] = field(default_factory=list)
    variables: Mapping[str, str] = field(default_factory=dict)
    states: list[int] = field(default_factory=lambda: [0, 4])
    """How far a deployment is, each time that it is asked for; the last one for good."""

    def __post_init__(self) -> None:
        self.az = Az(self.cloud, self.running.publish)
        self.azd = Azd(self.cloud, self.running.publish)
        self.before = self.everything()

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def paste(self, text: Sequence[str]) -> Pasted:
        done = paste("\n".join(text), self.path, self.project, self.variables)
        self.variables = {**self.variables, **done.variables}
        return done

    def called(self, beginning: str) -> list[Call]:
        return [call for call in self.calls if f"{call} ".startswith(f"{beginning} ")]

    def everything(self) -> dict[str, Any]:
        """Every resource by its id, but for what changes by itself."""
        resources: Any = self.cloud.client.state()["resources"]
        return {str(one["id"]).lower(): _without_etags(one) for one in resources}

    def drift(self) -> None:
        """Somebody denies everything inbound, and the app lets the subnet's own traffic pass."""
        deny = seeds.security_rule(name="deny-all", priority=4096)
        rule = f"{NSG}/securityRules/deny-all"
        target = Target(kind=TargetKind.SUBNET, id=ResourceId(SUBNET))
        self.running.sweep()
        self.cloud.client.put(rule, {"properties": deny["properties"]})
        now = self.everything()
        self.before |= {name.lower(): now[name.lower()] for name in (NSG, rule)}
        self.running.look(target)
        while any(change.outcome is Outcome.IN_PROGRESS for change in self.running.store.changes()):
            self.cloud.client.wait_idle()
            self.running.later()

    def answer(self, call: Call) -> Said:
        self.calls.append(call)
        match call.name:
            case "az":
                return self.az(call)
            case "azd":
                return self.azd(call)
            case "driftward":
                return self.running.command(call)
            case "curl":
                return self._curl(call)
            case "make":
                return _package(call)
            case "pip":
                self.running.has_command = call.words == ("install", ".")
        return Said()

    def _curl(self, call: Call) -> Said:
        headers = [*_after(call.words, "-H"), *_TOKEN.findall(call.input)]
        given = dict(one.split(": ", 1) for one in headers)
        url = next(word for word in call.words if word.startswith("https://"))
        try:
            host = urlsplit(url).hostname or ""
            if ".scm." in host:
                return self._scm(host, url, given, call)
            found = self.running.respond("GET", url, given, None)
            return Said(out=json.dumps(found.body))
        except Refused as refused:
            return Said(code=22, errors=f"curl: {url}: {refused}\n")

    def _scm(self, host: str, url: str, headers: Mapping[str, str], call: Call) -> Said:
        site = self._site_at(host.replace(".scm.", ".", 1))
        if headers.get("Authorization") != "Bearer token for arm":
            raise Refused("401")
        if urlsplit(url).path == "/api/publish":
            if "RemoteBuild=false" not in url:
                raise Refused("the package would be built anew")
            (package,) = (word[1:] for word in call.words if word.startswith("@"))
            self.running.publish(site, call.folder / package)
            return Said(out='"a-deployment"')
        state = 4  # of the one before
        if url.endswith("/a-deployment"):
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return Said(out=json.dumps({"status": state}))

    def _site_at(self, host: str) -> str:
        for one in self.cloud.all_of(SITE):
            if one["properties"]["defaultHostName"] == host:
                return str(one["id"])
        raise Refused(f"could not resolve host: {host}")


def _package(call: Call) -> Said:
    if call.words != ("package",):
        return Said(code=64, errors=f"{call} is not known here\n")
    package = call.folder / ".driftward" / "package" / "driftward.zip"
    package.parent.mkdir(parents=True, exist_ok=True)
    package.write_bytes(b"PK")
    return Said()


def _after(words: Sequence[str], option: str) -> list[str]:
    return [words[number + 1] for number, word in enumerate(words) if word == option]


def _without_etags(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _without_etags(one) for name, one in found.items() if name != "etag"}
    return [_without_etags(one) for one in found] if isinstance(found, list) else found


@contextmanager
def walking(folder: Path, *, with_topic: bool = False, azure_yaml: str = "") -> Iterator[Walk]:
    """A reader before the first block, at the root of the project; ``azure_yaml`` is one's own instead."""
    project = folder / "project"
    project.mkdir(parents=True)
    for name in ("docs", ".ci", "infra"):
        (project / name).symlink_to(ROOT / name)
    (project / "azure.yaml").write_text(azure_yaml or (ROOT / "azure.yaml").read_text("utf-8"), "utf-8")
    policies = folder / "policies.yaml"
    policies.write_text(POLICIES, encoding="utf-8")
    with SimulatorServer(switches=Switches(operation_seconds=0)) as server:
        client = SimulatorClient(server.url)
        client.seed(theirs(with_topic=with_topic))
        cloud = Cloud(client, SUBSCRIPTION)
        walk = Walk(folder=folder, cloud=cloud, running=Running(cloud, policies))
        with programs(folder / "programs", NAMES, walk.answer) as path, serving(walk.running):
            walk.path = path
            yield walk
