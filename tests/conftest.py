"""What every test gets: fixtures of the emulator and the local host, and how much Hypothesis tries.

``HYPOTHESIS_PROFILE`` chooses: ``unit`` is quick, ``test`` thorough, without it something between. Where
``CI`` is set the examples are the same in every run, so that a red build is red for its change.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

pytest_plugins = ["tests.fixtures_local"]

_EXAMPLES = {"unit": 20, "default": 50, "test": 200}

for _name, _examples in _EXAMPLES.items():
    settings.register_profile(
        _name, max_examples=_examples, deadline=None, derandomize=bool(os.environ.get("CI"))
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "default")


@pytest.fixture(scope="session")
def functions() -> dict[str, Callable[[Any], Any]]:
    """What the engine would call, by name; the app can be asked for its functions only once."""
    import function_app

    return {
        str(built.get_function_name()): built.get_user_function()
        for built in function_app.app.get_functions()
    }
