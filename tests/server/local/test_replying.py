from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest

from tests.server.local.talks import asking, talk, turns
from tui_voice.errors import BackendError
from tui_voice.server.interfaces import ContextTurn, ReplyRequest, ToolCall
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.pump import pumped
from tui_voice.server.local.responder import free_talk, tidy
from tui_voice.server.local.smollm import SmolLM, messages

RECALL: dict[str, Any] = {
    "type": "function",
    "name": "recall",
    "description": "Searches what was said earlier in the talk.",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
    },
}
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place.",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer"},
            "alerts": {"type": "boolean"},
        },
        "required": ["city", "unit", "alerts"],
    },
}


def reply(engines: LocalEngines, request: ReplyRequest) -> list[str | ToolCall]:
    return list(engines.responder().reply(request, Event()))


def called(made: list[str | ToolCall]) -> tuple[str, Any]:
    (call,) = made
    assert isinstance(call, ToolCall)
    return call.name, json.loads(call.arguments)


def test_a_skill_answers_before_any_model(engines: LocalEngines) -> None:
    question = ReplyRequest("", asking(talk(1), "What is my name?"))
    assert reply(engines, question) == ["Your name is Anna."]


def test_recall_is_called_for_what_the_window_lost(engines: LocalEngines) -> None:
    window = asking(talk(0), "What did we say about the hotel in Bergen?")
    assert called(reply(engines, ReplyRequest("", window, tools=[RECALL]))) == (
        "recall",
        {"query": "hotel Bergen"},
    )
    (said,) = reply(engines, ReplyRequest("", window))
    assert "can't find" in str(said)
    (said,) = reply(engines, ReplyRequest("", window, tools=[RECALL], tool_choice="none"))
    assert "can't find" in str(said)


def test_what_is_in_the_window_is_not_recalled(engines: LocalEngines) -> None:
    window = asking(talk(0), "Where do I live?")
    assert reply(engines, ReplyRequest("", window, tools=[RECALL])) == ["You live in Oslo."]


def test_a_demanded_call_is_always_made(engines: LocalEngines) -> None:
    window = turns(("user", "I fly to New York for three days, in fahrenheit please."))
    for choice in ("get_weather", "required"):
        request = ReplyRequest("", window, tools=[RECALL, WEATHER], tool_choice=choice)
        name, arguments = called(reply(engines, request))
        if choice == "required" and name == "recall":
            pytest.fail("the words are about a place, not about the past")
        assert (name, arguments) == (
            "get_weather",
            {"city": "New York", "unit": "fahrenheit", "days": 3, "alerts": True},
        )
    empty = ReplyRequest("", [], tools=[WEATHER], tool_choice="get_weather")
    assert set(called(reply(engines, empty))[1]) >= {"city", "unit", "alerts"}


def test_a_tool_is_called_when_the_words_name_it(engines: LocalEngines) -> None:
    window = turns(("user", "What's the weather in Oslo?"))
    name, arguments = called(reply(engines, ReplyRequest("", window, tools=[RECALL, WEATHER])))
    assert (name, arguments["city"]) == ("get_weather", "Oslo")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ('{"results":[{"role":"user","text":"I like it."},{"text":"My favourite film is Alien."}]}',
         "Your favourite film is Alien."),
        ("My favourite film is Alien.", "Your favourite film is Alien."),
        ('{"results": []}', "I looked, but found nothing."),
        ("", "I looked, but found nothing."),
        ("nothing of the kind", "nothing of the kind"),
        ('{"found": [], "note": "Nothing that was said matches. Try other words."}',
         "I looked, but found nothing."),
        ('{"found": [{"talk": "Trip", "date": "2026-11-03", "role": "user", "excerpt": '
         '"… and my favourite film is Alien, you know …"}]}',
         "Your favourite film is Alien."),
        ('{"found": [{"talk": "Trip", "role": "user", "excerpt": "What is my favourite film?"}]}',
         "I looked, but found nothing."),
        ('{"found": [{"role": "user", "excerpt": "A film must be short."}]}',
         'You once said: "A film must be short."'),
        ('{"found": [{"role": "assistant", "excerpt": "That film is long."}]}',
         'I once said: "That film is long."'),
        ('{"error": "the disk is full."}',
         "I could not look through what we said before: the disk is full."),
    ],
)  # fmt: skip
def test_an_output_is_spoken(engines: LocalEngines, output: str, said: str) -> None:
    window = [
        *turns(("user", "What's my favourite film?")),
        ContextTurn("call", "tool_call", '{"query":"film"}', "recall", "c"),
        ContextTurn("out", "tool_output", output, "", "c"),
    ]
    assert reply(engines, ReplyRequest("", window, tools=[RECALL])) == [said]


