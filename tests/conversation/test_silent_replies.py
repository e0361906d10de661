"""Replies without sound are asked for again; lines that break, and servers that refuse."""

from __future__ import annotations

import pytest

from tests.conversation.given import IDLE_HANDS, due, pruned
from tests.conversation.world import World
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.lab.fake_server import FakeServer


class TestSilentReplies:
    """Sound was asked for, and words came."""

    def silent(self, before: int = 3) -> World:
        world = World(Limits(4_000, 24, policy="thrift"))
        for _ in range(before):
            world.exchange()
        world.at += 1
        world.silent_replies = 1
        return world

    def test_it_is_asked_for_again_with_the_words_in_system_items(self) -> None:
        world = self.silent()
        created: list[x.CreateItem] = []
        perform = world.fault

        def watched(effect: x.Effect) -> str:
            if isinstance(effect, x.CreateItem):
                created.append(effect)
            return perform(effect)

        world.fault = watched
        world.exchange()
        moved = [c for c in created if c.item_id.startswith("voice_")]
        assert len(moved) == 3
        assert {c.role for c in moved} == {"system"}
        assert all(c.text.startswith("[the assistant said: ") for c in moved)
        world.agrees()
        ledger = world.ledger
        assert ledger.voice_by_system
        assert ledger.silent == 0
        last = [turn for turn in ledger.turns if turn.role == "assistant"][-2:]
        assert last[0].note == "came without sound, asked for again"
        assert not last[0].in_window
        assert last[1].in_window
        assert last[1].spoken
        assert world.conversation.state is State.IDLE
        created.clear()
        world.exchange()
        assert {c.role for c in created if c.text.startswith("[the assistant")} == {"system"}
        world.cut()
        world.connect()
        assert all(item.role != "assistant" for item in world.outbox)
        world.quiet()
        world.agrees()
        world.folds_alike()

    def test_with_a_function_between_question_and_words(self) -> None:
        world = World(Limits(4_000, 24, policy="thrift"))
        world.type()
        world.flush()
        world.inbox.clear()
        world.server.add("f", 9, 0)
        world.server.add("o", 9, 0)
        world.server.add("words", 20, 0)
        world.tell(
            e.ItemPlaced(item_id="t1"),
            e.ResponseStarted(response_id="r"),
            e.TurnAdded(item_id="words", role="assistant"),
            e.TranscriptDone(item_id="words", text="only words"),
            e.ToolCalled(item_id="f", call_id="c", tool="look", arguments="{}"),
            e.ToolAnswered(item_id="o", call_id="c", output="found"),
            e.ItemPlaced(item_id="o"),
        )
        assert world.conversation.silent_turns() == ("words",)

    def test_a_greeting_without_sound_is_asked_for_again_too(self) -> None:
        world = World(Limits(4_000, 24, policy="thrift"))
        world.silent_replies = 1
        world.tell(e.ResponseStarted(response_id="x"))
        world.respond()
        world.quiet()
        assert [t.spoken for t in world.ledger.turns] == [False, True]
        assert world.conversation.state is State.IDLE

    def test_not_a_third_time(self) -> None:
        world = self.silent()
        world.silent_replies = 2
        world.exchange()
        assert world.ledger.silent == 2
        assert world.conversation.state is State.IDLE
        assert sum(1 for c in world.ledger.compactions if c.kind == "voice") == 1
        world.agrees()

    def test_again_for_the_next_one(self) -> None:
        world = self.silent()
        world.exchange()
        world.silent_replies = 1
        world.exchange()
        assert sum(1 for c in world.ledger.compactions if c.kind == "voice") == 2
        world.agrees()

    def test_whoever_speaks_meanwhile_is_first(self) -> None:
        world = self.silent()
        world.speak()
        while not (world.ledger.compaction and world.ledger.compaction.kind == "voice"):
            assert world.deliver() or world.work()
        world.speak()
        world.quiet()
        replies = [e_ for e_ in world.events if isinstance(e_, e.ResponseStarted)]
        assert len(replies) == 5
        assert world.conversation.state is State.IDLE
        world.agrees()

    def test_a_reply_that_another_asked_for_will_do(self) -> None:
        world = self.silent()
        world.speak()
        while not (world.ledger.compaction and world.ledger.compaction.kind == "voice"):
            assert world.deliver() or world.work()
        world.respond()
        world.quiet()
        assert len([1 for e_ in world.events if isinstance(e_, e.ResponseStarted)]) == 5
        world.agrees()

    def test_during_a_pruning_the_words_must_do(self) -> None:
        world = due()
        world.silent_replies = 1
        request = world.summaries.popleft()
        drop = tuple(turn.item_id for turn in request.turns)
        world.tell(
            e.SummaryRequested(
                compaction_id=request.compaction_id, drop=drop, window=request.window
            )
        )
        world.speak()
        world.quiet()
        assert world.conversation.state is State.IDLE
        assert world.ledger.silent == 1
        assert not [c for c in world.ledger.compactions if c.kind == "voice"]

    @pytest.mark.parametrize("status", ["cancelled", "failed", "incomplete"])
    def test_one_that_was_not_finished_is_no_trap(self, status: str) -> None:
        world = World(IDLE_HANDS)
        world.tell(e.TextSubmitted(item_id="t", text="hello"))
        world.tell(e.ResponseStarted(response_id="r"))
        world.tell(e.ResponseDone(response_id="r", status=status, audio=False))
        assert not world.ledger.voice_by_system
        assert world.conversation.state is State.IDLE


