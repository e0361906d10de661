"""Worker threads that serve several clients in turn, so that no client waits for all others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic

Work = Callable[[], None]
_JOIN_SECONDS = 1.0


@dataclass(slots=True)
class _ClientQueue:
    urgent: deque[Work] = field(default_factory=deque)
    deferred: deque[Work] = field(default_factory=deque)


class FairPool:
    """Each client (`key`) has its own queue, and the threads take from the queues in rotation.

    The urgent work of all clients comes before any deferred work. Work must not raise: it reports
    its own failures. The threads are daemons, because a running model cannot be interrupted.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._queues: dict[Hashable, _ClientQueue] = {}
        """The client that is served next comes first."""
        self._changed = Condition()
        self._is_closed = False
        self._threads = [
            Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, key: Hashable, work: Work, is_urgent: bool = True) -> None:
        """Queues `work` for the client `key`; does nothing after `close`."""
        with self._changed:
            if self._is_closed:
                return
            queue = self._queues.setdefault(key, _ClientQueue())
            (queue.urgent if is_urgent else queue.deferred).append(work)
            self._changed.notify()

    def forget(self, key: Hashable) -> None:
        """Drops the queued work of a client."""
        with self._changed:
            self._queues.pop(key, None)

    def close(self) -> None:
        """Drops all queued work; waits at most 1 s for the running work."""
        with self._changed:
            self._is_closed = True
            self._queues.clear()
            self._changed.notify_all()
        deadline = monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _run(self) -> None:
        while (work := self._take()) is not None:
            work()

    def _take(self) -> Work | None:
        """Waits for work; returns None after `close`."""
        with self._changed:
            while not self._is_closed:
                for is_urgent in (True, False):
                    for key, queue in self._queues.items():
                        queued = queue.urgent if is_urgent else queue.deferred
                        if queued:
                            work = queued.popleft()
                            del self._queues[key]  # the client goes to the end of the rotation
                            if queue.urgent or queue.deferred:
                                self._queues[key] = queue
                            return work
                self._changed.wait()
        return None
