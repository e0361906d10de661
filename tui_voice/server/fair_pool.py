"""Worker threads that serve several clients in turn, so that no client waits for all others."""

from __future__ import annotations

from collections import Counter, deque
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

    `threads`: how many there may be; each is started when the others do not suffice. `per_client`:
    how many of them one client may keep busy.
    """

    def __init__(self, name: str, threads: int, per_client: int | None = None) -> None:
        self._queues: dict[Hashable, _ClientQueue] = {}
        """The client that is served next comes first."""
        self._changed = Condition()
        self._is_closed = False
        self._name, self._max_threads, self._per_client = name, threads, per_client or threads
        self._threads: list[Thread] = []
        self._running: Counter[Hashable] = Counter()
        """Threads that work for each client."""

    def submit(self, key: Hashable, work: Work, is_urgent: bool = True) -> None:
        """Queues `work` for the client `key`; does nothing after `close`."""
        with self._changed:
            if self._is_closed:
                return
            queue = self._queues.setdefault(key, _ClientQueue())
            (queue.urgent if is_urgent else queue.deferred).append(work)
            waiting = sum(len(each.urgent) + len(each.deferred) for each in self._queues.values())
            idle = len(self._threads) - self._running.total()
            if idle < waiting and len(self._threads) < self._max_threads:
                self._start_thread()
            self._changed.notify()

    def _start_thread(self) -> None:
        name = f"{self._name}-{len(self._threads)}"
        thread = Thread(target=self._run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

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
        while (taken := self._take()) is not None:
            key, work = taken
            work()
            with self._changed:
                self._running[key] -= 1
                if not self._running[key]:
                    del self._running[key]
                self._changed.notify()  # the client may have more work, which was to wait

    def _take(self) -> tuple[Hashable, Work] | None:
        """Waits for work, which then counts as running; returns None after `close`."""
        with self._changed:
            while not self._is_closed:
                for is_urgent in (True, False):
                    for key, queue in self._queues.items():
                        queued = queue.urgent if is_urgent else queue.deferred
                        if queued and self._running[key] < self._per_client:
                            work = queued.popleft()
                            del self._queues[key]  # the client goes to the end of the rotation
                            if queue.urgent or queue.deferred:
                                self._queues[key] = queue
                            self._running[key] += 1
                            return key, work
                self._changed.wait()
        return None
