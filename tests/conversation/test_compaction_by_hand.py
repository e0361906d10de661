"""What the user changes in the window: summarise, restore, pin, edit the memory."""

from __future__ import annotations

from tests.conversation.conversation_harness import ConversationHarness
from tests.conversation.sessions_harness import NO_PRUNING, NOTEBOOK, pruned_session, summary_due
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compaction import NOT_TRANSCRIBED
from tui_voice.conversation.items import turn_item
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn


class TestByHand:
    def test_summarise_now(self) -> None:
        harness = ConversationHarness(Limits(policy="none", keep=2))
        for _ in range(3):
            harness.exchange()
        harness.post(e.SummarisePressed(focus="the recipe"))
        assert harness.summary_requests[0].focus == "the recipe"
        assert harness.ledger.compactions[-1].cause == "by hand"
        assert harness.conversation.state is State.SUMMARISING
        harness.run_until_quiet()
        harness.check_server_agrees()
        assert len(harness.ledger.held()) == 2

    def test_a_reply_being_played_is_not_summarised(self) -> None:
        harness = ConversationHarness(Limits(policy="none", keep=0))
        harness.speak()
        harness.deliver_all()
        reply = list(harness.ledger.turns)[-1].id
        assert harness.conversation.state is State.SPEAKING
        harness.post(e.SummarisePressed())
        assert reply not in [turn.item_id for turn in harness.summary_requests[0].turns]
        harness.run_until_quiet()
        harness.check_server_agrees()
        again = ConversationHarness(Limits(policy="none", keep=0))
        again.post(e.ResponseStarted(response_id="r"))
        again.respond()
        while again.deliver():
            pass
        again.post(e.SummarisePressed())
        assert not again.summary_requests
        assert again.ledger.notices[-1].text.endswith("the reply is still being played.")

    def test_a_notice_says_why_nothing_is_summarised(self) -> None:
        harness = ConversationHarness(NO_PRUNING)
        harness.post(e.SummarisePressed())
        assert harness.ledger.notices[-1].text == (
            "Nothing was summarised: nothing is older than the kept turns."
        )

    def test_all_turns_of_the_last_summary_are_restored_in_their_places(self) -> None:
        harness = pruned_session()
        gone = [turn.id for turn in harness.ledger.turns if turn.pruned_in]
        harness.post(e.RestorePressed())
        harness.run_until_quiet()
        harness.check_server_agrees()
        assert [t.id for t in harness.ledger.turns] == [t.id for t in harness.ledger.held()]
        for turn_id in gone:
            turn = harness.ledger.turns.get(turn_id)
            assert turn is not None
            assert (turn.modality, turn.pruned_in) == ("text", "")
        assert harness.ledger.compactions[-1].kind == "restore"
        harness.check_replay()

    def test_one_turn_is_restored_between_its_neighbours(self) -> None:
        harness = pruned_session()
        gone = [turn.id for turn in harness.ledger.turns if turn.pruned_in]
        harness.post(e.RestorePressed(turn_ids=(gone[1],)))
        harness.run_until_quiet()
        harness.check_server_agrees()
        harness.post(e.RestorePressed(turn_ids=(gone[2], gone[0])))
        harness.run_until_quiet()
        harness.check_server_agrees()
        held = [turn.id for turn in harness.ledger.held()]
        assert held[:3] == gone[:3]

    def test_a_turn_that_the_server_refuses_stays_pruned(self) -> None:
        harness = pruned_session()
        refused = []

        def refuse_the_first(effect: x.Effect) -> str:
            if isinstance(effect, x.CreateItem) and not refused:
                refused.append(effect.item_id)
                return "refuse"
            return "ok"

        harness.fault = refuse_the_first
        harness.post(e.RestorePressed())
        harness.run_until_quiet()
        harness.check_server_agrees()
        assert len(harness.ledger.compactions[-1].skipped) == 1

    def test_the_last_summary_is_restored_although_a_textify_came_after_it(self) -> None:
        harness = ConversationHarness(Limits(700, 4, policy="thrift"))
        while not harness.ledger.memory:
            harness.exchange()
        harness.exchange()
        assert harness.ledger.compactions[-1].kind == "textify"
        harness.post(e.RestorePressed())
        harness.run_until_quiet()
        assert not [turn for turn in harness.ledger.turns if turn.pruned_in]
        harness.check_server_agrees()

    def test_a_withdrawn_reply_is_not_restored(self) -> None:
        harness = ConversationHarness(Limits(4_000, 24, policy="thrift"))
        harness.silent_replies = 1
        harness.exchange()
        assert [turn for turn in harness.ledger.turns if turn.pruned_in]
        before = len(harness.ledger.compactions)
        harness.post(e.RestorePressed())
        assert len(harness.ledger.compactions) == before

    def test_a_restore_needs_a_connection_and_no_other_compaction(self) -> None:
        harness = summary_due()
        harness.post(e.RestorePressed())
        assert harness.ledger.notices[-1].text == (
            "Nothing was restored: a compaction is running. Try again when it is done."
        )
        harness.run_until_quiet()
        before = harness.ledger.compactions
        harness.lose_connection()
        harness.post(e.RestorePressed())
        assert harness.ledger.compactions == before
        nothing = ConversationHarness(NO_PRUNING)
        nothing.post(e.RestorePressed())
        assert nothing.ledger.compactions == ()

    def test_a_pin_in_time_saves_the_turn(self) -> None:
        harness = summary_due()
        first = harness.summary_requests[0].turns[0].item_id
        harness.answer_summary()
        harness.post(e.TurnPinned(item_id=first))
        harness.run_until_quiet()
        assert harness.item(first) is not None
        harness.check_server_agrees()

    def test_a_pin_saves_the_turn_although_the_connection_is_lost(self) -> None:
        harness = summary_due()
        first, second = (turn.item_id for turn in harness.summary_requests[0].turns[:2])
        harness.answer_summary()
        harness.post(e.TurnPinned(item_id=first))
        harness.lose_connection()
        pruned = {turn.id for turn in harness.ledger.turns if turn.pruned_in}
        assert first not in pruned
        assert second in pruned
        harness.connect()
        harness.run_until_quiet()
        harness.check_server_agrees()

    def test_pinning_all_turns_ends_the_compaction(self) -> None:
        harness = summary_due()
        turns = [turn.item_id for turn in harness.summary_requests[0].turns]
        harness.answer_summary()
        early = ConversationHarness(NOTEBOOK)
        early.conversation.ledger = harness.ledger
        for turn in turns:  # the summary is not placed yet: that comes first
            early.post(e.TurnPinned(item_id=turn))
        assert early.ledger.compactions[-1].stage == "ready"
        harness.server_step()
        harness.deliver()
        harness.outbox.clear()
        for turn in turns:
            harness.post(e.TurnPinned(item_id=turn))
        assert harness.ledger.compactions[-1].stage == "confirmed"

    def test_an_edited_memory_replaces_the_item_on_the_server(self) -> None:
        harness = pruned_session()
        old = harness.ledger.memory_id
        harness.post(e.MemoryEdited(text="Her name is Ann."))
        sent = harness.outbox[0]
        assert isinstance(sent, x.CreateItem)
        assert "Her name is Ann." in sent.text
        harness.run_until_quiet()
        assert harness.item(old) is None
        assert harness.ledger.memory == "Her name is Ann."
        harness.check_server_agrees()

    def test_an_emptied_memory_is_deleted_on_the_server(self) -> None:
        harness = pruned_session()
        harness.post(e.MemoryEdited(text=""))
        harness.run_until_quiet()
        assert harness.ledger.memory_id == ""
        harness.check_server_agrees()
        assert all(item.turn for item in harness.server.items)

    def test_the_second_of_two_quick_edits_counts(self) -> None:
        harness = pruned_session()
        harness.post(e.MemoryEdited(text="Her name is Ann."), e.MemoryEdited(text="It is Bo."))
        harness.run_until_quiet()
        assert harness.ledger.memory == "It is Bo."
        assert [i.turn for i in harness.server.items].count(False) == 1
        harness.check_server_agrees()

    def test_a_notice_says_that_the_server_refused_the_memory(self) -> None:
        harness = pruned_session()
        harness.fault = lambda _effect: "refuse"
        harness.post(e.MemoryEdited(text="Her name is Ann."))
        harness.run_until_quiet()
        assert "refused the memory" in harness.ledger.notices[-1].text
        harness.post(e.ItemRefused(item_id="memory_9999e", code="odd"))
        assert harness.ledger.notices[-1].text.endswith("odd")

    def test_an_edit_makes_a_summary_being_written_useless(self) -> None:
        harness = summary_due()
        request = harness.summary_requests.popleft()
        harness.post(
            e.MemoryEdited(text="Her name is Ann."),
            e.SummaryReady(compaction_id=request.compaction_id, text="They spoke."),
        )
        harness.run_until_quiet()
        assert harness.ledger.memory == "Her name is Ann."
        assert harness.ledger.compactions[-1].error == (
            "the memory was edited while the summary was written"
        )
        harness.check_server_agrees()

    def test_an_edit_replaces_a_summary_being_placed(self) -> None:
        harness = summary_due()
        harness.answer_summary("They spoke.")
        harness.post(e.MemoryEdited(text="Her name is Ann."))
        harness.run_until_quiet()
        assert harness.ledger.memory == "Her name is Ann."
        harness.check_server_agrees()


class TestItems:
    def test_calls_and_outputs_become_system_items(self) -> None:
        call = Turn("f", "tool", 0, '{"q": 1}', tool="look", call_id="c")
        item = turn_item(call, "f", None, assistant_as_system=False)
        assert (item.role, item.text) == ("system", '[called look with: {"q": 1}]')
        answer = Turn("o", "tool", 0, "found", call_id="c")
        note = turn_item(answer, "o", None, assistant_as_system=False)
        assert note.text == "[the tool answered: found]"

    def test_a_turn_without_words_is_named_as_such_in_the_source(self) -> None:
        harness = ConversationHarness(Limits(500, 0, policy="notebook", usable=700))
        harness.at += 1
        user = harness.speak(transcribed=False)
        harness.run_until_quiet()
        harness.post(e.TranscriptFailed(item_id=user))
        while not harness.summary_requests:
            harness.at += 1
            harness.speak()
            harness.deliver_all()
            harness.finish_playback()
        assert [t.text for t in harness.summary_requests[0].turns if t.item_id == user] == [
            NOT_TRANSCRIBED
        ]
