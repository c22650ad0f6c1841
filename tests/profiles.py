"""How much Hypothesis tries: ``unit`` between two thoughts, ``test`` before a push, ``long`` in CI.

The laws that every policy is held to get more examples than other properties, most of which stand beside a
test that tries every small case. What ``test`` tries fewer of is tried by ``long`` as well.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings

EXAMPLES: Final = {"unit": 20, "default": 50, "test": 50, "long": 200}
"""Of a property, where it says nothing of its own."""
LAW_EXAMPLES: Final = {"unit": 20, "default": 50, "test": 200, "long": 400}
"""Of the laws over every policy of the catalogue."""
PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE") or "default"


def examples(number: int) -> settings:
    """No example is judged by the clock. Where ``CI`` is set they are the same in every run: a red build is
    red for its change."""
    return settings(max_examples=number, deadline=None, derandomize=bool(os.environ.get("CI")))


for_laws: Final = examples(LAW_EXAMPLES[PROFILE])


def load_profile() -> None:
    settings.register_profile(PROFILE, examples(EXAMPLES[PROFILE]))
    settings.load_profile(PROFILE)
