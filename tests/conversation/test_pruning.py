"""Pruning step by step, and what the user may do to it by hand."""

from __future__ import annotations

import pytest

from tests.conversation.world import World
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compacting import UNHEARD, as_item, memory_text
from tui_voice.conversation.ledger import Compaction
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.pruning import standing_for
from tui_voice.conversation.standin import StandIn
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn

NOTEBOOK = Limits(900, 2, policy="notebook")
IDLE_HANDS = Limits(policy="none")


def due() -> World:
    """A talk whose first summary is wanted, and not yet written."""
    world = World(NOTEBOOK)
    while not world.summaries:
        world.at += 1
        world.speak()
        while world.work() or world.deliver():
            pass
        world.play_out()
    return world


def pruned() -> World:
    world = due()
    world.quiet()
    assert world.ledger.memory
    return world


class TestOneStepAtATime:
    def test_the_summary_stands_at_the_root_before_anything_is_deleted(self) -> None:
        world = due()
        request = world.summaries[0]
        world.write("They spoke of names.")
        assert list(world.outbox) == [
            x.CreateItem(
                item_id=request.compaction_id,
                role="system",
                text=memory_text("They spoke of names."),
                previous_item_id="root",
            )
        ]
        world.work()
        assert not world.outbox
        world.deliver()
        for turn in request.turns:
            assert list(world.outbox) == [x.DeleteItem(item_id=turn.item_id)]
            world.work()
            world.deliver()
        assert not world.outbox
        assert world.ledger.compactions[-1].stage == "confirmed"
        world.agrees()

    def test_nothing_is_changed_while_a_reply_reads_the_window(self) -> None:
        world = due()
        world.tell(e.ResponseStarted(response_id="r"))
        world.write()
        assert not world.outbox
        world.tell(e.ResponseDone(response_id="r"))
        assert len(world.outbox) == 1

    def test_the_second_summary_replaces_the_first(self) -> None:
        world = pruned()
        first = world.ledger.memory_id
        while world.ledger.memory_id == first:
            world.exchange()
        assert world.item(first) is None
        assert [i.turn for i in world.server.items].count(False) == 1
        world.agrees()

    def test_the_writer_is_told_what_is_known_already(self) -> None:
        world = pruned()
        while not world.summaries:
            world.speak()
            while world.work() or world.deliver():
                pass
            world.play_out()
        assert world.summaries[0].memory == "They spoke."

    def test_a_decision_is_made_once_until_it_is_a_fact(self) -> None:
        world = due()
        world.tell(e.TimePassed(), e.TimePassed(), e.SummaryAsked())
        assert len(world.summaries) == 1
        assert world.ledger.notices[-1].text == "Nothing was summarised: a pruning is under way."

    def test_one_that_comes_too_late_is_not_begun(self) -> None:
        world = pruned()
        old = world.ledger.compactions[-1]
        again = e.SummaryRequested(compaction_id=old.id, drop=old.turns, window=1)
        world.tell(again, e.SummaryReady(compaction_id=old.id, text="again"))
        assert world.ledger.compactions[-1] == old
        world.quiet()
        world.agrees()

    def test_a_reply_of_which_nothing_was_heard_is_taken_away(self) -> None:
        world = World(IDLE_HANDS)
        world.heard_share = 0.0
        world.speak()
        while not world.playing:
            world.deliver()
        world.tell(e.StopPressed())
        world.quiet()
        reply = list(world.ledger.turns)[-1]
        assert (reply.in_window, reply.pruned_in, reply.heard_text) == (False, "", "")
        world.agrees()

    def test_what_sounds_is_not_touched_nor_what_was_heard_of_it_guessed(self) -> None:
        world = World(Limits(4_000, 24, policy="thrift"))
        world.exchange()
        world.speak()
        while world.work() or world.deliver():
            pass
        reply = list(world.ledger.turns)[-1].id
        assert world.conversation.state is State.SPEAKING
        done = world.ledger.compactions
        world.tell(e.TimePassed())
        assert world.ledger.compactions == done
        world.tell(e.StopPressed())
        world.tell(e.TimePassed())
        assert world.conversation.state is State.IDLE
        assert world.ledger.compactions == done, "how much was heard is not told yet"
        world.quiet()
        assert world.ledger.compactions[-1].turns[-1] == reply
        item = world.item(f"{world.ledger.compactions[-1].id}_1")
        turn = world.ledger.turns.get(reply)
        assert turn is not None
        assert 0 < len(turn.heard_text) < len(turn.text)
        assert item is not None
        assert item.tokens == turn.as_text_tokens
        world.agrees()

    def test_late_sound_in_a_quiet_talk_is_not_touched_either(self) -> None:
        world = World(Limits(4_000, 24, policy="thrift"))
        world.exchange()
        world.tell(e.ResponseStarted(response_id="r"))
        world.respond()
        while world.deliver():
            pass
        world.conversation.machine.set_state(State.IDLE)
        done = world.ledger.compactions
        world.tell(e.TimePassed())
        assert world.ledger.compactions == done
        world.play_out()
        world.quiet()
        assert len(world.ledger.compactions) == len(done) + 1

    def test_a_step_that_a_broken_line_swallowed_is_asked_for_on_the_next(self) -> None:
        world = World(Limits(policy="none", keep=2))
        for _ in range(3):
            world.type()
            world.quiet()
        world.tell(e.SummaryAsked())
        world.write("T.")
        world.work()
        world.deliver()
        asked = world.outbox[0]
        assert isinstance(asked, x.DeleteItem)
        world.cut()
        world.connect()
        while world.work() or world.deliver():
            pass
        world.tell(e.RestoreAsked())
        world.quiet()
        world.tell(e.SummaryAsked())
        world.quiet()
        world.agrees()
        assert world.ledger.compaction is None

    def test_facts_of_others_change_nothing(self) -> None:
        world = due()
        before = world.ledger
        world.tell(
            e.SummaryReady(compaction_id="memory_0099", text="x"),
            e.SummaryFailed(compaction_id="memory_0099", reason="x"),
            e.ItemPlaced(item_id="nobody"),
            e.ItemRefused(item_id="nobody"),
            e.ItemDeleted(item_id="nobody"),
            e.DeleteRefused(item_id="nobody"),
            e.DeleteRefused(item_id="nobody", unknown=True),
        )
        assert world.ledger.turns == before.turns
        assert world.ledger.compactions == before.compactions

    def test_names_of_items(self) -> None:
        running = Compaction("text_0001", "textify", 0, ("u1", "a1"), 0)
        assert running.item_id("a1") == "text_0001_1"
        assert standing_for(running, "text_0001_1") == "a1"
        for stranger in ("text_0001_2", "text_0001_x", "text_0002_0", "u1"):
            assert standing_for(running, stranger) is None
        assert standing_for(None, "text_0001_1") is None


