"""`driftward exemptions`: of a file, of an app over HTTP, revoked, and a key that goes nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftward.app import _opener
from driftward.cli import main
from shared.controller.exemptions import Source, all_given
from shared.model.errors import Denied
from tests.builders import GROUP
from tests.controller.test_expired_exemptions import ENTRY
from tests.controller.test_rolled_back_edits import INTERNET, rolled_back
from tests.driftward.serving import Served, served
from tests.fakes import SUBSCRIPTION, World

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


def test_one_is_added_by_a_person_and_says_how_it_is_ended(
    app: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    app.world.policies_file = "version: 1\n"
    ask = [
        "exemptions",
        "add",
        INTERNET,
        "--scope",
        GROUP,
        "--for",
        "2d",
        "--reason",
        "a partner",
        "--url",
        app.url,
    ]
    assert main(ask) == 2, "there is no terminal to answer on"
    assert app.deeds() == []
    assert main([*ask, "--yes", "--by", "jane"]) == 0
    shown = capsys.readouterr().out
    assert f"{INTERNET} on 1 known targets" in shown
    (given,) = [one for one in all_given(app.world.deps()) if one.source is Source.OPERATOR]
    assert f"`driftward exemptions revoke {given.id}` ends it" in shown
    assert main(["exemptions", "list", "--url", app.url]) == 0
    assert "somebody's word" in capsys.readouterr().out
    assert main(["exemptions", "revoke", given.id, "--url", app.url]) == 0
    assert main([*ask, "--yes", "--for", "91d"]) == 1
    assert "is not within the next 90 days" in capsys.readouterr().err
    nowhere = f"{GROUP}-nowhere"
    assert main([*ask, "--yes", "--scope", nowhere]) == 0
    assert "no known target lies there" in capsys.readouterr().out


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


def test_the_status_names_the_last_event_that_was_accepted(
    app: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["status", "--url", app.url]
    (target,) = [snapshot.target for snapshot in app.world.azure.snapshots.values()]
    app.world.clock.advance(60)
    app.world.event(target)
    time = app.world.clock.now()
    for seconds in (0, 30):  # before its look and after it
        app.world.drain(seconds)
        assert main([*ask, "--json"]) == 0
        (event,) = json.loads(capsys.readouterr().out)["events"]
        assert event["time"] == time.isoformat().replace("+00:00", "Z")
        assert (event["target"], event["actor"]["name"]) == (str(target.id), "Jane Doe")
    main(ask)
    shown = capsys.readouterr().out
    assert (
        f"event        {event['time']}, Microsoft.DBforPostgreSQL/flexibleServers/write by Jane Doe" in shown
    )


def test_the_status_of_an_app_that_heard_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with served(World()) as held:
        main(["status", "--url", held.url])
    assert f"event        none yet in {SUBSCRIPTION}" in capsys.readouterr().out


@pytest.mark.parametrize("call_of", [["status"], ["status", "--url", "http://127.0.0.1:9"]])
def test_the_status_of_no_app_cannot_be_shown(call_of: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(call_of) == 2
    assert capsys.readouterr().out == ""
