"""Which problem each error of the project is answered with.

403 and 404 of Azure are not ours: that *Driftward* may not do something is a bad gateway to the
caller (502), who may well be allowed to ask. What is worth asking again is 503 with ``Retry-After``.
"""

from __future__ import annotations

from typing import Final, assert_never

from shared.alerts.lifecycle import IllegalTransition
from shared.api.http import Refused, invalid
from shared.controller.rollback import RollbackRefused
from shared.controller.runs import EnforcementDisabled, NamesNothing, NotATarget
from shared.model import Reason
from shared.model.errors import (
    Busy,
    ConfigurationError,
    Conflict,
    Denied,
    EntityChanged,
    GatewayError,
    Gone,
    Locked,
    Stopped,
    StoreError,
    Throttled,
    Transient,
)

_RETRY_SECONDS: Final = 5.0

OperatorError = EnforcementDisabled | NotATarget | NamesNothing | RollbackRefused | IllegalTransition
Known = Refused | OperatorError | GatewayError | StoreError | ConfigurationError
"""Every error that has an answer of its own."""


def refusal(error: Known) -> Refused:
    """The problem for ``error``."""
    match error:
        case Refused():
            return error
        case GatewayError():
            return _of_gateway(error)
        case StoreError():
            return _of_store(error)
        case ConfigurationError():
            # The message may quote a setting; the log is the place for it.
            return Refused("not-configured", "the settings or policies.yaml cannot be used: see the log")
        case _:
            return _of_operator(error)


def _of_operator(error: OperatorError) -> Refused:
    """What was asked for is understood and not to be done."""
    match error:
        case NotATarget():
            return invalid("resourceId", str(error))
        case NamesNothing():
            return Refused("not-found", str(error), field=error.field)
        case EnforcementDisabled():
            return Refused("enforcement-disabled", str(error))
        case RollbackRefused():
            return _of_rollback(error)
        case IllegalTransition():
            return Refused("illegal-transition", str(error))
        case _:
            assert_never(error)


def _of_rollback(error: RollbackRefused) -> Refused:
    """What keeps the target from being written to is answered as Azure's own refusal would be."""
    match error.reason:
        case Reason.TARGET_BUSY:
            return Refused("azure-busy", str(error), retry_after=_RETRY_SECONDS)
        case Reason.TARGET_STOPPED:
            return Refused("server-stopped", str(error))
        case reason:
            return Refused(reason, str(error))


def _of_store(error: StoreError) -> Refused:
    if isinstance(error, EntityChanged):
        return Refused("concurrent-change", "it is being changed by somebody else: ask again")
    return Refused("store-unavailable", "ask again", retry_after=_RETRY_SECONDS)


def _of_gateway(error: GatewayError) -> Refused:
    detail = f"{error.code}: {error}" if error.code else str(error)
    if isinstance(error, Transient):
        wait = error.retry_after or _RETRY_SECONDS
        return Refused(_transient_name(error), detail, retry_after=wait)
    names = {
        Gone: "not-found",
        Conflict: "azure-conflict",
        Locked: "azure-locked",
        Stopped: "server-stopped",
        Denied: "azure-denied",
    }
    return Refused(names.get(type(error), "azure-refused"), detail)


def _transient_name(error: Transient) -> str:
    match error:
        case Throttled():
            return "azure-throttled"
        case Busy():
            return "azure-busy"
        case _:
            return "azure-unavailable"
