"""The key with which the app knows its own forms again: made once for the store, and read by every worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from shared.model.errors import EntityExists, StoreError
from shared.model.interfaces import Insert, Tables
from shared.state.table_layout import JOURNAL, TARGETS

_ROW: Final = "page-key"


class PageKey:
    """``Store.page_key``. May raise ``StoreError``."""

    def __init__(self, tables: Tables, new_token: Callable[[], str]) -> None:
        self._tables = tables
        self._new_token = new_token

    def read(self) -> str:
        """The key; whoever needs it first makes it."""
        return self._find() or self._made()

    def _made(self) -> str:
        fresh = "".join(self._new_token() for _ in range(2))
        row = Insert(partition=JOURNAL, row=_ROW, properties={"key": fresh})
        with suppress(EntityExists):  # another worker was faster: its key counts
            self._tables.write(TARGETS, row)
        found = self._find()
        if found is None:
            raise StoreError("the key of the forms was written and is not there")
        return found

    def _find(self) -> str | None:
        found = self._tables.get(TARGETS, JOURNAL, _ROW)
        return None if found is None else str(found.properties["key"])
