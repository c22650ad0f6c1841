"""What every test gets: fixtures of the emulator and the local host, and how much Hypothesis tries.

How much is tried is said in ``tests.profiles``; ``HYPOTHESIS_PROFILE`` chooses.

No test is judged by the clock on the wall, which tells of other work on the machine as well. What never ends
is found by the processor time that it uses (``PROCESSOR_SECONDS``, many times what the longest test needs);
what waits for something that never comes, by the generous ``timeout`` in ``pyproject.toml``.
"""

import gc
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from tests.profiles import load_profile

pytest_plugins = ["tests.fixtures_local"]

load_profile()

PROCESSOR_SECONDS = 600


class NeverEnds(BaseException):
    """No ``Exception``, so that neither the code under test nor Hypothesis takes it for its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every worker collects for itself and must find the same names; what a set spells may differ."""
    differing = [item.nodeid for item in items if "frozenset({" in item.nodeid or " at 0x" in item.nodeid]
    if differing:
        raise pytest.UsageError(f"a test's name differs from process to process: {differing[0]}")


def pytest_collection_finish() -> None:
    """What stands after the collection stays: the garbage collector need not walk it over and over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Ends a test that has used more processor time than any test could need."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise NeverEnds(f"{item.nodeid} has used {PROCESSOR_SECONDS} s of processor time")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.fixture(scope="session")
def functions() -> dict[str, Callable[[Any], Any]]:
    """What the engine would call, by name; the app can be asked for its functions only once."""
    import function_app

    return {
        str(built.get_function_name()): built.get_user_function()
        for built in function_app.app.get_functions()
    }
