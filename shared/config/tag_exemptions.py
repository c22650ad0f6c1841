"""Exemption by a tag on the server: what its text means, how long it holds, since when it is known.

Only where ``policies.yaml`` switches it on, and then a tag merely lowers a revert to an alert. The text
names policies, ``*`` or ids separated by commas, and optionally an end: ``postgres-public-access-enabled,
postgres-firewall-allows-all-azure until 2026-12-01``. A text that cannot be read exempts nothing.

The time, seven days at most, begins with the first sight of the tag with that text and for each policy with
the first revert that a tag lowered, whichever is earlier. Writing another text does not begin a policy's time
anew, the same text put back is no other text, and only seven days of compliance in a row begin it anew:
otherwise whoever may tag could keep a breach open with a minute's pause a week. Azure's subnets have no tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.config.policies_file import LONGEST_TAG_EXEMPTION, TagExemptions
from shared.model import Cause, CauseKind, ComplianceState
from shared.model.memory import ExemptTag, PolicyMemory, TagExemption, TargetRecord
from shared.model.values import value

_EVERY: Final = "*"
_REST: Final = timedelta(days=LONGEST_TAG_EXEMPTION)
"""How long a policy has to be compliant before a tag may lower its reverts again."""


@value
class TagText:
    """``policies`` is None for all of them, ``until`` None where the text names no end."""

    policies: frozenset[str] | None
    until: datetime | None = None

    def names(self, policy_id: str) -> bool:
        return self.policies is None or policy_id in self.policies


def read_tag(text: str) -> TagText | None:
    """What a tag's text says; None when it cannot be read."""
    listed, separator, end = text.strip().partition(" until ")
    names = frozenset(name.strip() for name in listed.split(","))
    until = _moment(end.strip()) if separator else None
    if "" in names or (separator and until is None):
        return None
    return TagText(policies=None if names == {_EVERY} else names, until=until)


def with_tag_seen(
    record: TargetRecord, tags: Mapping[str, str], cause: Cause, rules: TagExemptions, now: datetime
) -> TargetRecord:
    """Remember since when the tag has its text, and who had written to the server before it was seen."""
    text = tag_text(tags, rules)
    known = record.exempt_tag
    if text is None or (known is not None and known.text == text):
        return record
    foreign = cause.kind is CauseKind.EVENT and cause == record.last_foreign
    seen = ExemptTag(text=text, first_seen=now, actor=cause.actor if foreign else None)
    return replace(record, exempt_tag=seen)


def tag_exemption(
    policy_id: str, record: TargetRecord, tags: Mapping[str, str], rules: TagExemptions, now: datetime
) -> TagExemption | None:
    """The tag's exemption of a policy that still holds, or None."""
    text, seen = tag_text(tags, rules), record.exempt_tag
    said = read_tag(text) if text is not None else None
    if said is None or seen is None or not said.names(policy_id):
        return None
    memory = record.memories.get(policy_id)
    used_since = tag_used_since(memory, now) if memory is not None else None
    longest = min(seen.first_seen, used_since or seen.first_seen) + timedelta(days=rules.days)
    until = min(longest, said.until or longest)
    return TagExemption(tag=rules.tag, seen=seen, until=until) if now < until else None


def tag_used_since(memory: PolicyMemory, now: datetime) -> datetime | None:
    """Since when a tag's time runs for the policy; None where none does, or where it was compliant since for
    long enough."""
    rested = memory.state is ComplianceState.COMPLIANT and now - memory.since >= _REST
    return None if rested else memory.tag_exempt_since


def tag_text(tags: Mapping[str, str], rules: TagExemptions) -> str | None:
    """What the exempting tag says, None where there is none or tags may not exempt. Azure compares the names
    of tags without case."""
    if not rules.enabled:
        return None
    return next((text for name, text in tags.items() if name.lower() == rules.tag.lower()), None)


def _moment(text: str) -> datetime | None:
    """A time without a zone is UTC, and a date is its first moment. Whoever may tag writes the text: also a
    time that is none in UTC (before the year 1, after 9999) must not stop the look."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
