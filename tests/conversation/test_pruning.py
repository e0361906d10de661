"""Pruning step by step, and what the user may do to it by hand."""

from __future__ import annotations

from tests.conversation.given import IDLE_HANDS, due, pruned
from tests.conversation.world import World
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compacting import memory_text
from tui_voice.conversation.ledger import Compaction
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.reducers.compaction import standing_for
from tui_voice.conversation.states import State


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
            world.catch_up()
            world.play_out()
        assert world.summaries[0].memory == "They spoke."

    def test_a_decision_is_made_once_until_it_is_a_fact(self) -> None:
        world = due()
        world.tell(e.TimePassed(), e.TimePassed(), e.SummarisePressed())
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
        world.catch_up()
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
        world.tell(e.SummarisePressed())
        world.write("T.")
        world.work()
        world.deliver()
        asked = world.outbox[0]
        assert isinstance(asked, x.DeleteItem)
        world.cut()
        world.connect()
        world.catch_up()
        world.tell(e.RestorePressed())
        world.quiet()
        world.tell(e.SummarisePressed())
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
