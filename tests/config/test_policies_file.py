"""The form of ``policies.yaml``: what is accepted, and that what cannot be meant is refused with its line."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from shared.config.file_reading import parse_policies_file
from shared.config.policies_file import PoliciesFile
from shared.guardrails.schedule import Weekday
from shared.model import Severity
from shared.model.errors import ConfigurationError
from shared.policies import discover

PUBLIC = "postgres-public-access-enabled"
NSG = "nsg-blocks-postgres-in-subnet"
SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
GROUP = f"{SUBSCRIPTION}/resourceGroups/data"

SERVER = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub/subnets/postgres"


def parsed(text: str) -> PoliciesFile:
    return parse_policies_file(f"version: 1\n{text}", discover(), name="policies.yaml")


def refused(text: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        parse_policies_file(text, discover(), name="policies.yaml")
    return str(error.value)


# --- what is accepted ------------------------------------------------------------------------------


def test_the_projects_own_file_is_accepted() -> None:
    text = (Path(__file__).parents[2] / "policies.yaml").read_text(encoding="utf-8")
    assert parse_policies_file(text, discover(), name="policies.yaml").version == 1


def test_a_time_of_the_day_may_be_written_without_quotes() -> None:
    zone = "timezone: Europe/Berlin"
    text = f"maintenanceWindows: [{{scope: {GROUP}, days: [Sat], from: 22:00, to: 04:00, {zone}}}]"
    (window,) = parsed(text).maintenance_windows
    assert (window.opens, window.closes) == (time(22), time(4))
    assert (window.days, window.timezone) == ((Weekday.SAT,), ZoneInfo("Europe/Berlin"))


def test_what_is_not_said_of_waiting_is_a_minute_for_what_is_of_one_deployment_and_nothing_else() -> None:
    alerts = parsed("").alerts
    assert (alerts.merge_seconds, alerts.quiet_hours, alerts.digests) == (60, (), ())


def test_quiet_hours_hold_back_medium_in_chats_and_mail_and_digests_what_is_low() -> None:
    hours = "quietHours: [{from: 22:00, to: 07:00, timezone: Europe/Berlin}]"
    alerts = parsed(f"alerts: {{{hours}, digests: [{{sinks: [slack], at: 09:00}}]}}").alerts
    (quiet,), (digest,) = alerts.quiet_hours, alerts.digests
    assert (quiet.begins, quiet.ends, quiet.severity, quiet.sinks) == (time(22), time(7), Severity.MEDIUM, ())
    assert (digest.at, digest.severity, digest.days) == (time(9), Severity.LOW, tuple(Weekday))


def test_a_window_without_days_opens_on_every_day_in_utc_and_may_last_until_midnight() -> None:
    (window,) = parsed(
        f"maintenanceWindows: [{{scope: {GROUP}, from: '18:00', to: '24:00'}}]"
    ).maintenance_windows
    assert (window.days, window.closes, window.timezone) == (tuple(Weekday), time(0), ZoneInfo("UTC"))


@pytest.mark.parametrize(
    "written", ["2026-12-20", "2026-12-20T00:00:00Z", "2026-12-20T01:00:00+01:00", "'2026-12-20T00:00:00Z'"]
)
def test_times_are_utc_whatever_their_form(written: str) -> None:
    text = f"freezes: [{{scope: {GROUP}, from: {written}, to: 2027-01-02, reason: holidays}}]"
    assert parsed(text).freezes[0].starts == datetime(2026, 12, 20, tzinfo=UTC)


def test_tags_exempt_nothing_unless_that_is_switched_on() -> None:
    assert parsed("").tag_exemptions.enabled is False
    rules = parsed("tagExemptions: {enabled: true, tag: leave-me, days: 2}").tag_exemptions
    assert (rules.enabled, rules.tag, rules.days) == (True, "leave-me", 2)


def test_what_is_said_several_times_may_be_an_anchor() -> None:
    text = f"""
policies:
  {NSG}: &ports {{parameters: {{ports: [5432]}}}}
scopes:
  - scope: {GROUP}
    policies: {{{NSG}: *ports}}
