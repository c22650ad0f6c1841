"""What a plan leaves open leaves verdicts open: nothing is said to be well that may not be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from local.simulator import seeds
from tests.catalogue.stage import everything_on
from tests.driftward.documents.planned import (
    DB,
    FIREWALL,
    NSG,
    NSG_OF,
    NSG_RULE,
    SERVER,
    SUBNET,
    VNET,
    firewall,
    made,
    within,
)
from tests.driftward.documents.plans import (
    GROUP,
    SERVER_UNKNOWN,
    Planned,
    network,
    refer,
    rule,
    security_group,
    server,
    subnet,
    to,
)
from tests.driftward.documents.test_plan import Verdicts, verdicts

SERVERS, NETWORK = "Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.Network"
PUBLIC, EXPOSES = "postgres-public-access-enabled", "nsg-exposes-postgres-to-internet"
BLOCKS, MISSING = "nsg-blocks-postgres-in-subnet", "nsg-missing-on-postgres-subnet"
EVERY_AZURE = "postgres-firewall-allows-all-azure"
OPEN = {
    "access": "Allow",
    "direction": "Inbound",
    "priority": 100,
    "protocol": "*",
    "sourcePortRange": "*",
    "sourceAddressPrefix": "*",
    "destinationAddressPrefix": "*",
    "destinationPortRange": "*",
}
ANY = rule("any", 100, access="Allow", destination_port_range="5432", protocol="Tcp")
INLINE = {name: one for name, one in subnet("db", "10.20.1.0/24").items() if not name.endswith("_name")}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ARM_ENDPOINT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all.yaml").write_text(everything_on([]))


def judged(plan: Planned, capsys: pytest.CaptureFixture[str]) -> Verdicts:
    Path("tfplan.json").write_text(json.dumps(plan.document()))
    main(["scan", "--plan", "tfplan.json", "--file", "all.yaml", "-o", "json"])
    return verdicts(json.loads(capsys.readouterr().out))


def states(found: Verdicts, name: str, *policies: str) -> list[str]:
    """Of the target of a name; a policy that says nothing of it is none."""
    held = {policy: state for (target, policy), (state, _) in found.items() if target.endswith(f"/{name}")}
    return [held.get(one, "none") for one in policies]


def by_azapi(plan: Planned, name: str, kind: str, parent: Any, body: Any = None, **given: Any) -> Planned:
    """Of a body, or of one that is known only after apply."""
    known = {"type": f"{kind}@2024-05-01", "name": name, "location": "canadacentral", **given}
    written = {} if body is None else {"body": body}
    unknown = ("id", "parent_id", "output", *(() if written else ("body",)))
    return plan.add(f"azapi_resource.{name}", known | written, unknown=unknown, refers={"parent_id": parent})


def updated(plan: Planned, target: Any, kind: str, body: Any = None) -> Planned:
    written = {} if body is None else {"body": body}
    return plan.add(
        "azapi_update_resource.u",
        {"type": f"{kind}@2024-05-01", **written},
        unknown=("id", "resource_id", "name", "parent_id", *(() if written else ("body",))),
        refers={"resource_id": target},
    )


def shut() -> Planned:
    given = server("pg", public_network_access_enabled=False)
    return made().add(f"{SERVER}.pg", given, unknown=SERVER_UNKNOWN)


def grouped(plan: Planned) -> Planned:
    return plan.add("azurerm_resource_group.g", {"name": GROUP, "location": "canadacentral"})


OPENS = {"properties": {"network": {"publicNetworkAccess": "Enabled"}}}


# --- azapi -----------------------------------------------------------------------------------------


def test_an_nsg_whose_body_is_not_known_lets_nobody_say_what_it_denies(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = within(grouped(made()))
    plan.changes = [one for one in plan.changes if one["address"] != f"{NSG}.n"]
    by_azapi(plan, "nsg", f"{NETWORK}/networkSecurityGroups", to("azurerm_resource_group.g"))
    (association,) = (one for one in plan.configured.values() if one["address"] == f"{NSG_OF}.a")
    association["expressions"]["network_security_group_id"] = to("azapi_resource.nsg")
    assert states(judged(plan, capsys), "db", EXPOSES, BLOCKS) == ["Unknown", "Unknown"]


def test_a_subnet_and_a_server_whose_bodies_are_not_known_are_looked_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = grouped(made().add(f"{VNET}.v", network(), unknown=("id", "guid", "subnet")))
    by_azapi(plan, "db", f"{NETWORK}/virtualNetworks/subnets", to(f"{VNET}.v"))
    by_azapi(plan, "pg", SERVERS, to("azurerm_resource_group.g"))
    plan.add(
        f"{SERVER}.in",
        server("inside", public_network_access_enabled=False),
        unknown=(*SERVER_UNKNOWN, "delegated_subnet_id"),
        refers={"delegated_subnet_id": to("azapi_resource.db")},
    )
    found = judged(plan, capsys)
    assert states(found, "db", EXPOSES, MISSING) == ["Unknown", "Unknown"]
    assert states(found, "pg", PUBLIC) == ["Unknown"]


@pytest.mark.parametrize("body", ["{no json", "[]", '"text"', "[" * 100_000])
def test_a_body_that_is_no_object_is_not_known(body: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan = by_azapi(grouped(made()), "pg", SERVERS, to("azurerm_resource_group.g"), body)
    assert states(judged(plan, capsys), "pg", PUBLIC) == ["Unknown"]


@pytest.mark.parametrize(
    ("target", "body"), [(to(f"{SERVER}.pg"), None), (refer("local.x"), OPENS)], ids=["what", "where"]
)
def test_an_update_of_which_something_is_not_known_leaves_its_server_unknown(
    target: Any, body: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert states(judged(shut(), capsys), "pg", PUBLIC) == ["Compliant"]
    assert states(judged(updated(shut(), target, SERVERS, body), capsys), "pg", PUBLIC) == ["Unknown"]


def test_an_update_that_is_known_is_laid_over(capsys: pytest.CaptureFixture[str]) -> None:
    plan = updated(shut(), to(f"{SERVER}.pg"), SERVERS, OPENS)
    assert states(judged(plan, capsys), "pg", PUBLIC) == ["NonCompliant"]


def test_a_parameter_that_an_update_sets_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    plan = shut().add(
        "azapi_update_resource.tls",
        {
            "type": f"{SERVERS}/configurations@2025-08-01",
            "name": "require_secure_transport",
            "body": {"properties": {"value": "off", "source": "user-override"}},
        },
        unknown=("id", "resource_id", "parent_id"),
        refers={"parent_id": to(f"{SERVER}.pg")},
    )
    assert states(judged(plan, capsys), "pg", "postgres-tls-not-required") == ["NonCompliant"]


def test_a_rule_that_may_be_in_any_nsg_or_at_any_server_is_in_all_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = within(made(), rules=[rule("deny-all", 200)])
    kind = f"{NETWORK}/networkSecurityGroups/securityRules"
    by_azapi(plan, "open", kind, refer("local.nsg"), {"properties": OPEN})
    assert states(judged(plan, capsys), "db", EXPOSES, BLOCKS) == ["Unknown", "Unknown"]
    azure = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}
    plan = made().add(f"{SERVER}.pg", server("pg"), unknown=SERVER_UNKNOWN)
    by_azapi(plan, "azure", f"{SERVERS}/firewallRules", refer("local.pg"), azure)
    assert states(judged(plan, capsys), "pg", EVERY_AZURE) == ["Unknown"]


# --- associations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subnet_id", [refer(f"{VNET}.v.subnet", f"{VNET}.v"), refer("local.subnet")], ids=["network", "local"]
)
def test_an_association_that_may_be_a_subnets_within_its_network_leaves_it_unknown(
    subnet_id: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = made().add(f"{NSG}.n", security_group(rules=[rule("deny-all", 100)]))
    plan.add(f"{VNET}.v", network(subnet=[{**INLINE, "name": "db"}]), unknown=("id", "subnet.0.id"))
    plan.add(
        f"{NSG_OF}.a",
        {},
        unknown=("id", "subnet_id", "network_security_group_id"),
        refers={"network_security_group_id": to(f"{NSG}.n"), "subnet_id": subnet_id},
    )
    given = server("pg", delegated_subnet_id=DB, public_network_access_enabled=False)
    plan.add(f"{SERVER}.pg", given, unknown=SERVER_UNKNOWN)
    assert states(judged(plan, capsys), "db", MISSING, EXPOSES) == ["Unknown", "Unknown"]


def test_an_association_that_is_known_goes_before_one_that_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    plan = within(made(), rules=[ANY])
    plan.add(
        f"{NSG_OF}.z",
        {},
        unknown=("id", "subnet_id", "network_security_group_id"),
        refers={"subnet_id": refer("local.s"), "network_security_group_id": to(f"{NSG}.n")},
    )
    assert states(judged(plan, capsys), "db", EXPOSES) == ["NonCompliant"]


def two_subnets(*, by: str = "") -> Planned:
    """An NSG that shuts the first and one that opens the second, where they are picked by their number."""
    plan = made().add(f"{VNET}.v", network(), unknown=("id", "subnet"))
    for number, rules in enumerate(([rule("deny-all", 100)], [ANY])):
        name, prefix = f"db{number}", f"10.20.{number + 1}.0/24"
        named = {"virtual_network_name": to(f"{VNET}.v", "name")}
        plan.add(f"{SUBNET}.db", subnet(name, prefix), index=number, refers=named)
        plan.add(f"{NSG}.n", security_group(f"nsg{number}", rules), index=number)
        plan.add(
            f"{NSG_OF}.a",
            {},
            unknown=("id", "subnet_id", "network_security_group_id"),
            index=number,
            refers={
                "subnet_id": refer(f"{SUBNET}.db", *([by] if by else [])),
                "network_security_group_id": refer(f"{NSG}.n", "count.index"),
            },
        )
    return plan


def test_what_a_splat_means_nobody_can_say(capsys: pytest.CaptureFixture[str]) -> None:
    found = judged(two_subnets(by="count.index"), capsys)
    assert [*states(found, "db0", EXPOSES), *states(found, "db1", EXPOSES)] == ["Compliant", "NonCompliant"]
    found = judged(two_subnets(), capsys)
    assert [*states(found, "db0", EXPOSES), *states(found, "db1", EXPOSES)] == ["Unknown", "Unknown"]


def test_each_in_a_call_of_a_module_is_the_calls(capsys: pytest.CaptureFixture[str]) -> None:
    """``module "rule" { for_each, server_id = azurerm_postgresql_flexible_server.all[each.key].id }``, in
    which the rule has a ``for_each`` of its own with the keys of the other server."""
    plan = made()
    for key in ("a", "b"):
        plan.add(f"{SERVER}.all", server(f"pg-{key}"), unknown=SERVER_UNKNOWN, index=key)
    plan.add(
        f"{FIREWALL}.r",
        firewall("azure", "0.0.0.0"),
        unknown=("id", "server_id"),
        refers={"server_id": refer("var.server_id")},
        index="b",
        module='module.rule["a"]',
    )
    plan.call("rule", server_id=refer(f"{SERVER}.all", "each.key"))
    found = judged(plan, capsys)
    assert states(found, "pg-a", EVERY_AZURE) == ["NonCompliant"]
    assert states(found, "pg-b", EVERY_AZURE) == ["Compliant"]


# --- rules -----------------------------------------------------------------------------------------


def test_a_new_nsg_whose_rules_are_resources_of_their_own_has_no_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``security_rule`` is computed: where it is not given a plan says that it is known after apply."""
    plan = within(made())
    (group,) = (one["change"] for one in plan.changes if one["address"] == f"{NSG}.n")
    del group["after"]["security_rule"]
    group["after_unknown"]["security_rule"] = True
    assert states(judged(plan, capsys), "db", EXPOSES) == ["Unknown"]
    plan.add(
        f"{NSG_RULE}.any",
        {**ANY, "resource_group_name": GROUP, "network_security_group_name": "nsg"},
        refers={"network_security_group_name": to(f"{NSG}.n", "name")},
    )
    assert states(judged(plan, capsys), "db", EXPOSES) == ["NonCompliant"]