def test_a_tool_that_failed_is_told_of(engines: LocalEngines) -> None:
    window = [
        *turns(("user", "What's the weather?")),
        ContextTurn("call", "tool_call", "{}", "get_weather", "c"),
        ContextTurn("out", "tool_output", '{"error":"no network"}', "", "c"),
    ]
    assert reply(engines, ReplyRequest("", window)) == ["That did not work: no network."]


def test_figures_of_a_tool_are_spoken(engines: LocalEngines) -> None:
    window = [
        *turns(("user", "What's the weather?")),
        ContextTurn("call", "tool_call", "{}", "get_weather", "c"),
        ContextTurn("out", "tool_output", '{"temperature":12,"sky":"cloudy"}', "", "c"),
    ]
    assert reply(engines, ReplyRequest("", window)) == ["temperature: 12, sky: cloudy."]


@pytest.mark.local
def test_the_model_talks_in_short_plain_sentences(engines: LocalEngines) -> None:
    made = reply(engines, ReplyRequest("", turns(("user", "What is the capital of France?"))))
    text = "".join(map(str, made))
    assert "Paris" in text
    assert not set("*#`_") & set(text)
    assert len(text.split()) <= 60


@pytest.mark.local
def test_stop_is_obeyed_at_once_and_the_next_reply_comes(engines: LocalEngines) -> None:
    stop = Event()
    pieces = engines.responder().reply(
        ReplyRequest("", turns(("user", "Tell me about the sea and all its animals."))), stop
    )
    assert next(pieces)
    began = monotonic()
    stop.set()
    assert list(pieces) == []
    assert monotonic() - began < 0.2
    assert reply(engines, ReplyRequest("", turns(("user", "Hello!"))))


@pytest.mark.local
def test_stop_before_the_first_word(engines: LocalEngines) -> None:
    stop = Event()
    stop.set()
    began = monotonic()
    assert not list(engines.responder().reply(ReplyRequest("", turns(("user", "Hi!"))), stop))
    assert monotonic() - began < 0.2


@pytest.mark.local
def test_several_at_once_all_get_their_answer(engines: LocalEngines) -> None:
    asked = [ReplyRequest("", turns(("user", f"Tell me about {x}."))) for x in ("tea", "wool")]
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda request: reply(engines, request), asked))


