"""The worker threads: fair between clients, urgent first, never in the way of the end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tui_voice.server.pool import FairPool


class Order:
    """Work that writes down its name, once the gate is open."""

    def __init__(self, pool: FairPool, expected: int) -> None:
        self.done: list[str] = []
        self.gate = threading.Event()
        self.all = threading.Semaphore(0)
        self.expected = expected
        self.busy = threading.Event()
        pool.submit("gate", self._wait)
        assert self.busy.wait(5)

    def _wait(self) -> None:
        self.busy.set()
        self.gate.wait(5)

    def work(self, name: str) -> Callable[[], None]:
        def do() -> None:
            self.done.append(name)
            self.all.release()

        return do

    def finish(self) -> list[str]:
        self.gate.set()
        for _ in range(self.expected):
            assert self.all.acquire(timeout=5)
        return self.done


def test_clients_take_turns() -> None:
    pool = FairPool("test", 1)
    order = Order(pool, 7)
    for n in range(4):
        pool.submit("a", order.work(f"a{n}"))
    for n in range(2):
        pool.submit("b", order.work(f"b{n}"))
    pool.submit("c", order.work("c0"))
    assert order.finish() == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]
    pool.close()


def test_urgent_work_of_anybody_goes_first() -> None:
    pool = FairPool("test", 1)
    order = Order(pool, 4)
    pool.submit("a", order.work("patient"), urgent=False)
    pool.submit("a", order.work("urgent a"))
    pool.submit("b", order.work("patient b"), urgent=False)
    pool.submit("b", order.work("urgent b"))
    assert order.finish() == ["urgent a", "urgent b", "patient", "patient b"]
    pool.close()


def test_work_of_a_client_that_left_is_dropped() -> None:
    pool = FairPool("test", 1)
    order = Order(pool, 1)
    pool.submit("a", order.work("a"))
    pool.submit("b", order.work("b"))
    pool.forget("a")
    pool.forget("nobody")
    assert order.finish() == ["b"]
    pool.close()


def test_closed_pool_takes_and_does_nothing_more() -> None:
    pool = FairPool("test", 2)
    pool.close()
    pool.submit("a", lambda: None)
    assert not [t for t in threading.enumerate() if t.name.startswith("test-")]
