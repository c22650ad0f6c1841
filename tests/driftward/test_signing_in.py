"""Nobody waits for a credential that is not there."""

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from shared.adapters.arm.session.clients import ArmClients
from shared.adapters.arm.session.session import ATTEMPTS, Hooks, Session
from shared.adapters.clock import SystemClock
from shared.config.settings import read_settings
from shared.model.errors import Transient


@pytest.mark.parametrize(
    ("error", "waits"),
    [(ClientAuthenticationError("no credential"), 0), (ServiceRequestError("no connection"), ATTEMPTS - 1)],
)
def test_only_what_may_pass_is_asked_again(error: Exception, waits: int) -> None:
    waited: list[float] = []
    clients = ArmClients(read_settings({"ARM_ENDPOINT": "http://127.0.0.1:9"}))

    def request(_: Hooks) -> None:
        raise error

    with pytest.raises(Transient):
        Session(clients, SystemClock(), waited.append).ask(request)
    assert len(waited) == waits
