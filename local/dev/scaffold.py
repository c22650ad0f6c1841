"""What a policy begins as: the texts of its file and its scenario, and the reading that its snapshots copy.

``FILL_IN`` marks what only a person can say; ``tests/policies/test_filled_in.py`` lists the lines that still
have it. The texts are in the form of ``ruff format`` and run as they are: an unfilled policy says Unknown.
The one place to edit when the form of a policy changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from string import Template
from typing import Final

from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject
from shared.adapters.arm.gateway import ArmGateway
from shared.adapters.arm.session.clients import ArmClients
from shared.config.settings import Settings
from shared.model import Aspect, Json, ServerSnapshot, Snapshot, Target, TargetKind
from shared.model.codec import to_json
from shared.model.resource_id import ResourceId
from shared.model.values import value

FILL_IN: Final = "FILL IN"


@value
class Form:
    """What differs between a policy about servers and one about subnets."""

    kind: TargetKind
    reads: frozenset[Aspect]
    words: Mapping[str, str]

    def target(self, name: str) -> Target:
        subnet = self.kind is TargetKind.SUBNET
        found = seeds.subnet_id(name=name) if subnet else seeds.flexible_server_id(name=name)
        return Target(kind=self.kind, id=ResourceId(found))

    def seed(self, name: str) -> list[JsonObject]:
        if self.kind is TargetKind.SUBNET:
            return [seeds.nsg(), seeds.vnet(subnets=[seeds.subnet(name=name, nsg=seeds.nsg_id())])]
        return [seeds.flexible_server(name=name)]


SERVER: Final = Form(
    kind=TargetKind.FLEXIBLE_SERVER,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES}),
    words={
        "subject": "PostgreSQL server",
        "snapshot": "ServerSnapshot",
        "imported": "ServerSnapshot, Severity",
        "it": "server",
        "kind": "FLEXIBLE_SERVER",
        "aspect": "SERVER",
        "target": 'TARGET = seeds.flexible_server_id(name="$name")',
        "seed": '(seeds.flexible_server(name="$name"),)',
        "path": "TARGET",
    },
)
SUBNET: Final = Form(
    kind=TargetKind.SUBNET,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP}),
    words={
        "subject": "PostgreSQL subnet",
        "snapshot": "SubnetSnapshot",
        "imported": "Severity, SubnetSnapshot",
        "it": "subnet",
        "kind": "SUBNET",
        "aspect": "SUBNET",
        "target": (
            'TARGET = seeds.subnet_id(name="$name")\nSUBNET = seeds.subnet(name="$name", nsg=seeds.nsg_id())'
        ),
        "seed": "(seeds.nsg(), seeds.vnet(subnets=[SUBNET]))",
        "path": "seeds.nsg_id()",
    },
)

_POLICY: Final = '''\
"""${subject} FILL IN: that is, does or lacks what your policy finds.

*What it finds.* FILL IN: the field and the values of it that are found, in Azure's own words.

*Why it matters.* FILL IN: what somebody could do with it, or what would break, and for whom.

*What the change does.* None is made. FILL IN: what a person changes, and how.

*What it may break.* FILL IN: who could notice the change, or why nobody will.

*References.* FILL IN: the pages, benchmarks and definitions that say so.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, ${imported}, TargetKind
from shared.posture.findings import Judged, finding, unknown
from shared.posture.policy import Policy

ID: Final = "${id}"
SEVERITY: Final = Severity.LOW


def evaluate(${it}: ${snapshot}) -> Finding:
    return finding(ID, SEVERITY, ${it}, _judge(${it}))


def _judge(${it}: ${snapshot}) -> Judged:
    # FILL IN: compliant(reason), drifted(reason, fingerprint, what_to_do=…), or unknown(reason)
    return unknown(f"FILL IN: what {${it}.id.name} is found to be, with the values that were read")


POLICY: Policy[${snapshot}] = Policy(
    id=ID,
    title="${subject} FILL IN: in a few words",
    kind=Kind.SETTING,
    targets=frozenset({TargetKind.${kind}}),
    severity=SEVERITY,
    reads=frozenset({Aspect.${aspect}}),
    controls=(),  # FILL IN: the requirements that it answers, or take this remark away
    evaluate=evaluate,
    why="FILL IN: one sentence about what somebody could do with this drift.",
)
'''

_SCENARIO: Final = '''\
"""FILL IN: what somebody does."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

${target}

SCENARIO = Scenario(
    policy="${id}",
    kind=TargetKind.${kind},
    resource=TARGET,
    seed=${seed},
    drift=(patch(${path}, {"properties": {}}),),  # FILL IN: the write of a person that makes the drift
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
'''


def policy_text(policy: str, form: Form) -> str:
    return _filled(_POLICY, policy, form)


def scenario_text(policy: str, form: Form) -> str:
    return _filled(_SCENARIO, policy, form)


def name_of(policy: str) -> str:
    """What the seeded server or subnet is called: the id without the word that says what it is about."""
    return policy.partition("-")[2]


def reading(policy: str, form: Form) -> dict[str, Json]:
    """The target as the gateway reads it from a seeded simulator; what is as by default is left out."""
    with SimulatorServer() as server:
        SimulatorClient(server.url).seed(form.seed(name_of(policy)), replace=True)
        clients = ArmClients(Settings(arm_endpoint=server.url))
        try:
            clock = _Standing()
            snapshot = ArmGateway(clients, clock, clock.sleep).read(form.target(name_of(policy)), form.reads)
        finally:
            clients.close()
    kept: dict[str, Json] = _told(to_json(_ageless(snapshot)))
    return kept


class _Standing:
    """A clock that stands, so that a reading is the same whenever it is made."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        """The simulator answers at once."""


def _ageless(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, created_at=None) if isinstance(snapshot, ServerSnapshot) else snapshot


def _told(document: Json) -> Json:
    """Without what says nothing: nulls, empty objects, and the names of one writing."""
    match document:
        case dict():
            kept = {name: _told(said) for name, said in document.items()}
            return {name: said for name, said in kept.items() if name != "etag" and said not in (None, {})}
        case list():
            return [_told(said) for said in document]
        case _:
            return document


def _filled(text: str, policy: str, form: Form) -> str:
    words = {"id": policy, "name": name_of(policy)}
    return Template(text).substitute(
        words, **{word: Template(said).safe_substitute(words) for word, said in form.words.items()}
    )