"""
    assert parsed(text).scopes[0].policies[NSG].parameters == {"ports": [5432]}


# --- what is refused -------------------------------------------------------------------------------

REFUSALS = {
    "an unknown key": ("version: 1\nscope: []", 2, "scope: there is no such key"),
    "an unknown key in a section": ("version: 1\ndefaults:\n  effct: alert", 3, "defaults.effct"),
    "a key in Python's spelling": (
        "version: 1\ndefaults: {without_approval: true}",
        2,
        "defaults.without_approval",
    ),
    "an unknown policy": (
        f"version: 1\npolicies:\n\n  {PUBLIC}d: {{}}",
        4,
        f"policies.{PUBLIC}d: there is no policy '{PUBLIC}d': is {PUBLIC} meant?",
    ),
    "an unknown policy in a scope": (
        f"version: 1\nscopes:\n - scope: {GROUP}\n   policies:\n    nope: {{}}",
        5,
        "scopes.0.policies.nope: there is no policy 'nope'",
    ),
    "an unknown policy in an exemption": (
        f"version: 1\nexemptions:\n - scope: {GROUP}\n   policy: nope\n   reason: why not\n   approver: j\n"
        "   expires: 2027-01-01",
        4,
        "exemptions.0.policy: there is no policy 'nope'",
    ),
    "an end beyond the last year": (
        f"version: 1\nexemptions:\n - scope: {GROUP}\n   policy: {NSG}\n   reason: for ever\n   approver: j\n"
        "   expires: 9999-12-31T23:59:59-05:00",
        7,
        "exemptions.0.expires: a time is between the years 1 and 9999",
    ),
    "a number in base 8": (
        f"version: 1\npolicies: {{{NSG}: {{parameters: {{ports: [05432]}}}}}}",
        2,
        f"policies.{NSG}.parameters.ports: a list",
    ),
    "a window that opens at the end of a day": (
        f"version: 1\nmaintenanceWindows:\n - {{scope: {GROUP}, days: [Mon], from: '24:00', to: '02:00'}}",
        3,
        "maintenanceWindows.0.from: a time of the day is written as",
    ),
    "an unknown parameter": (
        f"version: 1\npolicies:\n  {NSG}:\n    parameters:\n      port: 5432",
        5,
        f"policies.{NSG}.parameters.port: {NSG} has no parameter 'port': is ports meant?",
    ),
    "a parameter of the wrong type": (
        f"version: 1\npolicies: {{{NSG}: {{parameters: {{ports: 5432}}}}}}",
        2,
        f"policies.{NSG}.parameters.ports: a list",
    ),
    "a port that is none": (
        f"version: 1\nscopes:\n - scope: {GROUP}\n   policies: {{{NSG}: {{parameters: {{ports: [70000]}}}}}}",
        4,
        f"scopes.0.policies.{NSG}.parameters.ports",
    ),
    "an unknown effect": ("version: 1\ndefaults: {effect: delete}", 2, "defaults.effect"),
    "an effect that is on": ("version: 1\ndefaults: {effect: on}", 2, "defaults.effect"),
    "an effect that is false": ("version: 1\ndefaults: {effect: false}", 2, "defaults.effect"),
    "a truth that is none": ("version: 1\ndefaults: {adopt: maybe}", 2, "defaults.adopt"),
    "a scope that is no id": ("version: 1\nscopes:\n - scope: everything", 3, "scopes.0.scope"),
    "a scope in which nothing is looked at": (
        f"version: 1\nexemptions:\n - scope: {GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg\n"
        f"   policy: {NSG}\n   reason: because\n   approver: j\n   expires: 2027-01-01",
        3,
        "exemptions.0.scope: a scope is a subscription, a resource group, a server, a virtual network",
    ),
    "a policy that looks at nothing in the scope": (
        f"version: 1\nscopes:\n - scope: {SERVER}\n   policies:\n     {NSG}: {{effect: off}}",
        5,
        f"{NSG} looks at a subnet, and a microsoft.dbforpostgresql/flexibleservers holds none",
    ),
    "an exemption that covers nothing": (
        f"version: 1\nexemptions:\n - scope: {SUBNET}\n   policy: {PUBLIC}\n   reason: because\n"
        "   approver: j\n   expires: 2027-01-01",
        4,
        "exemptions.0.policy",
    ),
    "tags of a subnet": (
        f"version: 1\nscopes:\n - scope: {SUBNET}\n   tags: {{env: prod}}",
        4,
        "scopes.0.tags: a subnet has no tags",
    ),
    "a section without a scope": ("version: 1\nscopes:\n - adopt: true", 3, "scopes.0.scope: is required"),
    "a tag's value that is no text": (
        f"version: 1\nscopes:\n - scope: {GROUP}\n   tags:\n     tier: 1",
        5,
        "scopes.0.tags.tier",
    ),
    "a tag named twice": (
        f"version: 1\nscopes:\n - scope: {GROUP}\n   tags: {{env: prod, Env: test}}",
        4,
        "scopes.0.tags: a tag is named twice",
    ),
    "an exemption without an end": (
        f"version: 1\nexemptions: [{{scope: {GROUP}, policy: {PUBLIC}, reason: because, approver: j}}]",
        2,
        "exemptions.0.expires",
    ),
    "an end that is a number": (
        f"version: 1\nexemptions: [{{scope: {GROUP}, policy: {PUBLIC}, reason: because, approver: j, "
        "expires: 20270131}]",
        2,
        "exemptions.0.expires: a time is written as",
    ),
    "an exemption without a reason": (
        f"version: 1\nexemptions: [{{scope: {GROUP}, policy: {PUBLIC}, reason: '', approver: j, "
        "expires: 2027-01-01}]",
        2,
        "exemptions.0.reason",
    ),
    "an exemption by tag for longer than a week": (
        "version: 1\ntagExemptions:\n  enabled: true\n  days: 8",
        4,
        "tagExemptions.days",
    ),
    "a freeze that ends before it begins": (
        f"version: 1\nfreezes:\n - scope: {GROUP}\n   from: 2027-01-02\n   to: 2027-01-02\n"
        "   reason: holidays",
        5,
        "freezes.0.to: the freeze ends before it begins",
    ),
    "a freeze without a reason": (
        f"version: 1\nfreezes:\n - scope: {GROUP}\n   from: 2027-01-02\n   to: 2027-01-03",
        3,
        "freezes.0.reason: is required",
    ),
    "a time of the day that does not exist": (
        f"version: 1\nmaintenanceWindows:\n - scope: {GROUP}\n   from: 25:00\n   to: '04:00'",
        4,
        'maintenanceWindows.0.from: a time of the day is written as "22:00"',
    ),
    "a zone that does not exist": (
        f"version: 1\nmaintenanceWindows:\n - scope: {GROUP}\n   from: 22:00\n   to: 04:00\n"
        "   timezone: Europe",
        6,
        "maintenanceWindows.0.timezone: there is no time zone 'Europe'",
    ),
    "a zone outside the zones": (
        f"version: 1\nmaintenanceWindows: [{{scope: {GROUP}, from: 22:00, to: 04:00, timezone: ../../x}}]",
        2,
        "maintenanceWindows.0.timezone",
    ),
    "a day that does not exist": (
        f"version: 1\nmaintenanceWindows: [{{scope: {GROUP}, days: [Mo], from: 22:00, to: 04:00}}]",
        2,
        "maintenanceWindows.0.days.0",
    ),
    "a mass of one": ("version: 1\nmassDrift: {targets: 1}", 2, "massDrift.targets"),
    "more than all": ("version: 1\nmassDrift: {sharePercent: 101}", 2, "massDrift.sharePercent"),
    "a window without end": ("version: 1\nmassDrift:\n  minutes: 600", 3, "massDrift.minutes"),
    "a retention that is too short": ("version: 1\nretentionDays: 99", 2, "retentionDays"),
    "a retention below nothing": ("version: 1\nretentionDays: -1", 2, "retentionDays"),
    "a retention without end": ("version: 1\nretentionDays: 40000", 2, "retentionDays"),
    "a retention that is no number": ("version: 1\nretentionDays: true", 2, "retentionDays"),
    "a route by the tags of a subnet": (
        f"version: 1\nalerts:\n routes:\n  - {{sinks: [slack], scope: {SUBNET}, tags: {{team: shop}}}}",
        4,
        "alerts.routes.0.tags: a subnet has no tags in Azure",
    ),
    "a route by a tag that is named twice": (
        "version: 1\nalerts:\n routes:\n  - {sinks: [slack], tags: {team: shop, Team: shop}}",
        4,
        "alerts.routes.0.tags: a tag is named twice",
    ),
    "quiet hours for what is critical": (
        "version: 1\nalerts:\n quietHours:\n  - from: '22:00'\n    to: '07:00'\n    severity: Critical",
        6,
        "alerts.quietHours.0.severity: critical never waits: High and milder can be held back",
    ),
    "a digest of what is critical": (
        "version: 1\nalerts:\n digests:\n  - {sinks: [slack], at: '09:00', severity: Critical}",
        4,
        "alerts.digests.0.severity: critical never waits",
    ),
    "a digest for a pager": (
        "version: 1\nalerts:\n digests:\n  - sinks: [slack, PagerDuty]\n    at: '09:00'",
        4,
        "alerts.digests.0.sinks: 'PagerDuty' is told of each alert by itself",
    ),
    "a digest for a web hook": (
        "version: 1\nalerts:\n digests:\n  - sinks: [jsons]\n    at: '09:00'",
        4,
        "alerts.digests.0.sinks: 'jsons' is told of each alert by itself",
    ),
    "a digest for nobody": (
        "version: 1\nalerts:\n digests:\n  - {sinks: [], at: '09:00'}",
        4,
        "alerts.digests.0.sinks",
    ),
    "quiet hours for machines": (
        "version: 1\nalerts:\n quietHours:\n  - {from: '22:00', to: '07:00', sinks: [eventgrid]}",
        4,
        "alerts.quietHours.0.sinks: 'eventgrid' waits for nothing",
    ),
    "quiet hours in no zone": (
        "version: 1\nalerts:\n quietHours:\n  - {from: '22:00', to: '07:00', timezone: Europe/Nowhere}",
        4,
        "alerts.quietHours.0.timezone: there is no time zone 'Europe/Nowhere'",
    ),
    "a merge window without end": ("version: 1\nalerts: {mergeSeconds: 3600}", 2, "alerts.mergeSeconds"),
    "a merge window below nothing": ("version: 1\nalerts: {mergeSeconds: -1}", 2, "alerts.mergeSeconds"),
    "a negative budget": ("version: 1\nbudgets: {writesPerTarget: -1}", 2, "budgets.writesPerTarget"),
    "settling that never ends": (
        f"version: 1\npolicies: {{{PUBLIC}: {{settleSeconds: .inf}}}}",
        2,
        f"policies.{PUBLIC}.settleSeconds",
    ),
    "another version": ("# remark\nversion: 2", 2, "version"),
    "no version": ("defaults: {}", 1, "version: is required"),
    "an empty file": ("", 1, "version"),
    "a list": ("- version: 1", 1, "the file"),
    "broken YAML": ("version: 1\nscopes: [", 2, "not YAML"),
    "a date that does not exist": (
        "version: 1\nexemptions: [{expires: 2027-13-45}]",
        2,
        "not YAML: 2027-13-45 is no date: month",
    ),
    "a key given twice": ("version: 1\nscopes: []\nscopes: []", 3, "the key 'scopes' is given twice"),
    "a Python object": ("version: !!python/object/apply:os.getcwd []", 1, "not YAML"),
}


@pytest.mark.parametrize(("text", "line", "reason"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_meant_is_refused_with_file_line_and_reason(text: str, line: int, reason: str) -> None:
    first = refused(text).splitlines()[0]
    assert first.startswith(f"policies.yaml:{line}: ")
    assert reason in first


def test_a_scope_has_one_section_for_the_same_tags_whatever_the_letter_case() -> None:
    text = f"""version: 1
