"""The queue ``reconcile``: one message is one look, one check on a change, one fan-out or one delivery.

Raising makes the host deliver the message again after ``visibilityTimeout``; after ``maxDequeueCount``
deliveries it goes to the poison queue.
"""

from __future__ import annotations

import azure.functions as func

from functions.blueprint import blueprint

bp = blueprint()


@bp.queue_trigger(arg_name="message", queue_name="reconcile", connection="AzureWebJobsStorage")
def reconcile(message: func.QueueMessage) -> None:
    """Do what the message asks."""
    from shared.controller.arrivals import receive_message
    from shared.wiring import deps

    receive_message(message.get_body(), deps())
