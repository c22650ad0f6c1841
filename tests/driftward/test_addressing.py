"""Which app a command asks, and as whom: remembered addresses, sign-ins, and tokens that go nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azure.identity
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from driftward.addressing import Person
from driftward.cli import main
from driftward.remembered import place
from tests.api.calling import alerted
from tests.driftward.serving import Served, served

OURS = "12345678-1234-1234-1234-123456789abc"


class SignedIn:
    """Whoever is signed in; ``fails`` is what azure-identity says where nobody is."""

    scopes: list[str]
    lasts = timedelta(hours=1)
    fails: str | None = None

    def __init__(self, **_: object) -> None:
        """As azure-identity's own is made."""

    def get_token(self, scope: str) -> AccessToken:
        if self.fails is not None:
            raise ClientAuthenticationError(self.fails)
        SignedIn.scopes.append(scope)
        return AccessToken(
            f"token {len(SignedIn.scopes)}", int((datetime.now(UTC) + SignedIn.lasts).timestamp())
        )


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", SignedIn)
    monkeypatch.setattr(SignedIn, "scopes", [], raising=False)
    monkeypatch.setattr(SignedIn, "fails", None)
    monkeypatch.setattr(SignedIn, "lasts", timedelta(hours=1))


@pytest.fixture
def app() -> Iterator[Served]:
    with served(alerted()[0]) as held:
        yield held


def test_an_app_that_is_remembered_need_not_be_named(app: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts"]) == 2
    assert "driftward use URL" in capsys.readouterr().err
    assert main(["use"]) == 1
    assert main(["use", app.url]) == 0
    assert main(["alerts"]) == 0
    assert app.keys == [None, None]
    capsys.readouterr()
    assert main(["use", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"url": app.url, "clientId": None, "file": str(place())}
    assert main(["use", "--forget"]) == 0
    assert main(["use", "--forget"]) == 1
    assert main(["alerts"]) == 2


def test_whoever_is_signed_in_asks_with_a_token_for_this_app_alone(app: Served) -> None:
    assert main(["use", app.url, "--client-id", OURS]) == 0
    assert main(["alerts"]) == 0
    assert app.keys == ["Bearer token 1", "Bearer token 1"]
    assert SignedIn.scopes == [f"api://{OURS}/.default"]


def test_a_key_or_a_token_that_is_given_takes_the_place_of_the_sign_in(app: Served) -> None:
    main(["use", app.url, "--client-id", OURS])
    assert main(["alerts", "--key", "k", "--state", "open"]) == 0
    assert main(["alerts", "--token", "t", "--state", "open"]) == 0
    assert (app.keys, SignedIn.scopes) == (["k", "Bearer t"], [])


def test_the_token_of_one_app_is_never_sent_to_another(app: Served) -> None:
    main(["use", "https://driftward.example.com", "--client-id", OURS])
    assert main(["alerts", "--url", app.url]) == 0
    assert (set(app.keys), SignedIn.scopes) == ({None}, [])


def test_nobody_signs_in_without_tls_but_on_this_machine() -> None:
    assert main(["use", "http://driftward.example.com", "--client-id", OURS]) == 2
    assert main(["alerts", "--url", "http://driftward.example.com", "--client-id", OURS]) == 2
    assert SignedIn.scopes == []


@pytest.mark.parametrize(
    "words",
    [
        ["use", "https://a.example", "--client-id", "https://management.azure.com"],
        ["use", "--client-id", OURS],
        ["use", "https://a.example", "--forget"],
        ["use", "a.example"],
        ["alerts", "--url", "https://a.example", "--client-id", "graph"],
    ],
)
def test_what_cannot_be_remembered_is_refused(words: list[str]) -> None:
    assert main(words) == 2
    assert not place().exists()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"url": 1}', '{"url": "https://a.example", "clientId": "graph"}']
)
def test_a_file_that_somebody_else_wrote_is_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    place().parent.mkdir(parents=True)
    place().write_text(text, encoding="utf-8")
    assert main(["alerts"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("DefaultAzureCredential failed to retrieve a token.\n\tmany lines", "az login --scope api://"),
        ("x\nAADSTS65001: No consent was given.\r\nTrace ID: 1", "AADSTS65001: No consent was given."),
    ],
    ids=["nobody", "no consent"],
)
def test_whoever_is_not_signed_in_is_told_so_in_a_line(
    app: Served, said: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SignedIn, "fails", said)
    assert main(["alerts", "--url", app.url, "--client-id", OURS]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert app.asked == []


def test_a_token_is_fetched_again_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(OURS)
    assert [person(), person()] == ["token 1", "token 1"]
    monkeypatch.setattr(SignedIn, "lasts", timedelta(minutes=4))
    short = Person(OURS)
    assert [short(), short()] == ["token 2", "token 3"]


def test_a_cloud_that_is_none_is_named(
    app: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUD", "mars")
    assert main(["alerts", "--url", app.url, "--client-id", OURS]) == 2
    assert "CLOUD mars" in capsys.readouterr().err


def test_nothing_of_azure_is_imported_where_nobody_signs_in(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys\nfrom driftward.cli import main\n"
        "assert main(['alerts', '--url', 'http://127.0.0.1:9', '--key', 'k']) == 2\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "azure.identity" not in done.stdout.split()


def test_a_file_that_is_no_text_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    place().parent.mkdir(parents=True)
    place().write_bytes(b"\xff\xfe{")
    for words in (["alerts"], ["use"], ["doctor"]):
        assert main(words) == 2
        assert "`driftward use URL` writes it anew" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--client-id", OURS]])
def test_an_address_to_which_nobody_would_send_who_asks_is_not_remembered(words: list[str]) -> None:
    assert main(["use", "http://driftward.example.com", *words]) == 2
    assert not place().exists()


def test_the_doctor_asks_the_app_that_is_remembered(app: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["use", app.url]) == 0
    assert main(["doctor", "--json"]) == 0
    assert [path for path, _ in app.asked] == ["GET /api/doctor"]
    assert main(["doctor", "--here"]) != 0, "this environment has no settings"
    assert [path for path, _ in app.asked] == ["GET /api/doctor"]
