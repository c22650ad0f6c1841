"""Service tags: what every implementation promises, and how ARM's list is read, kept and refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Literal

import pytest

from local.simulator import seeds
from shared.adapters.arm.service_tags import MOST_LOCATIONS, READ_ACTION, ArmServiceTags, TagLists
from shared.adapters.arm.session.clients import ArmClients
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.config.settings import Settings
from shared.model import Json
from shared.model.errors import Denied, Gone, Permanent, Throttled, Transient
from shared.model.interfaces import ServiceTags
from shared.wiring import Wiring
from tests.adapters.conftest import Azure
from tests.adapters.scripted_arm import Reply, ScriptedArm, scripted_arm
from tests.fakes import Azure as MemoryAzure
from tests.fakes import FakeServiceTags
from tests.memory import FakeClock

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1).total_seconds()
LIST = "/subscriptions/5ab1/providers/Microsoft.Network/locations/westeurope/serviceTags"
TAGS = {
    "Storage": ("198.51.100.0/25", "2001:db8:10::/44"),
    "Storage.WestEurope": ("198.51.100.0/28",),
    "AzureMonitor": ("203.0.113.32/27",),
    "Retired": (),
}


def page(tags: Mapping[str, tuple[str, ...]] = TAGS, *, number: str | None = "63", link: Json = None) -> Json:
    """A page of the list as ARM writes it."""
    values = [
        {"name": name, "id": name, "properties": {"changeNumber": "1", "addressPrefixes": list(prefixes)}}
        for name, prefixes in tags.items()
    ]
    head = {"name": "public", "type": "Microsoft.Network/serviceTags", "cloud": "Public"}
    return {**head, "values": values, "nextLink": link} | ({"changeNumber": number} if number else {})


@dataclass
class Desk:
    """Service tags over a scripted ARM and a clock that a test moves; each run has its own reader."""

    arm: ScriptedArm
    clients: ArmClients
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    slept: list[float] = field(default_factory=list)
    lists: TagLists = field(default_factory=TagLists)

    def run(self) -> ArmServiceTags:
        return ArmServiceTags(self.clients, self.clock, self.slept.append, self.lists)

    def number(self, location: str = "westeurope") -> str:
        """The change number that a new run reads."""
        return self.run().read("5ab1", location, ["Storage"]).change_number

    def later(self, days: float) -> None:
        self.clock.advance(days * DAY)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with scripted_arm() as arm:
        clients = ArmClients(Settings(arm_endpoint=arm.url))
        yield Desk(arm, clients)
        clients.close()


# --- what every implementation promises ------------------------------------------------------------


@pytest.fixture(params=["memory", "simulator"])
def tags(request: pytest.FixtureRequest) -> ServiceTags:
    kind: Literal["memory", "simulator"] = request.param
    if kind == "memory":
        return FakeServiceTags(MemoryAzure(clock=FakeClock(START), service_tags=dict(TAGS), tags_changed=63))
    azure: Azure = request.getfixturevalue("azure")
    azure.simulator.seed([seeds.service_tags(prefixes=TAGS, location="westeurope", change_number="63")])
    return ArmServiceTags(azure.clients, FakeClock(START), azure.slept.append, TagLists())


def test_prefixes_of_both_families_come_under_the_name_as_asked(tags: ServiceTags) -> None:
    reading = tags.read(seeds.SUBSCRIPTION, "westeurope", ["storage", "STORAGE.westeurope"])
    assert reading.prefixes == {
        "storage": (ip_network("198.51.100.0/25"), ip_network("2001:db8:10::/44")),
        "STORAGE.westeurope": (ip_network("198.51.100.0/28"),),
    }


def test_a_name_that_azure_does_not_list_is_absent(tags: ServiceTags) -> None:
    asked = ["VirtualNetwork", "CorpNetSaw", "Storage.Elsewhere", "AzureMonitor"]
    assert list(tags.read(seeds.SUBSCRIPTION, "westeurope", asked).prefixes) == ["AzureMonitor"]


def test_a_tag_without_prefixes_is_not_taken_for_an_empty_set(tags: ServiceTags) -> None:
    assert tags.read(seeds.SUBSCRIPTION, "westeurope", ["Retired"]).prefixes == {}


def test_a_reading_says_of_which_list_and_when(tags: ServiceTags) -> None:
    reading = tags.read(seeds.SUBSCRIPTION, "westeurope", ["Storage"])
    assert (reading.change_number, reading.read_at, reading.outdated) == ("63", START, None)
    assert [(call.method, call.status) for call in tags.calls] == [("GET", 200)]


# --- one request -----------------------------------------------------------------------------------


def test_the_list_is_asked_with_the_api_version_of_the_network(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page()))
    desk.run().read("5ab1", "West Europe", ["Storage"])
    assert [asked.target for asked in desk.arm.asked] == [f"{LIST}?api-version=2026-03-01"]


def test_further_pages_are_followed_and_a_tag_on_two_of_them_is_united(desk: Desk) -> None:
    link = f"{desk.arm.url}{LIST}/next?api-version=2026-03-01&$skipToken=2"
    desk.arm.on("GET", LIST, Reply(body=page({"Storage": ("198.51.100.0/25",)}, link=link)))
    rest = {"Storage": ("203.0.113.0/25",), "Sql": ("203.0.113.128/25",)}
    desk.arm.on("GET", f"{LIST}/next", Reply(body=page(rest, link="")))
    run = desk.run()
    assert run.read("5ab1", "westeurope", ["Storage", "Sql"]).prefixes == {
        "Storage": (ip_network("198.51.100.0/25"), ip_network("203.0.113.0/25")),
        "Sql": (ip_network("203.0.113.128/25"),),
    }
    assert len(run.calls) == 2


def test_the_pages_of_the_simulator_are_one_list(azure: Azure) -> None:
    azure.simulator.switches(page_size=5)
    run = ArmServiceTags(azure.clients, FakeClock(START), azure.slept.append, TagLists())
    found = run.read(seeds.SUBSCRIPTION, "canadacentral", ["AzureActiveDirectory", "Storage.WestEurope"])
    assert len(found.prefixes) == 2
    assert len(run.calls) == 3


def test_a_link_to_another_host_is_not_followed(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page(link="https://management.azure.example/next")))
    with pytest.raises(Permanent, match=r"management\.azure\.example"):
        desk.number()
    assert len(desk.arm.asked) == 1


def test_pages_without_an_end_are_refused(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page(link=f"{desk.arm.url}{LIST}?$skipToken=1")))
    with pytest.raises(Permanent, match="no end"):
        desk.number()
    assert len(desk.arm.asked) == 2


def test_pages_of_two_lists_are_no_list(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page(number="63", link=f"{desk.arm.url}{LIST}/next")))
    desk.arm.on("GET", f"{LIST}/next", Reply(body=page(number="64")))
    with pytest.raises(Transient, match="changed while it was read"):
        desk.number()


def test_a_list_that_misses_a_page_is_not_kept(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page(link=f"{desk.arm.url}{LIST}/next")))
    desk.arm.on("GET", f"{LIST}/next", Reply(status=503))
    with pytest.raises(Transient):
        desk.number()
    assert desk.lists.get("westeurope") is None


# --- refusals --------------------------------------------------------------------------------------


def test_a_missing_permission_is_named(azure: Azure) -> None:
    azure.simulator.roles({str(LOCAL_IDENTITY.app_id): ["Microsoft.Network/networkSecurityGroups/read"]})
    run = ArmServiceTags(azure.clients, FakeClock(START), azure.slept.append, TagLists())
    with pytest.raises(Denied, match=READ_ACTION):
        run.read(seeds.SUBSCRIPTION, "canadacentral", ["Storage"])
    assert azure.slept == []


@pytest.mark.parametrize("body", [{"value": [], "nextLink": ""}, {"nextLink": ""}, {"values": None}])
def test_a_success_that_shows_nothing_is_a_missing_permission(desk: Desk, body: Json) -> None:
    desk.arm.on("GET", LIST, Reply(body=body))
    with pytest.raises(Denied, match=f"{READ_ACTION} on subscription 5ab1"):
        desk.number()
    assert desk.slept == []


def test_a_list_with_a_number_and_no_tags_is_worth_asking_again_later(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page({})))
    with pytest.raises(Transient, match="empty"):
        desk.number()


def test_an_unknown_location_is_not_asked_again(azure: Azure) -> None:
    run = ArmServiceTags(azure.clients, FakeClock(START), azure.slept.append, TagLists())
    with pytest.raises(Permanent, match="atlantis"):
        run.read(seeds.SUBSCRIPTION, "atlantis", ["Storage"])
    assert (len(run.calls), azure.slept) == (1, [])


def test_a_location_that_arm_does_not_have_is_gone(desk: Desk) -> None:
    with pytest.raises(Gone):
        desk.number("nowhere")


def test_a_failure_in_passing_is_asked_again(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(status=503), Reply(raw=b"<html>"), Reply(body=page()))
    assert desk.number() == "63"
    assert desk.slept == [1.0, 2.0]


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"list"', b'{"values": [', b""])
def test_an_answer_that_is_no_list_is_a_failure_in_passing(desk: Desk, raw: bytes) -> None:
    desk.arm.on("GET", LIST, Reply(raw=raw))
    with pytest.raises(Transient):
        desk.number()


def test_a_tag_without_a_name_is_refused(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page({"": ("198.51.100.0/25",)})))
    with pytest.raises(Permanent, match="without a name"):
        desk.number()


def test_a_prefix_that_is_none_is_refused_only_where_its_tag_is_asked_for(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page({**TAGS, "Odd": ("198.51.100.300/32",)})))
    assert "Storage" in desk.run().read("5ab1", "westeurope", ["Storage"]).prefixes
    with pytest.raises(Permanent, match="Odd"):
        desk.run().read("5ab1", "westeurope", ["Storage", "Odd"])


# --- what is kept ----------------------------------------------------------------------------------


def test_a_list_is_read_once_for_every_run_and_subscription(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page()))
    assert desk.number() == "63"
    desk.later(0.99)
    again = desk.run()
    reading = again.read("5ab2", "West Europe", ["AzureMonitor"])
    assert (reading.read_at, list(reading.prefixes), list(again.calls)) == (START, ["AzureMonitor"], [])
    assert len(desk.arm.asked) == 1


def test_a_list_of_yesterday_is_read_again(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page(number="63")), Reply(body=page(number="64")))
    assert desk.number() == "63"
    desk.later(1)
    assert desk.number() == "64"
    assert desk.number() == "64"
    assert len(desk.arm.asked) == 2


def test_every_location_has_its_own_list(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page(number="63")))
    desk.arm.on("GET", LIST.replace("westeurope", "westus"), Reply(body=page(number="62")))
    assert (desk.number("westeurope"), desk.number("westus"), desk.number("westeurope")) == ("63", "62", "63")
    assert len(desk.arm.asked) == 2


def test_an_older_list_serves_and_says_so_when_it_cannot_be_read_again(desk: Desk) -> None:
    throttled = Reply(status=429, headers={"Retry-After": "60"}, body={"error": {"message": "slow down"}})
    desk.arm.on("GET", LIST, Reply(body=page()), throttled, Reply(body=page(number="64")))
    assert desk.number() == "63"
    desk.later(3)
    reading = desk.run().read("5ab1", "westeurope", ["Storage"])
    assert (reading.change_number, reading.read_at, reading.outdated) == ("63", START, "slow down")
    assert "Storage" in reading.prefixes
    desk.later(1 / 1440)
    assert desk.run().read("5ab1", "westeurope", ["Storage"]).outdated is None


def test_a_list_that_is_too_old_does_not_serve(desk: Desk) -> None:
    desk.arm.on("GET", LIST, Reply(body=page()), Reply(status=429, headers={"Retry-After": "60"}))
    desk.number()
    desk.later(7.01)
    with pytest.raises(Throttled):
        desk.number()


def test_an_older_list_does_not_hide_that_the_permission_is_gone(desk: Desk) -> None:
    refusal = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    desk.arm.on("GET", LIST, Reply(body=page()), Reply(status=403, body=refusal))
    desk.number()
    desk.later(2)
    with pytest.raises(Denied):
        desk.number()


def test_only_so_many_lists_are_kept_and_the_oldest_makes_room(desk: Desk) -> None:
    places = [f"place{number}" for number in range(MOST_LOCATIONS + 1)]
    for place in places:
        desk.arm.on("GET", LIST.replace("westeurope", place), Reply(body=page()))
        desk.number(place)
    assert [place for place in places if desk.lists.get(place) is None] == ["place0"]


def test_a_list_that_is_read_again_takes_no_other_list_s_place(desk: Desk) -> None:
    places = [f"place{number}" for number in range(MOST_LOCATIONS)]
    for place in places:
        desk.arm.on("GET", LIST.replace("westeurope", place), Reply(body=page()))
        desk.number(place)
    desk.later(2)
    desk.number("place3")
    assert all(desk.lists.get(place) for place in places)


def test_the_runs_of_one_process_share_their_lists() -> None:
    with scripted_arm() as arm:
        arm.on("GET", LIST, Reply(body=page()))
        wiring = Wiring({"ARM_ENDPOINT": arm.url, "AzureWebJobsStorage": "UseDevelopmentStorage=true"})
        first, second = wiring.deps(), wiring.deps()
        assert first.service_tags.read("5ab1", "westeurope", ["Storage"]).change_number == "63"
        assert second.service_tags.read("5ab1", "westeurope", ["Storage"]).change_number == "63"
        assert len(arm.asked) == 1
