"""``policies.yaml``: what holds for a target, and what is refused with its place named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.configuration import Configuration, PolicySettings, parse_policies_file
from shared.errors import ConfigurationError
from shared.model import Effect, Kind, Severity
from shared.policies import discover, find
from shared.policy import AnyPolicy
from shared.resource_id import ResourceId

PUBLIC = "postgres-public-access-enabled"
FIREWALL = "postgres-firewall-allows-all-azure"
NSG = "nsg-blocks-postgres-in-subnet"
SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
GROUP = f"{SUBSCRIPTION}/resourceGroups/data"
SERVER = ResourceId(f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders")
NEIGHBOUR = ResourceId(f"{GROUP}-2/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders")
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def configuration(text: str = "", **more: Any) -> Configuration:
    file = parse_policies_file(f"version: 1\n{text}", discover(), name="policies.yaml")
    return Configuration(file, **more)


def policy(policy_id: str = PUBLIC) -> AnyPolicy:
    found = find(policy_id)
    assert found is not None
    return found


def settings(text: str, target: ResourceId = SERVER, policy_id: str = PUBLIC) -> PolicySettings:
    return configuration(text).settings_for(policy(policy_id), target)


def refused(text: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        parse_policies_file(text, discover(), name="policies.yaml")
    return str(error.value)


# --- what holds ------------------------------------------------------------------------------------


def test_out_of_the_box_every_policy_reverts_what_is_drift_and_nothing_inherited() -> None:
    said = settings("")
    assert (said.effect, said.adopt, said.without_approval) == (Effect.REVERT, False, False)
    assert said.settle_seconds == 60.0
    assert said.parameters == {}


def test_the_projects_own_file_is_accepted_and_says_what_it_shows() -> None:
    text = (Path(__file__).parent.parent / "policies.yaml").read_text()
    file = parse_policies_file(text, discover(), name="policies.yaml")
    own = Configuration(file)
    assert own.settings_for(policy(NSG), SERVER).parameters == {"ports": [5432, 6432]}
    assert own.limits == configuration().limits


@pytest.mark.parametrize("effect", ["off", "'off'", "alert", "revert"])
def test_an_effect_may_be_written_without_quotes(effect: str) -> None:
    assert settings(f"defaults: {{effect: {effect}}}").effect == effect.strip("'")


LAYERS = f"""
defaults: {{effect: alert, adopt: true}}
policies:
  {PUBLIC}: {{effect: revert, settleSeconds: 5}}
scopes:
  - scope: {SUBSCRIPTION}
    adopt: false
    policies:
      {PUBLIC}: {{settleSeconds: 7}}
  - scope: {SERVER}
    policies:
      {PUBLIC}: {{effect: "off"}}
  - scope: {GROUP}
    withoutApproval: true
    effect: alert
"""


def test_the_most_specific_scope_wins_setting_by_setting() -> None:
    said = settings(LAYERS)
    assert said.effect is Effect.OFF  # the server's scope
    assert said.without_approval is True  # the resource group's
    assert said.adopt is False  # the subscription's
    assert said.settle_seconds == 7  # the subscription's word on this policy


def test_a_scope_says_nothing_about_a_neighbour_whose_name_begins_the_same() -> None:
    said = settings(LAYERS, NEIGHBOUR)
    assert said.effect is Effect.REVERT
    assert said.without_approval is False


def test_what_a_scope_says_of_a_policy_goes_before_what_it_says_of_all() -> None:
    text = f"scopes: [{{scope: {GROUP}, effect: alert, policies: {{{PUBLIC}: {{effect: revert}}}}}}]"
    assert settings(text).effect is Effect.REVERT
    assert settings(text, policy_id=FIREWALL).effect is Effect.ALERT


def test_scopes_are_compared_without_case() -> None:
    assert settings(f"scopes: [{{scope: {GROUP.upper()}, adopt: true}}]").adopt is True


def test_settling_falls_back_from_the_file_to_the_policy_to_the_setting() -> None:
    quick = replace(policy(), settle_seconds=0.0)
    assert configuration(settle_seconds=9).settings_for(policy(), SERVER).settle_seconds == 9
    assert configuration(settle_seconds=9).settings_for(quick, SERVER).settle_seconds == 0
    text = f"policies: {{{PUBLIC}: {{settleSeconds: 3}}}}"
    assert configuration(text, settle_seconds=9).settings_for(quick, SERVER).settle_seconds == 3


def test_parameters_are_merged_one_by_one_and_bound_to_the_policy() -> None:
    text = f"""
