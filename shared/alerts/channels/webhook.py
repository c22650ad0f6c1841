"""A plain web hook: the message as JSON, and the alert or change as the HTTP API shows it.

It lies beside what apprise posts (``version``, ``title``, ``message``, ``type``); names that it uses are not
used otherwise. The texts are for machines to hand on: whoever shows them escapes them.
"""

from __future__ import annotations

from shared.alerts.channels.meaning import about, sections_of, step_of
from shared.model import Json
from shared.model.alert_records import Notification
from shared.model.codec import to_json


def web_hook_fields(told: Notification) -> dict[str, Json]:
    return {
        "id": told.id,
        "event": told.type.value,
        "step": step_of(told).value,
        "about": about(told),
        "severity": told.severity.value,
        "subject": told.subject,
        "time": told.time.isoformat(),
        "sections": [to_json(section) for section in sections_of(told)],
        "links": [to_json(link) for link in told.links],
        "data": dict(told.data),
    }
