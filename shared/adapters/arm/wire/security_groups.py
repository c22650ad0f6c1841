"""An NSG from its GET, and a rule as the body of its PUT: pure, no I/O.

Both are spelled by ``shared.nsg.rules.spelling``, as they are for a file that a person holds.
"""

from __future__ import annotations

from shared.adapters.arm.wire.fields import called
from shared.model import Json, SecurityGroup, SecurityRule
from shared.model.errors import Permanent
from shared.nsg.rules.odd_rules import group_with_odd
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.spelling import rule_body


def security_group(body: Json) -> SecurityGroup:
    """An NSG from its GET; a rule that lacks what a rule has is kept as odd, with what it may be.

    What a rule says is kept as Azure says it, also where it means nothing: judging that is the engine's.
    Raises ``Permanent`` that names the NSG and the field where there is no id or no list of rules.
    """
    try:
        return group_with_odd(body)
    except NsgError as error:
        raise Permanent(f"security group {called(body)!r}: {error}", code="MalformedAnswer") from error


def security_rule_body(rule: SecurityRule) -> dict[str, Json]:
    """The body of a rule's PUT in the spelling that ARM takes."""
    return rule_body(rule)
