"""What Azure says of the server that is audited: where it is, who administers it, and its parameters."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from shared.model import Aspect, ServerSnapshot, Target

if TYPE_CHECKING:
    from shared.config.settings import Settings

_NAMES: Final = ("CLOUD", "ARM_ENDPOINT", "ARM_API_VERSIONS", "AZURE_CLIENT_ID")
_READS: Final = frozenset({Aspect.SERVER, Aspect.PARAMETERS, Aspect.ADMINISTRATORS})


def settings() -> Settings:
    """Where Azure is; how an app would act is none of an audit's concern. Raises ``ConfigurationError``."""
    from shared.config.settings import read_settings

    return read_settings({name: os.environ[name] for name in _NAMES if name in os.environ})


def by_azure(target: Target) -> ServerSnapshot:
    """Raises ``GatewayError`` or ``ConfigurationError``."""
    from shared.adapters.arm.gateway import ArmGateway
    from shared.adapters.arm.session.clients import ArmClients
    from shared.adapters.clock import SystemClock

    clock, clients = SystemClock(), ArmClients(settings())
    try:
        found = ArmGateway(clients, clock, clock.sleep).read(target, _READS)
    finally:
        clients.close()
    if not isinstance(found, ServerSnapshot):
        raise TypeError(f"reading a server gave {type(found).__name__}")
    return found
