"""Replies without audio, reconnects, and refusals of the server."""

from __future__ import annotations

import pytest

from tests.conversation.conversation_harness import ConversationHarness, no_fault
from tests.conversation.sessions_harness import NO_PRUNING, pruned_session, summary_due
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.lab.fake_server import FakeServer


class TestSilentReplies:
    """Audio was asked for, and a text reply came."""

    def silent(self, before: int = 3) -> ConversationHarness:
        harness = ConversationHarness(Limits(4_000, 24, policy="thrift"))
        for _ in range(before):
            harness.exchange()
        harness.at += 1
        harness.silent_replies = 1
        return harness

    def test_it_is_asked_for_again_after_earlier_replies_became_system_items(self) -> None:
        harness = self.silent()
        created: list[x.CreateItem] = []
        perform = harness.fault

        def watched(effect: x.Effect) -> str:
            if isinstance(effect, x.CreateItem):
                created.append(effect)
            return perform(effect)

        harness.fault = watched
        harness.exchange()
        moved = [c for c in created if c.item_id.startswith("voice_")]
        assert len(moved) == 3
        assert {c.role for c in moved} == {"system"}
        assert all(c.text.startswith("[the assistant said: ") for c in moved)
        harness.check_server_agrees()
        ledger = harness.ledger
        assert ledger.assistant_as_system
        assert ledger.silent_replies == 0
        last = [turn for turn in ledger.turns if turn.role == "assistant"][-2:]
        assert last[0].note == "came without audio, asked for again"
        assert not last[0].in_window
        assert last[1].in_window
        assert last[1].spoken
        assert harness.conversation.state is State.IDLE
        created.clear()
        harness.exchange()
        assert {c.role for c in created if c.text.startswith("[the assistant")} == {"system"}
        harness.lose_connection()
        harness.connect()
        assert all(item.role != "assistant" for item in harness.outbox)
        harness.run_until_quiet()
        harness.check_server_agrees()
        harness.check_replay()

    def test_it_is_found_behind_a_function_call(self) -> None:
        harness = ConversationHarness(Limits(4_000, 24, policy="thrift"))
        harness.type()
        harness.flush()
        harness.inbox.clear()
        harness.server.add("f", 9, 0)
        harness.server.add("o", 9, 0)
        harness.server.add("words", 20, 0)
        harness.post(
            e.ItemPlaced(item_id="t1"),
            e.ResponseStarted(response_id="r"),
            e.TurnAdded(item_id="words", role="assistant"),
            e.TranscriptDone(item_id="words", text="only words"),
            e.ToolCalled(item_id="f", call_id="c", tool="look", arguments="{}"),
            e.ToolAnswered(item_id="o", call_id="c", output="found"),
            e.ItemPlaced(item_id="o"),
        )
        assert harness.ledger.turns.silent_reply() == ("words",)

    def test_a_first_reply_without_audio_is_asked_for_again(self) -> None:
        harness = ConversationHarness(Limits(4_000, 24, policy="thrift"))
        harness.silent_replies = 1
        harness.post(e.ResponseStarted(response_id="x"))
        harness.respond()
        harness.run_until_quiet()
        assert [t.spoken for t in harness.ledger.turns] == [False, True]
        assert harness.conversation.state is State.IDLE

    def test_it_is_asked_for_again_only_once(self) -> None:
        harness = self.silent()
        harness.silent_replies = 2
        harness.exchange()
        assert harness.ledger.silent_replies == 2
        assert harness.conversation.state is State.IDLE
        assert sum(1 for c in harness.ledger.compactions if c.kind == "voice") == 1
        harness.check_server_agrees()

    def test_the_next_silent_reply_is_asked_for_again(self) -> None:
        harness = self.silent()
        harness.exchange()
        harness.silent_replies = 1
        harness.exchange()
        assert sum(1 for c in harness.ledger.compactions if c.kind == "voice") == 2
        harness.check_server_agrees()

    def test_a_user_who_speaks_meanwhile_comes_first(self) -> None:
        harness = self.silent()
        harness.speak()
        while not (harness.ledger.compaction and harness.ledger.compaction.kind == "voice"):
            assert harness.deliver() or harness.server_step()
        harness.speak()
        harness.run_until_quiet()
        replies = [e_ for e_ in harness.events if isinstance(e_, e.ResponseStarted)]
        assert len(replies) == 5
        assert harness.conversation.state is State.IDLE
        harness.check_server_agrees()

    def test_another_reply_replaces_the_repair(self) -> None:
        harness = self.silent()
        harness.speak()
        while not (harness.ledger.compaction and harness.ledger.compaction.kind == "voice"):
            assert harness.deliver() or harness.server_step()
        harness.respond()
        harness.run_until_quiet()
        assert len([1 for e_ in harness.events if isinstance(e_, e.ResponseStarted)]) == 5
        harness.check_server_agrees()

    def test_during_a_compaction_a_silent_reply_is_kept(self) -> None:
        harness = summary_due()
        harness.silent_replies = 1
        harness.summary_requests.clear()
        harness.speak()
        harness.run_until_quiet()
        assert harness.conversation.state is State.IDLE
        assert harness.ledger.silent_replies == 1
        assert not [c for c in harness.ledger.compactions if c.kind == "voice"]

    @pytest.mark.parametrize("status", ["cancelled", "failed", "incomplete"])
    def test_an_incomplete_reply_is_not_a_silent_one(self, status: str) -> None:
        harness = ConversationHarness(NO_PRUNING)
        harness.post(e.TextSubmitted(item_id="t", text="hello"))
        harness.post(e.ResponseStarted(response_id="r"))
        harness.post(e.ResponseDone(response_id="r", status=status, audio=False))
        assert not harness.ledger.assistant_as_system
        asked_again = status == "cancelled"  # though the user did not stop it
        assert (harness.conversation.state is State.IDLE) is not asked_again


