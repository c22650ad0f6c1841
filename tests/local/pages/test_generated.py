"""What is generated is up to date, complete, and says what the code says."""

import json
import re
from pathlib import Path

import pytest

from local.dev.environments import ROOT
from local.pages import __main__ as command
from local.pages.__main__ import main
from local.pages.families import families, family_lead, family_title
from local.pages.generated import documents, left_over, outdated
from local.pages.loading import CannotGenerate
from local.pages.markdown import GENERATED
from local.pages.policies_page import comes_to, control_id, policies_pages
from local.pages.readme import WORKER, with_settings, with_transcript
from local.pages.roles import actions_of, further_actions, reader, roles
from shared.config.settings import read_settings
from shared.config.settings_table import SETTINGS
from shared.model.web_addresses import is_loopback
from shared.policies import discover, family_of, find, modules, nsg
from shared.posture.controls import Control
from shared.posture.permissions import only_reads

DOCUMENTS = documents()


def test_every_generated_file_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_a_file_that_differs_or_is_absent_is_named(tmp_path: Path) -> None:
    wanted = {"a.md": "one\n", "b.md": "two\n", "c.md": "three\n"}
    (tmp_path / "a.md").write_text("one\n", encoding="utf-8")
    (tmp_path / "b.md").write_text("too\n", encoding="utf-8")
    assert outdated(wanted, tmp_path) == ["b.md", "c.md"]


def test_a_page_of_a_family_that_is_no_more_is_named_and_one_by_hand_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "policies"
    folder.mkdir(parents=True)
    for name, text in {"gone": GENERATED, "here": GENERATED, "by_hand": "# A page"}.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    assert left_over({"docs/policies/here.md": ""}, tmp_path) == ["docs/policies/gone.md"]


def test_check_names_what_is_stale_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    assert main(["--check"]) == 1
    told = capsys.readouterr().err
    assert all(f"{name} is not up to date" in told for name in DOCUMENTS)
    assert main([]) == 0
    assert main(["--check"]) == 0
    extra = tmp_path / "docs" / "permissions" / "gone.md"
    extra.write_text(GENERATED, encoding="utf-8")
    capsys.readouterr()
    assert main(["--check"]) == 1
    assert "docs/permissions/gone.md is generated no more" in capsys.readouterr().err
    assert main([]) == 0
    assert not extra.exists()


def test_what_cannot_be_generated_is_told_with_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> dict[str, str]:
        raise CannotGenerate("reasons.yaml:3: reasons: has no sentence for drift")

    monkeypatch.setattr(command, "documents", fails)
    assert main([]) == 2
    assert "has no sentence for drift" in capsys.readouterr().err


# --- policies --------------------------------------------------------------------------------------


def test_every_policy_has_a_section_with_its_docstring_and_permissions() -> None:
    for policy in discover():
        page = DOCUMENTS[f"docs/policies/{family_of(policy.id)}.md"]
        section = page.split(f"\n## {policy.id}\n")[1].split("\n## ")[0]
        for part in ("What it finds.", "Why it matters.", "What the change does.", "What it may break."):
            assert f"**{part}**" in section
        assert all(f"`{action}`" in section for action in policy.permissions)
        assert all(f"`{control.id}`" in section for control in policy.controls)


def test_every_policy_is_one_line_of_the_index_and_an_old_link_leads_there() -> None:
    lines = DOCUMENTS["docs/policies.md"].splitlines()
    for policy in discover():
        (line,) = [line for line in lines if f'<a id="{policy.id}"></a>' in line]
        assert (
            f"(policies/{family_of(policy.id)}.md#{policy.id}) | {policy.title} | {policy.severity} |" in line
        )
        assert f"| {comes_to(policy)} | {policy.raised_by} |" in line


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("postgres-firewall-allows-all-azure", "reverted"),
        ("postgres-tls-not-required", "reverted after approval"),
        ("postgres-subnet-too-small", "alert"),
        ("nsg-reachable-beyond-clients", "alert"),
        ("postgres-customer-managed-key-missing", "alert (opt-in)"),
    ],
)
def test_the_index_says_what_a_drift_comes_to(policy: str, words: str) -> None:
    found = find(policy)
    assert found is not None
    assert comes_to(found) == words


