from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.local.talks import ABSENT, ASKED, FACTS, NOT_ABOUT_THE_TALK, asking, talk, turns
from tui_voice.server.local.answering import answer
from tui_voice.server.local.skills.clock import tell_time
from tui_voice.server.local.skills.figures import figures
from tui_voice.server.local.skills.lookup import Unknown
from tui_voice.server.local.skills.person import to_you
from tui_voice.server.local.skills.talk import read

NOW = datetime(2026, 11, 22, 14, 5)


def reply(question: str, rounds: int = 1) -> str | Unknown | None:
    return answer(read(asking(talk(rounds), question)))


@pytest.mark.parametrize(("question", "fact"), ASKED)
@pytest.mark.parametrize("rounds", [0, 6])
def test_what_was_told_is_found(question: str, fact: str, rounds: int) -> None:
    found = reply(question, rounds)
    assert isinstance(found, str), found
    assert fact in found


@pytest.mark.parametrize("question", ABSENT)
def test_what_was_not_told_is_not_made_up(question: str) -> None:
    assert isinstance(reply(question), Unknown)


@pytest.mark.parametrize("question", NOT_ABOUT_THE_TALK)
def test_other_talk_is_left_to_a_model(question: str) -> None:
    assert reply(question) is None


def test_a_summary_in_the_window_is_searched_too() -> None:
    notes = (
        'People and facts: "my name is Anna", "I live in Oslo".\nPreferences: "I prefer trains".'
    )
    window = turns(("system", notes), ("user", "Hello"), ("assistant", "Hello!"))
    assert answer(read(asking(window, "What's my name?"))) == "Your name is Anna."
    assert answer(read(asking(window, "Where do I live?"))) == "You live in Oslo."


def test_a_summary_by_another_model_is_searched_too() -> None:
    notes = "- **Facts:** The user's name is Ben. The user lives in Bergen and has two cats."
    window = turns(("system", notes))
    assert answer(read(asking(window, "What's my name?"))) == "Your name is Ben."
    found = answer(read(asking(window, "Where do I live?")))
    assert found == "You live in Bergen and has two cats."


def test_a_question_is_no_answer_to_itself() -> None:
    window = turns(("user", "What is my favourite film?"), ("assistant", "I don't know."))
    assert isinstance(answer(read(asking(window, "What is my favourite film?"))), Unknown)


def test_newer_words_win() -> None:
    window = turns(
        ("user", "I live in Oslo."), ("assistant", "Ok."), ("user", "I live in Rome now.")
    )
    assert "Rome" in str(answer(read(asking(window, "Where do I live?"))))


def test_a_correction_wins_though_it_says_less() -> None:
    window = turns(
        ("user", "My flight is at half past nine on the third of April."),
        ("assistant", "Noted."),
        ("user", "No, sorry, the flight is at ten."),
    )
    assert "at ten" in str(answer(read(asking(window, "When is my flight?"))))


def test_wishes_and_decisions_are_found() -> None:
    window = turns(
        ("user", "We want to spend a lot."),
        ("user", "I think we should also visit Kyoto."),
        ("user", "Let's book the hotel near the station."),
    )
    asked = {
        "What else did I want to visit?": "You should also visit Kyoto.",
        "What did we decide about the hotel?": "You want to book the hotel near the station.",
    }
    for question, told in asked.items():
        assert answer(read(asking(window, question))) == told


def test_own_words_are_found_for_did_you_say() -> None:
    window = turns(("user", "Any advice?"), ("assistant", "I recommend the ferry to Bergen."))
    found = answer(read(asking(window, "What did you recommend about Bergen?")))
    assert found == 'I said: "I recommend the ferry to Bergen."'


def test_facts_are_taken_note_of() -> None:
    told = answer(read(turns(("user", FACTS[0]))))
    assert told is not None
    assert str(told).startswith("Hello, nice to meet you, Anna. So you live in Oslo.")
    again = answer(read(turns(("user", "My name is Anna."), ("user", "My name is Anna."))))
    assert again == "Yes, Anna."
    assert answer(read(turns(("user", "Anna is a nice name, isn't it?")))) is None


def test_a_reminder_is_noted_and_not_promised() -> None:
    told = str(answer(read(turns(("user", "Please remind me to call Olga on Friday.")))))
    assert told == "I can't call you when it is time, but I have noted it: call Olga on Friday."
    window = turns(("user", "Remind me to call Olga on Friday."), ("assistant", told))
    assert "Olga" in str(answer(read(asking(window, "Who did I want to call on Friday?"))))


