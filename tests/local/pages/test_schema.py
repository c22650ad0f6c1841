"""The schema for editors agrees with what the app accepts, and knows every policy and parameter."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import jsonschema
import pytest

from local.dev.environments import ROOT
from local.pages.schema import policies_schema
from shared.config.file_reading import parse_policies_file
from shared.config.marked_yaml import read_yaml
from shared.model import Json
from shared.model.errors import ConfigurationError
from shared.policies import discover, find
from shared.posture.policy import Parameter
from tests.config.test_policies_file import REFUSALS

NSG = "nsg-blocks-postgres-in-subnet"
GROUP = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/data"
SCHEMA = policies_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

FULL = f"""
version: 1
defaults: {{effect: alert, adopt: false, withoutApproval: true}}
policies:
  {NSG}:
    {{effect: off, settleSeconds: 1.5, duringFreeze: revert, outsideWindow: alert,
      parameters: {{ports: [5432]}}}}
scopes:
  - scope: {GROUP}
    tags: {{env: prod}}
    tagsMayLower: true
    effect: off
    policies: {{{NSG}: {{adopt: true}}}}
exemptions:
  - {{scope: {GROUP}, policy: {NSG}, reason: a partner, approver: jane, expires: 2027-01-31}}
tagExemptions: {{enabled: true, tag: leave-me, days: 3}}
freezes:
  - {{scope: {GROUP}, from: 2026-12-20T00:00:00+01:00, to: 2027-01-02, reason: holidays}}
maintenanceWindows:
  - {{scope: {GROUP}, days: [Sat, Sun], from: 22:00, to: "24:00", timezone: Europe/Berlin}}
budgets: {{writesPerTarget: 1}}
"""

BEYOND_THE_SCHEMA = {
    "a key given twice",
    "a scope in which nothing is looked at",
    "a policy that looks at nothing in the scope",
    "an exemption that covers nothing",
    "tags of a subnet",
    "a Python object",
    "broken YAML",
    "a date that does not exist",
    "an end beyond the last year",
    "a port that is none",
    "a tag named twice",
    "a freeze that ends before it begins",
    "a zone that does not exist",
    "a zone outside the zones",
    "settling that never ends",
    "a digest for a pager",
    "a digest for a web hook",
    "a route by a tag that is named twice",
    "a route by the tags of a subnet",
    "quiet hours for machines",
    "quiet hours in no zone",
}
"""What is no YAML or no JSON, and what only the app can tell."""


def as_editors_see_it(text: str) -> Json:
    """Editors know no times: what looks like one is a text."""
    return json.loads(json.dumps(read_yaml(text)[0], default=str))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_projects_own_file_and_every_key_that_there_is_fit() -> None:
    own = (ROOT / "policies.yaml").read_text(encoding="utf-8")
    for text in (own, FULL):
        parse_policies_file(text, discover(), name="policies.yaml")
        assert list(VALIDATOR.iter_errors(as_editors_see_it(text))) == []


@pytest.mark.parametrize("name", sorted(REFUSALS.keys() - BEYOND_THE_SCHEMA))
def test_an_editor_marks_what_the_app_refuses(name: str) -> None:
    assert not VALIDATOR.is_valid(as_editors_see_it(REFUSALS[name][0]))


def test_every_policy_and_parameter_is_offered_with_what_it_means() -> None:
    offered = SCHEMA["$defs"]["Policies"]["properties"]
    assert offered.keys() == {policy.id for policy in discover()}
    for policy in discover():
        said = offered[policy.id]
        assert policy.title in said["description"]
        shown = said["properties"]["parameters"]["properties"]
        assert {name: part["description"] for name, part in shown.items()} == {
            parameter.name: parameter.description for parameter in policy.parameters
        }


def test_defaults_and_examples_of_parameters_have_the_type_that_is_offered() -> None:
    for policy in discover():
        shown = SCHEMA["$defs"]["Policies"]["properties"][policy.id]["properties"]["parameters"]["properties"]
        for parameter in policy.parameters:
            jsonschema.validate(parameter.default, shown[parameter.name])
            if parameter.example is not None:
                jsonschema.validate(parameter.example, shown[parameter.name])


def test_a_new_policy_is_offered_with_the_types_of_its_parameters() -> None:
    known = find(NSG)
    assert known is not None
    parameters = (
        Parameter(name="strict", default=True, description="a"),
        Parameter(name="share", default=0.5, description="b"),
        Parameter(name="zones", default=None, description="c", example=["x"]),
        Parameter(name="limits", default={"a": 1}, description="d"),
        Parameter(name="anything", default=None, description="e"),
    )
    schema = policies_schema([replace(known, id="a-new-one", parameters=parameters, opt_in=True)])
    offered = schema["$defs"]["Policies"]["properties"]
    assert offered.keys() == {"a-new-one"}
    assert "off unless" in offered["a-new-one"]["description"]
    shown = offered["a-new-one"]["properties"]["parameters"]["properties"]
    assert [shown[p.name].get("type") for p in parameters] == [
        "boolean",
        "number",
        ["array", "null"],
        "object",
        None,
    ]


def test_what_the_schema_lets_pass_the_app_refuses_with_the_line() -> None:
    for name in sorted(BEYOND_THE_SCHEMA):
        with pytest.raises(ConfigurationError, match=r"^policies\.yaml:\d+: "):
            parse_policies_file(REFUSALS[name][0], discover(), name="policies.yaml")


_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = _BLOCK.findall((ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_page_is_accepted_by_the_app_and_by_editors(example: str) -> None:
    text = f"version: 1\n{example}"
    parse_policies_file(text, discover(), name="configuration.md")
    assert list(VALIDATOR.iter_errors(as_editors_see_it(text))) == []


def test_the_page_names_every_key_that_there_is() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    parts = [SCHEMA, *SCHEMA["$defs"].values()]
    keys = {key for part in parts for key in part.get("properties", {})} - {p.id for p in discover()}
    one = next(iter(SCHEMA["$defs"]["Policies"]["properties"].values()))
    assert {key for key in {*keys, *one["properties"]} - {"version"} if key not in page} == set()


def test_the_projects_own_file_names_its_schema() -> None:
    first = (ROOT / "policies.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=docs/policies.schema.json"
