"""What every ``Queue`` promises, and what the Functions host expects of the real one."""

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.adapters.storage.storage import AzuriteQueueProbe, QueueProbe


def take_all(probe: QueueProbe) -> list[str]:
    return list(iter(probe.take, None))


@pytest.mark.parametrize("body", ["{}", '{"name":"Grüße 🐘 <&>"}', "x" * 48_000])
def test_a_body_arrives_as_it_was_sent(probe: QueueProbe, body: str) -> None:
    probe.queue.send(body)
    assert take_all(probe) == [body]


def test_messages_arrive_once_each(probe: QueueProbe) -> None:
    for n in range(5):
        probe.queue.send(str(n))
    assert sorted(take_all(probe)) == ["0", "1", "2", "3", "4"]


def test_a_delayed_message_is_invisible_until_its_time(probe: QueueProbe) -> None:
    probe.queue.send("later", delay_seconds=1.2)
    probe.queue.send("now")
    assert take_all(probe) == ["now"]
    probe.wait(2.5)
    assert take_all(probe) == ["later"]


def test_many_may_meet_a_missing_queue_at_once(probe: QueueProbe) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: probe.queue.send(str(n)), range(16)))
    assert len(take_all(probe)) == 16


@pytest.mark.azurite
def test_on_the_wire_a_body_is_base64_and_never_expires(azurite: str) -> None:
    probe = AzuriteQueueProbe(azurite)
    probe.queue.send('{"a":"é"}')
    (message,) = probe.undecoded.peek_messages()
    assert base64.b64decode(message.content) == '{"a":"é"}'.encode()
    assert message.expires_on is not None
    assert message.expires_on.year > 9000


@pytest.mark.azurite
def test_a_delay_beyond_the_longest_is_cut_to_it(azurite: str) -> None:
    probe = AzuriteQueueProbe(azurite)
    probe.queue.send("in a month", delay_seconds=30 * 24 * 3600)
    assert probe.take() is None
    assert probe.client.get_queue_properties().approximate_message_count == 1
