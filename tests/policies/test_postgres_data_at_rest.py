"""Data at rest: whose key, whether it can be used, the second layer, and how long and where backups live."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from shared.model import ComplianceState, ServerState, Severity
from shared.model.parts import Backup, Encryption, Replication
from shared.policies.continuity.postgres_backup_retention_short import POLICY as RETENTION
from shared.policies.continuity.postgres_customer_managed_key_missing import POLICY as NO_KEY
from shared.policies.continuity.postgres_encryption_key_unreachable import POLICY as UNREACHABLE
from shared.policies.continuity.postgres_geo_redundant_backup_off import POLICY as GEO
from shared.policies.continuity.postgres_infrastructure_encryption_off import POLICY as INFRASTRUCTURE
from shared.posture.policy import RaisedBy, bound
from tests.builders import server, single_server

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
KEY = "https://keys.vault.azure.net/keys/postgres/0d4c"
REPLICA = Replication(role="AsyncReplica")
INACCESSIBLE: dict[str, Any] = {"state": ServerState.STOPPED, "state_text": "Inaccessible"}


def encrypted(**parts: Any) -> Any:
    """A flexible server with a customer's key."""
    return server(encryption=Encryption(**{"customer_key": True, "key": KEY, "key_state": "Valid", **parts}))


# --- whose key -------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [server, single_server])
@pytest.mark.parametrize(("customers", "state"), [(True, COMPLIANT), (False, NON_COMPLIANT), (None, UNKNOWN)])
def test_a_server_without_a_customers_key_is_found(
    make: Any, customers: bool | None, state: ComplianceState
) -> None:
    found = NO_KEY.evaluate(make(encryption=Encryption(customer_key=customers)))
    assert (found.state, found.evidence["customerManagedKey"]) == (state, customers)


def test_a_flexible_server_gets_a_key_only_with_a_new_server() -> None:
    (advice,) = NO_KEY.evaluate(server()).evidence["whatToDo"]
    words = shlex.split(advice)
    assert words[:4] == ["az", "postgres", "flexible-server", "restore"]
    assert words[words.index("--source-server") + 1] == str(server().id)
    assert "/keys/" in NO_KEY.evaluate(single_server()).evidence["whatToDo"]


# --- whether it can be used ------------------------------------------------------------------------


def test_a_key_that_can_be_used_is_compliant() -> None:
    found = UNREACHABLE.evaluate(encrypted())
    assert (found.state, found.applies) == (COMPLIANT, True)
    assert found.evidence["primaryKeyURI"] == KEY


@pytest.mark.parametrize("spelling", ["Invalid", "invalid", "INVALID"])
def test_a_key_that_azure_calls_invalid_is_found_before_the_server_is_down(spelling: str) -> None:
    found = UNREACHABLE.evaluate(encrypted(key_state=spelling))
    assert (found.state, found.severity) == (NON_COMPLIANT, Severity.HIGH)
    assert found.fingerprint == "invalid: primaryEncryptionKeyStatus"
    assert "key vault" in found.evidence["whatToDo"]


def test_the_key_of_the_backups_in_the_other_region_counts_too() -> None:
    assert UNREACHABLE.evaluate(encrypted(backup_key=KEY, backup_key_state="Valid")).state is COMPLIANT
    found = UNREACHABLE.evaluate(encrypted(backup_key=KEY, backup_key_state="Invalid"))
    assert (found.state, found.fingerprint) == (NON_COMPLIANT, "invalid: geoBackupEncryptionKeyStatus")
    assert UNREACHABLE.evaluate(encrypted(backup_key=KEY)).state is UNKNOWN


@pytest.mark.parametrize("status", ["", "Checking"])
def test_a_status_that_is_absent_or_new_is_unknown(status: str) -> None:
    assert UNREACHABLE.evaluate(encrypted(key_state=status)).state is UNKNOWN


@pytest.mark.parametrize("make", [server, single_server])
@pytest.mark.parametrize("customers", [True, False, None])
def test_an_inaccessible_server_is_found_whatever_is_said_of_its_key(
    make: Any, customers: bool | None
) -> None:
    down = make(encryption=Encryption(customer_key=customers, key_state="Valid"), **INACCESSIBLE)
    found = UNREACHABLE.evaluate(down)
    assert (found.state, found.fingerprint) == (NON_COMPLIANT, "state=inaccessible")
    assert found.evidence["state"] == "Inaccessible"


