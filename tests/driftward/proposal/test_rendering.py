"""A proposal as commands, Bicep and Terraform: each says exactly the NSG of the proof."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import tree_sitter_hcl
from tree_sitter import Language, Parser

from driftward.proposal.bicep import bicep
from driftward.proposal.commands import ORDER, script
from driftward.proposal.proposing import Proposal
from driftward.proposal.terraform import terraform
from local.dev.bicep.deploying import Made, Scope, deploy
from shared.model import SecurityGroup
from shared.nsg.documents.document import read_group
from shared.nsg.rules.spelling import rule_body
from tests.driftward.proposal.builders import STORAGE, incoming, nsg, outgoing, proposed, rule

HOSTILE = "it's \\ \"${resourceGroup().id}\" %{ if true } $x\n'\x1b[31m\u202e\U000e0001"
OLD = nsg(
    rule("a", 100, "VirtualNetwork > *"),
    rule("b", 200, "10.0.0.0/8 > *"),
    rule("c", 100, "* > *", way="Outbound"),
)


@pytest.fixture(name="found")
def a_proposal() -> Proposal:
    seen = (incoming("10.1.2.4"), incoming("10.1.9.9"), outgoing("10.9.0.4", 53, "Udp"), outgoing(STORAGE))
    return proposed(*seen, group=OLD)


def hostile(group: SecurityGroup) -> SecurityGroup:
    return replace(group, rules=tuple(replace(one, description=HOSTILE) for one in group.rules))


def bodies(group: SecurityGroup) -> dict[str, Any]:
    return {one.name: rule_body(one)["properties"] for one in group.rules}


# --- az --------------------------------------------------------------------------------------------


def test_commands_come_in_the_order_of_the_edits(found: Proposal) -> None:
    comment, *lines = "\n".join(script(found, OLD)).replace("\\\n", " ").splitlines()
    assert comment == ORDER
    assert [line.endswith(" &&") for line in lines] == [*[True] * (len(lines) - 1), False]
    words = [shlex.split(line.removesuffix(" &&")) for line in lines]
    said = [(one[4], one[one.index("--name") + 1]) for one in words]
    added = [("create", one.name) for one in found.added]
    assert said == [*added, *(("delete", one.name) for one in found.removed)]
    accesses = [one[one.index("--access") + 1] for one in words if one[4] == "create"]
    assert accesses == sorted(accesses)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_after_a_command_that_fails_no_other_runs(shell: str, found: Proposal, tmp_path: Path) -> None:
    """A deny behind an allow that could not be put would be an outage. The shell reads what is pasted."""
    az = tmp_path / "az"
    az.write_text('#!/bin/sh\necho "$4" "$*" >>"$LOG"\ncase "$*" in *allow-storage*) exit 3;; esac\n')
    az.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LOG": str(tmp_path / "log")}
    done = subprocess.run(
        [shell], input="\n".join(script(found, OLD)) + "\n", text=True, env=environment, check=False
    )
    called = (tmp_path / "log").read_text().splitlines()
    assert done.returncode == 3
    assert "allow-storage" in called[-1]
    assert not [line for line in called if "--access Deny" in line or line.startswith("delete")]


def test_without_anything_to_change_there_is_no_command(found: Proposal) -> None:
    assert list(script(replace(found, edits=()), OLD)) == []


# --- Bicep -----------------------------------------------------------------------------------------


class Azure:
    """Where the template is deployed to."""

    facts: Mapping[str, Any] = MappingProxyType({})

    def __init__(self) -> None:
        self.made: list[Made] = []

    def make(self, made: Made) -> Mapping[str, Any]:
        self.made.append(made)
        return {}

    def show(self, resource_id: str, version: str) -> Mapping[str, Any]:
        return {"location": "westeurope"}


def deployed(template: str, folder: Path, parameters: Mapping[str, Any]) -> Made:
    azure, path = Azure(), folder / "nsg.bicep"
    path.write_text(template, encoding="utf-8")
    deploy(path, Scope(subscription="s", group="g"), {"location": "westeurope", **parameters}, azure)
    (made,) = azure.made
    return made


@pytest.mark.parametrize("is_hostile", [False, True])
def test_the_bicep_file_deploys_the_nsg_of_the_proof(
    is_hostile: bool, found: Proposal, tmp_path: Path
) -> None:
    wanted = hostile(found.after) if is_hostile else found.after
    made = deployed(bicep(wanted), tmp_path, {})
    assert made.id.endswith("/networkSecurityGroups/nsg-pg")
    rules = made.body["properties"]["securityRules"]
    assert {one["name"]: one["properties"] for one in rules} == bodies(wanted)


def test_the_bicep_file_of_a_new_nsg_asks_for_its_name(tmp_path: Path) -> None:
    from driftward.flows.advice import template_group

    new = replace(template_group(), rules=())
    made = deployed(bicep(proposed(incoming("10.1.2.4"), group=new).after), tmp_path, {"nsgName": "mine"})
    assert made.id.endswith("/networkSecurityGroups/mine")
    assert read_group({**made.body, "id": made.id}, name=None).rules


# --- Terraform -------------------------------------------------------------------------------------


def blocks(text: str) -> Iterator[dict[str, Any]]:
    """The rules of a file: every value that is written there is one of JSON as well."""
    for block in re.findall(r"security_rule \{\n(.*?)\n  \}", text, re.DOTALL):
        fields = dict(re.split(r" += ", line.strip(), maxsplit=1) for line in block.splitlines())
        yield {name: json.loads(_WIDE.sub(_as_it_is, found)) for name, found in fields.items()}


_WIDE = re.compile(r"\\U([0-9a-f]{8})")
"""What JSON does not know."""


def _as_it_is(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)


@pytest.mark.parametrize("is_hostile", [False, True])
def test_the_terraform_file_holds_the_nsg_of_the_proof(is_hostile: bool, found: Proposal) -> None:
    wanted = hostile(found.after) if is_hostile else found.after
    read = {block.pop("name"): block for block in blocks(terraform(wanted))}
    for block in read.values():
        block["description"] = block["description"].replace("$${", "${").replace("%%{", "%{")
    expected = {
        name: {_snake(field): text for field, text in body.items()} for name, body in bodies(wanted).items()
    }
    assert read == expected


@pytest.mark.parametrize("form", [bicep, terraform])
def test_nothing_hostile_writes_to_a_terminal(form: Callable[[SecurityGroup], str], found: Proposal) -> None:
    assert all(sign.isprintable() or sign == "\n" for sign in form(hostile(found.after)))


@pytest.mark.parametrize("is_hostile", [False, True])
def test_terraforms_grammar_reads_the_file_and_finds_no_expression_in_a_text(
    is_hostile: bool, found: Proposal
) -> None:
    written = terraform(hostile(found.after) if is_hostile else found.after)
    root = Parser(Language(tree_sitter_hcl.language())).parse(written.encode()).root_node
    assert not root.has_error
    assert "template_interpolation" not in str(root)
    assert "template_directive" not in str(root)


def test_nothing_hostile_begins_an_expression(found: Proposal) -> None:
    written = terraform(hostile(found.after))
    assert re.findall(r"(?<!\$)\$\{|(?<!%)%\{", written) == []