class TestReconnect:
    def test_unacknowledged_seed_items_are_sent_again(self) -> None:
        harness = ConversationHarness(Limits(policy="none"))
        for _ in range(3):
            harness.exchange()
        harness.lose_connection()
        harness.fault = lambda effect: "lose" if effect == lost else "ok"
        harness.connect()
        lost = harness.outbox[2]
        harness.deliver_all()
        assert harness.seeding
        harness.at += 60
        harness.post(e.TimePassed())
        harness.fault = lambda _effect: "ok"
        harness.run_until_quiet()
        assert not harness.seeding
        harness.check_server_agrees()

    def test_seed_items_without_an_acknowledgement_are_given_up_after_the_second_time(self) -> None:
        harness = ConversationHarness(NO_PRUNING)
        for _ in range(2):
            harness.exchange()
        harness.lose_connection()
        harness.fault = lambda effect: "lose" if isinstance(effect, x.CreateItem) else "ok"
        harness.connect()
        seeded = [effect.item_id for effect in harness.outbox if isinstance(effect, x.CreateItem)]
        assert len(seeded) == 4
        asked = 0
        while harness.seeding:
            asked += sum(isinstance(effect, x.CreateItem) for effect in harness.outbox)
            harness.deliver_all()
            due = harness.conversation.wakes_at
            assert due is not None
            harness.at = due
            harness.post(e.TimePassed())
        assert asked == 2 * len(seeded)
        assert "did not confirm 4 items" in harness.ledger.notices[-1].text
        assert [turn.note for turn in harness.ledger.turns] == ["not sent"] * 4
        harness.fault = no_fault
        harness.exchange()
        harness.check_replay()

    def test_a_broken_summary_is_not_repeated_if_all_its_turns_are_pinned(self) -> None:
        harness = summary_due()
        harness.summary_requests.clear()
        for turn in harness.known_turns:
            harness.post(e.TurnPinned(item_id=turn))
        harness.lose_connection()
        harness.connect()
        harness.deliver_all()
        assert not harness.summary_requests
        assert harness.ledger.compactions[-1].stage == "broken"


