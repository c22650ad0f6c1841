"""Somebody denies everything outbound: a rule for Storage is put before it. Or routes everything nowhere."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-storage")
TABLE = seeds.route_table_id(name="rt-storage")
SUBNET = seeds.subnet_id(vnet="vnet-storage", name="db")
DENY_ALL = seeds.security_rule(name="deny-all-out", priority=4096, direction="Outbound")
SEED = (
    seeds.nsg(name="nsg-storage"),
    seeds.route_table(name="rt-storage"),
    seeds.vnet(name="vnet-storage", subnets=[seeds.subnet(name="db", nsg=NSG, route_table=TABLE)]),
)

SCENARIO = Scenario(
    policy="nsg-blocks-storage-outbound",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=SEED,
    drift=(put(f"{NSG}/securityRules/deny-all-out", DENY_ALL),),
    outcome=Outcome.REVERTED,
    leaves=(NSG,),
    part="Microsoft.Network/routeTables/read",
)

ALSO = (
    Scenario(
        name="a route that leads nowhere",
        policy="nsg-blocks-storage-outbound",
        kind=TargetKind.SUBNET,
        resource=SUBNET,
        seed=SEED,
        drift=(
            put(
                f"{TABLE}/routes/nowhere",
                {"properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "None"}},
            ),
        ),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