def test_every_family_has_its_pages_with_what_it_is_about() -> None:
    assert sum(map(len, families().values())) == len(discover())
    for family in families():
        assert family_lead(family) in DOCUMENTS["docs/policies.md"]
        assert family_lead(family) in DOCUMENTS[f"docs/policies/{family}.md"]
        assert f"\n## {family_title(family)}\n" in DOCUMENTS["docs/policies.md"]


def test_a_family_or_a_policy_without_a_docstring_cannot_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nsg, "__doc__", None)
    with pytest.raises(CannotGenerate, match=r"shared/policies/nsg/__init__\.py has no docstring"):
        policies_pages()
    monkeypatch.undo()
    module = modules()["postgres-tls-not-required"]
    monkeypatch.setattr(module, "__doc__", None)
    with pytest.raises(
        CannotGenerate, match="the module of policy postgres-tls-not-required has no docstring"
    ):
        policies_pages()


@pytest.mark.parametrize(
    ("family", "title"), [("public_reach", "Public reach"), ("nsg", "NSG"), ("private_dns", "Private DNS")]
)
def test_a_family_is_called_by_its_name_in_words(family: str, title: str) -> None:
    assert family_title(family) == title


def test_a_control_leads_to_its_requirement_where_that_is_known() -> None:
    control = Control(framework="F", version="1", id="1.1", title="Something")
    assert control_id(control) == "`1.1`"
    linked = Control(framework="F", version="1", id="1.1", title="Something", link="https://example.org/1")
    assert control_id(linked) == "[`1.1`](https://example.org/1)"


# --- permissions -----------------------------------------------------------------------------------


def test_every_action_of_a_policy_is_one_line_of_its_familys_page() -> None:
    for policy in discover():
        lines = DOCUMENTS[f"docs/permissions/{family_of(policy.id)}.md"].splitlines()
        for action in policy.permissions:
            assert sum(line.startswith(f"| `{action}` | [{policy.id}](") for line in lines) == 1


def test_every_action_is_one_line_with_its_role_and_its_families() -> None:
    lines = DOCUMENTS["docs/permissions.md"].splitlines()
    for role in roles():
        for action in actions_of(role):
            (line,) = [line for line in lines if line.startswith(f"| `{action}` |")]
            asking = {family_of(policy.id) for policy in discover() if action in policy.permissions}
            assert set(re.findall(r"\(permissions/(\w+)\.md\)", line)) == asking
            assert f"[{role.name}](roles/{role.file})" in line
            assert further_actions().get(action, "") in line


def test_the_roles_together_hold_exactly_what_is_declared() -> None:
    held = [action for role in roles() for action in actions_of(role)]
    declared = {action for policy in discover() for action in policy.permissions}
    assert set(held) == declared | set(further_actions())
    assert len(held) == len(set(held))


def test_the_reader_can_only_read_and_the_remediators_only_write() -> None:
    assert all(only_reads(action) for action in actions_of(reader()))
    for role in roles():
        if role != reader():
            assert actions_of(role)
            assert not [action for action in actions_of(role) if only_reads(action)]


def test_no_role_holds_a_wildcard() -> None:
    assert not [action for role in roles() for action in actions_of(role) if "*" in action]


# --- settings and the README -----------------------------------------------------------------------


def test_the_sample_holds_every_setting_and_is_accepted() -> None:
    values = json.loads(DOCUMENTS["local.settings.sample.json"])["Values"]
    assert set(values) == {*WORKER, *(setting.name for setting in SETTINGS)}
    assert is_loopback(read_settings(values).arm_endpoint)


def test_the_table_of_settings_stands_between_its_markers() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_settings(readme) == readme
    assert all(f"| `{setting.name}` |" in readme for setting in SETTINGS)


def test_the_transcript_in_the_readme_is_the_stored_one() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    stored = (ROOT / "docs" / "examples" / "demo.txt").read_text(encoding="utf-8")
    assert f"\n```text\n{stored}```\n" in readme
    assert with_transcript(readme, stored) == readme
    assert with_transcript(readme, "another run\n") != readme


def test_a_readme_without_markers_or_without_a_transcript_cannot_be_generated() -> None:
    with pytest.raises(CannotGenerate, match="markers <!-- settings"):
        with_settings("# Driftward\n")
    with pytest.raises(CannotGenerate, match="markers <!-- demo"):
        with_transcript("# Driftward\n", "a run\n")
    with pytest.raises(CannotGenerate, match=r"demo\.txt is missing"):
        with_transcript("# Driftward\n", "")
