"""What a message to people consists of: sections, each with a lead, and where to go on.

Texts are harmless: whatever strangers chose has gone through ``shared.alerts.phrases``. Their one mark-up is
a code span in backticks, which no cleaned text holds otherwise, and a line break. Commands are as they are
pasted. How a channel shows them is in ``shared.alerts.channels``.
"""

from __future__ import annotations

from shared.model.values import value


@value
class Section:
    """One thing that is said: a lead in strong letters, what follows it, and a list or commands below."""

    lead: str = ""
    text: str = ""
    items: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    """Where each of the items leads, in their order; none where they lead nowhere."""


@value
class Link:
    """Where a person goes on. Nothing happens by following it."""

    label: str
    url: str
