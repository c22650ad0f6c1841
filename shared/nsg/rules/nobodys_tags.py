"""Names that are no tag of Azure's: what is said of one, and which name was probably meant.

Azure publishes the names of its service tags; ARM refuses a rule with another one, but for a few that it
knows and does not publish (``CorpNetPublic``, in rules of its own). So in a rule such a name stands for any
addresses, and is said to; in a question, where nobody else wrote it, it is a slip of the pen.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from shared.nsg.rules.published_tags import PUBLISHED_ON, PUBLISHED_TAGS

_DEFINED: Final = ("Internet", "VirtualNetwork", "AzureLoadBalancer")
_ALIKE: Final = 0.8


@lru_cache(maxsize=256)
def unpublished(name: str) -> str:
    """What is said of a tag that is not in the published list: ``'Internets' is not a tag that …``."""
    meant = _meant(name)
    asked = f": did you mean {meant!r}?" if meant else "."
    return f"{name!r} is not a tag that Azure publishes (list of {PUBLISHED_ON}){asked}"


def _meant(name: str) -> str | None:
    """The published name that is spelled most like it, with its region; None where none is."""
    known = {tag.lower(): tag for tag in (*_DEFINED, *PUBLISHED_TAGS)}
    tag, dot, region = name.strip().partition(".")
    for text, rest in ((name.strip(), ""), (tag, dot + region)):
        if found := get_close_matches(text.lower(), known, n=1, cutoff=_ALIKE):
            return known[found[0]] + ("" if known[found[0]] in _DEFINED else rest)
    return None
