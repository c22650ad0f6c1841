"""`python -m local.dev.bicep.extract CHECKOUT`: renews `types.json` from Azure's own types.

CHECKOUT is a clone of github.com/Azure/bicep-types-az (MIT), which the compiler and Azure's MCP server
pack; it is large, so take what is needed:

    git clone --depth 1 --filter=blob:none --no-checkout https://github.com/Azure/bicep-types-az

The file has what the templates of `infra/` name, at their versions: of each resource the properties that
can be written, which are required, and which texts are allowed. Descriptions stay behind. It is renewed
when a template takes a new type or version; `types.py` says so where one is absent.

Exit codes: 0 written, 2 a type is not in the checkout.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from local.dev.bicep.reading import read
from local.dev.bicep.types import EXTRACT
from local.dev.environments import ROOT
from shared.model.values import value

REPOSITORY: Final = "https://github.com/Azure/bicep-types-az"
_REQUIRED: Final = 1
_READ_ONLY: Final = 2
_PLAIN: Final = {"StringType": "string", "IntegerType": "int", "BooleanType": "bool", "AnyType": "any"}


class NoSuchType(Exception):
    """The checkout has no such type at this version."""


@value
class Checkout:
    """A clone, of which files are read as the commit has them: nothing needs to be checked out."""

    path: Path

    @property
    def commit(self) -> str:
        return self._git("rev-parse", "HEAD").strip()

    def files(self) -> list[str]:
        return self._git("ls-tree", "-r", "--name-only", "HEAD", "generated").split()

    def types(self, file: str) -> list[dict[str, Any]]:
        held: list[dict[str, Any]] = json.loads(self._git("show", f"HEAD:{file}"))
        return held

    def _git(self, *words: str) -> str:
        command = ["git", "-C", str(self.path), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(argv: Sequence[str]) -> int:
    """Write the extract of what the templates name."""
    checkout = Checkout(path=Path(argv[0]))
    try:
        held = extract(checkout, named_types(ROOT / "infra"))
    except NoSuchType as error:
        print(error, file=sys.stderr)
        return 2
    EXTRACT.write_text(json.dumps(held, separators=(",", ":"), sort_keys=True).replace('},"', '},\n"') + "\n")
    print(f"{EXTRACT.name}: {len(held['resources'])} types")
    return 0


def named_types(folder: Path) -> list[str]:
    """Every `type@version` of the templates below a folder."""
    templates = map(read, sorted(folder.rglob("*.bicep")))
    return sorted({one.of for template in templates for one in template.resources.values()})


def extract(checkout: Checkout, wanted: Sequence[str]) -> dict[str, Any]:
    """What ``types.json`` says. Raises NoSuchType."""
    files = checkout.files()
    resources = {name: _resource(name, checkout, files) for name in wanted}
    return {"source": f"{REPOSITORY}@{checkout.commit}", "resources": resources}


def _resource(name: str, checkout: Checkout, files: Sequence[str]) -> dict[str, Any]:
    kind, _, version = name.partition("@")
    ending = f"/{kind.split('/')[0].lower()}/{version}/types.json"
    for file in files:
        if file.endswith(ending):
            types = checkout.types(file)
            for one in types:
                if one["$type"] == "ResourceType" and one["name"].lower() == name.lower():
                    return _Shapes(types=types).of_resource(one)
    raise NoSuchType(f"{name} is not in the checkout")


@value
class _Shapes:
    """Azure's types of one file, as shapes: a name of a plain kind, or an object that says more."""

    types: Sequence[Mapping[str, Any]]

    def of_resource(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        body = self._shape(resource["body"], found)
        return {"body": body, "objects": found}

    def _shape(self, reference: Mapping[str, str], found: dict[str, Any]) -> Any:
        number = int(reference["$ref"].rpartition("/")[2])
        one = self.types[number]
        match one["$type"]:
            case "StringType":
                return _string(one)
            case "StringLiteralType":
                return {"texts": [one["value"]]}
            case "UnionType":
                return self._union(one, found)
            case "ArrayType":
                return {"array": self._shape(one["itemType"], found)}
            case "ObjectType" | "DiscriminatedObjectType":
                self._keep(str(number), one, found)
                return {"object": str(number)}
            case kind:
                return _PLAIN[kind]

    def _union(self, union: Mapping[str, Any], found: dict[str, Any]) -> Any:
        """Of texts. That Azure may take others one day is no reason to write one that it does not know."""
        shapes = [self._shape(one, found) for one in union["elements"]]
        texts = [text for shape in shapes if isinstance(shape, dict) for text in shape.get("texts", ())]
        return {"texts": texts} if texts else "any"

    def _keep(self, name: str, one: Mapping[str, Any], found: dict[str, Any]) -> None:
        if name in found:
            return
        kept: dict[str, Any] = {"name": one["name"]}
        found[name] = kept
        held = one.get("properties", one.get("baseProperties", {}))
        kept["properties"] = dict(self._properties(held, found))
        if "additionalProperties" in one:
            kept["more"] = self._shape(one["additionalProperties"], found)
        if "elements" in one:
            kept["by"] = one["discriminator"]
            kept["cases"] = {key: self._shape(ref, found) for key, ref in one["elements"].items()}

    def _properties(
        self, properties: Mapping[str, Mapping[str, Any]], found: dict[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        for name, held in properties.items():
            flags = held.get("flags", 0)
            if not flags & _READ_ONLY:
                yield name + ("*" if flags & _REQUIRED else ""), self._shape(held["type"], found)


def _string(one: Mapping[str, Any]) -> Any:
    limits = {key: one[key] for key in ("minLength", "maxLength", "pattern") if key in one}
    return limits or "string"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