@pytest.mark.parametrize("said", ["I feel a bit lonely tonight.", "My friend and I told tales."])
def test_what_passes_is_not_noted_down(said: str) -> None:
    assert answer(read(turns(("user", said)))) is None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I'm allergic to nuts.", "you're allergic to nuts"),
        ("My sister gave me her keys", "your sister gave you her keys"),
        ("Well, I was born in 1990 and I've lived here since.", "you were born in 1990 and you've"),
        ("We booked our hotel ourselves", "you booked your hotel"),
        ("I told you that my car is red", "your car is red"),
    ],
)
def test_told_back_in_the_second_person(said: str, told: str) -> None:
    assert (to_you(said) or "").startswith(told)


def test_who_is_who_is_not_guessed() -> None:
    assert to_you("I want you to call me") is None


@pytest.mark.parametrize(
    ("question", "result"),
    [
        ("What is 12 times 7?", "12 times 7 is 84."),
        ("what's 2+2", "2 plus 2 is 4."),
        ("What is two plus three times four?", "2 plus 3 times 4 is 14."),
        ("what is fifteen percent of two hundred and forty", "15 percent of 240 is 36."),
        ("What is 20% of 80?", "20 percent of 80 is 16."),
        ("square root of 144", "The square root of 144 is 12."),
        ("How much is 1,250 divided by 4?", "1250 divided by 4 is 312.5."),
        ("What's 2 to the power of 10?", "2 to the power of 10 is 1024."),
        ("what is 7 over 0", "Nothing can be divided by zero."),
        ("what is twenty five times for", "25 times 4 is 100."),
        ("(3 + 4) * 2", "(3 plus 4) times 2 is 14."),
        ("5 miles in kilometers", "5 miles is 8.047 kilometers."),
        ("How many cups are in a litre?", "1 litre is 4.227 cups."),
        ("convert 70 kg to pounds", "70 kilograms is 154.3 pounds."),
        (
            "What is 20 degrees Celsius in Fahrenheit?",
            "20 degrees Celsius is 68 degrees Fahrenheit.",
        ),
        ("how many minutes are in 3 hours", "3 hours is 180 minutes."),
    ],
)
def test_sums_and_units(question: str, result: str) -> None:
    assert answer(read(turns(("user", question)))) == result


@pytest.mark.parametrize(
    "words", ["call 555-1234", "in 2026", "11/22/2026", "9 ^ 9 ^ 9 ^ 9", "room 12", "2 +", "* 3"]
)
def test_not_every_figure_is_a_sum(words: str) -> None:
    assert answer(read(turns(("user", words)))) is None


@given(st.integers(0, 999_999_999))
def test_numbers_in_words_are_understood(number: int) -> None:
    assert figures(in_words(number)) == str(number)


ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety"


def in_words(number: int) -> str:
    ones, tens = ONES.split(), TENS.split()
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            link = " and " if size == 100 else " "
            return f"{in_words(number // size)} {name}" + (link + in_words(rest) if rest else "")
    if number < 20:
        return ones[number]
    return tens[number // 10] + (f"-{ones[number % 10]}" if number % 10 else "")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What time is it?", "It's 14:05."),
        ("What's the date today?", "Today is Sunday, November 22, 2026."),
        ("What day is it?", "Today is Sunday, November 22, 2026."),
        ("what day is tomorrow", "That is Monday, November 23, 2026."),
        ("What date is next Friday?", "That is Friday, November 27, 2026."),
        ("How many days until Christmas?", "It's 33 days until Friday, December 25, 2026."),
        ("how long until march 3", "It's 101 days until Wednesday, March 3, 2027."),
        ("What year is it?", "It's 2026."),
        ("What day is it in my calendar of saints?", None),
        ("how many days until february 30", None),
        ("What is the time complexity of quicksort?", None),
    ],
)
def test_clock(question: str, said: str | None) -> None:
    assert tell_time(read(turns(("user", question))), NOW) == said


@pytest.mark.parametrize(
    "question",
    [
        "What will the weather be like tomorrow?",
        "is it going to rain today",
        "How cold is it here?",
        "What's the news?",
    ],
)
def test_what_only_the_world_outside_knows_is_not_made_up(question: str) -> None:
    assert "can't know" in str(answer(read(turns(("user", question)))))


@pytest.mark.parametrize(
    "words",
    ["What do you think about rain?", "It is cold.", "The news is bad.", "Do you like snow?"],
)
def test_talk_of_the_weather_is_no_question_after_it(words: str) -> None:
    assert "can't know" not in str(answer(read(turns(("user", words)))))


def test_repeat_and_recap() -> None:
    assert answer(read(asking(talk(0), "Can you repeat that?"))) == "I said: I see."
    told = str(answer(read(asking(talk(2), "What have we talked about so far?"))))
    assert len(told) < 700
    for fact in ("your name is Anna", "you live in Oslo", "penicillin", "500 euros"):
        assert fact in told
    assert "400" not in told
    assert (
        answer(read(turns(("user", "Recap, please.")))) == "We have not talked about anything yet."
    )
