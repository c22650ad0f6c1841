"""A section with tags that lowers an effect is refused with its line, unless it says that tags may lower."""

from __future__ import annotations

import pytest

from tests.config.test_policies_file import GROUP, NSG, PUBLIC, SERVER, SUBSCRIPTION, parsed, refused

LOWER = f"""version: 1
scopes:
 - scope: {GROUP}
   tags: {{env: dev}}
   effect: alert
"""


@pytest.mark.field(
    "brakes",
    "A section with tags that switches a policy off or lowers an effect is refused unless it opts in",
    source="docs/configuration.md",
    date="2026-11-29",
)
def test_a_tag_that_would_lower_an_effect_is_refused_with_its_line() -> None:
    said = refused(LOWER)
    assert said.startswith("policies.yaml:5: scopes.0.effect: a tag would lower ")
    assert said.endswith("from revert to alert; tagsMayLower: true in this section allows it")


def scopes(*sections: str) -> str:
    return "scopes:\n" + "\n".join(f"- {{{section}}}" for section in sections)


DEV = f"scope: {GROUP}, tags: {{env: dev}}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (scopes(f"{DEV}, effect: off"), "policies.yaml:3: scopes.0.effect: a tag would switch this off"),
        ("defaults: {effect: off}\n" + scopes(f"{DEV}, effect: off"), "policies.yaml:4: scopes.0.effect"),
        (
            scopes(f"{DEV}, policies: {{{PUBLIC}: {{effect: alert}}}}"),
            f"policies.yaml:3: scopes.0.policies.{PUBLIC}.effect: a tag would lower {PUBLIC} from revert",
        ),
        (
            f"defaults: {{effect: alert}}\npolicies: {{{PUBLIC}: {{effect: revert}}}}\n"
            + scopes(f"{DEV}, effect: alert"),
            "policies.yaml:5: scopes.0.effect: a tag would lower postgres-public-access-enabled",
        ),
        (
            "defaults: {effect: alert}\n"
            + scopes(
                f"scope: {GROUP}, tags: {{env: prod}}, effect: revert",
                f"scope: {GROUP}, tags: {{env: prod, team: data}}, effect: alert",
            ),
            "policies.yaml:5: scopes.1.effect: a tag would lower ",
        ),
        (
            "defaults: {effect: alert}\n"
            + scopes(
                f"scope: {GROUP}, tags: {{env: prod}}, effect: revert",
                f"scope: {SERVER}, tags: {{team: data}}, effect: alert",
            ),
            "policies.yaml:5: scopes.1.effect: a tag would lower ",
        ),
        (
            "defaults: {effect: alert}\n"
            + scopes(
                f"scope: {SUBSCRIPTION}, tags: {{env: dev}}, effect: revert",
                f"scope: {GROUP}, effect: revert",
                f"scope: {GROUP}, tags: {{env: dev}}, policies: {{{PUBLIC}: {{effect: alert}}}}",
            ),
            "policies.yaml:6: scopes.2.policies",
        ),
        (scopes(f"scope: {GROUP}, tagsMayLower: true"), "scopes.0.tagsMayLower: without tags"),
    ],
)
def test_every_way_to_lower_by_a_tag_is_found(text: str, line: str) -> None:
    assert line in refused(f"version: 1\n{text}")


@pytest.mark.parametrize(
    "text",
    [
        scopes(f"{DEV}, tagsMayLower: true, effect: off"),
        scopes(f"{DEV}, tagsMayLower: true, policies: {{{PUBLIC}: {{effect: alert}}}}"),
        "defaults: {effect: alert}\n" + scopes(f"{DEV}, effect: alert"),
        "defaults: {effect: alert}\n" + scopes(f"{DEV}, effect: revert"),
        "defaults: {effect: off}\n" + scopes(f"{DEV}, effect: alert"),
        scopes(f"{DEV}, withoutApproval: false, adopt: false"),
        scopes(f"scope: {GROUP}, effect: alert", f"{DEV}, effect: alert"),
        scopes(f"scope: {GROUP}, effect: off"),
        scopes(f"{DEV}, policies: {{{NSG}: {{effect: alert}}}}"),
        "defaults: {effect: alert}\n"
        + scopes(
            f"scope: {GROUP}, tags: {{env: prod}}, effect: revert",
            f"scope: {GROUP}, tags: {{env: dev, team: data}}, effect: alert",
        ),
    ],
    ids=range(10),
)
def test_what_raises_or_changes_nothing_or_was_opted_in_is_accepted(text: str) -> None:
    assert parsed(text).version == 1
