"""What is drawn, as values that can be kept beside a result."""

from __future__ import annotations

from shared.model.changes import Edit
from shared.model.values import value


@value
class Gate:
    """One part of a way. ``state`` is ``stands``, ``blocked`` or ``unknown``; the fewest that stop the way
    are those with ``blocks``."""

    stage: str
    state: str
    says: str
    blocks: bool = False


@value
class DrawnWay:
    """One way of a client, from left to right."""

    client: str
    about: str
    """Who that is, in more words."""
    state: str
    gates: tuple[Gate, ...]


@value
class DrawnRange:
    """A firewall rule's IPv4 addresses, both ends as numbers."""

    name: str
    first: int
    last: int
    is_odd: bool = False
    """Whether the rule does not say whom it admits."""


@value
class Proposed:
    """What would be done about one finding."""

    title: str
    edits: tuple[Edit, ...]


@value
class DrawnCell:
    """What becomes of packets of one source to one port, and by which rules. ``state`` is ``allowed``,
    ``denied``, ``mixed`` or ``depends``."""

    state: str
    rules: tuple[str, ...]
    depends_on: tuple[str, ...] = ()


@value
class DrawnGroup:
    """An NSG as the database behind it meets it: a row for each source, a column for each port."""

    name: str
    subnet: str
    ports: tuple[int, ...]
    sources: tuple[str, ...]
    cells: tuple[tuple[DrawnCell, ...], ...]
    mends: str = ""
    """The policy whose proposed rules make ``after`` of it; ``""`` where none are proposed."""
    after: tuple[tuple[DrawnCell, ...], ...] = ()


@value
class Picture:
    ways: tuple[DrawnWay, ...] = ()
    ranges: tuple[DrawnRange, ...] = ()
    is_public: bool = False
    """Whether the ranges admit somebody: public access is on."""
    group: DrawnGroup | None = None
