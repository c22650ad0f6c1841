"""What is written by hand stays true: links lead somewhere, commands parse, reasons exist."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from driftward.replay import read_deliveries
from local.dev.azure_cli import run_script
from local.dev.environments import ROOT
from local.pages.coverage_rows import queries, sources
from shared.model import Reason
from shared.policies import discover

_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)
_LOGIN = "Please run 'az login'"
_ASKED = "Operation cancelled."
"""What azure-cli says when it asked whether it really should, and nobody was there."""


def _anchors(page: Path) -> set[str]:
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = _HEADING.findall(text)
    names = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return names | set(_ANCHOR.findall(text))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_a_link_to_a_policy_of_older_versions_leads_somewhere() -> None:
    assert {policy.id for policy in discover()} <= _anchors(ROOT / "docs" / "policies.md")


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in _PAGES:
        named = set(re.findall(r"`(?:[A-Z_]+=\w+ )?make ([a-z]+)", page.read_text(encoding="utf-8")))
        assert named <= targets, page.name


def test_the_runbook_names_reasons_that_exist() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    table = runbook.split("| reason | what to do |")[1].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    named = {name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell)}
    assert named <= {str(reason) for reason in Reason}
    assert len(named) >= 15


def test_every_shell_block_is_a_shell_script() -> None:
    for page in _PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            checked = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
            assert checked.returncode == 0, f"{page.name}: {checked.stderr}\n{block}"


def test_the_example_event_can_be_replayed() -> None:
    deliveries = read_deliveries(ROOT / "docs" / "examples" / "firewall-rule-written.json")
    assert len(deliveries) == 1


def _az_commands(page: Path) -> list[str]:
    """The az commands of a page's shell blocks, with something for every variable."""
    found = []
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.search(r"\baz [a-z].*", line)
            if command is not None:
                found.append(_filled(command[0]))
    return found


def _filled(command: str) -> str:
    """Without what only the shell needs, and without filters, which the parser's reply cannot carry."""
    command = re.sub(r'"\$\(sed .*\)"', "@docs/roles/reader.json", command)
    command = re.sub(r" --advanced-filter .*", "", command)
    command = re.sub(r'\)"?$', "", command.split("; do")[0].strip())
    subscription = "00000000-0000-0000-0000-000000000000"
    storage = f"/subscriptions/{subscription}/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/s"
    command = (
        command.replace("$STORAGE_ID", storage)
        .replace("$APP_ID", f"{storage}/app")
        .replace("$SUBSCRIPTION", subscription)
    )
    return re.sub(r"\$[A-Za-z_]+", "name", command)


_VALUES = {
    "<server>": "/subscriptions/0/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/s",
    "<address>": "10.0.0.4",
}
_OF_EXTENSIONS = {"dataprotection": "backup-instances"}
"""Command groups that azure-cli has by an extension, and the query that uses each."""


@pytest.mark.long
@pytest.mark.az
@pytest.mark.field(
    "commands",
    "Every command of the coverage's queries is one that azure-cli has, or names the extension that has it",
    source="azure-cli 2.91.0: `az postgres server` is gone, `az webapp config appsettings` no `--ids`",
    date="2026-11-29",
)
def test_every_query_for_azure_cli_is_understood_by_it() -> None:
    told = {name: query for name, query in queries().items() if query.startswith("az ")}
    assert len(told) >= 8
    filled = {
        name: re.sub(r"<[a-z ]+>", lambda found: _VALUES.get(found[0], "name"), query)
        for name, query in told.items()
        if query.split()[1] not in _OF_EXTENSIONS
    }
    script = ROOT / "tests" / "az" / "parse_commands.py"
    replies = json.loads(run_script(script, json.dumps(list(filled.values()))))
    refused = {
        name: reply["error"]
        for name, reply in zip(filled, replies, strict=True)
        if not reply["ok"] and not any(said in reply["error"] for said in (_LOGIN, _ASKED))
    }
    assert refused == {}
    rows = [row for source in sources() for row in source.rows]
    for extension, name in _OF_EXTENSIONS.items():
        assert [row for row in rows if row.query == name and f"extension {extension}" in row.note], name
    assert set(told) - set(filled) == set(_OF_EXTENSIONS.values())


@pytest.mark.field(
    "commands",
    "The query for telling columns lists no table of PostgreSQL itself, and all tables whoever owns them",
    source="https://www.postgresql.org/docs/current/infoschema-columns.html",
    date="2026-11-29",
)
def test_queries_leave_out_what_is_postgresqls_or_azures_own() -> None:
    columns = queries()["telling-columns"]
    assert "NOT IN ('pg_catalog', 'information_schema')" in columns
    assert "FROM information_schema" not in columns
    expiry = queries()["password-expiry"]
    assert "'^(pg_|azure|replication$)'" in expiry


@pytest.mark.az
@pytest.mark.parametrize(
    "name",
    ["docs/deploy.md", "docs/infrastructure.md", "docs/local.md", "docs/runbook.md", "docs/uninstall.md"],
)
def test_every_az_command_is_understood_by_azure_cli(name: str) -> None:
    commands = _az_commands(ROOT / name)
    assert commands
    replies = json.loads(run_script(ROOT / "tests" / "az" / "parse_commands.py", json.dumps(commands)))
    refused = [
        (command, reply["error"])
        for command, reply in zip(commands, replies, strict=True)
        if not reply["ok"] and not any(said in reply["error"] for said in (_LOGIN, _ASKED))
    ]
    assert refused == []
