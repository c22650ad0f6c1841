"""Two workers who take turns: each stands still before an I/O operation until it is let go on.

A worker is a thread, of which one runs at a time: who goes on, and for how many operations, the play says.
"""

from __future__ import annotations

from threading import Semaphore, Thread, current_thread

from tests.steady.plant import Came, Due, Plant


class Turns:
    """The workers of one plant. Whoever drives them is none of them."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._workers: dict[Thread, Worker] = {}
        self._driver = Semaphore(0)
        plant.tape.turn = self._turn

    def worker(self, due: Due) -> Worker:
        """Somebody who has taken this, and has not begun."""
        worker = Worker(due, self)
        self._workers[worker.thread] = worker
        return worker

    def let(self, worker: Worker, operations: int | None = None) -> bool:
        """Let it go on for so many operations, or to its end; whether it has come to its end."""
        if worker.came is None:
            self._plant.tape.on = True
            worker.left = operations
            worker.go.release()
            self._driver.acquire()
            self._plant.tape.on = False
        if worker.came is not None and not worker.is_settled:
            worker.is_settled = True
            worker.due.settle(worker.came)
        return worker.came is not None

    def ended(self) -> None:
        """A worker has nothing more to do."""
        self._driver.release()

    def attempt(self, due: Due) -> Came:
        return self._plant.attempt(due)

    def _turn(self) -> None:
        worker = self._workers.get(current_thread())
        if worker is None or worker.left is None:
            return
        if worker.left == 0:
            self._driver.release()
            worker.go.acquire()
        if worker.left is not None:
            worker.left -= 1


class Worker:
    """``left`` is how many operations it may do until it stands still; None: all."""

    def __init__(self, due: Due, turns: Turns) -> None:
        self.due = due
        self.go = Semaphore(0)
        self.left: int | None = None
        self.came: Came | None = None
        self.is_settled = False
        self._turns = turns
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.go.acquire()
        try:
            self.came = self._turns.attempt(self.due)
        finally:
            self.came = self.came or Came.FAILED
            self._turns.ended()
