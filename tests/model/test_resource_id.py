"""Resource ids: any spelling is kept, none makes another resource, and what is no id is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Target, TargetKind
from shared.model.codec import dump, load
from shared.model.resource_id import InvalidResourceId, ResourceId, parse_resource_id
from tests.strategies import cased

SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
GROUP = f"{SUBSCRIPTION}/resourceGroups/data"
SERVER = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
FLEXIBLE = "Microsoft.DBforPostgreSQL/flexibleServers"

# ARM's names are ASCII; "without case" is not defined for letters whose upper case is two letters.
_SEGMENT = st.text(
    alphabet=st.characters(codec="ascii", categories=["L", "N"], include_characters="-_.()"),
    min_size=1,
    max_size=12,
).filter(lambda text: text.strip() and text.lower() != "providers" and text not in {".", ".."})


@st.composite
def id_texts(draw: st.DrawFn) -> str:
    """The id of a subscription, a resource group or a resource with up to two levels of children."""
    subscription = f"/{draw(cased('subscriptions'))}/{draw(_SEGMENT)}"
    group = f"{subscription}/{draw(cased('resourceGroups'))}/{draw(_SEGMENT)}"
    pairs = draw(st.lists(st.tuples(_SEGMENT, _SEGMENT), min_size=1, max_size=3))
    path = "/".join(part for pair in pairs for part in pair)
    resource = f"{group}/{draw(cased('providers'))}/{draw(_SEGMENT)}/{path}"
    return draw(st.sampled_from([subscription, group, resource]))


@given(id_texts())
def test_an_id_keeps_the_spelling_it_came_in(text: str) -> None:
    assert str(ResourceId(text)) == text
    assert ResourceId(str(ResourceId(text))) == ResourceId(text)
    assert repr(text) in repr(ResourceId(text))


@given(id_texts(), st.data())
def test_ids_that_differ_in_letter_case_alone_are_one_resource(text: str, data: st.DataObject) -> None:
    one, other = ResourceId(text), ResourceId(data.draw(st.sampled_from([text.lower(), text])))
    assert one == other
    assert hash(one) == hash(other)
    assert one.key == other.key
    assert one.type == other.type
    assert not one < other
    assert not other < one


@given(id_texts(), id_texts())
def test_ids_that_differ_otherwise_are_two_resources(text: str, other: str) -> None:
    assert (ResourceId(text) == ResourceId(other)) is (text.lower() == other.lower())


@given(id_texts())
def test_slashes_and_blanks_around_an_id_mean_nothing(text: str) -> None:
    assert str(ResourceId(f"  {text}/ ")) == str(ResourceId(text.removeprefix("/"))) == text


@given(id_texts(), _SEGMENT, _SEGMENT)
def test_a_child_lies_in_its_parent_and_knows_it(text: str, collection: str, name: str) -> None:
    parent = ResourceId(text)
    if "/providers/" not in text.lower():
        return
    child = parent.child(collection, name)
    assert child.parent == parent
    assert child.name == name
    assert child.type == f"{parent.type}/{collection.lower()}"
    assert child.within(parent)
    assert not parent.within(child)
    assert child.ancestor(parent.type) == parent
    assert child.ancestor(child.type) == child
    assert child.ancestor("microsoft.nothing/here") is None


@given(id_texts())
def test_everything_lies_in_itself_and_in_its_subscription(text: str) -> None:
    resource = ResourceId(text)
    assert resource.within(resource)
    assert resource.within(ResourceId(f"/subscriptions/{resource.subscription}"))
    if resource.resource_group:
        scope = f"/subscriptions/{resource.subscription}/resourceGroups/{resource.resource_group}"
        assert resource.within(ResourceId(scope))


def test_a_name_that_begins_the_same_lies_elsewhere() -> None:
    assert not ResourceId(f"{SERVER}-2").within(ResourceId(SERVER))
    assert not ResourceId(f"{GROUP}-2").within(ResourceId(GROUP))


def test_the_parts_of_a_server_and_of_its_rule() -> None:
    rule = ResourceId(f"{SERVER}/firewallRules/office")
    assert rule.subscription == "11111111-2222-3333-4444-555555555555"
    assert (rule.resource_group, rule.name) == ("data", "office")
    assert rule.type == f"{FLEXIBLE}/firewallRules".lower()
    assert rule.ancestor(FLEXIBLE.upper()) == rule.ancestor(FLEXIBLE) == ResourceId(SERVER)
    assert ResourceId(SERVER).parent is None


def test_subscriptions_and_resource_groups_have_types_and_no_parents() -> None:
    subscription, group = ResourceId(SUBSCRIPTION), ResourceId(GROUP)
    assert subscription.type == "microsoft.resources/subscriptions"
    assert group.type == "microsoft.resources/subscriptions/resourcegroups"
    assert (subscription.resource_group, group.resource_group) == ("", "data")
    assert subscription.parent is None
    assert group.parent is None


def test_an_id_is_no_text_and_no_other_value() -> None:
    assert ResourceId(SERVER) != SERVER
    assert ResourceId(SERVER) != None  # noqa: E711 - the comparison itself is asked


def test_an_extension_such_as_a_lock_belongs_to_the_resource_that_it_extends() -> None:
    lock = ResourceId(f"{SERVER}/firewallRules/office/providers/Microsoft.Authorization/locks/keep")
    assert lock.name == "keep"
    assert lock.parent == ResourceId(f"{SERVER}/firewallRules/office")
    assert lock.ancestor(FLEXIBLE) == ResourceId(SERVER)
    assert lock.within(ResourceId(SERVER))


NO_IDS = [
    "",
    " ",
    "/",
    "orders",
    "/subscriptions",
    "/subscriptions//resourceGroups/data",
    f"{SUBSCRIPTION}/resourceGroups",
    f"{SUBSCRIPTION}/locations/westeurope",
    f"{SUBSCRIPTION}/providers/Microsoft.Web/sites/orders",
    f"{GROUP}/providers",
    f"{GROUP}/providers/Microsoft.DBforPostgreSQL",
    f"{GROUP}/providers/{FLEXIBLE}",
    f"{SERVER}/firewallRules",
    f"{SERVER}/providers/Microsoft.Authorization",
    f"{SERVER}/providers/Microsoft.Authorization/locks",
    f"{GROUP}/deployments/x/y/z/flexibleServers/orders",
    "/providers/Microsoft.Management/managementGroups/all",
    "https://management.azure.com" + SERVER,
    f"{SERVER}\ud800",
    f"{SERVER}/firewallRules/a\x00b",
    f"{GROUP}/providers/{FLEXIBLE}/ /firewallRules/office",
    f"{GROUP}/providers/{FLEXIBLE}/orders /firewallRules/office",
    f"{GROUP}/providers/{FLEXIBLE}/.",
    f"{GROUP}/providers/{FLEXIBLE}/..",
    f"{SUBSCRIPTION}/resourceGroups/../providers/{FLEXIBLE}/orders",
    f"{SERVER}/firewallRules/../../legacy",
    f"{SERVER}/firewallRules//office",
    f"{SERVER}/firewallRules/%2e%2E",
    f"{SERVER}/firewallRules/.%2e",
    f"{SERVER}/firewallRules/%252e%252e",
    f"{SERVER}/firewallRules/a%2f..%2fb",
    f"{SERVER}/firewallRules/%2f",
    f"{SERVER}/firewallRules/a%00b",
    f"{SERVER}/firewallRules/a%250ab",
    f"{SERVER}/providers/providers/locks/keep",
    f"{SERVER}/providers/Microsoft.A/providers/Microsoft.B/locks/keep",
    f"{SERVER}/providers/Microsoft.A/locks/keep/providers/Microsoft.B",
]


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_no_id_of_a_resource_group_or_subscription_is_refused(text: str) -> None:
    with pytest.raises(InvalidResourceId, match="not an ARM resource id"):
        ResourceId(text)
    assert parse_resource_id(text) is None


@pytest.mark.parametrize("name", ["...", ".hidden", "a..b", "100%", "a%20b", "%zz", "a.b."])
def test_dots_and_percent_signs_within_a_name_are_letters_like_others(name: str) -> None:
    assert ResourceId(f"{SERVER}/firewallRules/{name}").name == name


_PARTS = st.sampled_from(["providers", "Providers", "Microsoft.X", "servers", "a", "locks", " ", ""])


@given(st.lists(_PARTS, max_size=10))
def test_whatever_is_an_id_has_parents_that_are(parts: list[str]) -> None:
    found = parse_resource_id("/".join([GROUP, "providers", *parts]))
    while found is not None:
        assert ResourceId(str(found)) == found
        found = found.parent


@pytest.mark.parametrize("thing", [None, 5, b"/subscriptions/x", ["/subscriptions/x"], {}])
def test_what_is_no_text_holds_no_id(thing: object) -> None:
    assert parse_resource_id(thing) is None


@given(st.text())
def test_parsing_is_total(text: str) -> None:
    found = parse_resource_id(text)
    assert found is None or str(found).startswith("/")


def test_the_error_shows_the_text_but_not_all_of_a_huge_one() -> None:
    with pytest.raises(InvalidResourceId) as error:
        ResourceId("x" * 1_000_000)
    assert len(str(error.value)) < 300


@given(id_texts())
def test_in_json_an_id_is_its_text(text: str) -> None:
    target = Target(kind=TargetKind.SUBNET, id=ResourceId(text))
    stored = dump(target)
    restored = load(Target, stored)
    assert str(restored.id) == text