@pytest.mark.local
def test_a_reply_left_half_way_does_not_break_the_exit() -> None:
    """The model's thread is in C while the program ends."""
    code = (
        "from threading import Event\n"
        "from tui_voice.server.interfaces import ContextTurn, ReplyRequest\n"
        "from tui_voice.server.local.engines import LocalEngines\n"
        "turn = ContextTurn('1', 'user', 'Tell me about the sea and the animals in it.')\n"
        "it = LocalEngines(probe=False).responder().reply(ReplyRequest('', [turn]), Event())\n"
        "print(next(it))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_the_prompt_is_short_and_alternates() -> None:
    window = [*talk(3), *turns(("assistant", "x" * 5000), ("user", "y" * 5000))]
    built = messages(window)
    assert [m["role"] for m in built[1:]] == ["user", "assistant"] * (len(built) // 2 - 1) + [
        "user"
    ]
    assert sum(len(m["content"]) for m in built) < 2500


def test_a_greeting_of_ours_does_not_join_the_examples() -> None:
    built = messages(turns(("assistant", "Welcome."), ("user", "Hi.")))
    assert built == [*messages(()), {"role": "user", "content": "Hi."}]


def test_the_model_sees_what_it_made_itself() -> None:
    window = turns(
        ("user", "My name is Anna."),
        ("assistant", "Nice to meet you, Anna."),
        ("user", "Tell me about the sea."),
        ("assistant", "The sea is deep."),
        ("user", "What is two plus two?"),
        ("assistant", "2 plus 2 is 4."),
        ("user", "Why is that?"),
    )
    assert [turn.text for turn in free_talk(window)] == [
        "Tell me about the sea.",
        "The sea is deep.",
        "Why is that?",
    ]
    assert free_talk([*window[:2], *window[4:]]) == [window[-1]]
    assert free_talk(window[:2]) == window[:2]
    assert free_talk([]) == []


def test_tidy_leaves_whole_plain_sentences() -> None:
    pieces = iter(["**Hel", "lo** there. ", "It is 3", ".5 km. Really", "? P.S. And then we wal"])
    assert list(tidy(pieces)) == ["Hello there. ", "It is 3.5 km. "]
    half = iter(["Hello there. P.S. And then we wal"])
    assert list(tidy(half)) == ["Hello there. "]
    signed = iter(["You are welcome. Best, . P.S. "])
    assert list(tidy(signed)) == ["You are welcome. "]
    assert list(tidy(iter(["only half a sen"]))) == ["only half a sen."]
    assert list(tidy(iter([]))) == []


def test_tidy_gives_the_first_clause_before_the_sentence_is_whole() -> None:
    pieces = iter(
        ["Rainy days can be", " fun, but", " not, I", " think, for all. And dry ones too."]
    )
    said = tidy(pieces)
    assert next(said) == "Rainy days can be fun, "
    assert next(pieces) == " not, I"
    assert list(tidy(iter(["Yes, it is. ", "Well, then."]))) == ["Yes, it is. ", "Well, then."]


def test_tidy_leaves_out_what_the_user_never_said() -> None:
    made = iter(["You are welcome! I hope you enjoy your vacation. Sea air is good. Bye."])
    assert list(tidy(made)) == ["You are welcome! ", "Sea air is good. "]
    asked = iter(["That is bad. What is your work? Tell me."])
    assert list(tidy(asked)) == ["That is bad. ", "What is your work? "]


def test_a_source_that_hangs_is_given_up() -> None:
    hang = Event()

    def source(emit: Any) -> None:
        hang.wait()
        emit("late")

    with pytest.raises(BackendError, match="no answer"):
        list(pumped(source, Event(), 0.05, "The model"))
    hang.set()


def test_a_source_that_hangs_can_be_left() -> None:
    hang, stop = Event(), Event()
    stop.set()
    assert list(pumped(lambda _emit: hang.wait() and None, stop, 5, "The model")) == []
    hang.set()


def test_a_source_is_told_that_nobody_listens() -> None:
    told, listened = Event(), Event()

    def source(emit: Any) -> None:
        emit("first")
        listened.wait()
        if not emit("second"):
            told.set()

    pieces: Iterator[str] = pumped(source, Event(), 5, "The model")
    assert next(pieces) == "first"
    pieces.close()  # type: ignore[attr-defined]  # it is a generator
    listened.set()
    assert told.wait(5)


def test_what_a_source_raises_is_raised_here() -> None:
    def source(_emit: Any) -> None:
        raise BackendError("broken")

    with pytest.raises(BackendError, match="broken"):
        list(pumped(source, Event(), 5, "The model"))


@pytest.mark.local
def test_each_engine_is_loaded_once_and_told_of() -> None:
    said: list[str] = []
    engines = LocalEngines(probe=False, progress=said.append)
    assert "SmolLM2" in engines.describe()
    assert not said
    threads = [Thread(target=engines.load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line.split(" (")[0] for line in said if "loading" in line] == [
        "loading speech-to-text",
        "loading text-to-speech",
        "loading language model",
    ]
    assert engines.recogniser() is engines.recogniser()
    assert engines.describe() == "moonshine tiny-en · hibari · SmolLM2 135M"


def test_tokens_are_counted_as_o200k(engines: LocalEngines) -> None:
    assert engines.count_tokens("") == 0
    assert engines.count_tokens("Hello there") == 2
    assert engines.count_tokens("<|endoftext|>") > 1


@pytest.mark.local
def test_the_user_own_model_file(engines: LocalEngines) -> None:
    from tui_voice.server.local.smollm import SMOLLM2

    own = LocalEngines(llm_path=SMOLLM2.find())
    assert own.describe().endswith("SmolLM2-135M-Instruct.Q4_1")
    assert reply(own, ReplyRequest("", turns(("user", "What is the capital of France?"))))
    assert SmolLM.built_in in engines.describe()