def test_the_services_own_key_is_azures_affair() -> None:
    found = UNREACHABLE.evaluate(server())
    assert (found.state, found.applies) == (COMPLIANT, False)


def test_a_single_server_says_no_more_of_its_key_than_its_state() -> None:
    keyed = {"encryption": Encryption(customer_key=True)}
    assert UNREACHABLE.evaluate(single_server(**keyed)).state is COMPLIANT
    silent = single_server(**keyed, state=ServerState.BUSY, state_text="")
    assert UNREACHABLE.evaluate(silent).state is UNKNOWN


def test_a_stopped_server_with_a_good_key_is_compliant_and_without_a_word_waits() -> None:
    stopped: dict[str, Any] = {"state": ServerState.STOPPED, "state_text": "Stopped"}
    good = server(encryption=Encryption(customer_key=True, key_state="Valid"), **stopped)
    silent = server(encryption=Encryption(customer_key=True), **stopped)
    assert UNREACHABLE.evaluate(good).state is COMPLIANT
    assert UNREACHABLE.evaluate(silent).state is UNKNOWN
    assert "waits until it runs" in UNREACHABLE.evaluate(silent).reason


def test_only_the_sweep_hears_of_a_key_that_was_withdrawn() -> None:
    assert UNREACHABLE.raised_by is RaisedBy.SWEEP
    assert not UNREACHABLE.opt_in


# --- the second layer ------------------------------------------------------------------------------


@pytest.mark.parametrize(("on", "state"), [(True, COMPLIANT), (False, NON_COMPLIANT), (None, UNKNOWN)])
def test_a_single_server_with_one_layer_of_encryption_is_found(
    on: bool | None, state: ComplianceState
) -> None:
    found = INFRASTRUCTURE.evaluate(single_server(encryption=Encryption(infrastructure=on)))
    assert found.state is state
    assert INFRASTRUCTURE.opt_in


# --- backups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [server, single_server])
@pytest.mark.parametrize(("geo", "state"), [(True, COMPLIANT), (False, NON_COMPLIANT), (None, UNKNOWN)])
def test_backups_that_stay_in_the_region_are_found(
    make: Any, geo: bool | None, state: ComplianceState
) -> None:
    found = GEO.evaluate(make(backup=Backup(retention_days=7, geo_redundant=geo)))
    assert found.state is state
    assert ("whatToDo" in found.evidence) is (state is NON_COMPLIANT)


@pytest.mark.parametrize("policy", [GEO, bound(RETENTION, {"days": 35})], ids=["geo", "retention"])
def test_no_backups_are_expected_of_a_flexible_servers_read_replica(policy: Any) -> None:
    backup = Backup(retention_days=7, geo_redundant=False)
    found = policy.evaluate(server(backup=backup, replication=REPLICA))
    assert (found.state, found.applies) == (COMPLIANT, False)
    assert policy.evaluate(single_server(backup=backup, replication=REPLICA)).state is NON_COMPLIANT


@pytest.mark.parametrize(
    ("days", "wanted", "state"),
    [
        (7, 7, COMPLIANT),
        (13, 14, NON_COMPLIANT),
        (14, 14, COMPLIANT),
        (35, 14, COMPLIANT),
        (None, 7, UNKNOWN),
    ],
)
def test_backups_are_kept_for_at_least_the_days_that_are_asked_for(
    days: int | None, wanted: int, state: ComplianceState
) -> None:
    kept = server(backup=Backup(retention_days=days))
    found = bound(RETENTION, {"days": wanted}).evaluate(kept)
    assert found.state is state
    assert (found.evidence["backupRetentionDays"], found.evidence["requiredDays"]) == (days, wanted)


def test_the_remedy_sets_the_days_that_are_asked_for() -> None:
    longer = bound(RETENTION, {"days": 21})
    short = Backup(retention_days=7)
    flexible = longer.evaluate(server(backup=short)).evidence["whatToDo"]
    assert flexible.endswith("--name orders --backup-retention 21")
    assert '"backupRetentionDays": 21' in longer.evaluate(single_server(backup=short)).evidence["whatToDo"]


@pytest.mark.parametrize("wrong", [6, 36, "14", 14.0, True, None])
def test_days_are_what_azure_can_keep(wrong: object) -> None:
    (days,) = RETENTION.parameters
    assert days.check(wrong) == "a whole number of days, from 7 to 35"
    assert days.check(7) is days.check(35) is None
