"""The queue ``reconcile-poison``: what failed too often is kept and told, never dropped.

Raising keeps the message in the queue.
"""

from __future__ import annotations

import azure.functions as func

from functions.blueprint import blueprint

bp = blueprint()


@bp.queue_trigger(arg_name="message", queue_name="reconcile-poison", connection="AzureWebJobsStorage")
def poison(message: func.QueueMessage) -> None:
    """Put the message aside and open an alert."""
    from shared.controller.poison import poisoned
    from shared.wiring import deps

    poisoned(message.get_body(), deps())
