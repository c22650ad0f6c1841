"""Makes the blueprints that the other modules here register their functions on."""

import azure.functions as func


def blueprint() -> func.Blueprint:
    """An empty blueprint."""
    return func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves its constructor untyped
