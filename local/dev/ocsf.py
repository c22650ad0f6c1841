"""The part of the OCSF schema that our findings use, as one small file: `python -m local.dev.ocsf CHECKOUT`.

CHECKOUT is a checkout of github.com/ocsf/ocsf-schema (Apache-2.0) at a release. Of the class Compliance
Finding and its objects each attribute is kept with its requirement, type and the numbers of its enumeration;
texts are not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from local.dev.environments import ROOT

CLASS: Final = "compliance_finding"
OBJECTS: Final = (
    *("metadata", "product", "cloud", "account", "finding_info", "compliance", "resource_details"),
    "remediation",
)
PROFILE: Final = "cloud"
EXTRACT: Final = ROOT / "tests" / "report" / "data" / "ocsf.json"


class Schema:
    """A checkout."""

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout
        self._dictionary = self._read("dictionary.json")["attributes"]
        self._events = dict(self._named("events"))
        self._objects = dict(self._named("objects"))

    def extract(self) -> dict[str, Any]:
        profile = self._read(f"profiles/{PROFILE}.json")["attributes"]
        event = self._resolved(self._events, CLASS) | {
            name: {**attribute, "profile": PROFILE} for name, attribute in profile.items()
        }
        return {
            "version": self._read("version.json")["version"],
            "source": "https://github.com/ocsf/ocsf-schema",
            "event": self._forms(event),
            "objects": {name: self._forms(self._resolved(self._objects, name)) for name in OBJECTS},
        }

    def _forms(self, attributes: dict[str, Any]) -> dict[str, Any]:
        return {name: self._form(name, attribute) for name, attribute in sorted(attributes.items())}

    def _form(self, name: str, attribute: dict[str, Any]) -> dict[str, Any]:
        known = self._dictionary.get(name, {})
        merged = {**known, **attribute}
        numbers = {**known.get("enum", {}), **attribute.get("enum", {})}
        form: dict[str, Any] = {
            "requirement": merged.get("requirement", "optional"),
            "type": merged.get("type"),
            "array": bool(merged.get("is_array")),
            "profile": attribute.get("profile"),
            "enum": sorted(numbers, key=lambda number: (len(number), number)),
        }
        return {name: part for name, part in form.items() if part}

    def _resolved(self, where: dict[str, Any], name: str) -> dict[str, Any]:
        """All attributes, with those of what it extends and includes."""
        found = where[name]
        base = found.get("extends")
        attributes = self._resolved(where, base) if base in where else {}
        for attribute, said in self._included(found["attributes"]):
            attributes[attribute] = {**attributes.get(attribute, {}), **said}
        return attributes

    def _included(self, attributes: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        included = attributes.get("$include", [])
        for path in [included] if isinstance(included, str) else included:
            profile = self._read(path)
            for name, said in profile["attributes"].items():
                yield name, {**said, "profile": profile.get("name")}
        yield from ((name, said) for name, said in attributes.items() if name != "$include")

    def _named(self, folder: str) -> Iterator[tuple[str, Any]]:
        for path in sorted((self._checkout / folder).rglob("*.json")):
            found = json.loads(path.read_text(encoding="utf-8"))
            yield found["name"], found

    def _read(self, path: str) -> Any:
        return json.loads((self._checkout / path).read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    """Write the extract."""
    if len(arguments) != 1:
        print("usage: python -m local.dev.ocsf CHECKOUT", file=sys.stderr)
        return 2
    extract = json.dumps(Schema(Path(arguments[0])).extract(), indent=0, sort_keys=True)
    EXTRACT.write_text(f"{extract}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
