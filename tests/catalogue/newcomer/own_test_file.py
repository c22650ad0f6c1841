"""What the newcomer's own test would be."""

from shared.model import ComplianceState
from shared.policies import find
from tests.builders import server


def test_a_server_of_version_13_is_behind() -> None:
    policy = find("postgres-version-behind")
    assert policy is not None
    assert policy.evaluate(server(version=13)).state is ComplianceState.NON_COMPLIANT
    assert policy.evaluate(server(version=14)).state is ComplianceState.COMPLIANT
