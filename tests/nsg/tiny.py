"""Lines of ``explain-nsg --batch`` that are small enough to be tried out, and dense in open sets."""

from __future__ import annotations

from random import Random

from tests.nsg_check.instances import Object, properties_of

_V4 = [
    "10.0.0.0/30",
    "10.0.0.1",
    "10.0.0.1-10.0.0.2",
    "20.0.0.0/31",
    "20.0.0.1",
    "0.0.0.0/0",
    "0.0.0.0/4",
]
_V6 = ["fd00::/126", "fd00::1", "fd00::1-fd00::2", "2600::/127", "2600::1", "::/0", "8000::/1"]
_TAGS = ["VirtualNetwork", "Internet", "Storage", "Storage.WestEurope", "CorpNetSaw"]
_GROUPS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups"
_CLOSED = {
    "VirtualNetwork": ["10.0.0.0/30", "fd00::/16"],
    "AzureLoadBalancer": ["168.63.129.16", "fe80::1"],
    "Internet": ["16.0.0.0/4", "2000::/3"],
    "Storage": ["20.0.0.0/31", "2600::/127"],
    "Storage.WestEurope": ["20.0.0.1/32", "2600::1"],
}
_CLOSING = {
    "VirtualNetwork": 0.7,
    "AzureLoadBalancer": 1.0,
    "Internet": 0.7,
    "Storage": 0.3,
    "Storage.WestEurope": 0.3,
}


def asking(source: str, destination: str) -> Object:
    return {
        "direction": "Inbound",
        "source": [source],
        "destination": [destination],
        "ports": ["5432"],
        "openTags": True,
    }


def group(*rules: Object) -> Object:
    return {"properties": {"securityRules": list(rules)}}


def rule(name: str, priority: int, source: str, destination: str, access: str) -> Object:
    fields: Object = {
        "priority": priority,
        "direction": "Inbound",
        "access": access,
        "protocol": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "*",
        "sourceAddressPrefix": source,
        "destinationAddressPrefix": destination,
    }
    return {"name": name, "properties": fields}


def tiny(seed: int, most_rules: int = 6, named: int = 2) -> Object:
    """A line of few rules over few addresses, ports and open sets."""
    random = Random(seed)
    literal = random.sample(random.choice([_V4, _V4, _V6]), 4)
    tags = random.sample(_TAGS, named)
    texts = [*literal, *tags, *tags, "*"]
    rules = [_tiny_rule(random, n, texts) for n in range(random.randint(1, most_rules))]
    if random.random() < 0.5:
        everything = {"sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "protocol": "*"}
        rules[-1]["properties"] = {**properties_of(rules[-1]), **everything, "direction": "Inbound"}
    # Two sets that are always named are open one at a time: every further set doubles what is tried twice.
    closing = _CLOSING | {random.choice(["VirtualNetwork", "Internet"]): 1.0}
    return {
        "nsg": group(*rules),
        "direction": "Inbound",
        "protocol": random.choice(["Tcp", "Tcp", "*"]),
        "source": [random.choice([*literal, *tags])],
        "destination": [random.choice([*literal, *tags])],
        "ports": random.choice([["5432"], ["5430-5440"]]),
        "tags": {name: texts for name, texts in _CLOSED.items() if random.random() < closing[name]},
        "openTags": True,
    }


def _tiny_rule(random: Random, n: int, texts: list[str]) -> Object:
    made = rule(f"r{n}", 100 + 10 * n, random.choice(texts), random.choice(texts), "Allow")
    fields = properties_of(made)
    fields["access"] = random.choice(["Allow", "Deny"])
    fields["direction"] = random.choices(["Inbound", "Outbound"], [9, 1])[0]
    fields["protocol"] = random.choice(["*", "Tcp", "Udp"])
    fields["destinationPortRange"] = random.choice(["*", "*", "5432", "5435-6000"])
    if random.random() < 0.15:
        fields["sourceAddressPrefix"] = ""
        fields["sourceApplicationSecurityGroups"] = [{"id": f"{_GROUPS}/Web"}]
    return made


def patch(line: Object, random: Random) -> Object:
    """One rule for the question, as it should be or a little wrong."""
    source, destination = line["source"], line["destination"]
    assert isinstance(source, list)
    assert isinstance(destination, list)
    access = "Allow" if line["want"] == "allow" else "Deny"
    made = rule("fix", random.choice([99, 99, 99, 105, 115]), source[0], destination[0], access)
    fields = properties_of(made)
    fields["protocol"] = line["protocol"]
    fields["direction"] = random.choices(["Inbound", "Outbound"], [9, 1])[0]
    del fields["destinationPortRange"]
    fields["destinationPortRanges"] = line["ports"] if random.random() < 0.8 else ["5000-6000"]
    return made