class TestLines:
    def test_what_a_new_server_did_not_acknowledge_is_told_again(self) -> None:
        world = World(Limits(policy="none"))
        for _ in range(3):
            world.exchange()
        world.cut()
        world.fault = lambda effect: "lose" if effect == lost else "ok"
        world.connect()
        lost = world.outbox[2]
        world.catch_up()
        assert world.conversation.seeding
        world.at += 60
        world.tell(e.TimePassed())
        world.fault = lambda _effect: "ok"
        world.quiet()
        assert not world.conversation.seeding
        world.agrees()

    def test_a_summary_that_broke_off_is_not_asked_for_again_when_all_is_pinned(self) -> None:
        world = due()
        request = world.summaries.popleft()
        drop = tuple(turn.item_id for turn in request.turns)
        world.tell(e.SummaryRequested(compaction_id=request.compaction_id, drop=drop, window=1))
        for turn in world.known:
            world.tell(e.TurnPinned(item_id=turn))
        world.cut()
        world.connect()
        world.catch_up()
        assert not world.summaries
        assert world.ledger.compactions[-1].stage == "broken"


class TestStandIn:
    """The server of the simulation, where the talks above do not lead."""

    def test_what_it_does_not_know(self) -> None:
        server = FakeServer()
        unknown = x.CreateItem(item_id="a", role="user", text="x", previous_item_id="nobody")
        assert list(server.perform(unknown)) == [
            e.ItemRefused(item_id="a", code="item_create_invalid_previous_item_id")
        ]
        assert list(server.perform(x.TruncateItem(item_id="a", audio_ms=5))) == []
        assert list(server.perform(x.CommitInput())) == []
        request = x.RequestSummary(
            compaction_id="m", turns=(), memory="", focus="", window=0, cause=""
        )
        assert [type(fact) for fact in server.perform(request)] == [e.SummaryRequested]

    def test_a_cut_item_keeps_what_was_heard(self) -> None:
        server = FakeServer(overhead=3)
        server.add("a", 40, 200)
        list(server.perform(x.TruncateItem(item_id="a", audio_ms=1_000)))
        assert (server.items[0].text, server.items[0].audio) == (3, 20)


class TestRefusals:
    def test_an_old_memory_that_cannot_be_deleted_holds_nothing_up(self) -> None:
        world = pruned()
        old = world.ledger.memory_id
        world.fault = lambda effect: "refuse" if effect == x.DeleteItem(item_id=old) else "ok"
        world.tell(e.MemoryEdited(text="Her name is Ann."))
        world.quiet()
        assert world.ledger.stale == ()
        assert world.ledger.memory_id != old
        world.agrees()

    def test_words_that_cannot_replace_the_sound_are_taken_away(self) -> None:
        world = World(Limits(4_000, 24, policy="thrift"))
        world.fault = lambda effect: "refuse" if effect == x.DeleteItem(item_id="u1") else "ok"
        world.exchange()
        turn = world.ledger.turns.get("u1")
        assert turn is not None
        assert (turn.wire_id, turn.modality, turn.stuck) == ("u1", "audio", True)
        world.agrees()

    def test_what_vanished_while_it_was_put_back_stays_out(self) -> None:
        world = pruned()
        gone = [turn.id for turn in world.ledger.turns if turn.pruned_in]
        world.tell(e.RestorePressed())
        world.work()
        world.deliver()
        first = world.ledger.turns.get(gone[0])
        assert first is not None
        assert first.wire_id is not None
        world.tell(e.ItemDeleted(item_id=first.wire_id))
        assert not world.ledger.turns.get(gone[0]).in_window  # type: ignore[union-attr]  # it is there

    def test_a_typed_turn_that_is_refused_says_so(self) -> None:
        world = World(
            IDLE_HANDS, lambda effect: "refuse" if isinstance(effect, x.CreateItem) else "ok"
        )
        user = world.type()
        world.quiet()
        turn = world.ledger.turns.get(user)
        assert turn is not None
        assert (turn.note, turn.in_window) == ("not sent", False)

    def test_when_every_change_is_refused_the_pruning_has_failed(self) -> None:
        world = World(
            Limits(4_000, 24, policy="thrift"),
            lambda effect: "refuse" if isinstance(effect, x.CreateItem) else "ok",
        )
        for _ in range(3):
            world.exchange()
        failed = world.ledger.compactions
        assert {c.stage for c in failed} == {"failed"}
        assert {c.error for c in failed} == {"the server refused every change"}
        turns = [turn_id for c in failed for turn_id in c.turns]
        assert len(turns) == len(set(turns)), "it is not asked for again and again"
        world.agrees()