scopes:
  - scope: {GROUP}
  - scope: {GROUP}
    tags: {{env: prod}}
  - scope: {GROUP}
    tags: {{env: PROD}}
  - scope: {GROUP.upper().replace("/SUBSCRIPTIONS", "/subscriptions")}
    tags: {{ENV: prod}}
"""
    assert refused(text).startswith("policies.yaml:8: scopes.3.scope: ")
    assert refused(text).endswith("with these tags has a section already: scopes.1")


def test_every_mistake_is_told_in_the_order_of_the_file() -> None:
    text = "version: 1\npolicies:\n  a-policy: {}\nbudgets: {}\nexemptions:\n  - {scope: here}\n"
    lines = refused(text).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["policies.yaml:6"] * 5
    assert refused(text.replace("exemptions:\n  - {scope: here}\n", "")).count("\n") == 0


def test_of_many_mistakes_the_rest_is_counted() -> None:
    text = "version: 1\npolicies:\n" + "".join(f"  nothing-{n}: {{}}\n" for n in range(30))
    lines = refused(text).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "policies.yaml: and 10 more"


def test_a_part_of_the_file_can_be_shown() -> None:
    file = parsed(f"\npolicies:\n  {PUBLIC}:\n    effect: off\n")
    assert file.place(("policies", PUBLIC, "effect")) == "policies.yaml:5"
