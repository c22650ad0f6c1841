"""How the storage account is found, and which of its failures are repeated."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.adapters.identity import Identity
from shared.adapters.storage.account import (
    Retries,
    StorageAccount,
    is_transient,
    storage_account,
    store_errors,
    with_home,
)
from shared.adapters.storage.blobs import AzureBlobs
from shared.adapters.storage.connection import read_connection
from shared.adapters.storage.queues import AzureQueue
from shared.adapters.storage.tables import AzureTables
from shared.model.clouds import Cloud
from shared.model.errors import ConfigurationError, StoreError
from shared.model.interfaces import Insert


class Credential:
    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise AssertionError("nobody asked the service for anything")


def no_credential(_: Identity | None) -> Credential:
    raise AssertionError("a connection string needs no credential")


class Sleeps:
    """Remembers how long it was asked to wait."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)


class Failing:
    """Fails with each of these errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    def __call__(self) -> str:
        if self._errors:
            raise self._errors.pop(0)
        return "answer"


def answer(status: int, code: str = "") -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]  # set by each storage SDK, unknown to azure-core
    return error


# --- where it is -----------------------------------------------------------------------------------

BY_NAME = {"AzureWebJobsStorage__accountName": "stdriftward"}
ADDRESSES = {
    f"AzureWebJobsStorage__{service}ServiceUri": f"https://a.{service}.core.windows.net"
    for service in ("table", "blob", "queue")
}


def test_a_connection_string_wins_and_asks_for_no_credential() -> None:
    environment = {"AzureWebJobsStorage": "AccountName=a;AccountKey=…", **ADDRESSES, **BY_NAME}
    assert storage_account(environment, no_credential) == StorageAccount(
        connection_string="AccountName=a;AccountKey=…"
    )


@pytest.mark.parametrize("text", ["UseDevelopmentStorage=true", "usedevelopmentstorage=True; "])
def test_development_storage_means_the_emulator_at_its_usual_ports(text: str) -> None:
    found = storage_account({"AzureWebJobsStorage": text}, no_credential)
    assert found.connection_string is not None
    assert "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1" in found.connection_string
    AzureTables(found, Sleeps())
    AzureBlobs(found, Sleeps())
    AzureQueue(found, Sleeps())


def test_three_addresses_make_a_keyless_account() -> None:
    credential = Credential()
    found = storage_account(ADDRESSES, lambda _: credential)
    assert found == StorageAccount(
        table_url="https://a.table.core.windows.net",
        blob_url="https://a.blob.core.windows.net",
        queue_url="https://a.queue.core.windows.net",
        credential=credential,
    )
    AzureTables(found, Sleeps())
    AzureBlobs(found, Sleeps())
    AzureQueue(found, Sleeps())


@pytest.mark.parametrize(
    ("cloud", "suffix"),
    [
        (Cloud.PUBLIC, "core.windows.net"),
        (Cloud.US_GOVERNMENT, "core.usgovcloudapi.net"),
        (Cloud.CHINA, "core.chinacloudapi.cn"),
    ],
)
def test_the_accounts_name_is_enough_and_is_in_the_cloud_of_the_app(cloud: Cloud, suffix: str) -> None:
    credential = Credential()
    assert storage_account(BY_NAME, lambda _: credential, cloud) == StorageAccount(
        table_url=f"https://stdriftward.table.{suffix}",
        blob_url=f"https://stdriftward.blob.{suffix}",
        queue_url=f"https://stdriftward.queue.{suffix}",
        credential=credential,
    )


def test_an_address_goes_before_what_follows_from_the_name() -> None:
    private = {"AzureWebJobsStorage__blobServiceUri": "https://elsewhere.example/"}
    found = storage_account({**BY_NAME, **private}, lambda _: Credential())
    assert (found.blob_url, found.queue_url) == (
        "https://elsewhere.example",
        "https://stdriftward.queue.core.windows.net",
    )


def test_names_of_settings_compare_without_case_and_blanks_are_absent() -> None:
    environment = {"AzureWebJobsStorage": "  ", "azurewebjobsstorage__ACCOUNTNAME": " StDriftward "}
    blanks = {"AzureWebJobsStorage__blobServiceUri": " ", "AzureWebJobsStorage__clientId": ""}
    found = read_connection({**environment, **blanks}, Cloud.PUBLIC)
    assert (found.blob_url, found.identity) == ("https://stdriftward.blob.core.windows.net", None)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, None),
        ({"credential": "managedidentity"}, Identity(managed=True)),
        ({"credential": "ManagedIdentity", "clientId": "c1"}, Identity(managed=True, client_id="c1")),
        (
            {"credential": "managedidentity", "managedIdentityResourceId": "/s/i"},
            Identity(managed=True, resource_id="/s/i"),
        ),
        ({"clientId": "c1"}, Identity(client_id="c1")),
    ],
)
def test_the_identity_that_asks_the_account_is_the_one_that_the_host_takes(
    said: dict[str, str], meant: Identity | None
) -> None:
    settings = {f"AzureWebJobsStorage__{part}": text for part, text in said.items()}
    assert read_connection({**BY_NAME, **settings}, Cloud.PUBLIC).identity == meant


@pytest.mark.parametrize(
    "environment",
    [{}, {"AzureWebJobsStorage": " "}, {"AzureWebJobsStorage__blobServiceUri": "https://b"}],
)
def test_an_account_that_is_not_named_completely_is_a_configuration_error(
    environment: dict[str, str],
) -> None:
    with pytest.raises(ConfigurationError, match="AzureWebJobsStorage__tableServiceUri") as refused:
        storage_account(environment, no_credential)
    assert ("blobServiceUri" in str(refused.value)) is (
        "AzureWebJobsStorage__blobServiceUri" not in environment
    )


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "AccountKey=hunter2",
        "AccountName=;AccountKey=hunter2",
        "BlobEndpoint=https://b;SharedAccessSignature=hunter2",
    ],
)
def test_a_connection_string_that_no_client_can_be_made_of_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^AzureWebJobsStorage: ") as refused:
        storage_account({"AzureWebJobsStorage": text}, no_credential)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("accountName", "https://stdriftward.blob.core.windows.net"),
        ("accountName", "st_driftward"),
        ("blobServiceUri", "stdriftward.blob.core.windows.net"),
        ("credential", "workloadidentity"),
        ("clientId", "c1"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name_and_value(part: str, text: str) -> None:
    twice = {"AzureWebJobsStorage__managedIdentityResourceId": "/s/i"} if part == "clientId" else {}
    with pytest.raises(ConfigurationError, match=rf"^AzureWebJobsStorage__{part}\b.*{text!r}"):
        storage_account({**BY_NAME, **twice, f"AzureWebJobsStorage__{part}": text}, no_credential)


def test_a_secret_of_another_kind_of_sign_in_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match=r"^AzureWebJobsStorage__clientSecret: ") as refused:
        storage_account({**BY_NAME, "AzureWebJobsStorage__clientSecret": "hunter2"}, no_credential)
    assert "hunter2" not in str(refused.value)


# --- what is repeated ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        ServiceRequestError("no route"),
        ServiceResponseError("cut off"),
        *(answer(status) for status in (408, 429, 500, 502, 503, 504)),
        answer(409, "TableBeingDeleted"),
        answer(409, "ContainerBeingDeleted"),
        answer(409, "QueueBeingDeleted"),
    ],
    ids=repr,
)
def test_what_passes_by_itself_is_worth_repeating(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        answer(400),
        answer(403),
        answer(404),
        answer(409, "EntityAlreadyExists"),
        answer(412),
        ClientAuthenticationError("no"),
        ValueError("ours"),
    ],
    ids=repr,
)
def test_what_does_not_pass_by_itself_is_not(error: Exception) -> None:
    assert not is_transient(error)


def test_a_call_is_repeated_with_growing_waits_until_it_succeeds() -> None:
    sleeps = Sleeps()
    call = Failing(ServiceRequestError("1"), answer(503), ServiceResponseError("3"))
    assert Retries(sleeps)(call) == "answer"
    assert sleeps.waited == sorted(sleeps.waited)
    assert len(sleeps.waited) == 3
    assert sum(sleeps.waited) < 5


def test_the_fourth_failure_is_final() -> None:
    sleeps = Sleeps()
    with pytest.raises(HttpResponseError):
        Retries(sleeps)(Failing(*(answer(503) for _ in range(4))))
    assert len(sleeps.waited) == 3


def test_a_permanent_failure_is_not_repeated() -> None:
    sleeps = Sleeps()
    with pytest.raises(ResourceNotFoundError):
        Retries(sleeps)(Failing(ResourceNotFoundError("gone")))
    assert sleeps.waited == []


def test_what_is_missing_is_created_once_and_the_call_repeated() -> None:
    created: list[str] = []
    call = Failing(answer(404, "TableNotFound"))
    assert with_home(call, lambda: created.append("table"), "TableNotFound") == "answer"
    assert created == ["table"]


def test_another_failure_creates_nothing() -> None:
    with pytest.raises(HttpResponseError):
        with_home(Failing(answer(404, "ResourceNotFound")), lambda: None, "TableNotFound")


def test_a_failure_of_the_sdk_becomes_ours_and_says_what_was_done() -> None:
    with (
        pytest.raises(StoreError, match=r"^reading alerts/a: HttpResponseError: refused$"),
        store_errors("reading alerts/a"),
    ):
        raise answer(403)


# --- nobody there ----------------------------------------------------------------------------------


@pytest.fixture
def nobody() -> Iterator[StorageAccount]:
    """An account at an address that is taken, and where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/a"
        endpoints = [f"{service}Endpoint={address}" for service in ("Table", "Blob", "Queue")]
        yield StorageAccount(connection_string=";".join(["AccountName=a", "AccountKey=YQ==", *endpoints]))