def test_a_rule_that_gets_another_name_is_gone_by_its_old_one(capsys: pytest.CaptureFixture[str]) -> None:
    """An NSG shows the rules that were there (computed), the one that is made anew among them."""
    group, network_id = seeds.nsg_id(name="nsg"), seeds.vnet_id(name="vnet")
    shut, own = rule("shut", 100), {"resource_group_name": GROUP, "network_security_group_name": "nsg"}
    plan = made()
    for address, held in (
        (f"{VNET}.v", {**network(), "id": network_id}),
        (f"{SUBNET}.db", {**subnet("db", "10.20.1.0/24"), "id": DB}),
        (f"{NSG}.n", {**security_group(rules=[shut, {**ANY, "priority": 200}]), "id": group}),
        (f"{NSG_OF}.a", {"id": DB, "subnet_id": DB, "network_security_group_id": group}),
        (f"{NSG_RULE}.any", {**ANY, **own, "priority": 200, "id": f"{group}/securityRules/any"}),
    ):
        plan.add(address, held, unknown=(), actions=("no-op",), before=held)
    assert states(judged(plan, capsys), "db", EXPOSES) == ["Compliant"]
    before = {**shut, **own, "id": f"{group}/securityRules/shut"}
    after = {**rule("shut-last", 3000), **own}
    plan.add(f"{NSG_RULE}.shut", after, actions=("delete", "create"), before=before)
    assert states(judged(plan, capsys), "db", EXPOSES) == ["NonCompliant"]


