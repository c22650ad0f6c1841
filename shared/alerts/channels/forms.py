"""The forms of all channels, for whoever posts them."""

from __future__ import annotations

from typing import Final

from shared.alerts.channels.mail import mail
from shared.alerts.channels.opsgenie import opsgenie_calls
from shared.alerts.channels.pagerduty import pagerduty_call
from shared.alerts.channels.slack import slack_message
from shared.alerts.channels.teams import teams_message
from shared.alerts.channels.webhook import web_hook_fields
from shared.model.renderings import Renderings

RENDERINGS: Final = Renderings(
    teams=teams_message,
    slack=slack_message,
    pagerduty=pagerduty_call,
    opsgenie=opsgenie_calls,
    mail=mail,
    web_hook=web_hook_fields,
)
