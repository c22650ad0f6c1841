"""Queue triggers on the storage emulator: delivery, retries, the poison queue, leases, parallelism.

Each test has a queue of its own. The sample app makes a failed message visible again after one second and
gives up at the third try.
"""

import base64
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from tests.fixtures_local import LocalHost, StartHost
from tests.local.host.support import SAMPLE_APP, eventually, records, sample_env

pytestmark = [pytest.mark.engine, pytest.mark.azurite]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A host that listens on a queue of its own, and what its function recorded."""

    host: LocalHost
    queue: QueueClient
    poison: QueueClient
    record: Path

    def send(self, body: str | Mapping[str, object]) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_raw(base64.b64encode(text.encode()).decode())

    def send_raw(self, text: str) -> None:
        with suppress(ResourceExistsError):
            self.queue.create_queue()
        self.queue.send_message(text)

    def tries(self) -> list[object]:
        return [content["tries"] for content in records(self.record, "job")]

    def ended(self) -> list[Mapping[str, object]]:
        return records(self.record, "job-end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benches:
    connection: str
    start_host: StartHost
    folder: Path

    def build(self, *options: str, suffix: str = "", app_root: Path = SAMPLE_APP) -> Bench:
        name = f"jobs-{uuid.uuid4().hex[:12]}{suffix}"
        record = self.folder / f"{name}.jsonl"
        env = sample_env(record, JOBS_QUEUE=name, AzureWebJobsStorage=self.connection)
        del env["AzureWebJobs.jobs.Disabled"]
        return Bench(
            host=self.start_host(app_root, env, *options),
            queue=QueueClient.from_connection_string(self.connection, name),
            poison=QueueClient.from_connection_string(self.connection, f"{name}-poison"),
            record=record,
        )


@pytest.fixture
def benches(azurite: str, start_host: StartHost, tmp_path: Path) -> Benches:
    return Benches(connection=azurite, start_host=start_host, folder=tmp_path)


def count(queue: QueueClient) -> int:
    """All messages of the queue, invisible ones too; 0 where the queue does not exist."""
    try:
        return queue.get_queue_properties().approximate_message_count or 0
    except ResourceNotFoundError:
        return 0


def test_a_message_is_decoded_run_once_and_deleted(benches: Benches) -> None:
    bench = benches.build()
    bench.send("plain text, not JSON: ü")
    [job] = eventually(lambda: records(bench.record, "job"), "the message's run")
    eventually(lambda: count(bench.queue) == 0, "the message is deleted")
    assert (job["body"], job["tries"]) == ("plain text, not JSON: ü", 1)
    assert (count(bench.poison), len(bench.ended())) == (0, 1)


def test_the_host_creates_its_queue_and_takes_messages_after_the_queue_was_deleted(benches: Benches) -> None:
    bench = benches.build()
    eventually(lambda: _exists(bench.queue), "the queue")
    bench.queue.delete_queue()
    eventually(lambda: _exists(bench.queue), "the queue once more")
    bench.send("again")
    eventually(bench.ended, "the message's run")


def test_a_failed_message_comes_back_after_the_visibility_timeout_with_a_higher_count(
    benches: Benches,
) -> None:
    bench = benches.build()
    bench.send({"failures": 1})
    first, second = eventually(lambda: ended if len(ended := bench.ended()) == 2 else None, "the second try")
    eventually(lambda: count(bench.queue) == 0, "the message is deleted")
    assert bench.tries() == [1, 2]
    assert float(str(second["at"])) - float(str(first["at"])) >= 1.0
    assert count(bench.poison) == 0


def test_a_message_that_always_fails_moves_to_the_poison_queue_at_the_last_try(benches: Benches) -> None:
    bench = benches.build()
    bench.send({"failures": 99})
    eventually(lambda: count(bench.poison), "the poison message")
    eventually(lambda: count(bench.queue) == 0, "the message is deleted")
    assert bench.tries() == [1, 2, 3]
    [moved] = bench.poison.receive_messages()
    assert json.loads(base64.b64decode(moved.content)) == {"failures": 99}


def test_a_message_with_broken_base64_moves_to_the_poison_queue_unchanged_and_unrun(
    benches: Benches,
) -> None:
    bench = benches.build()
    bench.send_raw("{not base64}")
    eventually(lambda: count(bench.poison), "the poison message")
    [moved] = bench.poison.receive_messages()
    assert (moved.content, bench.tries()) == ("{not base64}", [])


def test_a_message_that_fails_on_a_poison_queue_is_left_invisible(benches: Benches) -> None:
    bench = benches.build(suffix="-poison")
    bench.send({"failures": 99})
    bench.send("after")
    eventually(lambda: len(bench.ended()) == 2, "both runs")
    eventually(lambda: count(bench.queue) == 1, "the good message is deleted")
    assert list(bench.queue.peek_messages()) == []
    assert not _exists(bench.poison)


def test_a_running_message_stays_invisible_beyond_its_lease(benches: Benches) -> None:
    bench = benches.build("--queue-lease", "1")
    bench.send({"seconds": 2.5})
    eventually(bench.ended, "the end of the run")
    eventually(lambda: count(bench.queue) == 0, "the message is deleted with its renewed receipt")
    assert bench.tries() == [1]


def test_a_message_of_a_killed_host_comes_back_when_its_lease_ends(benches: Benches) -> None:
    bench = benches.build("--queue-lease", "2")
    bench.send({"seconds": 60})
    eventually(bench.tries, "the first run")
    bench.host.stop()
    [message] = eventually(lambda: list(bench.queue.receive_messages()), "the message is visible again")
    assert message.dequeue_count == 2


def test_no_more_messages_run_at_once_than_batch_size_and_threshold_allow(benches: Benches) -> None:
    bench = benches.build()
    for _ in range(5):
        bench.send({"seconds": 0.4})
    eventually(lambda: len(bench.ended()) == 5, "all five runs")
    begun = [(float(str(content["at"])), 1) for content in records(bench.record, "job")]
    ended = [(float(str(content["at"])), -1) for content in bench.ended()]
    running, most = 0, 0
    for _, change in sorted(begun + ended):
        running += change
        most = max(most, running)
    assert most == 2


def test_without_encoding_the_text_is_taken_as_it_is(benches: Benches, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text((SAMPLE_APP / "function_app.py").read_text())
    options = {"version": "2.0", "extensions": {"queues": {"messageEncoding": "none"}}}
    (app / "host.json").write_text(json.dumps(options))
    bench = benches.build(app_root=app)
    bench.send_raw("as it is")
    [job] = eventually(lambda: records(bench.record, "job"), "the message's run")
    assert job["body"] == "as it is"


def test_an_unreachable_storage_is_logged_and_the_host_serves_on(
    start_host: StartHost, tmp_path: Path
) -> None:
    storage = "AccountName=a;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:1/a;"
    env = sample_env(tmp_path / "record", JOBS_QUEUE="jobs", AzureWebJobsStorage=storage)
    del env["AzureWebJobs.jobs.Disabled"]
    host = start_host(SAMPLE_APP, env)
    eventually(lambda: "queue jobs cannot be" in host.log(), "a warning")
    assert host.call("GET", "/api/text").status == 200


def _exists(queue: QueueClient) -> bool:
    try:
        queue.get_queue_properties()
    except ResourceNotFoundError:
        return False
    return True
