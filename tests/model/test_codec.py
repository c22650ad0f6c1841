"""Values survive being written and read, in one canonical form."""

import json
import subprocess
import sys
from datetime import UTC, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import (
    Access,
    Actor,
    ArmCall,
    Cause,
    Change,
    Decision,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Direction,
    Edit,
    Finding,
    FirewallRule,
    Locator,
    Operation,
    PrivateEndpointConnection,
    Proof,
    ProofStep,
    PutFirewallRule,
    PutSecurityRule,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    SetPublicAccess,
    Snapshot,
    SubnetServer,
    SubnetSnapshot,
    Target,
    TargetKind,
    TrafficBox,
    codec,
)
from shared.model.alert_records import AlertRecord, Approval, Notification
from shared.model.change_records import ChangeRecord, TrafficDifference
from shared.model.errors import StoreError
from shared.model.memory import Attempt, Exemption, PolicyMemory, TargetRecord
from shared.model.messages import Message, RunOptions
from shared.model.resource_id import ResourceId
from shared.model.results import ChangeView, RunRecord, TargetResult
from tests.adapters.storage import examples

_T = TypeVar("_T")

# --- strategies ------------------------------------------------------------------------------------

NAMES = st.text("abcXYZ-_.09é世🐘", min_size=1, max_size=8).filter(lambda name: name not in {".", ".."})
TEXTS = st.text(max_size=20)
TIMES = st.datetimes(timezones=st.just(UTC))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EVIDENCE = st.dictionaries(TEXTS, JSON, max_size=3)
IDS = st.builds(
    lambda subscription, name: ResourceId(
        f"/subscriptions/{subscription}/resourceGroups/g/providers/Microsoft.X/y/{name}"
    ),
    NAMES,
    NAMES,
)
NETWORKS = st.sampled_from([IPv4Network("10.0.0.0/24"), IPv4Network("0.0.0.0/0"), IPv6Network("fd00::/64")])
ADDRESSES = st.integers(0, 2**32 - 1).map(IPv4Address)


def many(inner: st.SearchStrategy[_T]) -> st.SearchStrategy[tuple[_T, ...]]:
    return st.lists(inner, max_size=2).map(tuple)


def maybe(inner: st.SearchStrategy[_T]) -> st.SearchStrategy[_T | None]:
    return st.none() | inner


