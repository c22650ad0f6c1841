"""`--source DIR`: a finding of a plan or a what-if names the file and the line that set what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from driftward.scanning.documents.source.bicep import Templates
from local.simulator import seeds
from shared.model.resource_id import ResourceId
from tests.catalogue.stage import everything_on
from tests.driftward.documents.planned import CASES
from tests.driftward.documents.test_what_if import change

PUBLIC, ALL_AZURE = "postgres-public-access-enabled", "postgres-firewall-allows-all-azure"
BLOCKED = "nsg-blocks-postgres-in-subnet"
PG = seeds.flexible_server_id(name="pg")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ARM_ENDPOINT", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("all.yaml").write_text(everything_on([]))


def written(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = Path("repository", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def line(file: str, text: str) -> int:
    """The line of a file that holds a text, which one alone does."""
    lines = Path("repository", file).read_text().splitlines()
    (found,) = (number for number, one in enumerate(lines, start=1) if text in one)
    return found


def looked(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    main(["scan", *options, "--source", "repository", "--file", "all.yaml", "-o", "json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def planned(name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    Path("tfplan.json").write_text(json.dumps(CASES[name].document(name)))
    return looked(capsys, "--plan", "tfplan.json")


def origin(report: Mapping[str, Any], policy: str) -> dict[str, Any]:
    (found,) = (one["origin"] for one in report["findings"] if one["policy"] == policy)
    said: dict[str, Any] = found
    return said


FLAT = """\
resource "azurerm_postgresql_flexible_server" "pg" {
  name                          = "pg"
  public_network_access_enabled = true
}

