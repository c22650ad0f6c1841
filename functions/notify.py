"""The queue ``notify``: one message says that a sink may have something to hear.

It is a queue of its own, so that a sink that takes its time keeps no look waiting. What a sink does not take
is put off by us; what fails otherwise comes again by the host, and in the end by ``notify-poison``. What is
to be told is among the letters, and no message is the only one that knows of it.
"""

from __future__ import annotations

import azure.functions as func

from functions.blueprint import blueprint

bp = blueprint()


@bp.queue_trigger(arg_name="message", queue_name="notify", connection="AzureWebJobsStorage")
def notify(message: func.QueueMessage) -> None:
    """Deliver what the message is about."""
    from shared.controller.arrivals import receive_message
    from shared.wiring import deps

    receive_message(message.get_body(), deps())


@bp.queue_trigger(arg_name="message", queue_name="notify-poison", connection="AzureWebJobsStorage")
def notify_poison(message: func.QueueMessage) -> None:
    """Try again later."""
    from shared.controller.poison import poisoned
    from shared.wiring import deps

    poisoned(message.get_body(), deps())
