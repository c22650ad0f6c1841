"""``policies.yaml``: what holds for a target, and which part of the file says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.config.configuration import NO_TAGS, Configuration, tags_of
from shared.config.file_reading import parse_policies_file
from shared.config.sayings import PolicySettings
from shared.guardrails.schedule import WhenClosed
from shared.model import Effect, Kind, Severity
from shared.model.errors import ConfigurationError
from shared.model.resource_id import ResourceId
from shared.policies import discover, find
from shared.posture.policy import AnyPolicy
from tests.builders import server, subnet

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


def settings(
    text: str, target: ResourceId = SERVER, policy_id: str = PUBLIC, tags: Mapping[str, str] = NO_TAGS
) -> PolicySettings:
    return configuration(text).settings_for(policy(policy_id), target, tags)


# --- what holds ------------------------------------------------------------------------------------


def test_out_of_the_box_every_policy_reverts_what_is_drift_and_nothing_inherited() -> None:
    said = settings("")
    assert (said.effect, said.adopt, said.without_approval) == (Effect.REVERT, False, False)
    assert said.settle_seconds == 60.0
    assert said.parameters == {}


def test_the_projects_own_file_is_accepted_and_says_what_it_shows() -> None:
    text = (Path(__file__).parents[2] / "policies.yaml").read_text()
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


@pytest.mark.field(
    "ways",
    "Clients are declared once, to the policy that they must not be blocked; for the one about the Internet "
    "the same are declared unless it is told others.",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_a_parameter_follows_another_policys_where_nothing_is_said_of_its_own() -> None:
    blocks, exposes = "nsg-blocks-postgres-clients", "nsg-exposes-postgres-to-internet"
    everywhere = f"policies: {{{blocks}: {{parameters: {{clients: [203.0.113.0/24]}}}}}}\n"
    in_scope = f"scopes: [{{scope: '{GROUP}', policies: {{%s: {{parameters: {{clients: %s}}}}}}}}]\n"
    scoped, own = in_scope % (blocks, "[10.9.0.0/24]"), in_scope % (exposes, "[]")
    inside = subnet().id
    for text, clients in (
        ("", None),
        (everywhere, ["203.0.113.0/24"]),
        (everywhere + scoped, ["10.9.0.0/24"]),
        (everywhere + own, []),
    ):
        assert settings(text, inside, exposes).parameters.get("clients") == clients
    assert "clients" not in settings(everywhere + own, inside, "nsg-reachable-beyond-clients").parameters
    said = configuration(everywhere).sayings(policy(exposes), inside).parameters["clients"]
    assert said.path == ("policies", blocks, "parameters", "clients")
    assert configuration(everywhere).everywhere(policy(exposes)).parameters == {"clients": ["203.0.113.0/24"]}


def test_budgets_become_the_limits_of_a_decision() -> None:
    text = "budgets: {writesPerTarget: 1, writesPerSubscription: 2, flappingReverts: 4, flappingMinutes: 5}"
    limits = configuration(text).limits
    assert (limits.writes_per_target, limits.writes_per_subscription) == (1, 2)
    assert (limits.flapping_reverts, limits.flapping_window) == (4, timedelta(minutes=5))


# --- tags ------------------------------------------------------------------------------------------

TAGGED = f"""
scopes:
  - scope: {SUBSCRIPTION}
    tags: {{env: prod, team: data}}
    policies: {{{PUBLIC}: {{settleSeconds: 1}}}}
  - scope: {GROUP}
    policies: {{{PUBLIC}: {{settleSeconds: 2}}}}
  - scope: {GROUP}
    tags: {{env: prod}}
    policies: {{{PUBLIC}: {{settleSeconds: 3}}}}
  - scope: {GROUP}
    tags: {{team: data, env: prod}}
    policies: {{{PUBLIC}: {{settleSeconds: 4}}}}
  - scope: {GROUP}
    tags: {{Team: data}}
    policies: {{{PUBLIC}: {{settleSeconds: 5}}}}
