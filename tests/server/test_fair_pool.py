"""The pool of worker threads: fair between clients, urgent work first, and closed without delay."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tui_voice.server.fair_pool import FairPool


class OrderRecorder:
    """Work that records its name; the only thread of the pool is blocked until `finish`."""

    def __init__(self, pool: FairPool, expected: int) -> None:
        self._done: list[str] = []
        self._finished = threading.Semaphore(0)
        self._expected = expected
        self._may_continue = threading.Event()
        self._is_blocking = threading.Event()
        pool.submit("blocker", self._block)
        assert self._is_blocking.wait(60)

    def _block(self) -> None:
        self._is_blocking.set()
        self._may_continue.wait(60)

    def work(self, name: str) -> Callable[[], None]:
        def record() -> None:
            self._done.append(name)
            self._finished.release()

        return record

    def finish(self) -> list[str]:
        """Unblocks the pool and returns the names in the order in which the work was done."""
        self._may_continue.set()
        for _ in range(self._expected):
            assert self._finished.acquire(timeout=60)
        return self._done


def test_clients_take_turns() -> None:
    pool = FairPool("test", 1)
    recorder = OrderRecorder(pool, 7)
    for n in range(4):
        pool.submit("a", recorder.work(f"a{n}"))
    for n in range(2):
        pool.submit("b", recorder.work(f"b{n}"))
    pool.submit("c", recorder.work("c0"))
    assert recorder.finish() == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]
    pool.close()


def test_urgent_work_of_all_clients_comes_before_deferred_work() -> None:
    pool = FairPool("test", 1)
    recorder = OrderRecorder(pool, 4)
    pool.submit("a", recorder.work("deferred a"), is_urgent=False)
    pool.submit("a", recorder.work("urgent a"))
    pool.submit("b", recorder.work("deferred b"), is_urgent=False)
    pool.submit("b", recorder.work("urgent b"))
    assert recorder.finish() == ["urgent a", "urgent b", "deferred a", "deferred b"]
    pool.close()


def test_work_of_a_forgotten_client_is_dropped() -> None:
    pool = FairPool("test", 1)
    recorder = OrderRecorder(pool, 1)
    pool.submit("a", recorder.work("a"))
    pool.submit("b", recorder.work("b"))
    pool.forget("a")
    pool.forget("unknown client")
    assert recorder.finish() == ["b"]
    pool.close()


def test_closed_pool_ends_its_threads_and_takes_no_work() -> None:
    pool = FairPool("test", 2)
    pool.close()
    done: list[str] = []
    pool.submit("a", lambda: done.append("a"))
    assert not [t for t in threading.enumerate() if t.name.startswith("test-")]
    assert done == []


def test_one_client_does_not_keep_all_threads_busy() -> None:
    pool = FairPool("test", 3, per_client=2)
    may_end = threading.Event()
    started = threading.Semaphore(0)
    order: list[str] = []

    def work(name: str) -> Callable[[], None]:
        def wait() -> None:
            order.append(name)
            started.release()
            may_end.wait(60)

        return wait

    for n in range(4):
        pool.submit("a", work(f"a{n}"))
    pool.submit("b", work("b0"))
    for _ in range(3):
        assert started.acquire(timeout=60)
    assert sorted(order) == ["a0", "a1", "b0"]
    may_end.set()
    for _ in range(2):
        assert started.acquire(timeout=60)
    assert order[3:] == ["a2", "a3"]
    pool.close()


def test_threads_are_started_as_they_are_needed() -> None:
    pool = FairPool("lazy", 50)
    assert not [t for t in threading.enumerate() if t.name.startswith("lazy-")]
    done = threading.Event()
    pool.submit("a", done.set)
    assert done.wait(60)
    assert len([t for t in threading.enumerate() if t.name.startswith("lazy-")]) == 1
    pool.close()
