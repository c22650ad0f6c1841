"""What a form brings back: who was shown what, and until when that counts. Pure.

A token is a hash that only the app can make, with a key of its store, over the caller, the alert, the step
and what the page showed of it. Whoever sends the form has therefore seen just that, and is who saw it; a
token of another person, of another alert or for another step is none.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.api.http import Refused
from shared.api.principal import Principal
from shared.model.alert_records import AlertRecord
from shared.model.values import value

VALID: Final = timedelta(minutes=30)
"""How long a page that was shown may be acted on."""
_OLD: Final = "the page was shown more than half an hour ago: this is the alert as it is now"
_LONGEST: Final = 128


@value
class Form:
    """The hidden fields of a form."""

    seen: str
    """What the page showed; see ``shown``."""
    until: str
    """When it ends, in seconds since 1970."""
    token: str


@value
class Shower:
    """Whom a step of an alert is shown to, with the key that makes tokens."""

    key: str
    caller: Principal
    alert: str
    step: str


def shown(alert: AlertRecord) -> str:
    """The same as long as a person would decide on the same."""
    planned = alert.planned.digest if alert.planned is not None else ""
    approved = alert.approval.at.isoformat() if alert.approval is not None else ""
    return _digest(alert.status, str(alert.count), alert.severity, alert.decision.reason, planned, approved)


def form_for(shower: Shower, seen: str, now: datetime) -> Form:
    until = str(int((now + VALID).timestamp()))
    return Form(seen=seen, until=until, token=_token(shower, seen, until))


def refuse_forged(shower: Shower, form: Form, now: datetime) -> None:
    """Raises ``Refused`` for a form that this caller was not shown, or too long ago."""
    told = (form.seen, form.until, form.token)
    made = _token(shower, form.seen, form.until).encode()
    if max(map(len, told)) > _LONGEST or not hmac.compare_digest(made, form.token.encode()):
        raise Refused("form-not-ours", "open the alert's page and press its button")
    if datetime.fromtimestamp(int(form.until), UTC) < now:
        raise Refused("form-expired", _OLD)


def _token(shower: Shower, seen: str, until: str) -> str:
    caller = shower.caller
    who = (caller.object_id or "", caller.app_id or "", caller.name or "")
    parts = (*who, shower.alert, shower.step, seen, until)
    return hmac.new(shower.key.encode(), _lines(parts), hashlib.sha256).hexdigest()


def _digest(*parts: str) -> str:
    return hashlib.sha256(_lines(parts)).hexdigest()[:32]


def _lines(parts: tuple[str, ...]) -> bytes:
    """Names hold no line breaks (``principal``); a form's fields are quoted all the same."""
    return "\n".join(repr(part) for part in parts).encode(errors="backslashreplace")
