"""The Function App: registers the blueprints of ``functions/`` and nothing else.

Everything that happens while this module is imported is cold start. The blueprints import the shared
code inside their functions, so indexing the app loads ``azure.functions`` and little more: no Azure
SDK, no validation library, no configuration; and no setting has to be there.

Routes ask for a function key while the platform's authentication is off. Where it is on, a token is asked for
before the app is reached, and a key beside it would only be one more secret to share.
"""

import os

import azure.functions as func

from functions.http_api import bp as http_api
from functions.notify import bp as notify
from functions.poison import bp as poison
from functions.queued_events import bp as queued_events
from functions.reconcile import bp as reconcile
from functions.resource_events import bp as resource_events
from functions.sweep import bp as sweep
from shared.config.event_queue import events_come_by_queue
from shared.config.settings import authentication_is_on

KEYS = func.AuthLevel.ANONYMOUS if authentication_is_on(os.environ) else func.AuthLevel.FUNCTION

app = func.FunctionApp(http_auth_level=KEYS)

for blueprint in (resource_events, reconcile, poison, notify, sweep, http_api):
    app.register_functions(blueprint)

if events_come_by_queue(os.environ):
    app.register_functions(queued_events)
