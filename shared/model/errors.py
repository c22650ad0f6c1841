"""The errors that cross the boundary between the adapters and the rest.

The gateway classifies what ARM answers by operation, error code, HTTP status and the server's state
together, because 409 means many things and a busy server also answers with an empty code. Each class
says what the caller may do; nothing here is raised for a condition that a value can express.
"""

from __future__ import annotations


class GatewayError(Exception):
    """An ARM request that did not do what was asked. ``code`` is ARM's, ``""`` when it sent none;
    ``request`` is the method and the path, ``""`` where no request was made."""

    is_end: bool = False
    """Whether it is how an operation ended (``Failed``, ``Canceled``), and no trouble of asking about it."""

    def __init__(self, message: str, *, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.request = ""


def said_of(error: GatewayError) -> str:
    """Request and answer in one line: method, path, status, code, and what was said."""
    answer = f"answered {error.status}" if error.status else "got no answer"
    asked = f"{error.request} {answer}" if error.request else type(error).__name__
    return f"{asked} {error.code}".rstrip() + f": {error}"


class Transient(GatewayError):
    """Worth asking again: 5xx, a broken connection, a dependent resource still updating."""

    def __init__(
        self, message: str, *, code: str = "", status: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after = retry_after


class Throttled(Transient):
    """429: the bucket is empty; wait ``retry_after`` seconds."""


class Busy(Transient):
    """The resource runs another operation (``ServerIsBusy``, ``AnotherOperationInProgress``…)."""


class Conflict(GatewayError):
    """Somebody else was faster (412, ``SecurityRuleConflict``, superseded): read again, plan again."""


class Denied(GatewayError):
    """No permission, or an Azure Policy forbids it (403). Asking again does not help."""


class Locked(GatewayError):
    """A management lock forbids it (``ScopeLocked``). Asking again does not help."""


class Stopped(GatewayError):
    """The server is stopped and refuses writes (``ServerStoppedError``)."""


class Gone(GatewayError):
    """The resource does not exist (404)."""


class Permanent(GatewayError):
    """Every other refusal: asking again does not help."""


class StoreError(Exception):
    """The state store failed: the invocation must fail so that the platform delivers again."""


class TextGone(StoreError):
    """A text that was kept is gone, or is another one now: no later reading brings it back."""


class NotReadable(StoreError):
    """What is stored cannot be taken for what it should be; to another version it may be readable."""


class EntityExists(StoreError):
    """An insert met an entity with the same keys."""


class EntityChanged(StoreError):
    """A conditional write lost: the entity is not as it was read."""


class ConfigurationError(Exception):
    """Settings or ``policies.yaml`` cannot be used; the message names the place and the reason."""


class SinkError(Exception):
    """A sink did not take a notification; it is worth trying again."""
