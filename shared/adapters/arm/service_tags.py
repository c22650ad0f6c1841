"""Prefixes of service tags, from the list that ARM gives out for a location; read at most once a day.

The list names every tag of the cloud with its prefixes: some 3,000 tags and 80,000 prefixes, several
megabytes. The location is no filter but says whose copy is read: copies differ for a while after a change,
and a rule goes by the copy of its NSG's region (service tags overview, MicrosoftDocs/azure-docs @0006b738).
The subscription says only who asks, so one copy per location serves all of them.

Copies live in this process's memory, compact, and are replaced whole. They are not shared through storage:
that would save one request a day, location and instance, and be one thing more that can fail or be old
between an explanation and what Azure says. A list is taken whole or not at all: a tag that misses a page
would be a closed set that is too small, and a wrong verdict.

It is asked through the bare pipeline: the SDK's operation knows no further pages, and its model of the
answer takes twenty times as long as the JSON itself. What must not live here: what a tag means for a
rule, and who asks for which.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_network
from typing import Final
from urllib.parse import quote

from azure.core.rest import HttpRequest

from shared.adapters.arm.session.clients import ArmClients
from shared.adapters.arm.session.session import MOST_PAGES, Hooks, Session, endless
from shared.adapters.arm.wire.fields import get, text
from shared.model import ArmCall, IPNetwork, Json
from shared.model.errors import Denied, Permanent, Transient
from shared.model.interfaces import Clock, TagReading
from shared.model.values import value

READ_ACTION: Final = "Microsoft.Network/locations/serviceTags/read"
FRESH: Final = timedelta(hours=24)
"""The list is published weekly and takes days to weeks to arrive (service tags overview)."""
USABLE: Final = timedelta(days=7)
"""How old a list may be when it cannot be read again: addresses that are new in a tag are not in use for at
least a week (service tags overview)."""
MOST_LOCATIONS: Final = 8
"""Copies kept, about 2 MB each; the one that was read first makes room."""


@value
class TagList:
    """One copy of the list. ``prefixes`` are by name in lower case, as text: CIDRs with blanks between."""

    read_at: datetime
    change_number: str
    prefixes: Mapping[str, str]


class TagLists:
    """The copies of one process, by location.

    The mapping is never changed but replaced whole, so that threads need no lock: of two that read the same
    list at once, the later one's stays.
    """

    def __init__(self) -> None:
        self._lists: Mapping[str, TagList] = {}

    def get(self, location: str) -> TagList | None:
        return self._lists.get(location)

    def keep(self, location: str, read: TagList) -> None:
        others = [(place, kept) for place, kept in self._lists.items() if place != location]
        self._lists = dict([*others, (location, read)][-MOST_LOCATIONS:])


class ArmServiceTags:
    """Service tags for one run (``interfaces.ServiceTags``). ``lists`` is shared between runs."""

    def __init__(
        self, clients: ArmClients, clock: Clock, sleep: Callable[[float], None], lists: TagLists
    ) -> None:
        self._session = Session(clients, clock, sleep)
        self._lists = lists

    @property
    def calls(self) -> Sequence[ArmCall]:
        """The requests made, in order; none where a copy was at hand."""
        return tuple(self._session.calls)

    def read(self, subscription: str, location: str, names: Collection[str]) -> TagReading:
        place = location.replace(" ", "").lower()
        tags, outdated = self._list(subscription, place)
        found = {name: tags.prefixes.get(name.lower(), "") for name in names}
        return TagReading(
            prefixes={name: _networks(name, listed) for name, listed in found.items() if listed},
            change_number=tags.change_number,
            read_at=tags.read_at,
            outdated=outdated,
        )

    def _list(self, subscription: str, place: str) -> tuple[TagList, str | None]:
        """The list, and why it is older than it should be."""
        kept = self._lists.get(place)
        now = self._session.clock.now()
        if kept is not None and now - kept.read_at < FRESH:
            return kept, None
        try:
            fresh = _read(self._session, subscription, place)
        except Transient as error:
            if kept is None or now - kept.read_at > USABLE:
                raise
            return kept, str(error)
        self._lists.keep(place, fresh)
        return fresh, None


# --- reading ---------------------------------------------------------------------------------------


def _read(session: Session, subscription: str, place: str) -> TagList:
    """The whole list. Raises a classified ``GatewayError``."""
    path = f"/subscriptions/{quote(subscription, safe='')}/providers/Microsoft.Network"
    version = session.clients.versions.network
    first = f"{path}/locations/{quote(place, safe='')}/serviceTags?api-version={version}"
    read_at = session.clock.now()
    numbers: list[str] = []
    prefixes: dict[str, str] = {}
    for page in _pages(session, f"{session.clients.endpoint}{first}"):
        numbers.append(text(page, "changeNumber"))
        _take(page, prefixes)
    _require_whole(subscription, {number for number in numbers if number}, prefixes)
    return TagList(read_at=read_at, change_number=numbers[0], prefixes=prefixes)


def _pages(session: Session, first: str) -> Iterator[Json]:
    seen: set[str] = set()
    link = first
    while link:
        if link in seen or len(seen) == MOST_PAGES:
            raise endless("service tags")
        seen.add(link)
        page = session.ask(partial(_page, session, link))
        yield page
        link = text(page, "nextLink")


def _page(session: Session, link: str, hooks: Hooks) -> Json:
    response = session.clients.pipeline().send_request(HttpRequest("GET", link), **hooks)
    response.raise_for_status()
    body = response.json()
    if not isinstance(body, Mapping):
        raise Transient("the list of service tags cannot be read", status=response.status_code)
    return body


def _take(page: Json, prefixes: dict[str, str]) -> None:
    """Add a page's tags; one that continues on another page is united."""
    for tag in get(page, "values") or ():
        name = text(tag, "name").lower()
        if not name:
            raise Permanent("a service tag without a name", code="MalformedAnswer")
        listed = get(tag, "properties", "addressPrefixes") or ()
        prefixes[name] = " ".join([*prefixes.get(name, "").split(), *map(str, listed)])


def _require_whole(subscription: str, numbers: set[str], prefixes: Mapping[str, str]) -> None:
    """Refuse an answer that is a success in name only.

    Who has no role on the subscription gets 200 with an empty list and without a change number
    (MicrosoftDocs/azure-docs 51053; its body in Azure/azure-powershell 15915 and Azure/azure-cli 27349). A
    list with a number and without tags was the service's own fault (Azure/azure-powershell 12234).
    """
    if not numbers and not prefixes:
        raise Denied(
            f"ARM shows no service tags: our identity needs {READ_ACTION} on subscription {subscription}",
            code="NoServiceTags",
            status=200,
        )
    if not prefixes:
        raise Transient("the list of service tags is empty", status=200)
    if len(numbers) > 1:
        raise Transient("the list of service tags changed while it was read", status=200)


def _networks(name: str, listed: str) -> tuple[IPNetwork, ...]:
    try:
        return tuple(ip_network(prefix, strict=False) for prefix in listed.split())
    except ValueError as error:
        raise Permanent(f"service tag {name}: addressPrefixes: {error}", code="MalformedAnswer") from error
