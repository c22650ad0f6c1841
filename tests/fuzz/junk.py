"""Values without sense, and real ones with a little nonsense in them, from a seeded source of chance."""

from __future__ import annotations

from json import dumps
from random import Random
from typing import Any

_LONG_NUMBER = "a number of 5000 digits"
"""Python writes none; what arrives may hold it."""
SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 5432, 65536, 2**31, 2**63, -(2**63), 2**200, 1e308, -0.0, 1.5),
    *(
        float("nan"),
        float("inf"),
        "",
        " ",
        "0",
        "-1",
        "null",
        "true",
        "\x00",
        "\ud800",
        "\u202e",
        "é" * 40,
        "☃",
    ),
    *(
        "x" * 300,
        "x" * 70_000,
        "9" * 5000,
        "..",
        "../../x",
        "/",
        "//",
        "%2F%2e%2e",
        "*",
        "@everyone",
        "<b>&amp;",
    ),
    *(
        "' or 1 eq 1",
        "$(id)",
        "`id`",
        "; drop table",
        "{{7*7}}",
        "%s%n",
        "0.0.0.0",
        "0.0.0.0/0",
        "::/0",
        "::1",
    ),
    *(
        "10.0.0.0/33",
        "256.1.1.1",
        "1.2.3",
        "10.0.0.1/8",
        "5432-1",
        "-",
        "0-65535",
        "65536",
        "5432,",
        "VirtualNetwork",
    ),
    *(
        "Internet",
        "Enabled",
        "Disabled",
        "enabled",
        "Ready",
        "Updating",
        "Succeeded",
        "Allow",
        "deny",
        "Inbound",
    ),
    *("0000-00-00T00:00:00Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2026-11-02T25:00:00Z"),
    *(
        "2026-11-02",
        "1970-01-01T00:00:00+99:00",
        "now",
        "P1D",
        "a/b",
        "Microsoft.Network/x",
        "/subscriptions//x",
    ),
    *("/subscriptions/s/resourceGroups/g", "http://169.254.169.254/", "https://example.org/nextLink"),
)
_NAMES = (
    "",
    "id",
    "name",
    "value",
    "properties",
    "type",
    "kind",
    "nextLink",
    "error",
    "__class__",
    "\x00",
    "x" * 300,
)
_DEEP = (3, 30, 300)


def encoded(json: Any) -> str:
    """As it goes over the wire."""
    return dumps(json).replace(f'"{_LONG_NUMBER}"', "9" * 5000)


class Junk:
    """Nonsense from one source of chance."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def scalar(self) -> Any:
        return self.random.choice(SCALARS)

    def text(self) -> str:
        """A text, most often one that means something somewhere else."""
        chosen = self.scalar()
        return chosen if isinstance(chosen, str) else str(chosen)

    def value(self) -> Any:
        """Any JSON: a scalar most often, a small tree now and then, a deep one seldom."""
        roll = self.random.random()
        if roll < 0.7:
            return self.scalar()
        if roll < 0.8:
            return [self.value() for _ in range(self.random.randrange(4))]
        if roll < 0.95:
            return {self.random.choice(_NAMES): self.value() for _ in range(self.random.randrange(4))}
        return self.deep()

    def deep(self) -> Any:
        nested: Any = self.scalar()
        for _ in range(self.random.choice(_DEEP)):
            nested = [nested] if self.random.random() < 0.5 else {"value": nested}
        return nested

    def mutated(self, json: Any, places: int = 1) -> Any:
        """A copy of ``json`` with nonsense at so many places."""
        for _ in range(places):
            json = self._once(json, self._path(json))
        return json

    def _path(self, json: Any) -> list[Any]:
        """The way to a place somewhere within, the whole of it seldom."""
        path: list[Any] = []
        while isinstance(json, dict | list) and json and (not path or self.random.random() < 0.85):
            keys: list[Any] = list(json) if isinstance(json, dict) else list(range(len(json)))
            path.append(self.random.choice(keys))
            json = json[path[-1]]
        return path if self.random.random() < 0.98 else []

    def _once(self, json: Any, path: list[Any]) -> Any:
        if not path:
            return self.value()
        copied: Any = dict(json) if isinstance(json, dict) else list(json)
        key, deeper = path[0], path[1:]
        if deeper:
            copied[key] = self._once(copied[key], deeper)
        else:
            self._spoil(copied, key)
        return copied

    def _spoil(self, holder: Any, key: Any) -> None:
        """Replace, take away, repeat or add, at one place."""
        roll = self.random.random()
        if roll < 0.6:
            holder[key] = self.value()
        elif roll < 0.75:
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, holder[key] if roll < 0.85 else self.value())
        elif roll < 0.85:
            holder[str(key).swapcase()] = holder.pop(key)
        else:
            holder[self.random.choice(_NAMES)] = self.value()

    def bytes(self, encoded: bytes) -> bytes:
        """What arrived when something on the way was broken: cut short, doubled, or with odd bytes in it."""
        at = self.random.randrange(len(encoded) + 1)
        kind = self.random.randrange(4)
        if kind == 0:
            return encoded[:at]
        if kind == 1:
            return encoded + encoded[at:]
        odd = self.random.choice(
            (b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"[" * 20_000, b"NaN", b'"', b"\n", b"{}")
        )
        return encoded[:at] + odd + encoded[at:]
