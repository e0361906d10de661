"""The user corrects a transcript: the turn, the server and the memory get the right words."""

from __future__ import annotations

from tests.conversation.conversation_harness import ConversationHarness
from tests.conversation.sessions_harness import NO_PRUNING, pruned_session
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits


def test_the_server_gets_the_right_words_in_place_of_the_audio() -> None:
    harness = ConversationHarness(NO_PRUNING)
    harness.exchange()
    harness.exchange()
    first = next(iter(harness.ledger.turns))
    harness.post(e.TurnCorrected(item_id=first.id, text="Okafor it is"))
    harness.run_until_quiet()
    harness.check_server_agrees()
    turn = harness.ledger.turns.get(first.id)
    assert turn is not None
    assert (turn.text, turn.misheard, turn.modality) == ("Okafor it is", first.text, "text")
    assert turn.wire_id != first.wire_id
    assert not turn.outdated
    assert harness.ledger.compactions[-1].cause == "corrected by you"
    harness.post(e.TranscriptDone(item_id=first.id, text="Ocarina it is"))
    assert harness.ledger.turns.get(first.id) == turn, "a late transcript changes nothing"
    harness.post(e.TurnCorrected(item_id=first.id, text="Okafor, it is"))
    harness.run_until_quiet()
    harness.check_server_agrees()
    assert len([c for c in harness.ledger.compactions if c.stage == "confirmed"]) == 2
    harness.check_replay()


def test_a_turn_corrected_without_a_connection_is_seeded_with_the_right_words() -> None:
    harness = ConversationHarness(NO_PRUNING)
    harness.exchange()
    first = next(iter(harness.ledger.turns))
    harness.lose_connection()
    harness.post(e.TurnCorrected(item_id=first.id, text="Okafor it is"))
    harness.connect()
    harness.run_until_quiet()
    harness.check_server_agrees()
    assert not harness.ledger.compactions


def test_the_memory_gets_a_note_about_a_turn_that_it_replaces() -> None:
    harness = pruned_session()
    gone = next(turn for turn in harness.ledger.turns if turn.pruned_in)
    memory = harness.ledger.memory
    harness.post(e.TurnCorrected(item_id=gone.id, text="Okafor"))
    harness.run_until_quiet()
    assert harness.ledger.memory.startswith(memory)
    assert harness.ledger.memory.endswith("The user said: “Okafor”.")
    assert harness.server.index(harness.ledger.memory_id) == 0
    harness.check_replay()


def test_a_summary_that_is_being_written_is_written_again_with_the_right_words() -> None:
    harness = ConversationHarness(Limits(policy="none", keep=2))
    for _ in range(3):
        harness.exchange()
    harness.post(e.SummarisePressed())
    first = harness.summary_requests[0].turns[0]
    harness.post(e.TurnCorrected(item_id=first.item_id, text="Okafor"))
    harness.answer_summary()
    assert [c.stage for c in harness.ledger.compactions] == ["failed", "ready"]
    assert "Okafor" in harness.ledger.memory
