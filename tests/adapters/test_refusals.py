"""Who forbade a write is named whole: the Azure Policy, the missing action, the lock."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator import seeds
from local.simulator.values import JsonObject, JsonValue
from shared.adapters.arm.session.refusals import Missing, locked_in, missing_in, told
from shared.model import Aspect, DeleteFirewallRule, FirewallRule, Target, TargetKind
from shared.model.errors import Denied, GatewayError, Locked
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure
from tests.builders import rule

GROUP = "/subscriptions/5ab1/resourceGroups/rg"
SERVER = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/db"
ASSIGNED = f"{GROUP}/providers/Microsoft.Authorization/policyAssignments/no-public"
DEFINED = "/providers/Microsoft.Authorization/policyDefinitions/b52376f7"
SET = "/providers/Microsoft.Authorization/policySetDefinitions/baseline"
WORDS = (
    f"assignment 'No public databases' ({ASSIGNED}), definition 'Public access off' ({DEFINED}), "
    f"initiative 'Baseline' ({SET})"
)
INFO: JsonValue = {
    "type": "PolicyViolation",
    "info": {
        "policyAssignmentDisplayName": "No public databases",
        "policyAssignmentName": "no-public",
        "policyAssignmentId": ASSIGNED,
        "policyDefinitionDisplayName": "Public access off",
        "policyDefinitionName": "b52376f7",
        "policyDefinitionId": DEFINED,
        "policyDefinitionEffect": "deny",
        "policySetDefinitionDisplayName": "Baseline",
        "policySetDefinitionId": SET,
    },
}
LISTED = json.dumps(
    [
        {
            "policyAssignment": {"name": "No public databases", "id": ASSIGNED},
            "policyDefinition": {"name": "Public access off", "id": DEFINED},
            "policySetDefinition": {"name": "Baseline", "id": SET},
        }
    ],
    separators=(",", ":"),
)
REFUSED = "Resource 'db' was disallowed by policy."
LACKING = (
    "The client 'c' with object id 'o' does not have authorization to perform action 'A/b/write' over scope "
    f"'{SERVER}' or the scope is invalid. If access was recently granted, please refresh your credentials."
)
LINKED = (
    f"The client 'c' with object id 'o' has permission to perform action 'A/b/write' on scope '{SERVER}'; "
    "however, it does not have permission to perform action(s) 'A/n/join/action' on the linked scope(s) "
    f"'{GROUP}' (respectively) or the linked scope(s) are invalid."
)


def refusal(message: str, **parts: JsonValue) -> JsonObject:
    return {"error": {"code": "RequestDisallowedByPolicy", "message": message, **parts}}


@pytest.mark.field(
    "steady",
    "A write that an Azure Policy refuses says which assignment and definition did, wherever ARM puts them.",
    source="https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-policy-requestdisallowedbypolicy",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "body",
    [
        refusal(REFUSED, additionalInfo=[INFO]),
        refusal(f"{REFUSED} Policy identifiers: '{LISTED}'."),
        refusal(f"{REFUSED} Policy identifiers: '{LISTED}'.", additionalInfo=[{"type": "Other"}, INFO]),
        refusal(REFUSED, details=[{"code": "x", "message": "no", "additionalInfo": [INFO, INFO]}]),
    ],
)
def test_the_policy_that_refuses_is_named(body: JsonObject) -> None:
    assert told(body) == f"Resource 'db' was disallowed by policy; {WORDS}"


def test_a_policy_of_which_less_is_told_is_named_as_far_as_it_is() -> None:
    info: JsonValue = {
        "type": "policyviolation",
        "info": {"policyAssignmentName": "x", "policyDefinitionId": 7},
    }
    assert told(refusal("no", additionalInfo=[info])) == "no; assignment 'x' (no id), definition '' (7)"


@pytest.mark.parametrize("identifiers", ["'[{]'", "'[1, null]'", "'{}'", "[policyDefinitionId]"])
def test_identifiers_that_cannot_be_read_stay_as_arm_wrote_them(identifiers: str) -> None:
    message = f"{REFUSED} Policy identifiers: {identifiers}"
    assert told(refusal(message)) == message


def test_the_action_that_is_missing_is_told_and_not_the_one_that_we_have() -> None:
    assert missing_in(LACKING) == (Missing(action="A/b/write", scope=SERVER),)
    assert missing_in(LINKED) == (Missing(action="A/n/join/action", scope=GROUP),)
    assert missing_in(LINKED)[0].said == f"our identity may not perform A/n/join/action on {GROUP}"
    assert missing_in("does not have authorization to perform action 'x/read'")[0].said.endswith("x/read")


def test_what_only_a_detail_says_is_told_beside_the_message() -> None:
    body: JsonObject = {"error": {"code": "Failed", "message": "it failed", "details": [{"message": LINKED}]}}
    assert told(body) == f"it failed; our identity may not perform A/n/join/action on {GROUP}"
    assert told({"error": {"code": "A", "message": LACKING, "details": [{"message": LACKING}]}}) == LACKING


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        (
            f"cannot perform write operation because following scope(s) are locked: '{GROUP}'. Please",
            (GROUP,),
        ),
        (f"following scope(s) are locked: '{GROUP}', '{SERVER}'. Please remove", (GROUP, SERVER)),
        (f"following scope(s) are locked: '{GROUP},{SERVER}'. Please remove", (GROUP, SERVER)),
        ("nothing is locked", ()),
    ],
)
def test_every_locked_scope_is_told(text: str, scopes: tuple[str, ...]) -> None:
    assert locked_in(text) == scopes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "details", "additionalInfo", "type", "info"]),
            inner | st.sampled_from(["PolicyViolation", f"Policy identifiers: '{LISTED}'", LINKED]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_body_is_too_odd_to_be_told(body: JsonValue) -> None:
    assert isinstance(told(body), str)


# --- over the wire ---------------------------------------------------------------------------------

FLEXIBLE = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(seeds.flexible_server_id()))
OPEN: FirewallRule = rule("all", "0.0.0.0", "255.255.255.255")


def refused(azure: Azure) -> GatewayError:
    gateway = azure.gateway()
    snapshot = gateway.read(FLEXIBLE, frozenset({Aspect.FIREWALL_RULES}))
    with pytest.raises(GatewayError) as caught:
        gateway.submit(DeleteFirewallRule(server=FLEXIBLE.id, rule=OPEN), snapshot)
    return caught.value


def test_a_write_under_locks_names_each_of_them_with_its_level_and_scope(azure: Azure) -> None:
    group = seeds.group_id()
    azure.simulator.seed(
        [
            seeds.flexible_server(),
            seeds.lock(name="keep", level="CanNotDelete", scope=group),
            seeds.lock(name="frozen", level="ReadOnly", scope=seeds.flexible_server_id()),
        ]
    )
    error = refused(azure)
    assert isinstance(error, Locked)
    assert f"lock 'keep' (CanNotDelete) on {group}" in str(error)
    assert f"lock 'frozen' (ReadOnly) on {seeds.flexible_server_id()}" in str(error)
    assert error.request.startswith("DELETE ")


def test_a_lock_that_may_not_be_read_is_told_by_its_scope(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server(), seeds.lock(name="keep", scope=seeds.group_id())])
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, path_contains="/locks", times=9)
    error = refused(azure)
    assert isinstance(error, Locked)
    assert locked_in(str(error)) == (seeds.group_id(),)
    assert "lock '" not in str(error)


def test_a_policy_that_refuses_a_write_is_named_in_the_error(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    then: JsonObject = {
        "status": 403,
        "code": "RequestDisallowedByPolicy",
        "message": REFUSED,
        "additionalInfo": [INFO],
    }
    azure.simulator.fault(then, method="DELETE")
    error = refused(azure)
    assert isinstance(error, Denied)
    assert WORDS in str(error)