policies: {{{NSG}: {{parameters: {{ports: [5432]}}}}}}
scopes: [{{scope: {GROUP}, policies: {{{NSG}: {{parameters: {{ports: [6432]}}}}}}}}]
"""
    assert settings(text, policy_id=NSG).parameters == {"ports": [6432]}
    assert settings(text, NEIGHBOUR, NSG).parameters == {"ports": [5432]}
    bound = configuration(text).bind(policy(NSG), SERVER)
    assert bound.evaluate.keywords == {"ports": [6432]}  # type: ignore[attr-defined]  # a partial
    assert (bound.id, bound.kind, bound.severity) == (NSG, Kind.CONNECTIVITY, Severity.HIGH)


def test_budgets_become_the_limits_of_a_decision() -> None:
    text = "budgets: {writesPerTarget: 1, writesPerSubscription: 2, flappingReverts: 4, flappingMinutes: 5}"
    limits = configuration(text).limits
    assert (limits.writes_per_target, limits.writes_per_subscription) == (1, 2)
    assert (limits.flapping_reverts, limits.flapping_window) == (4, timedelta(minutes=5))


# --- exemptions ------------------------------------------------------------------------------------


def exemption(expires: str, scope: str = GROUP, policy_id: str = PUBLIC) -> Configuration:
    return configuration(
        f"exemptions: [{{scope: {scope}, policy: {policy_id}, reason: a partner, approver: jane, "
        f"expires: {expires}}}]"
    )


def test_an_exemption_covers_everything_in_its_scope_for_its_policy() -> None:
    found = exemption("2027-01-31T00:00:00Z").exemption(PUBLIC, SERVER, NOW)
    assert found is not None
    assert (found.policy, found.reason, found.approver) == (PUBLIC, "a partner", "jane")
    assert found.expires_at == datetime(2027, 1, 31, tzinfo=UTC)


def test_an_exemption_covers_no_other_policy_and_no_neighbour() -> None:
    exempt = exemption("2027-01-31T00:00:00Z")
    assert exempt.exemption(FIREWALL, SERVER, NOW) is None
    assert exempt.exemption(PUBLIC, NEIGHBOUR, NOW) is None


def test_an_exemption_ends_with_its_expiry() -> None:
    exempt = exemption("2026-11-02T08:00:00Z")
    assert exempt.exemption(PUBLIC, SERVER, NOW) is None
    assert exempt.exemption(PUBLIC, SERVER, NOW - timedelta(seconds=1)) is not None


@pytest.mark.parametrize("expires", ["2026-11-02T09:00:00", "2026-11-02T10:00:00+01:00", "2026-11-03"])
def test_an_expiry_without_a_zone_is_utc_and_a_date_is_its_first_moment(expires: str) -> None:
    found = exemption(expires).exemption(PUBLIC, SERVER, NOW)
    assert found is not None
    day = datetime(2026, 11, 3, tzinfo=UTC) if len(expires) == 10 else NOW + timedelta(hours=1)
    assert found.expires_at == day


# --- what is refused -------------------------------------------------------------------------------

REFUSALS = {
    "an unknown key": ("version: 1\nscope: []", "scope"),
    "an unknown key in a section": ("version: 1\ndefaults: {effct: alert}", "defaults.effct"),
    "a key in Python's spelling": (
        "version: 1\ndefaults: {without_approval: true}",
        "defaults.without_approval",
    ),
    "an unknown policy": (f"version: 1\npolicies: {{{PUBLIC}d: {{}}}}", "policies: there is no policy"),
    "an unknown policy in a scope": (
        f"version: 1\nscopes: [{{scope: {GROUP}, policies: {{nope: {{}}}}}}]",
        "scopes.0.policies: there is no policy 'nope'",
    ),
    "an unknown policy in an exemption": (
        f"version: 1\nexemptions: [{{scope: {GROUP}, policy: nope, reason: why not, approver: j, "
        "expires: 2027-01-01}]",
        "exemptions.0: there is no policy 'nope'",
    ),
    "an unknown parameter": (
        f"version: 1\npolicies: {{{NSG}: {{parameters: {{port: 5432}}}}}}",
        f"policies.{NSG}.parameters: {NSG} has no parameter 'port'",
    ),
    "a parameter of the wrong type": (
        f"version: 1\npolicies: {{{NSG}: {{parameters: {{ports: 5432}}}}}}",
        f"policies.{NSG}.parameters.ports: a list",
    ),
    "a port that is none": (
        f"version: 1\nscopes: [{{scope: {GROUP}, policies: {{{NSG}: {{parameters: {{ports: [70000]}}}}}}}}]",
        f"scopes.0.policies.{NSG}.parameters.ports",
    ),
    "an unknown effect": ("version: 1\ndefaults: {effect: delete}", "defaults.effect"),
    "an effect that is yes": ("version: 1\ndefaults: {effect: on}", "defaults.effect"),
    "a truth that is none": ("version: 1\ndefaults: {adopt: maybe}", "defaults.adopt"),
    "a scope that is no id": ("version: 1\nscopes: [{scope: everything}]", "scopes.0.scope"),
    "a section without a scope": ("version: 1\nscopes: [{adopt: true}]", "scopes.0.scope"),
    "an exemption without an end": (
        f"version: 1\nexemptions: [{{scope: {GROUP}, policy: {PUBLIC}, reason: because, approver: j}}]",
        "exemptions.0.expires",
    ),
    "an exemption without a reason": (
        f"version: 1\nexemptions: [{{scope: {GROUP}, policy: {PUBLIC}, reason: '', approver: j, "
        "expires: 2027-01-01}]",
        "exemptions.0.reason",
    ),
    "a negative budget": ("version: 1\nbudgets: {writesPerTarget: -1}", "budgets.writesPerTarget"),
    "settling that never ends": (
        f"version: 1\npolicies: {{{PUBLIC}: {{settleSeconds: .inf}}}}",
        f"policies.{PUBLIC}.settleSeconds",
    ),
    "another version": ("version: 2", "version"),
    "no version": ("defaults: {}", "version"),
    "an empty file": ("", "version"),
    "a list": ("- version: 1", "the file"),
    "broken YAML": ("version: [", "not YAML"),
    "a date that does not exist": ("version: 1\nexemptions: [{expires: 2027-13-45}]", "not YAML: month"),
    "a key given twice": ("version: 1\nscopes: []\nscopes: []", "the key 'scopes' is given twice"),
    "a Python object": ("version: !!python/object/apply:os.getcwd []", "not YAML"),
}


@pytest.mark.parametrize(("text", "place"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_meant_is_refused_with_the_file_and_the_place(text: str, place: str) -> None:
    message = refused(text)
    assert message.startswith("policies.yaml: ")
    assert place in message


def test_a_scope_has_one_section_whatever_its_letter_case() -> None:
    section = "- scope: {scope}\n  adopt: true\n"
    text = "version: 1\nscopes:\n" + section.format(scope=SERVER) + section.format(scope=str(SERVER).upper())
    assert "scopes.1" in refused(text)
