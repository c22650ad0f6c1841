"""Exact answers about NSG rules, as a pure package: verdict, blame, a fix that is proved, a difference.

``parse`` reads an NSG once; ``decide`` answers a ``Question`` about it, ``fix`` proposes the rules that
make it hold, ``diff`` and ``changed`` give the packets that two readings treat differently, and
``outside`` compares them with declared boxes. It uses the standard library and the project's values,
knows no policy, and does no I/O. Unreadable rules raise ``NsgError``, which names rule and field.
"""

from shared.nsg.engine.additions import (
    LAST_PRIORITY,
    LONGEST_DESCRIPTION,
    Goal,
    free_rule_name,
)
from shared.nsg.engine.budget import TooComplex
from shared.nsg.engine.difference import Changed, Difference, Where, changed, diff, difference
from shared.nsg.engine.fixes import Fix, NoFix, fix, with_rules
from shared.nsg.engine.outcomes import Outcome
from shared.nsg.engine.program import Program, parse
from shared.nsg.engine.question import Question
from shared.nsg.engine.traffic import outside, traffic_boxes
from shared.nsg.engine.verdict import State, Verdict, Witness, decide, state_of
from shared.nsg.packets.addresses import (
    EVERY_ADDRESS,
    PUBLIC_ADDRESSES,
    WHOLE,
    Family,
    family_at,
    networks_of,
    parse_addresses,
    spans_of,
)
from shared.nsg.packets.spans import EVERY_PORT, Spans, common, minus, union
from shared.nsg.rules.odd_rules import shares_a_priority, tolerated
from shared.nsg.rules.reading import DEFAULT_RULES, NsgError, Protocol, Rule, Side, effective_rules, read_side
from shared.nsg.rules.tags import Tags, known_tags

__all__ = [
    "DEFAULT_RULES",
    "EVERY_ADDRESS",
    "EVERY_PORT",
    "LAST_PRIORITY",
    "LONGEST_DESCRIPTION",
    "PUBLIC_ADDRESSES",
    "WHOLE",
    "Changed",
    "Difference",
    "Family",
    "Fix",
    "Goal",
    "NoFix",
    "NsgError",
    "Outcome",
    "Program",
    "Protocol",
    "Question",
    "Rule",
    "Side",
    "Spans",
    "State",
    "Tags",
    "TooComplex",
    "Verdict",
    "Where",
    "Witness",
    "changed",
    "common",
    "decide",
    "diff",
    "difference",
    "effective_rules",
    "family_at",
    "fix",
    "free_rule_name",
    "known_tags",
    "minus",
    "networks_of",
    "outside",
    "parse",
    "parse_addresses",
    "read_side",
    "shares_a_priority",
    "spans_of",
    "state_of",
    "tolerated",
    "traffic_boxes",
    "union",
    "with_rules",
]