"""


@pytest.mark.parametrize(
    ("tags", "seconds"),
    [
        ({}, 2),
        ({"env": "prod"}, 3),
        ({"ENV": "prod"}, 3),
        ({"env": "Prod"}, 2),
        ({"env": "prod", "team": "data"}, 4),
        ({"team": "data", "env": "test"}, 5),
    ],
)
def test_a_longer_scope_goes_first_and_then_more_tags(tags: dict[str, str], seconds: float) -> None:
    assert settings(TAGGED, tags=tags).settle_seconds == seconds


def test_of_as_many_tags_the_section_that_stands_first_wins() -> None:
    one = f"- {{scope: {GROUP}, tags: {{env: prod}}, tagsMayLower: true, effect: alert}}\n"
    other = f"- {{scope: {GROUP}, tags: {{team: data}}, tagsMayLower: true, effect: off}}\n"
    both = {"env": "prod", "team": "data"}
    assert settings(f"scopes:\n{one}{other}", tags=both).effect is Effect.ALERT
    assert settings(f"scopes:\n{other}{one}", tags=both).effect is Effect.OFF


def test_a_subnet_has_no_tags_and_a_server_its_own() -> None:
    assert tags_of(subnet()) == {}
    assert tags_of(server(tags={"env": "prod"})) == {"env": "prod"}


@pytest.mark.parametrize(
    ("text", "may_be"),
    [
        ("", True),
        ("defaults: {effect: off}", False),
        (f"scopes: [{{scope: {GROUP}, effect: off}}]", False),
        (f"scopes: [{{scope: {GROUP}, tags: {{env: dev}}, tagsMayLower: true, effect: off}}]", True),
        (f"defaults: {{effect: off}}\nscopes: [{{scope: {GROUP}, tags: {{a: b}}, effect: alert}}]", True),
        (f"defaults: {{effect: off}}\nscopes: [{{scope: {GROUP}-2, tags: {{a: b}}, effect: alert}}]", False),
        (
            f"scopes:\n- {{scope: {SUBSCRIPTION}, tags: {{a: b}}, tagsMayLower: true, effect: alert}}\n"
            f"- {{scope: {GROUP}, effect: off}}",
            False,
        ),
    ],
)
def test_before_the_reading_a_policy_may_be_on_if_it_is_on_for_some_tags(text: str, may_be: bool) -> None:
    assert configuration(text).may_be_on(policy(), SERVER) is may_be


_EFFECTS = st.sampled_from(["off", "alert", "revert", None])
_SECTIONS = st.lists(
    st.tuples(
        st.sampled_from([SUBSCRIPTION, GROUP, str(SERVER)]),
        st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"])),
        _EFFECTS,
        _EFFECTS,
    ),
    max_size=4,
    unique_by=lambda section: (section[0], tuple(sorted(section[1].items()))),
)


@given(
    _SECTIONS,
    st.sampled_from(["off", "alert", "revert"]),
    st.booleans(),
    st.sampled_from([Severity.HIGH, Severity.INFORMATIONAL]),
)
def test_whatever_the_tags_nothing_is_on_that_was_not_in_question(
    sections: list[tuple[str, dict[str, str], str | None, str | None]],
    default: str,
    opt_in: bool,
    severity: Severity,
) -> None:
    said = [
        {
            "scope": scope,
            "tags": tags,
            "tagsMayLower": bool(tags),
            "effect": blanket,
            "policies": {PUBLIC: {"effect": named}},
        }
        for scope, tags, blanket, named in sections
    ]
    file = {"defaults": {"effect": default}, "scopes": said}
    made = configuration(yaml.safe_dump(file))
    asked = replace(policy(), opt_in=opt_in, severity=severity)
    every = [{"a": a, "b": b} for a in "123" for b in "123"]
    effects = {made.settings_for(asked, SERVER, tags).effect for tags in every}
    if not made.may_be_on(asked, SERVER):
        assert effects == {Effect.OFF}
    if severity is Severity.INFORMATIONAL and "revert" not in {named for *_, named in sections}:
        assert Effect.REVERT not in effects
    if opt_in and not {"alert", "revert"} & {named for *_, named in sections}:
        assert effects == {Effect.OFF}


# --- what has to be named --------------------------------------------------------------------------

OPT_IN = replace(policy(), opt_in=True)
ADVICE = replace(policy(), severity=Severity.INFORMATIONAL)


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("", Effect.OFF),
        ("defaults: {effect: alert}", Effect.OFF),
        (f"scopes: [{{scope: {GROUP}, effect: revert}}]", Effect.OFF),
        (f"policies: {{{PUBLIC}: {{adopt: true}}}}", Effect.OFF),
        (f"policies: {{{PUBLIC}: {{effect: alert}}}}", Effect.ALERT),
        (f"scopes: [{{scope: {GROUP}, policies: {{{PUBLIC}: {{effect: revert}}}}}}]", Effect.REVERT),
        (
            f"policies: {{{PUBLIC}: {{effect: revert}}}}\nscopes: [{{scope: {GROUP}, effect: alert}}]",
            Effect.ALERT,
        ),
        (f"policies: {{{PUBLIC}: {{effect: alert}}}}\nscopes: [{{scope: {GROUP}, effect: off}}]", Effect.OFF),
        (
            f"policies: {{{PUBLIC}: {{effect: alert}}}}\nscopes:\n- {{scope: {SUBSCRIPTION}, effect: off}}\n"
            f"- {{scope: {GROUP}, effect: alert}}",
            Effect.OFF,
        ),
    ],
)
def test_a_policy_that_has_to_be_asked_for_is_switched_on_only_by_name(text: str, effect: Effect) -> None:
    assert configuration(text).settings_for(OPT_IN, SERVER).effect is effect
    assert configuration(text).may_be_on(OPT_IN, SERVER) is (effect is not Effect.OFF)


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("", Effect.ALERT),
        ("defaults: {effect: off}", Effect.OFF),
        (f"scopes: [{{scope: {GROUP}, effect: revert}}]", Effect.ALERT),
        (f"scopes: [{{scope: {GROUP}, effect: off}}]", Effect.OFF),
        (f"policies: {{{PUBLIC}: {{effect: revert}}}}", Effect.REVERT),
        (
            f"policies: {{{PUBLIC}: {{effect: revert}}}}\nscopes: [{{scope: {GROUP}, effect: alert}}]",
            Effect.ALERT,
        ),
    ],
)
def test_advice_alerts_unless_it_is_named(text: str, effect: Effect) -> None:
    assert configuration(text).settings_for(ADVICE, SERVER).effect is effect


def test_the_catalogue_shows_what_holds_without_a_scope() -> None:
    text = f"policies: {{{PUBLIC}: {{effect: alert}}}}\nscopes: [{{scope: {GROUP}, effect: off}}]"
    assert configuration(text).everywhere(policy()).effect is Effect.ALERT
    assert configuration(text).everywhere(replace(OPT_IN, id="another")).effect is Effect.OFF


# --- where it comes from ---------------------------------------------------------------------------


def test_every_setting_names_the_part_of_the_file_that_it_comes_from() -> None:
    said = configuration(LAYERS).sayings(policy(), SERVER)
    assert said.effect.path == ("scopes", 1, "policies", PUBLIC, "effect")
    assert said.without_approval.path == ("scopes", 2, "withoutApproval")
    assert said.adopt.path == ("scopes", 0, "adopt")
    assert said.settle_seconds.path == ("scopes", 0, "policies", PUBLIC, "settleSeconds")
    assert (said.during_freeze.path, said.during_freeze.built_in) == (None, "default")


def test_what_no_part_of_the_file_says_names_what_stands_behind_it() -> None:
    assert configuration().sayings(policy(), SERVER).effect.built_in == "default"
    assert configuration().sayings(OPT_IN, SERVER).effect.built_in == "it has to be asked for by name"
    advice = configuration("defaults: {effect: revert}").sayings(ADVICE, SERVER).effect
    assert (advice.path, advice.built_in) == (None, "advice alerts unless it is named")
    assert configuration().sayings(policy(), SERVER).settle_seconds.built_in == "SETTLE_SECONDS"


def test_each_parameter_has_its_own_place() -> None:
    text = f"policies: {{{NSG}: {{parameters: {{ports: [5432]}}}}}}"
    said = configuration(text).sayings(policy(NSG), SERVER).parameters["ports"]
    assert said.path == ("policies", NSG, "parameters", "ports")


# --- freezes and windows ---------------------------------------------------------------------------


def test_a_policy_may_be_told_to_write_in_spite_of_freezes_and_windows() -> None:
    text = f"policies: {{{PUBLIC}: {{duringFreeze: revert, outsideWindow: revert}}}}"
    assert settings("").during_freeze is settings("").outside_window is WhenClosed.ALERT
    said = settings(text)
    assert (said.during_freeze, said.outside_window) == (WhenClosed.REVERT, WhenClosed.REVERT)


def test_a_freeze_holds_for_everything_in_its_scope() -> None:
    text = f"freezes: [{{scope: {GROUP}, from: 2026-11-01, to: 2026-11-03, reason: audit week}}]"
    frozen = configuration(text).freeze(SERVER, NOW)
    assert frozen is not None
    assert (frozen.reason, frozen.ends) == ("audit week", datetime(2026, 11, 3, tzinfo=UTC))
    assert configuration(text).freeze(NEIGHBOUR, NOW) is None
    assert configuration(text).freeze(SERVER, NOW + timedelta(days=1)) is None


def test_the_windows_of_the_most_specific_scope_hold_alone() -> None:
    text = f"""
