"""The steps of a compaction, one at a time."""

from __future__ import annotations

from tests.conversation.conversation_harness import ConversationHarness
from tests.conversation.sessions_harness import NO_PRUNING, pruned_session, summary_due
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.items import memory_text
from tui_voice.conversation.ledger import Compaction
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State


class TestOneStepAtATime:
    def test_the_summary_is_placed_before_any_turn_is_deleted(self) -> None:
        harness = summary_due()
        request = harness.summary_requests[0]
        harness.answer_summary("They spoke of names.")
        assert list(harness.outbox) == [
            x.CreateItem(
                item_id=request.compaction_id,
                role="system",
                text=memory_text("They spoke of names."),
                previous_item_id="root",
            )
        ]
        harness.server_step()
        assert not harness.outbox
        harness.deliver()
        for turn in request.turns:
            assert list(harness.outbox) == [x.DeleteItem(item_id=turn.item_id)]
            harness.server_step()
            harness.deliver()
        assert not harness.outbox
        assert harness.ledger.compactions[-1].stage == "confirmed"
        harness.check_server_agrees()

    def test_nothing_changes_while_a_response_reads_the_window(self) -> None:
        harness = summary_due()
        harness.post(e.ResponseStarted(response_id="r"))
        harness.answer_summary()
        assert not harness.outbox
        harness.post(e.ResponseDone(response_id="r"))
        assert len(harness.outbox) == 1

    def test_the_second_summary_replaces_the_first(self) -> None:
        harness = pruned_session()
        first = harness.ledger.memory_id
        while harness.ledger.memory_id == first:
            harness.exchange()
        assert harness.item(first) is None
        assert [i.turn for i in harness.server.items].count(False) == 1
        harness.check_server_agrees()

    def test_a_summary_request_carries_the_memory(self) -> None:
        harness = pruned_session()
        while not harness.summary_requests:
            harness.speak()
            harness.deliver_all()
            harness.finish_playback()
        assert harness.summary_requests[0].memory == "They spoke."

    def test_a_second_summary_is_not_begun_while_one_is_under_way(self) -> None:
        harness = summary_due()
        harness.post(e.TimePassed(), e.TimePassed(), e.SummarisePressed())
        assert len(harness.summary_requests) == 1
        assert (
            harness.ledger.notices[-1].text == "Nothing was summarised: a compaction is under way."
        )

    def test_a_request_with_a_used_number_is_ignored(self) -> None:
        harness = pruned_session()
        old = harness.ledger.compactions[-1]
        again = e.SummaryRequested(compaction_id=old.id, drop=old.turns, window=1)
        harness.post(again, e.SummaryReady(compaction_id=old.id, text="again"))
        assert harness.ledger.compactions[-1] == old
        harness.run_until_quiet()
        harness.check_server_agrees()

    def test_an_item_of_which_nothing_was_heard_is_deleted(self) -> None:
        harness = ConversationHarness(NO_PRUNING)
        harness.heard_share = 0.0
        harness.speak()
        while not harness.playing:
            harness.deliver()
        harness.post(e.StopPressed())
        harness.run_until_quiet()
        reply = list(harness.ledger.turns)[-1]
        assert (reply.in_window, reply.pruned_in, reply.heard_text) == (False, "", "")
        harness.check_server_agrees()

    def test_a_reply_is_textified_only_once_its_played_part_is_known(self) -> None:
        harness = ConversationHarness(Limits(4_000, 24, policy="thrift"))
        harness.exchange()
        harness.speak()
        harness.deliver_all()
        reply = list(harness.ledger.turns)[-1].id
        assert harness.conversation.state is State.SPEAKING
        done = harness.ledger.compactions
        harness.post(e.TimePassed())
        assert harness.ledger.compactions == done
        harness.post(e.StopPressed())
        harness.post(e.TimePassed())
        assert harness.conversation.state is State.IDLE
        assert harness.ledger.compactions == done, "the played part is not known yet"
        harness.run_until_quiet()
        assert harness.ledger.compactions[-1].turns[-1] == reply
        item = harness.item(f"{harness.ledger.compactions[-1].id}_1")
        turn = harness.ledger.turns.get(reply)
        assert turn is not None
        assert 0 < len(turn.heard_text) < len(turn.text)
        assert item is not None
        assert item.tokens == turn.as_text_tokens
        harness.check_server_agrees()

    def test_a_reply_still_playing_in_an_idle_session_is_not_textified(self) -> None:
        harness = ConversationHarness(Limits(4_000, 24, policy="thrift"))
        harness.exchange()
        harness.post(e.ResponseStarted(response_id="r"))
        harness.respond()
        while harness.deliver():
            pass
        harness.conversation.machine.set_state(State.IDLE)
        done = harness.ledger.compactions
        harness.post(e.TimePassed())
        assert harness.ledger.compactions == done
        harness.finish_playback()
        harness.run_until_quiet()
        assert len(harness.ledger.compactions) == len(done) + 1

    def test_a_compaction_cut_off_by_a_lost_connection_can_be_restored(self) -> None:
        harness = ConversationHarness(Limits(policy="none", keep=2))
        for _ in range(3):
            harness.type()
            harness.run_until_quiet()
        harness.post(e.SummarisePressed())
        harness.answer_summary("T.")
        harness.server_step()
        harness.deliver()
        asked = harness.outbox[0]
        assert isinstance(asked, x.DeleteItem)
        harness.lose_connection()
        harness.connect()
        harness.deliver_all()
        harness.post(e.RestorePressed())
        harness.run_until_quiet()
        harness.post(e.SummarisePressed())
        harness.run_until_quiet()
        harness.check_server_agrees()
        assert harness.ledger.compaction is None

    def test_events_about_unknown_ids_change_nothing(self) -> None:
        harness = summary_due()
        before = harness.ledger
        harness.post(
            e.SummaryReady(compaction_id="memory_0099", text="x"),
            e.SummaryFailed(compaction_id="memory_0099", reason="x"),
            e.ItemPlaced(item_id="nobody"),
            e.ItemRefused(item_id="nobody"),
            e.ItemDeleted(item_id="nobody"),
            e.DeleteRefused(item_id="nobody"),
            e.DeleteRefused(item_id="nobody", unknown=True),
        )
        assert harness.ledger.turns == before.turns
        assert harness.ledger.compactions == before.compactions

    def test_item_ids_of_a_compaction(self) -> None:
        running = Compaction("text_0001", "textify", 0, ("u1", "a1"), 0)
        assert running.item_id("a1") == "text_0001_1"
        assert running.turn_of("text_0001_1") == "a1"
        for stranger in ("text_0001_2", "text_0001_x", "text_0002_0", "u1"):
            assert running.turn_of(stranger) is None