class TestFakeServer:
    """What the other tests do not reach of the fake server."""

    def test_it_refuses_or_ignores_what_it_does_not_know(self) -> None:
        server = FakeServer()
        unknown = x.CreateItem(item_id="a", role="user", text="x", previous_item_id="nobody")
        assert list(server.perform(unknown)) == [
            e.ItemRefused(item_id="a", code="item_create_invalid_previous_item_id")
        ]
        assert list(server.perform(x.TruncateItem(item_id="a", audio_ms=5))) == []
        assert list(server.perform(x.CommitInput())) == []
        request = x.RequestSummary(compaction_id="m", turns=(), memory="")
        assert list(server.perform(request)) == []

    def test_a_truncated_item_keeps_its_first_part(self) -> None:
        server = FakeServer(overhead=3)
        server.add("a", 40, 200)
        list(server.perform(x.TruncateItem(item_id="a", audio_ms=1_000)))
        assert (server.items[0].text, server.items[0].audio) == (3, 20)


class TestRefusals:
    def test_an_old_memory_that_cannot_be_deleted_blocks_nothing(self) -> None:
        harness = pruned_session()
        old = harness.ledger.memory_id
        harness.fault = lambda effect: "refuse" if effect == x.DeleteItem(item_id=old) else "ok"
        harness.post(e.MemoryEdited(text="Her name is Ann."))
        harness.run_until_quiet()
        assert harness.ledger.pending_deletes == ()
        assert harness.ledger.memory_id != old
        harness.check_server_agrees()

    def test_text_is_deleted_again_if_its_audio_cannot_be(self) -> None:
        harness = ConversationHarness(Limits(4_000, 24, policy="thrift"))
        harness.fault = lambda effect: "refuse" if effect == x.DeleteItem(item_id="u1") else "ok"
        harness.exchange()
        turn = harness.ledger.turns.get("u1")
        assert turn is not None
        assert (turn.wire_id, turn.modality, turn.unchangeable) == ("u1", "audio", True)
        harness.check_server_agrees()

    def test_an_item_that_vanishes_during_a_restore_stays_out(self) -> None:
        harness = pruned_session()
        gone = [turn.id for turn in harness.ledger.turns if turn.pruned_in]
        harness.post(e.RestorePressed())
        harness.server_step()
        harness.deliver()
        first = harness.ledger.turns.get(gone[0])
        assert first is not None
        assert first.wire_id is not None
        harness.post(e.ItemDeleted(item_id=first.wire_id))
        assert not harness.ledger.turns.get(gone[0]).in_window  # type: ignore[union-attr]  # it is there

    def test_a_refused_typed_turn_is_noted_as_not_sent(self) -> None:
        harness = ConversationHarness(
            NO_PRUNING, lambda effect: "refuse" if isinstance(effect, x.CreateItem) else "ok"
        )
        user = harness.type()
        harness.run_until_quiet()
        turn = harness.ledger.turns.get(user)
        assert turn is not None
        assert (turn.note, turn.in_window) == ("not sent", False)

    def test_a_compaction_fails_if_every_change_is_refused(self) -> None:
        harness = ConversationHarness(
            Limits(4_000, 24, policy="thrift"),
            lambda effect: "refuse" if isinstance(effect, x.CreateItem) else "ok",
        )
        for _ in range(3):
            harness.exchange()
        failed = harness.ledger.compactions
        assert {c.stage for c in failed} == {"failed"}
        assert {c.error for c in failed} == {"the server refused every change"}
        turns = [turn_id for c in failed for turn_id in c.turns]
        assert len(turns) == len(set(turns)), "it is not asked for again and again"
        harness.check_server_agrees()