resource "azurerm_postgresql_flexible_server_firewall_rule" "azure" {
  name             = "azure"
  start_ip_address = "0.0.0.0"
  end_ip_address   = "0.0.0.0"
}
"""


def test_an_argument_is_pointed_at_with_the_edit_that_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    written({"main.tf": FLAT})
    report = planned("flat", capsys)
    assert origin(report, PUBLIC) == {
        "address": "azurerm_postgresql_flexible_server.pg",
        "file": "main.tf",
        "line": line("main.tf", "public_network_access_enabled"),
        "edit": "public_network_access_enabled = false",
    }
    assert origin(report, ALL_AZURE) == {
        "address": "azurerm_postgresql_flexible_server_firewall_rule.azure",
        "file": "main.tf",
        "line": line("main.tf", "start_ip_address"),
        "edit": "remove this rule",
    }


def test_an_argument_that_is_not_there_is_to_be_added_to_its_resource(
    capsys: pytest.CaptureFixture[str],
) -> None:
    written({"main.tf": FLAT})
    found = origin(planned("flat", capsys), "postgres-entra-sign-in-off")
    assert found["line"] == 1
    assert found["edit"] == "add authentication { active_directory_auth_enabled = true }"


@pytest.mark.parametrize(
    ("files", "file", "text", "edit"),
    [
        (
            {"vars.tf": 'variable "open" {\n  type    = bool\n  default = true\n}\n'},
            "vars.tf",
            "default = true",
            "default = false",
        ),
        (
            {"vars.tf": 'variable "open" { default = false }\n', "terraform.tfvars": "a = 1\nopen = true\n"},
            "terraform.tfvars",
            "open = true",
            "open = false",
        ),
        (
            {"terraform.tfvars": "open = false\n", "prod.auto.tfvars": "# last\nopen = true\n"},
            "prod.auto.tfvars",
            "open = true",
            "open = false",
        ),
    ],
    ids=["default", "tfvars", "auto-tfvars"],
)
def test_a_variable_is_followed_to_what_gave_it_its_value(
    files: Mapping[str, str], file: str, text: str, edit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written({"infra/main.tf": FLAT.replace("= true", "= var.open")})
    written({f"infra/{name}": content for name, content in files.items()})
    found = origin(planned("flat", capsys), PUBLIC)
    assert (found["file"], found["line"], found["edit"]) == (
        f"infra/{file}",
        line(f"infra/{file}", text),
        edit,
    )


def test_a_local_is_followed_too(capsys: pytest.CaptureFixture[str]) -> None:
    written({"main.tf": FLAT.replace("= true", "= local.open"), "l.tf": "locals {\n  open = true\n}\n"})
    found = origin(planned("flat", capsys), PUBLIC)
    assert (found["file"], found["line"], found["edit"]) == ("l.tf", 2, "open = false")


MODULES = {
    "main.tf": 'module "net" {\n  source = "./modules/net"\n}\n\nmodule "db" {\n'
    '  source    = "./modules/db"\n  subnet_id = module.net.subnet_id\n  entra     = false\n}\n',
    "modules/net/main.tf": 'resource "azurerm_network_security_group" "n" {\n  name = "nsg"\n'
    '  security_rule {\n    name     = "other"\n  }\n'
    '  security_rule {\n    name     = "deny-all"\n    priority = 100\n  }\n}\n',
    "modules/db/main.tf": 'variable "entra" {\n  default = true\n}\n\n'
    'resource "azurerm_postgresql_flexible_server" "this" {\n  authentication {\n'
    "    active_directory_auth_enabled = var.entra\n  }\n}\n",
}


def test_a_module_is_followed_to_its_files_and_its_variables_back_to_the_call(
    capsys: pytest.CaptureFixture[str],
) -> None:
    written(MODULES)
    report = planned("modules", capsys)
    blocked, sign_in = origin(report, BLOCKED), origin(report, "postgres-entra-sign-in-off")
    assert (blocked["file"], blocked["line"]) == ("modules/net/main.tf", 6)
    assert (sign_in["file"], sign_in["line"]) == ("main.tf", line("main.tf", "entra"))
    assert sign_in["edit"] == "entra = true"


@pytest.mark.parametrize("installed", [True, False])
def test_a_module_of_a_registry_is_where_init_put_it_or_its_call(
    installed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    written({**MODULES, "main.tf": MODULES["main.tf"].replace('"./modules/net"', '"Azure/net/azurerm"')})
    if installed:
        modules = [{"Key": "net", "Source": "registry/Azure/net", "Dir": "modules/net"}]
        written({".terraform/modules/modules.json": json.dumps({"Modules": modules})})
    found = origin(planned("modules", capsys), BLOCKED)
    assert (found["file"], found["line"]) == (("modules/net/main.tf", 6) if installed else ("main.tf", 1))


@pytest.mark.parametrize(
    "files",
    [
        {"readme.md": ""},
        {"main.tf": 'resource "azurerm_resource_group" "g" {}\n'},
        {"a/main.tf": FLAT, "b/main.tf": FLAT},
        {"main.tf": 'resource "azurerm_postgresql_flexible_server" {{{ \x00'},
    ],
    ids=["none", "another", "two", "broken"],
)
def test_where_no_file_is_surely_the_one_the_address_stands_alone(
    files: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    written(files)
    found = origin(planned("flat", capsys), PUBLIC)
    assert found == {"address": "azurerm_postgresql_flexible_server.pg", "file": "", "line": 0, "edit": ""}


def test_sarif_lands_on_the_line_and_the_table_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    written({"infra/main.tf": FLAT})
    Path("tfplan.json").write_text(json.dumps(CASES["flat"].document("flat")))
    options = ["scan", "--plan", "tfplan.json", "--source", "repository", "--policy", PUBLIC]
    main([*options, "-o", "sarif"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    (result,) = run["results"]
    (place,) = (one["physicalLocation"] for one in result["locations"])
    assert place == {"artifactLocation": {"uri": "infra/main.tf"}, "region": {"startLine": 3}}
    assert result["message"]["text"].endswith("Edit: public_network_access_enabled = false")
    main([*options, "--fix"])
    told = capsys.readouterr().out
    assert "    infra/main.tf:3 azurerm_postgresql_flexible_server.pg" in told
    assert "      public_network_access_enabled = false" in told


# --- Bicep -----------------------------------------------------------------------------------------

BICEP = """\
resource pg 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' = {
  name: 'pg'
  properties: {
    network: {
      publicNetworkAccess: 'Enabled'
    }
  }

  resource azure 'firewallRules' = {
    name: 'azure'
    properties: {
      startIpAddress: '0.0.0.0'
      endIpAddress: '0.0.0.0'
    }
  }
}
"""


def test_a_bicep_file_is_pointed_at(capsys: pytest.CaptureFixture[str]) -> None:
    written({"infra/main.bicep": BICEP})
    server = seeds.flexible_server(name="pg")
    rule = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}
    changes = [
        change("Create", PG, after=server),
        change("Create", f"{PG}/firewallRules/azure", after=rule),
    ]
    Path("whatif.json").write_text(json.dumps({"changes": changes}))
    report = looked(capsys, "--what-if", "whatif.json")
    assert origin(report, PUBLIC) == {
        "address": "pg",
        "file": "infra/main.bicep",
        "line": line("infra/main.bicep", "publicNetworkAccess"),
        "edit": "publicNetworkAccess: 'Disabled'",
    }
    assert origin(report, ALL_AZURE) == {
        "address": "azure",
        "file": "infra/main.bicep",
        "line": line("infra/main.bicep", "startIpAddress"),
        "edit": "remove this rule",
    }
    sign_in = origin(report, "postgres-entra-sign-in-off")
    assert sign_in["line"] == line("infra/main.bicep", "resource pg")
    assert sign_in["edit"] == "add properties: { authConfig: { activeDirectoryAuth: 'Enabled' } }"


def deployed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    changes = [change("Create", PG, after=seeds.flexible_server(name="pg"))]
    Path("whatif.json").write_text(json.dumps({"changes": changes}))
    return origin(looked(capsys, "--what-if", "whatif.json"), PUBLIC)


GIVEN = "using './main.bicep'\n\nparam open = 'Enabled'\n"


@pytest.mark.parametrize(
    ("head", "files", "place", "edit"),
    [
        ("param open string = 'Enabled'", {}, ("main.bicep", 1), "open = 'Disabled'"),
        ("var open = 'Enabled'", {}, ("main.bicep", 1), "open = 'Disabled'"),
        ("param open string", {"p.bicepparam": GIVEN}, ("p.bicepparam", 3), "open = 'Disabled'"),
        ("param open string = 'x'", {"p.bicepparam": GIVEN}, ("p.bicepparam", 3), "open = 'Disabled'"),
        (
            "param open string",
            {"p.bicepparam": GIVEN, "q.bicepparam": GIVEN},
            ("main.bicep", 7),
            "publicNetworkAccess: 'Disabled'",
        ),
        ("param open string", {}, ("main.bicep", 7), "publicNetworkAccess: 'Disabled'"),
        (
            "param open string",
            {"p.bicepparam": GIVEN.replace("main", "other")},
            ("main.bicep", 7),
            "publicNetworkAccess: 'Disabled'",
        ),
    ],
    ids=["default", "variable", "given", "given-over-default", "two-files", "nobody", "of-another"],
)
def test_a_parameter_is_followed_to_what_gives_it_its_value(
    head: str,
    files: Mapping[str, str],
    place: tuple[str, int],
    edit: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = BICEP.replace("publicNetworkAccess: 'Enabled'", "publicNetworkAccess: open")
    written({"main.bicep": f"{head}\n\n{body}", **files})
    found = deployed(capsys)
    assert (found["file"], found["line"], found["edit"]) == (*place, edit)


KIND = "Microsoft.DBforPostgreSQL/flexibleServers"


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        (f"resource a '{KIND}@1' = {{\n  name: name\n}}\n", "a"),
        (f"resource a '{KIND}@1' = {{\n  name: 'p${{env}}'\n}}\n", "a"),
        (f"resource a '{KIND}@1' = {{\n  name: 'q${{env}}'\n}}\n", None),
        (f"resource a '{KIND}@1' = if (x) {{\n  name: 'pg'\n}}\n", "a"),
        (f"resource a '{KIND}@1' = [for i in range(0, 2): {{\n  name: 'p${{i}}'\n}}]\n", "a"),
        (f"resource a '{KIND}@1' = {{\n  name: x\n}}\nresource b '{KIND}@1' = {{\n  name: y\n}}\n", None),
        (f"resource a '{KIND}@1' = {{\n  name: x\n}}\nresource b '{KIND}@1' = {{\n  name: 'pg'\n}}\n", "b"),
        ("resource a 'Microsoft.Network/virtualNetworks@1' = {\n  name: 'pg'\n}\n", None),
        ("resource broken '", None),
    ],
    ids=[
        *("expression", "interpolated", "other-text", "condition", "loop", "two", "exact", "other-type"),
        "broken",
    ],
)
def test_a_declaration_is_known_by_its_type_and_its_name(text: str, symbol: str | None) -> None:
    written({"main.bicep": text})
    found = Templates(Path("repository")).declared(ResourceId(PG))
    assert (found.symbol if found is not None else None) == symbol


@pytest.mark.parametrize(
    "child",
    [
        f"resource r '{KIND}/firewallRules@1' = {{\n  parent: pg\n  name: 'azure'\n}}\n",
        f"resource r '{KIND}/firewallRules@1' = {{\n  name: 'pg/azure'\n}}\n",
        f"resource r '{KIND}/firewallRules@1' = {{\n  name: '${{pg.name}}/azure'\n}}\n",
    ],
    ids=["parent", "path", "interpolated"],
)
def test_a_child_is_known_by_its_parent(child: str) -> None:
    written({"main.bicep": f"resource pg '{KIND}@1' = {{\n  name: 'pg'\n}}\n{child}"})
    found = Templates(Path("repository")).declared(ResourceId(f"{PG}/firewallRules/azure"))
    assert found is not None
    assert found.symbol == "r"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--subscription", seeds.SUBSCRIPTION, "--source", "."), "--source is the source of a --plan"),
        (("--plan", "tfplan.json", "--source", "missing"), "missing: this is no folder"),
    ],
)
def test_a_source_of_nothing_is_refused(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", *options]) == 2
    assert said in capsys.readouterr().err
