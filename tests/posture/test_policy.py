"""What a policy's parameters are to its functions."""

from __future__ import annotations

from dataclasses import replace

from shared.model import Finding, ServerSnapshot
from shared.policies import find
from shared.posture.policy import Parameter, bound
from tests.builders import public_server


def test_a_parameter_reaches_the_functions_of_its_policy_in_snake_case() -> None:
    policy = find("postgres-public-access-enabled")
    assert policy is not None
    original = policy.evaluate
    seen: list[dict[str, object]] = []

    def evaluate(server: ServerSnapshot, **chosen: object) -> Finding:
        seen.append(chosen)
        return original(server)

    parameters = tuple(
        Parameter(name=name, default=1, description="A number.") for name in ("ports", "maxAddresses")
    )
    bound(replace(policy, parameters=parameters, evaluate=evaluate), {"maxAddresses": 2}).evaluate(
        public_server()
    )
    assert seen == [{"ports": 1, "max_addresses": 2}]