TARGETS = st.builds(Target, id=IDS)
LOCATORS = st.builds(Locator, id=IDS)
ACTORS = st.builds(Actor, app_id=maybe(TEXTS), object_id=maybe(TEXTS), name=maybe(TEXTS))
CAUSES = st.builds(Cause, time=TIMES, actor=ACTORS, event_id=maybe(TEXTS), count=st.integers(1, 99))
FIREWALL_RULES = st.builds(FirewallRule, name=NAMES, start=ADDRESSES, end=ADDRESSES)
SECURITY_RULES = st.builds(
    SecurityRule,
    name=NAMES,
    direction=st.sampled_from(Direction),
    access=st.sampled_from(Access),
    protocol=TEXTS,
    sources=many(TEXTS),
    destinations=many(TEXTS),
    source_groups=many(IDS),
    etag=maybe(TEXTS),
)
EDITS = st.one_of(
    st.builds(SetPublicAccess, server=IDS),
    st.builds(PutFirewallRule, server=IDS, rule=FIREWALL_RULES),
    st.builds(DeleteFirewallRule, server=IDS, rule=FIREWALL_RULES),
    st.builds(PutSecurityRule, nsg=IDS, rule=SECURITY_RULES),
    st.builds(DeleteSecurityRule, nsg=IDS, rule=SECURITY_RULES),
)
SERVERS = st.builds(
    ServerSnapshot,
    kind=st.sampled_from([TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER]),
    id=IDS,
    read_at=TIMES,
    location=TEXTS,
    state_text=TEXTS,
    delegated_subnet=maybe(IDS),
    firewall_rules=maybe(many(FIREWALL_RULES)),
    private_endpoints=maybe(many(st.builds(PrivateEndpointConnection, id=IDS, endpoint=maybe(IDS)))),
    high_availability=maybe(st.booleans()),
    created_at=maybe(TIMES),
    tags=st.dictionaries(TEXTS, TEXTS, max_size=2),
)
GROUPS = st.builds(
    SecurityGroup, id=IDS, rules=many(SECURITY_RULES), default_rules=many(SECURITY_RULES), subnets=many(IDS)
)
SUBNETS = st.builds(
    SubnetSnapshot,
    id=IDS,
    read_at=TIMES,
    location=TEXTS,
    prefixes=many(NETWORKS),
    delegations=many(TEXTS),
    security_group=maybe(GROUPS),
    servers=maybe(many(st.builds(SubnetServer, id=IDS, pgbouncer=maybe(st.booleans())))),
)
BOXES = st.builds(
    TrafficBox,
    direction=st.sampled_from(Direction),
    protocol=TEXTS,
    sources=many(NETWORKS),
    destinations=many(NETWORKS),
    ports=many(st.tuples(st.integers(0, 65535), st.integers(0, 65535))),
)
CHANGES = st.builds(
    Change, policy=NAMES, target=TARGETS, edits=many(EDITS), inverse=many(EDITS), box=many(BOXES)
)
PROOFS = st.builds(Proof, steps=many(st.builds(ProofStep, claim=TEXTS, detail=TEXTS)))
DECISIONS = st.builds(Decision, policy=NAMES, detail=TEXTS, look_again_seconds=maybe(st.floats(0, 1e6)))
CALLS = many(st.builds(ArmCall, method=TEXTS, path=TEXTS, status=st.integers(100, 599)))
FINDINGS = st.builds(Finding, policy=NAMES, target=TARGETS, reason=TEXTS, resource_id=IDS, evidence=EVIDENCE)
NOTIFICATIONS = st.builds(
    Notification, id=NAMES, subject=TEXTS, time=TIMES, title=TEXTS, body=TEXTS, data=EVIDENCE
)
MESSAGES = st.builds(
    Message,
    cause=CAUSES,
    target=maybe(TARGETS),
    locator=maybe(LOCATORS),
    token=maybe(NAMES),
    notification=maybe(NOTIFICATIONS),
    options=st.builds(RunOptions, run_id=maybe(NAMES), policies=maybe(many(NAMES)), adopt=st.booleans()),
)
TARGET_RECORDS = st.builds(
    TargetRecord,
    target=TARGETS,
    first_seen=TIMES,
    memories=st.dictionaries(NAMES, st.builds(PolicyMemory, since=TIMES, baseline=maybe(NAMES)), max_size=2),
    attempts=many(st.builds(Attempt, policy=NAMES, fingerprint=NAMES, at=TIMES)),
    exemptions=many(st.builds(Exemption, policy=NAMES, reason=TEXTS, approver=TEXTS, expires_at=TIMES)),
    lease_until=maybe(TIMES),
)
DIFFERENCES = st.builds(TrafficDifference, newly_allowed=many(TEXTS), newly_denied=many(TEXTS))
CHANGE_RECORDS = st.builds(
    ChangeRecord,
    id=NAMES,
    change=CHANGES,
    proof=PROOFS,
    decision=DECISIONS,
    cause=CAUSES,
    fingerprint=NAMES,
    created_at=TIMES,
    before=NAMES,
    operation=maybe(st.builds(Operation, url=maybe(TEXTS), retry_after_seconds=maybe(st.floats(0, 1e6)))),
    difference=maybe(DIFFERENCES),
    restored_from=maybe(TIMES),
)
ALERT_RECORDS = st.builds(
    AlertRecord,
    id=NAMES,
    policy=NAMES,
    title=TEXTS,
    target=TARGETS,
    resource_id=IDS,
    portal=TEXTS,
    cause=CAUSES,
    why=TEXTS,
    controls=many(st.dictionaries(TEXTS, TEXTS, max_size=2)),
    reason=TEXTS,
    evidence=EVIDENCE,
    decision=DECISIONS,
    commands=many(TEXTS),
    fingerprint=NAMES,
    first_seen=TIMES,
    last_seen=TIMES,
    approval=maybe(st.builds(Approval, by=TEXTS, at=TIMES, expires_at=TIMES, fingerprint=NAMES)),
    unsent=many(TEXTS),
)
RESULTS = st.builds(
    TargetResult,
    target=TARGETS,
    findings=many(FINDINGS),
    decisions=many(DECISIONS),
    changes=many(
        st.builds(
            ChangeView,
            id=NAMES,
            resource_id=IDS,
            edits=many(JSON),
            inverse=many(JSON),
            proof=maybe(PROOFS),
            policy=NAMES,
            difference=maybe(DIFFERENCES),
        )
    ),
    arm_calls=CALLS,
)
RUN_RECORDS = st.builds(
    RunRecord,
    id=NAMES,
    cause=CAUSES,
    created_at=TIMES,
    target=maybe(TARGETS),
    scope=maybe(IDS),
    results=many(RESULTS),
)

# --- what holds ------------------------------------------------------------------------------------


