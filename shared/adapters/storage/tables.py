"""``Tables`` over Azure Table Storage (azure-data-tables); works against Azurite as well.

Tables are created on first write; a table that does not exist reads as empty. Keys are encoded (see
``table_rules``), integers travel as 64 bit, and the SDK's errors become ours by the service's error
code: 409 ``EntityAlreadyExists`` is ``EntityExists``; 412, and 404 for a row that was to be replaced,
are ``EntityChanged``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import (
    EdmType,
    EntityProperty,
    TableClient,
    TableEntity,
    TableServiceClient,
    TransactionOperation,
    UpdateMode,
)

from shared.adapters.storage.account import (
    CLIENT_OPTIONS,
    Retries,
    Sleep,
    StorageAccount,
    error_code,
    store_errors,
    with_home,
)
from shared.adapters.storage.table_rules import (
    MAX_WRITES,
    after_prefix,
    check_size,
    check_transaction,
    decode_key,
    encode_key,
)
from shared.model.errors import EntityChanged, EntityExists
from shared.model.interfaces import Entity, Insert, Put, Replace, Row, TableWrite

_Operation: TypeAlias = tuple[TransactionOperation, Mapping[str, object], Mapping[str, Any]]

_KEYS: Final = frozenset({"PartitionKey", "RowKey"})
_MOST_ON_A_PAGE: Final = 1_000
_NO_TABLE: Final = "TableNotFound"
_EXISTS: Final = frozenset({"EntityAlreadyExists"})
_CHANGED: Final = frozenset({"UpdateConditionNotSatisfied", "ConditionNotMet", "ResourceNotFound"})


class AzureTables:
    """Implements ``shared.model.interfaces.Tables``. Safe for use from many threads, as its clients are."""

    def __init__(self, account: StorageAccount, sleep: Sleep) -> None:
        self._service = _service(account)
        self._retries = Retries(sleep)
        self._clients: dict[str, TableClient] = {}

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        client = self._client(table)
        read = partial(client.get_entity, encode_key(partition), encode_key(row))
        with store_errors(f"reading {table}/{partition}/{row}"):
            try:
                return _entity(self._retries(read))
            except ResourceNotFoundError:
                return None

    def query(
        self,
        table: str,
        partition: str | None = None,
        row_prefix: str = "",
        properties: Sequence[str] = (),
        *,
        behind: str = "",
        page: int | None = None,
    ) -> Iterator[Entity]:
        filters, parameters = _filter(partition, row_prefix, behind)
        select = [*sorted(_KEYS), *properties] if properties else None
        sized = {} if page is None else {"results_per_page": min(page, _MOST_ON_A_PAGE)}
        pages = (
            self._client(table)
            .query_entities(filters, parameters=parameters, select=select, **sized)
            .by_page()
        )
        while (found := self._next_page(table, pages)) is not None:
            yield from map(_entity, found)

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        check_transaction(writes)
        for write in writes:
            check_size(write.properties)
        submit = partial(_submit, self._client(table), [_operation(write) for write in writes])
        create = partial(self._service.create_table_if_not_exists, table)
        with store_errors(f"writing {table}/{writes[0].partition}"):
            try:
                done = self._retries(lambda: with_home(submit, create, _NO_TABLE))
            except HttpResponseError as error:
                _raise_lost_race(error, f"{table}/{writes[0].partition}")
                raise
        return tuple(str(metadata["etag"]) for metadata in done)

    def delete(self, table: str, partition: str, row: str, etag: str | None = None) -> None:
        client = self._client(table)
        condition = {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        remove = partial(client.delete_entity, encode_key(partition), encode_key(row), **condition)
        with store_errors(f"deleting {table}/{partition}/{row}"):
            try:
                self._retries(remove)
            except ResourceNotFoundError:
                return
            except HttpResponseError as error:
                _raise_lost_race(error, f"{table}/{partition}/{row}")
                raise

    def remove(self, table: str, partition: str, rows: Collection[str]) -> None:
        wanted = list(dict.fromkeys(rows))
        for at in range(0, len(wanted), MAX_WRITES):
            self._remove(table, partition, wanted[at : at + MAX_WRITES])

    def _remove(self, table: str, partition: str, rows: Sequence[str]) -> None:
        """All at once; one by one where some are not there, which the service refuses as a whole."""
        if len(rows) > 1:
            keys = [{"PartitionKey": encode_key(partition), "RowKey": encode_key(row)} for row in rows]
            submit = partial(
                self._client(table).submit_transaction, [(TransactionOperation.DELETE, key) for key in keys]
            )
            with store_errors(f"deleting of {table}/{partition}"), suppress(HttpResponseError):
                self._retries(submit)
                return
        for row in rows:
            self.delete(table, partition, row)

    def _client(self, table: str) -> TableClient:
        """Made once for each table: making one costs a tenth of a request."""
        if table not in self._clients:
            self._clients[table] = self._service.get_table_client(table)
        return self._clients[table]

    def _next_page(self, table: str, pages: Iterator[Iterator[TableEntity]]) -> list[TableEntity] | None:
        """The next page of a listing; None behind the last, and for a table that does not exist."""
        with store_errors(f"listing {table}"):
            try:
                page = self._retries(lambda: next(pages, None))
            except ResourceNotFoundError:
                return None
        return None if page is None else list(page)


def _service(account: StorageAccount) -> TableServiceClient:
    if account.connection_string is not None:
        return TableServiceClient.from_connection_string(account.connection_string, **CLIENT_OPTIONS)
    return TableServiceClient(account.table_url, credential=account.credential, **CLIENT_OPTIONS)


def _submit(client: TableClient, operations: Sequence[_Operation]) -> list[Mapping[str, object]]:
    """Apply one write as such, several as a transaction: that wraps each in a document of several parts, and
    costs twice the processor time."""
    if len(operations) > 1:
        return list(client.submit_transaction(operations))
    ((operation, entity, options),) = operations
    match operation:
        case TransactionOperation.CREATE:
            return [client.create_entity(entity)]
        case TransactionOperation.UPDATE:
            return [client.update_entity(entity, **options)]
        case _:
            return [client.upsert_entity(entity, **options)]


def _filter(partition: str | None, row_prefix: str, behind: str) -> tuple[str, dict[str, str]]:
    """An OData filter with its parameters; an empty filter selects everything."""
    filters: list[str] = []
    parameters: dict[str, str] = {}
    if partition is not None:
        filters.append("PartitionKey eq @partition")
        parameters["partition"] = encode_key(partition)
    if row_prefix:
        filters.append("RowKey ge @first and RowKey lt @beyond")
        first = encode_key(row_prefix)
        parameters |= {"first": first, "beyond": after_prefix(first)}
    if behind:
        filters.append(f"{'PartitionKey' if partition is None else 'RowKey'} gt @behind")
        parameters["behind"] = encode_key(behind)
    return " and ".join(filters), parameters


def _operation(write: TableWrite) -> _Operation:
    entity = {
        "PartitionKey": encode_key(write.partition),
        "RowKey": encode_key(write.row),
        **_encoded(write.properties),
    }
    match write:
        case Insert():
            return (TransactionOperation.CREATE, entity, {})
        case Replace():
            condition = {"etag": write.etag, "match_condition": MatchConditions.IfNotModified}
            return (TransactionOperation.UPDATE, entity, {"mode": UpdateMode.REPLACE, **condition})
        case Put():
            return (TransactionOperation.UPSERT, entity, {"mode": UpdateMode.REPLACE})


def _encoded(row: Row) -> dict[str, object]:
    """Whole numbers are 64 bit wide in a table of ours: the SDK refuses larger ones otherwise."""
    return {
        name: EntityProperty(content, EdmType.INT64)
        if isinstance(content, int) and not isinstance(content, bool)
        else content
        for name, content in row.items()
    }


def _entity(found: TableEntity) -> Entity:
    said = ((name, content) for name, content in found.items() if name not in _KEYS and content is not None)
    properties = {name: _decoded(content) for name, content in said}
    return Entity(
        partition=decode_key(found["PartitionKey"]),
        row=decode_key(found["RowKey"]),
        properties=properties,
        etag=str(found.metadata["etag"]),
    )


def _decoded(content: object) -> str | int | bool:
    plain = content.value if isinstance(content, EntityProperty) else content
    return plain if isinstance(plain, (bool, int)) else str(plain)


def _raise_lost_race(error: HttpResponseError, what: str) -> None:
    """Raise our error for a condition that did not hold; return for every other failure."""
    code = error_code(error)
    if code in _EXISTS:
        raise EntityExists(f"{what} exists") from error
    if code in _CHANGED:
        raise EntityChanged(f"{what} is not as it was read") from error
