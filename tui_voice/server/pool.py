"""Worker threads that serve several connections in turn, so that none starves the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic

Work = Callable[[], None]
_JOIN_SECONDS = 1.0


@dataclass(slots=True)
class _Queue:
    urgent: deque[Work] = field(default_factory=deque)
    patient: deque[Work] = field(default_factory=deque)


class FairPool:
    """Each client (`key`) has its own queue; the threads take from them in rotation.

    Urgent work goes before patient work of all clients. Work must not raise: whoever gives it
    reports its own failures. The threads are daemons, because a model cannot be interrupted.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._queues: dict[Hashable, _Queue] = {}
        self._changed = Condition()
        self._closed = False
        self._threads = [
            Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, key: Hashable, work: Work, urgent: bool = True) -> None:
        """Queues `work` for the client `key`; does nothing once closed."""
        with self._changed:
            if self._closed:
                return
            queue = self._queues.setdefault(key, _Queue())
            (queue.urgent if urgent else queue.patient).append(work)
            self._changed.notify()

    def forget(self, key: Hashable) -> None:
        """Drops what the client has waiting."""
        with self._changed:
            self._queues.pop(key, None)

    def close(self) -> None:
        """Drops all that waits; waits a little for what runs."""
        with self._changed:
            self._closed = True
            self._queues.clear()
            self._changed.notify_all()
        until = monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))

    def _run(self) -> None:
        while (work := self._take()) is not None:
            work()

    def _take(self) -> Work | None:
        with self._changed:
            while not self._closed:
                for urgent in (True, False):
                    for key, queue in self._queues.items():
                        waiting = queue.urgent if urgent else queue.patient
                        if waiting:
                            work = waiting.popleft()
                            del self._queues[key]  # to the end of the line
                            if queue.urgent or queue.patient:
                                self._queues[key] = queue
                            return work
                self._changed.wait()
        return None
