"""`driftward exemptions`: of a file, of an app over HTTP, revoked, and a key that goes nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftward.app import _opener
from driftward.cli import main
from shared.model.errors import Denied
from tests.controller.test_expired_exemptions import ENTRY
from tests.controller.test_rolled_back_edits import INTERNET, rolled_back
from tests.driftward.serving import Served, served

FILE = "version: 1\nexemptions:\n" + ENTRY % "2027-01-01" + ENTRY % "2026-11-01"


@pytest.fixture
def app() -> Iterator[Served]:
    with served(rolled_back()) as held:
        held.world.policies_file = FILE
        held.page = 2
        yield held


def test_those_of_a_file_are_listed_with_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policies.yaml"
    path.write_text(FILE, encoding="utf-8")
    assert main(["exemptions", "list", "--policies-file", str(path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["source"], one["place"]) for one in listed] == [
        ("file", "policies.yaml:4"),
        ("file", "policies.yaml:3"),
    ]
    assert main(["exemptions", "list", "--policies-file", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "policies.yaml:3" in shown
    assert main(["exemptions", "list", "--policies-file", str(tmp_path / "no.yaml")]) == 2


def test_a_file_without_exemptions_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policies.yaml"
    path.write_text("version: 1\n", encoding="utf-8")
    assert main(["exemptions", "list", "--policies-file", str(path)]) == 0
    assert capsys.readouterr().out.strip() == "There is no exemption."


def test_those_of_an_app_are_listed_page_by_page(app: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exemptions", "list", "--url", app.url, "--key", "k", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["source"] for one in listed] == ["file", "rollback", "file"]
    assert app.keys == ["k", "k"]
    assert main(["exemptions", "list", "--url", f"{app.url}/", "--token", "t"]) == 0
    assert app.keys[-1] == "Bearer t"
    assert INTERNET in capsys.readouterr().out.replace("\n", "")


def test_address_and_key_may_come_from_the_environment(app: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARD_URL", app.url)
    monkeypatch.setenv("DRIFTWARD_KEY", "secret")
    assert main(["exemptions", "list"]) == 0
    assert set(app.keys) == {"secret"}


def test_one_of_a_rollback_is_revoked_and_one_of_the_file_names_its_line(
    app: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["exemptions", "list", "--url", app.url, "--json"])
    ended, of_rollback, standing = json.loads(capsys.readouterr().out)
    assert main(["exemptions", "revoke", of_rollback["id"], "--url", app.url, "--by", "jane"]) == 0
    assert capsys.readouterr().out.startswith(f"revoked: {INTERNET} on /subscriptions/")
    assert main(["exemptions", "revoke", of_rollback["id"], "--url", app.url]) == 1
    assert main(["exemptions", "revoke", standing["id"], "--url", app.url, "--json"]) == 1
    assert "policies.yaml:3 gives this exemption" in capsys.readouterr().err
    assert ended["standing"] is False


@pytest.mark.parametrize(
    "call_of",
    [
        ["list", "--url", "http://example.com", "--key", "k"],
        ["list", "--url", "http://example.com", "--token", "t"],
        ["list", "--url", "ftp://example.com"],
        ["list", "--url", "https://exa mple.com"],
        ["list", "--url", "https://example.com:x"],
        ["list", "--url", "https://u@example.com", "--key", "k"],
        ["list", "--url", "https://example.com?code=k"],
        ["revoke", "a"],
        ["revoke", "a/b", "--url", "https://example.com"],
        ["revoke", "..", "--url", "https://example.com"],
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(call_of: list[str]) -> None:
    assert main(["exemptions", *call_of]) == 2


def test_a_key_follows_neither_a_redirect_nor_a_page_on_another_host(app: Served) -> None:
    app.link = '<http://127.0.0.2:9/api/exemptions?after=x>; rel="next"'
    assert main(["exemptions", "list", "--url", app.url, "--key", "k"]) == 2
    app.link, app.redirect = None, "http://127.0.0.2:9/api/exemptions"
    assert main(["exemptions", "list", "--url", app.url, "--key", "k"]) == 1


def test_no_proxy_sees_who_asks_this_machine(app: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.2:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    _opener.cache_clear()
    assert main(["exemptions", "list", "--url", app.url, "--key", "k"]) == 0


# --- driftward status ------------------------------------------------------------------------------


def test_the_status_of_an_app_names_the_targets_that_nobody_can_judge(
    app: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["status", "--url", app.url, "--key", "k"]
    assert main(ask) == 0
    assert "unknown      no target" in capsys.readouterr().out
    (target,) = [snapshot.target for snapshot in app.world.azure.snapshots.values()]
    app.world.azure.read_errors = [Denied("no role", code="AuthorizationFailed", status=403)]
    app.world.event(target)
    app.world.drain()
    assert main(ask) == 1
    shown = capsys.readouterr().out
    assert f"unknown      {target.id}" in shown
    assert "AuthorizationFailed" in shown
    assert main([*ask, "--json"]) == 1
    (unknown,) = json.loads(capsys.readouterr().out)["unknownTargets"]
    assert unknown["target"]["id"] == str(target.id)


@pytest.mark.parametrize("call_of", [["status"], ["status", "--url", "http://127.0.0.1:9"]])
def test_the_status_of_no_app_cannot_be_shown(call_of: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(call_of) == 2
    assert capsys.readouterr().out == ""
