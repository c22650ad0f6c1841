"""Somebody deletes the last rule, which denied what no other rule names."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, delete

NSG = seeds.nsg_id(name="nsg-final")
SUBNET = seeds.subnet_id(vnet="vnet-final", name="db")

SCENARIO = Scenario(
    policy="nsg-without-final-deny",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(
            name="nsg-final",
            rules=[
                seeds.security_rule(name="rest-in", priority=4096),
                seeds.security_rule(name="rest-out", priority=4096, direction="Outbound"),
            ],
        ),
        seeds.vnet(name="vnet-final", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    ),
    drift=(delete(f"{NSG}/securityRules/rest-out"),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