class TestByHand:
    def test_summarise_now(self) -> None:
        world = World(Limits(policy="none", keep=2))
        for _ in range(3):
            world.exchange()
        world.tell(e.SummaryAsked(focus="the recipe"))
        assert world.summaries[0].focus == "the recipe"
        assert world.summaries[0].cause == "by hand"
        assert world.conversation.state is State.IDLE
        world.quiet()
        world.agrees()
        assert len(world.ledger.held()) == 2

    def test_nothing_to_summarise_is_told(self) -> None:
        world = World(IDLE_HANDS)
        world.tell(e.SummaryAsked())
        assert world.ledger.notices[-1].text == (
            "Nothing was summarised: nothing is older than the kept turns."
        )

    def test_all_of_the_last_pruning_comes_back_in_its_place(self) -> None:
        world = pruned()
        gone = [turn.id for turn in world.ledger.turns if turn.pruned_in]
        world.tell(e.RestoreAsked())
        world.quiet()
        world.agrees()
        assert [t.id for t in world.ledger.turns] == [t.id for t in world.ledger.held()]
        for turn_id in gone:
            turn = world.ledger.turns.get(turn_id)
            assert turn is not None
            assert (turn.modality, turn.pruned_in) == ("text", "")
        assert world.ledger.compactions[-1].kind == "restore"
        world.folds_alike()

    def test_one_turn_comes_back_between_its_neighbours(self) -> None:
        world = pruned()
        gone = [turn.id for turn in world.ledger.turns if turn.pruned_in]
        world.tell(e.RestoreAsked(turn_ids=(gone[1],)))
        world.quiet()
        world.agrees()
        world.tell(e.RestoreAsked(turn_ids=(gone[2], gone[0])))
        world.quiet()
        world.agrees()
        held = [turn.id for turn in world.ledger.held()]
        assert held[:3] == gone[:3]

    def test_a_turn_that_is_refused_stays_out(self) -> None:
        world = pruned()
        refused = []

        def refuse_the_first(effect: x.Effect) -> str:
            if isinstance(effect, x.CreateItem) and not refused:
                refused.append(effect.item_id)
                return "refuse"
            return "ok"

        world.fault = refuse_the_first
        world.tell(e.RestoreAsked())
        world.quiet()
        world.agrees()
        assert len(world.ledger.compactions[-1].skipped) == 1

    def test_the_last_summary_comes_back_though_sound_became_words_since(self) -> None:
        world = World(Limits(700, 4, policy="thrift"))
        while not world.ledger.memory:
            world.exchange()
        world.exchange()
        assert world.ledger.compactions[-1].kind == "textify"
        world.tell(e.RestoreAsked())
        world.quiet()
        assert not [turn for turn in world.ledger.turns if turn.pruned_in]
        world.agrees()

    def test_a_turn_that_was_withdrawn_is_not_what_comes_back(self) -> None:
        world = World(Limits(4_000, 24, policy="thrift"))
        world.silent_replies = 1
        world.exchange()
        assert [turn for turn in world.ledger.turns if turn.pruned_in]
        before = len(world.ledger.compactions)
        world.tell(e.RestoreAsked())
        assert len(world.ledger.compactions) == before

    def test_restoring_waits_its_turn_and_needs_a_line(self) -> None:
        world = due()
        world.tell(e.RestoreAsked())
        assert world.ledger.notices[-1].text == "Wait: a pruning is under way."
        world.quiet()
        before = world.ledger.compactions
        world.cut()
        world.tell(e.RestoreAsked())
        assert world.ledger.compactions == before
        nothing = World(IDLE_HANDS)
        nothing.tell(e.RestoreAsked())
        assert nothing.ledger.compactions == ()

    def test_a_pin_in_time_keeps_the_turn(self) -> None:
        world = due()
        first = world.summaries[0].turns[0].item_id
        world.write()
        world.tell(e.TurnPinned(item_id=first))
        world.quiet()
        assert world.item(first) is not None
        world.agrees()

    def test_pinning_all_of_them_ends_the_pruning(self) -> None:
        world = due()
        turns = [turn.item_id for turn in world.summaries[0].turns]
        world.write()
        early = World(NOTEBOOK)
        early.conversation.ledger = world.ledger
        for turn in turns:  # the summary is not placed yet: that comes first
            early.tell(e.TurnPinned(item_id=turn))
        assert early.ledger.compactions[-1].stage == "ready"
        world.work()
        world.deliver()
        world.outbox.clear()
        for turn in turns:
            world.tell(e.TurnPinned(item_id=turn))
        assert world.ledger.compactions[-1].stage == "confirmed"

    def test_an_edited_memory_goes_to_the_model(self) -> None:
        world = pruned()
        old = world.ledger.memory_id
        world.tell(e.MemoryEdited(text="Her name is Ann."))
        sent = world.outbox[0]
        assert isinstance(sent, x.CreateItem)
        assert "Her name is Ann." in sent.text
        world.quiet()
        assert world.item(old) is None
        assert world.ledger.memory == "Her name is Ann."
        world.agrees()

    def test_an_emptied_memory_is_taken_away(self) -> None:
        world = pruned()
        world.tell(e.MemoryEdited(text=""))
        world.quiet()
        assert world.ledger.memory_id == ""
        world.agrees()
        assert all(item.turn for item in world.server.items)

    def test_the_last_of_two_quick_edits_wins(self) -> None:
        world = pruned()
        world.tell(e.MemoryEdited(text="Her name is Ann."), e.MemoryEdited(text="It is Bo."))
        world.quiet()
        assert world.ledger.memory == "It is Bo."
        assert [i.turn for i in world.server.items].count(False) == 1
        world.agrees()

    def test_a_refused_memory_is_told(self) -> None:
        world = pruned()
        world.fault = lambda _effect: "refuse"
        world.tell(e.MemoryEdited(text="Her name is Ann."))
        world.quiet()
        assert "did not take the memory" in world.ledger.notices[-1].text
        world.tell(e.ItemRefused(item_id="memory_9999e", code="odd"))
        assert world.ledger.notices[-1].text.endswith("odd")

    def test_an_edit_outlives_a_summary_that_is_being_written(self) -> None:
        world = due()
        request = world.summaries.popleft()
        world.tell(
            e.SummaryRequested(
                compaction_id=request.compaction_id,
                drop=tuple(turn.item_id for turn in request.turns),
                window=1,
            ),
            e.MemoryEdited(text="Her name is Ann."),
            e.SummaryReady(compaction_id=request.compaction_id, text="They spoke."),
        )
        world.quiet()
        assert world.ledger.memory == "Her name is Ann."
        assert world.ledger.compactions[-1].error == (
            "the memory was edited while the summary was written"
        )
        world.agrees()

    def test_an_edit_while_the_summary_is_being_placed_wins(self) -> None:
        world = due()
        world.write("They spoke.")
        world.tell(e.MemoryEdited(text="Her name is Ann."))
        world.quiet()
        assert world.ledger.memory == "Her name is Ann."
        world.agrees()