# --- names -----------------------------------------------------------------------------------------


def two_servers(first: dict[str, Any], second: dict[str, Any], *unknown: str, **where: Any) -> Planned:
    """The second one is open."""
    plan = made()
    for key, given, public in (("a", first, False), ("b.c", second, True)):
        held = server("pg", public_network_access_enabled=public) | given
        known = {name: one for name, one in held.items() if name not in unknown}
        refers = dict.fromkeys(unknown, refer("local.x"))
        plan.add(
            f"{SERVER}.all", known, unknown=(*SERVER_UNKNOWN, *unknown), refers=refers, index=key, **where
        )
    return plan


@pytest.mark.parametrize("unknown", ["name", "resource_group_name"])
@pytest.mark.parametrize("module", ["", 'module.databases_of_production_in_canada_central["a"]'])
def test_no_server_hides_another_one(unknown: str, module: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of names that are known only after apply, and of addresses that are long."""
    found = judged(two_servers({}, {}, unknown, module=module), capsys)
    told = sorted(state for (_, policy), (state, _) in found.items() if policy == PUBLIC)
    assert told == ["Compliant", "NonCompliant"]


@pytest.mark.parametrize("name", ["..", "a/b", "\0", "\ud800", " x ", "%2e%2e"])
def test_a_name_that_azure_has_not_leads_nowhere(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for field in ("name", "resource_group_name"):
        found = judged(two_servers({field: name}, {field: name}), capsys)
        assert sorted({state for (_, one), (state, _) in found.items() if one == PUBLIC}) == [
            "Compliant",
            "NonCompliant",
        ]
