"""What the caller knows besides the log, read from files: NSG, service tags, server, subnet prefixes.

Every file is read as `explain-nsg` reads it (UTF-8, or UTF-16 as PowerShell writes it) and judged by the same
readers; what cannot be used is a ``BadInput`` that names the option. What Azure itself is asked for is in
``driftward.flows.azure``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from driftward.documents import document as read_document
from driftward.flows.labels import Features
from shared.model import Json, SecurityGroup
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.nsg.asking import BadInput, read_tags
from shared.nsg.documents.document import read_group
from shared.nsg.packets.addresses import parse_addresses
from shared.nsg.packets.spans import Spans, union
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.resources import Resource, folded, resource
from shared.nsg.rules.tags import Tags

_FLEXIBLE: Final = "microsoft.dbforpostgresql/flexibleservers"
_SWITCH: Final = {"enabled": True, "disabled": False}


@value
class Server:
    """A flexible server, as far as it decides which traffic is needed."""

    name: str
    id: ResourceId | None
    location: str
    subnet: ResourceId | None
    """The subnet that is delegated to it; None where it has none."""
    features: Features


def read_addresses(texts: Iterable[str], option: str) -> Spans:
    """The addresses of ``--subnet`` and ``--dns-server``. Raises ``BadInput``."""
    found: list[tuple[int, int]] = []
    for text in (part.strip() for given in texts for part in given.split(",")):
        spans = parse_addresses(text)
        if spans is None:
            raise BadInput(f"--{option} {text!r} is no prefix", field=option)
        found.extend(spans)
    return union(found)


def read_nsg_file(path: str, name: str | None) -> SecurityGroup:
    """The NSG of a file, in any form that `explain-nsg` takes. Raises ``BadInput``."""
    try:
        return read_group(read_document(path, "nsg"), name=name)
    except NsgError as error:
        raise BadInput(f"{path}: {error}", field="nsg", rule=error.rule) from error


def read_tags_file(path: str) -> Tags:
    """The tags of ``{name: [prefixes]}`` or of Azure's service tag file. Raises ``BadInput``."""
    document = read_document(path, "tags")
    try:
        return read_tags(document)
    except BadInput as error:
        raise BadInput(f"{path}: {error}", field="tags") from error


def read_server_file(path: str) -> Server:
    """The server of a file. Raises ``BadInput``."""
    document = read_document(path, "server")
    body = document[0] if isinstance(document, list) and len(document) == 1 else document
    return read_server(body, path)


def read_server(body: Json, where: str) -> Server:
    """A server as ARM or `az postgres flexible-server show` has it. Raises ``BadInput``."""
    if not isinstance(body, Mapping):
        raise BadInput(f"{where}: a server is a JSON object", field="server")
    try:
        found = resource(body)
        network, sign_in, encryption, availability = (
            folded(found.get(part))
            for part in ("network", "authConfig", "dataEncryption", "highAvailability")
        )
    except NsgError as error:
        raise BadInput(f"{where}: {error}", field="server") from error
    identity = _identity(found, where)
    mode = _text(availability.get("mode"))
    return Server(
        name=found.text("name") or (identity.name if identity else ""),
        id=identity,
        location=found.text("location").replace(" ", "").lower(),
        subnet=parse_resource_id(network.get("delegatedsubnetresourceid")),
        features=Features(
            entra=_SWITCH.get(_text(sign_in.get("activedirectoryauth"))),
            customer_key=_customer_key(_text(encryption.get("type"))),
            # PgBouncer is a parameter and not in the server's own answer: off cannot be told from here.
            pooled=True if mode not in {"", "disabled"} else None,
        ),
    )


def _identity(found: Resource, where: str) -> ResourceId | None:
    identity = parse_resource_id(found.text("id"))
    kind = identity.type if identity else found.text("type").lower()
    parts = ("network", "authConfig", "dataEncryption", "highAvailability", "sku")
    shown = any(
        isinstance(found.get(part), Mapping) for part in parts
    )  # a file of tags has a Storage as well
    if (kind and kind != _FLEXIBLE) or (not kind and not shown):
        raise BadInput(f"{where}: {kind or 'it'} is no PostgreSQL flexible server", field="server")
    return identity


def _customer_key(kind: str) -> bool | None:
    """An absent ``dataEncryption`` is the service's own key: servers without another one lack it."""
    return {"azurekeyvault": True, "systemmanaged": False, "": False}.get(kind)


def _text(found: Json) -> str:
    return found.strip().lower() if isinstance(found, str) else ""
