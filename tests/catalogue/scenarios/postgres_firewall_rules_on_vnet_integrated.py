"""Somebody writes a firewall rule for a server inside a network, where it admits nobody.

Azure refuses that today; rules from before, and whatever the service accepts tomorrow, are read all the same.
"""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="inside")
NETWORK = "vnet-inside"

SCENARIO = Scenario(
    policy="postgres-firewall-rules-on-vnet-integrated",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.vnet(name=NETWORK, subnets=[seeds.subnet(name="db")]),
        seeds.flexible_server(
            name="inside", public_access=None, delegated_subnet=seeds.subnet_id(vnet=NETWORK, name="db")
        ),
    ),
    drift=(
        put(
            f"{SERVER}/firewallRules/office",
            {"properties": {"startIpAddress": "198.51.100.7", "endIpAddress": "198.51.100.7"}},
        ),
    ),
    switches={"firewall_writes_on_private_server": "accepted"},
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