@given(st.one_of(MESSAGES, TARGET_RECORDS, CHANGE_RECORDS, ALERT_RECORDS, RUN_RECORDS))
def test_every_record_survives_being_written_and_read(
    record: Message | TargetRecord | ChangeRecord | AlertRecord | RunRecord,
) -> None:
    assert codec.load(type(record), codec.dump(record)) == record


@given(st.one_of(SERVERS, SUBNETS))
def test_a_snapshot_is_read_back_as_the_kind_that_it_was(snapshot: Snapshot) -> None:
    loaded = codec.load(Snapshot, codec.dump(snapshot))
    assert type(loaded) is type(snapshot)
    assert loaded == snapshot


@given(EDITS)
def test_an_edit_is_read_back_as_the_kind_that_it_was(edit: Edit) -> None:
    loaded = codec.load(Edit, codec.dump(edit))
    assert type(loaded) is type(edit)
    assert loaded == edit


@given(ALERT_RECORDS)
def test_the_text_is_canonical(record: AlertRecord) -> None:
    text = codec.dump(record)
    assert text.isascii()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert codec.dump(codec.load(AlertRecord, text)) == text


def test_json_has_camel_case_names_and_times_in_utc() -> None:
    document = codec.to_json(examples.change())
    assert document["createdAt"] == "2026-01-01T12:00:00Z"
    assert document["change"]["edits"][0] == {
        "kind": "deleteFirewallRule",
        "server": str(examples.server().id),
        "rule": {"name": "AllowAllAzureIps", "start": "0.0.0.0", "end": "0.0.0.0"},
    }
    assert document["outcome"] == "InProgress"


def test_a_resource_id_keeps_its_spelling() -> None:
    target = examples.server("MyServer", "SUB")
    assert str(codec.load(Target, codec.dump(target)).id) == str(target.id)


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_kept() -> None:
    record = Actor(name="half \ud83d whole 🐘 literal \\ud83d")
    assert codec.load(Actor, codec.dump(record)) == Actor(name="half � whole 🐘 literal \\ud83d")


def test_microseconds_survive() -> None:
    record = examples.snapshot(read_at=examples.NOW + timedelta(microseconds=1))
    assert codec.load(ServerSnapshot, codec.dump(record)).read_at.microsecond == 1


def test_names_that_a_newer_version_wrote_are_ignored() -> None:
    document = codec.to_json(examples.server()) | {"writtenByANewerVersion": {"a": 1}}
    assert codec.load(Target, codec.canonical(document)) == examples.server()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"kind":"toaster","id":"/subscriptions/s"}'])
def test_what_holds_no_value_is_a_store_error_that_names_the_type(text: str) -> None:
    with pytest.raises(StoreError, match="no Target: "):
        codec.load(Target, text)


def test_an_id_that_is_none_is_a_store_error() -> None:
    with pytest.raises(StoreError, match=r"no Target: id: .*not an ARM resource id"):
        codec.load(Target, '{"kind":"subnet","id":"nonsense"}')


def test_the_error_of_a_union_names_its_members() -> None:
    with pytest.raises(StoreError, match=r"no ServerSnapshot \| SubnetSnapshot: "):
        codec.load(Snapshot, '{"kind":"lake"}')


def test_the_error_does_not_repeat_what_was_stored() -> None:
    with pytest.raises(StoreError) as caught:
        codec.load(Cause, '{"kind":"event","time":"s3cret"}')
    assert "time" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_lacks_become_null(number: float) -> None:
    loaded = codec.load(AlertRecord, codec.dump(examples.alert(evidence=number)))
    assert loaded.evidence["more"] is None


def test_pydantic_is_loaded_on_first_use_only() -> None:
    program = "import sys, shared.model.codec, shared.state.store; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


ADDED_SINCE = [
    (CHANGE_RECORDS, ChangeRecord, {"difference", "restoredFrom"}),
    (st.builds(PolicyMemory, since=TIMES, baseline=maybe(NAMES)), PolicyMemory, {"baselineIsNewest"}),
]


@pytest.mark.parametrize(("records", "form", "names"), ADDED_SINCE, ids=["change", "memory"])
@given(data=st.data())
def test_a_record_from_before_a_field_was_added_is_still_read(
    records: st.SearchStrategy[object], form: type[object], names: set[str], data: st.DataObject
) -> None:
    record = codec.to_json(data.draw(records))
    older = {name: part for name, part in record.items() if name not in names}
    newer = codec.to_json(codec.load(form, codec.canonical(older)))
    assert older == {name: part for name, part in newer.items() if name not in names}
    assert {newer[name] for name in names} <= {None, False}
