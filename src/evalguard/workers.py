"""Tasks → their answers, by several processes.

Each worker has a pipe of its own, and one task at a time. So it is known what a worker was at when
it died: that task is lost, and no other. What goes through a pipe is pickled, between processes of
one run only.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from evalguard.records import NamedTuple

Task = TypeVar("Task")
Answer = TypeVar("Answer")

MOST = 60  # Windows can't wait for more


class Died(NamedTuple):
    """In place of an answer: the worker ended before it gave one."""

    code: int | None

    @property
    def reason(self) -> str:
        """How it ended, in words."""
        if self.code is None or self.code >= 0:
            return f"exit code {self.code}"
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"


class Failed(Exception):
    """A worker raised an exception, whose traceback is the text."""


def answers(
    tasks: Sequence[Task],
    prepared: Callable[[], Callable[[Task], Answer]],
    jobs: int,
    start: str,
) -> Iterator[tuple[int, Answer | Died]]:
    """Let processes work on tasks, the first ones first.

    Args:
        tasks: What is to be done.
        prepared: Is called once in each worker; gives what does a task.
        jobs: How many workers there may be.
        start: How they are started: a method that ``multiprocessing`` has.

    Yields:
        The number of a task and its answer, as they come.

    Raises:
        Failed: A worker raised an exception.
    """
    crew = _Crew(tasks, prepared, start)
    try:
        crew.hire(jobs)
        while crew.workers:
            yield from crew.done()
    finally:
        crew.end()


class _Worker(NamedTuple):
    """A process, this side's end of its pipe, and the number of its task."""

    process: Any
    pipe: Connection
    number: int


class _Crew(Generic[Task, Answer]):
    """The workers that have a task each, and the tasks that are left."""

    def __init__(
        self,
        tasks: Sequence[Task],
        prepared: Callable[[], Callable[[Task], Answer]],
        start: str,
    ) -> None:
        self._todo = deque(enumerate(tasks))
        self._prepared = prepared
        self._context: Any = multiprocessing.get_context(start)
        self._copies = start == "fork"
        self._open: set[Connection] = set()
        self.workers: dict[Connection, _Worker] = {}

    def hire(self, count: int) -> None:
        """Start workers, and then give each its first task, as far as there are tasks."""
        new = [self._started() for _ in range(min(count, len(self._todo), MOST))]
        for process, pipe in new:
            self._give(process, pipe)

    def done(self) -> Iterator[tuple[int, Answer | Died]]:
        """Wait for answers; who gave one goes on with the next task."""
        for pipe in wait([*self.workers]):
            assert isinstance(pipe, Connection)
            worker = self.workers.pop(pipe)
            answer = _received(worker)
            if isinstance(answer, Died):
                self._end(worker)
                self.hire(1)
            elif self._todo:
                self._give(worker.process, pipe)
            else:
                self._end(worker)
            yield worker.number, answer

    def end(self) -> None:
        """Stop all that is under way."""
        for worker in self.workers.values():
            worker.process.terminate()
            self._end(worker)

    def _end(self, worker: _Worker) -> None:
        self._open.discard(worker.pipe)
        worker.pipe.close()
        worker.process.join()

    def _give(self, process: Any, pipe: Connection) -> None:
        number, task = self._todo.popleft()
        self.workers[pipe] = _Worker(process, pipe, number)
        with suppress(OSError):  # it has died: that is told by what it answers
            pipe.send(task)

    def _started(self) -> tuple[Any, Connection]:
        mine, its = self._context.Pipe()
        self._open.add(mine)
        inherited = [*self._open] if self._copies else []
        process = self._context.Process(
            target=_work, args=(its, self._prepared, inherited), daemon=True
        )
        with _uninterrupted():
            process.start()
        its.close()
        return process, mine


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put interrupts off; a process that is started meanwhile never has any."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _received(worker: _Worker) -> Any:
    try:
        raised, answer = worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join()
        return Died(worker.process.exitcode)
    if raised:
        raise Failed(answer)
    return answer


def _work(
    pipe: Connection,
    prepared: Callable[[], Callable[[Any], Any]],
    inherited: Sequence[Connection],
) -> None:
    """Do tasks until the pipe is closed; ends of pipes that are others' are closed at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for other in inherited:
        other.close()
    do = prepared()
    with suppress(EOFError, OSError):
        while True:
            pipe.send(_tried(do, pipe.recv()))


def _tried(do: Callable[[Any], Any], task: Any) -> tuple[bool, Any]:
    try:
        return False, do(task)
    except Exception:  # noqa: BLE001 (it is raised again on the other side)
        return True, traceback.format_exc()
