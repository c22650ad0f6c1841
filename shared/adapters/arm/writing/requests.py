"""The form of a write before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from shared.adapters.arm.session.session import Hooks

Headers: TypeAlias = dict[str, str]
Write: TypeAlias = Callable[[Headers, Hooks], object]
"""Sends one write with the headers and hooks that it is given, and does not wait for it."""
