"""A summary is compared with the turns before anything is deleted, without a model."""

from __future__ import annotations

import json

import pytest

from tests.runtime.test_summariser import ScriptedWriter, no_session
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.realtime.wire.contract import MAX_TITLE_LENGTH
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.summary_probe import SummaryProbe, with_word_for_word
from tui_voice.runtime.summary_styles import SummaryForm

SAID = (
    ("user", "My sister Marit is allergic to walnuts."),
    ("assistant", "I would suggest the restaurant Fjordkroen, then." + " It has a fine view." * 10),
    ("user", "No customer data may leave the European Union."),
    ("user", "The rehearsal is on the 12th of May at half past six in the evening."),
    ("user", "Lovely weather today."),
    ("user", "Please ask Torvald whether the boat has room for eleven people and two dogs."),
)
GOOD = (
    "Prohibitions and limits:\n- Marit (sister): allergic to walnuts\n- No customer data may leave "
    "the European Union\nPeople and facts:\n- Rehearsal: 12 May, half past six, evening\nTo-dos:\n"
    "- Ask Torvald whether the boat has room for 11 people and 2 dogs"
)


def request(*said: tuple[str, str], memory: str = "") -> x.RequestSummary:
    turns = tuple(
        x.SourceTurn(item_id=f"i{n}", role=role, text=text)  # type: ignore[arg-type]  # a role
        for n, (role, text) in enumerate(said)
    )
    return x.RequestSummary(compaction_id="memory_0001", turns=turns, memory=memory)


def lost(summary: str, *said: tuple[str, str], memory: str = "") -> tuple[str, ...]:
    return SummaryProbe.of(request(*(said or SAID), memory=memory)).look_in(summary).missing


def test_a_good_summary_keeps_every_detail() -> None:
    found = SummaryProbe.of(request(*SAID)).look_in(GOOD)
    assert (found.details, found.kept, found.missing) == (4, 4, ())


@pytest.mark.parametrize(
    ("wrong", "right", "sentence"),
    [
        ("customer data may leave", "No customer data may leave", SAID[2][1]),
        ("15 May", "12 May", SAID[3][1]),
        ("Maria", "Marit", SAID[0][1]),
        ("Say hello to Torvald", "Ask Torvald whether the boat has room", SAID[5][1]),
    ],
)
def test_a_lost_negation_number_name_or_to_do_is_missing(
    wrong: str, right: str, sentence: str
) -> None:
    assert lost(GOOD.replace(right, wrong)) == (sentence,)


def test_a_detail_of_the_earlier_memory_is_looked_for_unless_it_was_corrected() -> None:
    memory = "People and facts:\n- The train leaves at 7:45.\n- The cabin is called Solbu 14."
    said = (("user", "No, the train leaves at 8:15, not at 7:45."),)
    found = lost("- The train leaves at 8:15.", *said, memory=memory)
    assert "The cabin is called Solbu 14." in found
    assert "The train leaves at 7:45." not in found


def test_in_another_language_names_and_numbers_are_compared() -> None:
    french = (
        "La sœur, Marit, est allergique aux noix. Aucune donnée ne doit quitter l'Union "
        "européenne, European Union. La répétition a lieu le 12 May à six heures et demie. Il faut "
        "demander à Torvald s'il y a de la place pour 11 personnes et 2 chiens."
    )
    assert lost(french) == ()
    assert lost(french.replace("12", "13")) == (SAID[3][1],)


def test_an_unknown_language_misses_a_short_word_of_a_quotation() -> None:
    said = (("user", "Ez a sajt nem olcsó Budapesten."),)
    assert lost("- Ez a sajt olcsó Budapesten.", *said) != ()
    assert lost("- Ez a sajt nem olcsó Budapesten.", *said) == ()


def test_what_only_the_assistant_said_is_marked() -> None:
    probe = SummaryProbe.of(request(*SAID))
    text = "People and facts:\n- Dinner at Fjordkroen\n- Sister Marit"
    assert probe.marked(text) == (
        "People and facts:\n- Dinner at Fjordkroen (assistant)\n- Sister Marit"
    )


def test_missing_sentences_are_added_while_there_is_room() -> None:
    text, left = with_word_for_word("- a", ("A long sentence that is too long.", "Short."), 12)
    assert text == "- a\nWord for word:\n- Short."
    assert left == ("A long sentence that is too long.",)
    data, _ = with_word_for_word('{"tone": "calm"}', ("Short.",), 12)
    assert json.loads(data) == {"tone": "calm", "word_for_word": ["Short."]}


async def summarised(*answers: object) -> tuple[e.SummaryReady, ScriptedWriter]:
    writer = ScriptedWriter("one", *answers)
    summariser = Summariser([writer], SummaryForm(), retry_after_s=0.0, probe=True)
    ready = await summariser.summarise(request(*SAID), no_session)
    assert isinstance(ready, e.SummaryReady)
    return ready, writer


async def test_the_writer_gets_what_is_missing_once_as_a_list() -> None:
    bad = GOOD.replace("No customer", "customer")
    ready, writer = await summarised(bad, GOOD)
    assert (ready.text, ready.details, ready.missing) == (GOOD, 4, ())
    assert "- No customer data may leave the European Union." in writer.tasks[1].prompt
    assert ready.usd == 1.0, "both attempts were paid for"


async def test_what_is_missing_still_is_kept_word_for_word() -> None:
    bad = GOOD.replace("No customer data may leave the European Union", "Data is discussed")
    ready, writer = await summarised(bad, bad)
    assert len(writer.tasks) == 2
    assert ready.text == f"{bad}\nWord for word:\n- {SAID[2][1]}"
    assert ready.missing == ()


async def test_json_becomes_lines_under_headings() -> None:
    answer = {
        "prohibitions_and_limits": ["Marit: allergic to walnuts", SAID[2][1]],
        "people_and_facts": ["Rehearsal 12 May, half past six, evening"],
        "to_dos": [SAID[5][1]],
        "tone": "friendly",
    }
    ready, writer = await summarised(json.dumps(answer))
    assert writer.tasks[0].schema is not None
    assert ready.text.startswith("Prohibitions and limits:\n- Marit: allergic to walnuts\n")
    assert ready.text.endswith("Tone:\n- friendly")
    assert ready.missing == ()


async def test_every_attempt_is_counted_also_without_a_summary() -> None:
    writer = ScriptedWriter("one", "", "")
    failed = await Summariser([writer], retry_after_s=0.0).summarise(request(*SAID), no_session)
    assert isinstance(failed, e.SummaryFailed)
    assert failed.usd == 1.0
    billed: list[e.Event] = []
    summariser = Summariser([ScriptedWriter("one", "", "")], retry_after_s=0.0)
    summariser.on_billed = billed.append
    assert await summariser.entitle(request(*SAID).turns, no_session) is None
    assert billed == [e.WritingBilled(purpose="title", usd=1.0)]


async def test_a_title_that_is_too_long_is_asked_for_again_with_its_limit() -> None:
    writer = ScriptedWriter("one", "word " * 30, "Boats for eleven people")
    found = await Summariser([writer], retry_after_s=0.0).entitle(request(*SAID).turns, no_session)
    assert found is not None
    assert found.title == "Boats for eleven people"
    first, second = writer.tasks
    assert str(MAX_TITLE_LENGTH) not in first.prompt
    assert f"at most {MAX_TITLE_LENGTH} characters" in second.prompt
