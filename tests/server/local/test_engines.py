"""Each engine is loaded once, and what is being loaded is reported."""

from __future__ import annotations

from threading import Thread

import pytest

from tui_voice.server.local.engines import LocalEngines


@pytest.mark.local
def test_each_engine_is_loaded_once_and_reported() -> None:
    reported: list[str] = []
    engines = LocalEngines(probe=False, progress=reported.append)
    engines.describe()
    assert not reported
    threads = [Thread(target=engines.load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line.split(" (")[0] for line in reported if "loading" in line] == [
        "loading speech-to-text",
        "loading text-to-speech",
        "loading language model",
    ]
    assert engines.recogniser() is engines.recogniser()


@pytest.mark.local
def test_speech_is_loaded_when_it_is_needed_where_that_is_asked_for() -> None:
    reported: list[str] = []
    engines = LocalEngines(probe=False, progress=reported.append, speech_on_demand=True)
    engines.load()
    assert [line.split(" (")[0] for line in reported if "loading" in line] == [
        "loading language model"
    ]
    engines.recogniser()
    engines.synthesiser()
    assert [line.split(" (")[0] for line in reported[-2:]] == [
        "loading speech-to-text",
        "loading text-to-speech",
    ]


def test_tokens_are_counted_as_o200k(engines: LocalEngines) -> None:
    assert engines.count_tokens("") == 0
    assert engines.count_tokens("Hello there") == 2
    assert engines.count_tokens("<|endoftext|>") > 1
