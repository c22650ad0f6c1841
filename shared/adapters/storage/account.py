"""The storage account: how tables, blobs and queues are reached, and which failures are worth repeating.

An account is a connection string (Azurite, a key) or three service addresses with a credential;
``connection`` reads which. Retries are tenacity's alone, for named failures, with an injected sleep: the
SDK's own are off, because waits would multiply and an Event Grid delivery must be answered within 30 seconds.

A repeated write that the service had in fact applied looks like a lost race (``EntityChanged``). That is
safe: whoever gets it reads again and finds the own write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Final, TypedDict, TypeVar
from urllib.request import getproxies

from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from requests import Session
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from shared.adapters.identity import Identity
from shared.adapters.storage.connection import DEVELOPMENT, read_connection
from shared.model.clouds import Cloud
from shared.model.errors import StoreError
from shared.model.values import value

_T = TypeVar("_T")

Sleep = Callable[[float], None]


class _ClientOptions(TypedDict):
    retry_total: int
    connection_timeout: int
    read_timeout: int
    use_env_settings: bool


_ANY_ACCOUNT: Final = "https://core.windows.net"


def _is_set_by_environment() -> bool:
    """Whether a proxy or certificates are set there. Without, a session need not ask for them with every
    request, which is a tenth of what one costs."""
    found = Session().merge_environment_settings(_ANY_ACCOUNT, {}, None, None, None)
    return bool(getproxies()) or found["verify"] is not True


CLIENT_OPTIONS: Final[_ClientOptions] = {
    "retry_total": 0,
    "connection_timeout": 5,
    "read_timeout": 15,
    "use_env_settings": _is_set_by_environment(),
}
"""What every client of the account is made with; times in seconds."""
_AZURITE: Final = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1"
)
"""What ``UseDevelopmentStorage=true`` stands for; account and key are Azurite's published constants."""
_TRANSIENT_STATUS: Final = frozenset({408, 429, 500, 502, 503, 504})
_TRANSIENT_CODES: Final = frozenset({"TableBeingDeleted", "ContainerBeingDeleted", "QueueBeingDeleted"})
_ATTEMPTS: Final = 4
_TABLE_ERROR: Final = re.compile(r'"odata\.error"\s*:\s*\{\s*"code"\s*:\s*"(\w+)')


@value
class StorageAccount:
    """Where the state is: a connection string, or addresses with a credential."""

    connection_string: str | None = None
    table_url: str = ""
    blob_url: str = ""
    queue_url: str = ""
    credential: TokenCredential | None = None


def storage_account(
    environment: Mapping[str, str],
    credential: Callable[[Identity | None], TokenCredential],
    cloud: Cloud = Cloud.PUBLIC,
) -> StorageAccount:
    """The account that the Functions host's settings name; raises ``ConfigurationError`` for none.

    The credential is made only when it is needed.
    """
    named = read_connection(environment, cloud)
    if named.text:
        is_development = named.text.rstrip(";").lower() == DEVELOPMENT
        return StorageAccount(connection_string=_AZURITE if is_development else named.text)
    return StorageAccount(
        table_url=named.table_url,
        blob_url=named.blob_url,
        queue_url=named.queue_url,
        credential=credential(named.identity),
    )


class Retries:
    """Repeats a call while its failure is a named transient one, at most four times in all."""

    def __init__(self, sleep: Sleep) -> None:
        self._retrying = Retrying(
            sleep=sleep,
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(multiplier=0.2, max=2),
            retry=retry_if_exception(is_transient),
            reraise=True,
        )

    def __call__(self, call: Callable[[], _T]) -> _T:
        return self._retrying.copy()(call)


def is_transient(error: BaseException) -> bool:
    """A broken connection, or an answer that says "later"."""
    if isinstance(error, (ServiceRequestError, ServiceResponseError, IncompleteReadError)):
        return True
    if not isinstance(error, HttpResponseError):
        return False
    return error.status_code in _TRANSIENT_STATUS or error_code(error) in _TRANSIENT_CODES


def error_code(error: HttpResponseError) -> str:
    """The service's code, such as ``TableNotFound``; ``""`` when it sent none."""
    code = getattr(error, "error_code", None) or _code_in(error.response)
    return str(code.value if isinstance(code, Enum) else code or "")


def _code_in(response: object) -> str | None:
    """As the answer has it: the client of tables leaves it there when an insert is refused."""
    headers: Mapping[str, str] = getattr(response, "headers", {})
    if code := headers.get("x-ms-error-code"):
        return code
    said = _TABLE_ERROR.search(getattr(response, "text", str)())
    return said[1] if said else None


@contextmanager
def store_errors(what: str) -> Iterator[None]:
    """Turn what the SDKs raise into a ``StoreError`` that says what was being done."""
    try:
        yield
    except AzureError as error:
        raise StoreError(f"{what}: {type(error).__name__}: {error.message}") from error


def with_home(call: Callable[[], _T], create: Callable[[], object], missing: str) -> _T:
    """Do ``call``; when its table, container or queue is missing, create that and do it once more."""
    try:
        return call()
    except HttpResponseError as error:
        if error_code(error) != missing:
            raise
    create()
    return call()
