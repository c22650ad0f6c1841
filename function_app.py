"""The Function App: registers the blueprints of ``functions/`` and nothing else.

Everything that happens while this module is imported is cold start. The blueprints import the shared
code inside their functions, so indexing the app loads ``azure.functions`` and little more: no Azure
SDK, no validation library, no configuration; and no setting has to be there.
"""

import azure.functions as func

from functions.http_api import bp as http_api
from functions.poison import bp as poison
from functions.reconcile import bp as reconcile
from functions.resource_events import bp as resource_events
from functions.sweep import bp as sweep

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

for blueprint in (resource_events, reconcile, poison, sweep, http_api):
    app.register_functions(blueprint)
