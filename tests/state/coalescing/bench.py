"""What the tests of coalescing stand on: a store in memory, a queue and a clock."""

from shared.model import Cause, CauseKind
from shared.model.messages import Message, look
from shared.state.coalescing import Started
from shared.state.store import Store
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables
from tests.state.coalescing.processes import DELAY, NOW, SERVER, VISIBILITY, cause


class Bench:
    """A store in memory with its queue in sight."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.queue = MemoryQueue(self.clock)
        self.tables = MemoryTables()
        self.store = Store(self.tables, MemoryBlobs(), self.queue)
        self.started: dict[str | None, Started] = {}

    def arm(self, event: str | None, kind: CauseKind = CauseKind.EVENT) -> bool:
        now = self.clock.now()
        return self.store.arm(look(SERVER, cause(event, (now - NOW).total_seconds(), kind)), now, DELAY)

    def take(self) -> Message | None:
        queued = self.queue.receive(VISIBILITY)
        if queued is None:
            return None
        self.queue.delete(queued)
        return self.store.read_message(queued.body)

    def take_one(self) -> Message:
        message = self.take()
        assert message is not None
        return message

    def start(self, message: Message) -> Cause | None:
        started = self.store.start(message, self.clock.now())
        if started is not None:
            self.started[message.token] = started
        return started.cause if started is not None else None

    def finish(self, message: Message) -> None:
        self.store.finish(message, self.started[message.token])