class TestItems:
    def test_tools_become_notes(self) -> None:
        call = Turn("f", "tool", 0, '{"q": 1}', tool="look", call_id="c")
        item = as_item(call, "f", None)
        assert (item.role, item.text) == ("system", '[called look with: {"q": 1}]')
        answer = Turn("o", "tool", 0, "found", call_id="c")
        assert as_item(answer, "o", None).text == "[the tool answered: found]"

    def test_what_was_not_understood_is_named_as_such(self) -> None:
        world = World(Limits(500, 0, policy="notebook", usable=700))
        world.at += 1
        user = world.speak(transcribed=False)
        world.quiet()
        world.tell(e.TranscriptFailed(item_id=user))
        while not world.summaries:
            world.at += 1
            world.speak()
            while world.work() or world.deliver():
                pass
            world.play_out()
        assert [t.text for t in world.summaries[0].turns if t.item_id == user] == [UNHEARD]


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
        while world.work() or world.deliver():
            pass
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
        while world.work() or world.deliver():
            pass
        assert not world.summaries
        assert world.ledger.compactions[-1].stage == "broken"


class TestStandIn:
    """The server of the simulation, where the talks above do not lead."""

    def test_what_it_does_not_know(self) -> None:
        server = StandIn()
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
        server = StandIn(overhead=3)
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
        world.tell(e.RestoreAsked())
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
