"""The ARM actions that follow from what a policy reads and the edits it can make."""

from __future__ import annotations

from typing import get_args

import pytest

from shared.model import (
    Aspect,
    DeleteSecurityRule,
    Edit,
    PutSecurityRule,
    SetParameter,
    SetServerTls,
    TargetKind,
)
from shared.posture.permissions import actions_for, in_order, only_reads

FLEXIBLE = "Microsoft.DBforPostgreSQL/flexibleServers"
SINGLE = "Microsoft.DBforPostgreSQL/servers"
SERVERS = (TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER)


def test_each_kind_of_server_is_read_by_its_own_actions() -> None:
    assert actions_for(SERVERS, [Aspect.SERVER], []) == (f"{FLEXIBLE}/read", f"{SINGLE}/read")
    assert actions_for([TargetKind.SINGLE_SERVER], [Aspect.THREAT_PROTECTION], []) == (
        f"{SINGLE}/securityAlertPolicies/read",
    )


def test_what_a_kind_does_not_have_asks_for_nothing() -> None:
    assert actions_for([TargetKind.FLEXIBLE_SERVER], [Aspect.VIRTUAL_NETWORK_RULES], []) == ()
    edits = actions_for([TargetKind.FLEXIBLE_SERVER], [], [SetServerTls])
    assert not any(action.endswith("/write") for action in edits)


def test_a_write_brings_the_reads_that_follow_its_operation() -> None:
    assert actions_for([TargetKind.FLEXIBLE_SERVER], [], [SetParameter]) == (
        "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
        "Microsoft.DBforPostgreSQL/locations/operationResults/read",
        f"{FLEXIBLE}/configurations/write",
    )
    assert actions_for([TargetKind.SUBNET], [], [PutSecurityRule, DeleteSecurityRule]) == (
        "Microsoft.Network/locations/operationResults/read",
        "Microsoft.Network/locations/operations/read",
        "Microsoft.Network/networkSecurityGroups/securityRules/delete",
        "Microsoft.Network/networkSecurityGroups/securityRules/write",
    )


def test_an_alert_that_shows_dependants_reads_where_they_are_seen() -> None:
    shown = set(actions_for(SERVERS, [Aspect.SERVER], [], shows_dependants=True))
    assert shown - set(actions_for(SERVERS, [Aspect.SERVER], [])) == {
        f"{FLEXIBLE}/configurations/read",
        f"{FLEXIBLE}/migrations/read",
    }


@pytest.mark.parametrize("aspect", [aspect for aspect in Aspect if aspect is not Aspect.ANY_SUBNET])
def test_every_aspect_is_read_by_some_action_and_by_reads_alone(aspect: Aspect) -> None:
    actions = actions_for(list(TargetKind), [aspect], [])
    assert actions
    assert all(only_reads(action) for action in actions)


@pytest.mark.parametrize("edit", get_args(Edit))
def test_every_edit_is_made_by_some_action_of_its_own(edit: type[Edit]) -> None:
    assert any(not only_reads(action) for action in actions_for(list(TargetKind), [], [edit]))


def test_what_azure_lists_to_a_post_alone_is_a_read() -> None:
    (action,) = actions_for([TargetKind.SUBNET], [Aspect.ADMIN_RULES], [])
    assert action.endswith("/action")
    assert in_order(["a/write", action]) == (action, "a/write")


def test_actions_come_once_reads_first() -> None:
    assert in_order(["a/write", "b/read", "a/read", "b/read"]) == ("a/read", "b/read", "a/write")
