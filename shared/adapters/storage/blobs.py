"""``Blobs`` over Azure Blob Storage (azure-storage-blob); works against Azurite as well.

Containers are created on first write; one that does not exist reads as empty. A blob is written whole
or not at all, so a reader never meets half of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

from shared.adapters.storage.account import (
    CLIENT_OPTIONS,
    Retries,
    Sleep,
    StorageAccount,
    store_errors,
    with_home,
)
from shared.model.errors import EntityChanged
from shared.model.interfaces import Written

_Listed = TypeVar("_Listed")

_NO_CONTAINER: Final = "ContainerNotFound"
_UNCHANGED: Final = MatchConditions.IfNotModified


class AzureBlobs:
    """Implements ``shared.model.interfaces.Blobs``. Safe for use from many threads, as its clients are."""

    def __init__(self, account: StorageAccount, sleep: Sleep) -> None:
        self._service = _service(account)
        self._retries = Retries(sleep)

    def put(self, container: str, name: str, data: bytes) -> None:
        client = self._service.get_container_client(container)
        upload = partial(client.upload_blob, name, data, overwrite=True)
        with store_errors(f"writing {container}/{name}"):
            self._retries(lambda: with_home(upload, partial(_create, client), _NO_CONTAINER))

    def get(self, container: str, name: str) -> bytes | None:
        client = self._service.get_blob_client(container, name)
        with store_errors(f"reading {container}/{name}"):
            try:
                return self._retries(lambda: client.download_blob().readall())
            except ResourceNotFoundError:
                return None

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        client = self._service.get_container_client(container)
        pages = client.list_blob_names(name_starts_with=prefix).by_page()
        while (page := self._next_page(container, pages)) is not None:
            yield from page

    def written(self, container: str, prefix: str = "") -> Iterator[Written]:
        client = self._service.get_container_client(container)
        pages = client.list_blobs(name_starts_with=prefix).by_page()
        while (page := self._next_page(container, pages)) is not None:
            yield from (Written(name=one.name, at=one.last_modified, etag=_quoted(one.etag)) for one in page)

    def delete(self, container: str, name: str, etag: str | None = None) -> None:
        client = self._service.get_blob_client(container, name)
        condition: dict[str, Any] = {} if etag is None else {"etag": etag, "match_condition": _UNCHANGED}
        with store_errors(f"deleting {container}/{name}"):
            try:
                self._retries(partial(client.delete_blob, **condition))
            except ResourceNotFoundError:
                return
            except ResourceModifiedError as error:
                raise EntityChanged(f"{container}/{name} was written since") from error

    def _next_page(self, container: str, pages: Iterator[Iterator[_Listed]]) -> list[_Listed] | None:
        """The next page of a listing; None behind the last, and for a container that does not exist."""
        with store_errors(f"listing {container}"):
            try:
                page = self._retries(lambda: next(pages, None))
            except ResourceNotFoundError:
                return None
        return None if page is None else list(page)


def _quoted(etag: str) -> str:
    """As a condition has it (RFC 9110, 8.8.3): a listing leaves the quotes out."""
    return etag if etag.startswith('"') else f'"{etag}"'


def _create(client: ContainerClient) -> None:
    """Another worker may have created it meanwhile, which is as good."""
    try:
        client.create_container()
    except ResourceExistsError:
        return


def _service(account: StorageAccount) -> BlobServiceClient:
    if account.connection_string is not None:
        return BlobServiceClient.from_connection_string(account.connection_string, **CLIENT_OPTIONS)
    return BlobServiceClient(account.blob_url, credential=account.credential, **CLIENT_OPTIONS)
