"""A source that blocks can be left at any time, and is given up after its time."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from tui_voice.errors import BackendError
from tui_voice.server.local.pump import pumped


def test_a_source_that_hangs_is_given_up() -> None:
    release = Event()

    def source(emit: Any) -> None:
        release.wait()
        emit("late")

    with pytest.raises(BackendError, match="no answer"):
        list(pumped(source, Event(), 0.05, "The model"))
    release.set()


def test_a_source_that_hangs_can_be_left() -> None:
    release, stop = Event(), Event()
    stop.set()
    assert list(pumped(lambda _emit: release.wait() and None, stop, 5, "The model")) == []
    release.set()


def test_a_source_learns_that_its_reader_has_left() -> None:
    refused, reader_left = Event(), Event()

    def source(emit: Any) -> None:
        emit("first")
        reader_left.wait()
        if not emit("second"):
            refused.set()

    pieces: Iterator[str] = pumped(source, Event(), 5, "The model")
    assert next(pieces) == "first"
    pieces.close()  # type: ignore[attr-defined]  # it is a generator
    reader_left.set()
    assert refused.wait(60)


def test_what_a_source_raises_is_raised_to_its_reader() -> None:
    def source(_emit: Any) -> None:
        raise BackendError("broken")

    with pytest.raises(BackendError, match="broken"):
        list(pumped(source, Event(), 5, "The model"))