@pytest.mark.parametrize(
    "use",
    [
        lambda account, sleep: AzureTables(account, sleep).get("t", "p", "r"),
        lambda account, sleep: list(AzureTables(account, sleep).query("t")),
        lambda account, sleep: AzureTables(account, sleep).write(
            "t", Insert(partition="p", row="r", properties={})
        ),
        lambda account, sleep: AzureTables(account, sleep).delete("t", "p", "r"),
        lambda account, sleep: AzureBlobs(account, sleep).get("c", "n"),
        lambda account, sleep: AzureBlobs(account, sleep).put("c", "n", b""),
        lambda account, sleep: list(AzureBlobs(account, sleep).names("c")),
        lambda account, sleep: AzureBlobs(account, sleep).delete("c", "n"),
        lambda account, sleep: AzureQueue(account, sleep).send("{}"),
    ],
    ids=["get", "query", "write", "delete", "get blob", "put blob", "names", "delete blob", "send"],
)
def test_storage_that_cannot_be_reached_is_a_store_error_after_four_attempts(
    use: Callable[[StorageAccount, Sleeps], object], nobody: StorageAccount
) -> None:
    sleeps = Sleeps()
    with pytest.raises(StoreError):
        use(nobody, sleeps)
    assert len(sleeps.waited) == 3


def test_the_queue_is_named_reconcile_unless_told_otherwise(nobody: StorageAccount) -> None:
    with pytest.raises(StoreError, match="sending to reconcile: "):
        AzureQueue(nobody, Sleeps()).send("{}")