maintenanceWindows:
  - {{scope: {SUBSCRIPTION}, from: "07:00", to: "09:00"}}
  - {{scope: {GROUP}, from: "20:00", to: "21:00"}}
  - {{scope: {GROUP}, from: "10:00", to: "11:00"}}
"""
    assert configuration(text).closed_until(NEIGHBOUR, NOW) is None  # 8 o'clock: the subscription's is open
    assert configuration(text).closed_until(SERVER, NOW) == NOW + timedelta(hours=2)
    assert configuration("").closed_until(SERVER, NOW) is None


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


def test_what_has_ended_and_was_not_renewed_is_known() -> None:
    entry = f"- {{scope: {GROUP}, policy: {PUBLIC}, reason: a partner, approver: jane, expires: %s}}\n"
    ended = configuration("exemptions:\n" + entry % "2026-10-01" + entry % "2026-11-01")
    ((section, path),) = ended.expired_exemptions(NOW)
    assert (section.expires.month, path) == (11, ("exemptions", 1))
    renewed = configuration("exemptions:\n" + entry % "2026-10-01" + entry % "2027-01-01")
    assert renewed.expired_exemptions(NOW) == ()
    assert renewed.expired_exemptions(datetime(2027, 1, 1, tzinfo=UTC)) != ()


@pytest.mark.parametrize("key", ["duringFreeze", "outsideWindow"])
def test_tags_do_not_decide_when_writes_are_made(key: str) -> None:
    text = (
        f"scopes:\n- scope: {SUBSCRIPTION}\n  tags: {{env: prod}}\n  policies:\n    {PUBLIC}:\n      {key}: "
    )
    with pytest.raises(ConfigurationError, match=rf"policies.yaml:7: .*{key}: must not depend on tags"):
        configuration(f"{text}revert\n")
    assert configuration(f"{text}alert\n")
