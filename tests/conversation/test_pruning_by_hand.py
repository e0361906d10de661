"""What the user does to the window by hand: put back, pin, edit the memory."""

from __future__ import annotations

from tests.conversation.given import IDLE_HANDS, NOTEBOOK, due, pruned
from tests.conversation.world import World
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compacting import UNHEARD, as_item
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn


class TestByHand:
    def test_summarise_now(self) -> None:
        world = World(Limits(policy="none", keep=2))
        for _ in range(3):
            world.exchange()
        world.tell(e.SummarisePressed(focus="the recipe"))
        assert world.summaries[0].focus == "the recipe"
        assert world.summaries[0].cause == "by hand"
        assert world.conversation.state is State.IDLE
        world.quiet()
        world.agrees()
        assert len(world.ledger.held()) == 2

    def test_the_reply_that_is_being_heard_stays_out_of_it(self) -> None:
        world = World(Limits(policy="none", keep=0))
        world.speak()
        world.catch_up()
        reply = list(world.ledger.turns)[-1].id
        assert world.conversation.state is State.SPEAKING
        world.tell(e.SummarisePressed())
        assert reply not in [turn.item_id for turn in world.summaries[0].turns]
        world.quiet()
        world.agrees()
        again = World(Limits(policy="none", keep=0))
        again.tell(e.ResponseStarted(response_id="r"))
        again.respond()
        while again.deliver():
            pass
        again.tell(e.SummarisePressed())
        assert not again.summaries
        assert again.ledger.notices[-1].text.endswith("the reply is still being heard.")

    def test_nothing_to_summarise_is_told(self) -> None:
        world = World(IDLE_HANDS)
        world.tell(e.SummarisePressed())
        assert world.ledger.notices[-1].text == (
            "Nothing was summarised: nothing is older than the kept turns."
        )

    def test_all_of_the_last_pruning_comes_back_in_its_place(self) -> None:
        world = pruned()
        gone = [turn.id for turn in world.ledger.turns if turn.pruned_in]
        world.tell(e.RestorePressed())
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
        world.tell(e.RestorePressed(turn_ids=(gone[1],)))
        world.quiet()
        world.agrees()
        world.tell(e.RestorePressed(turn_ids=(gone[2], gone[0])))
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
        world.tell(e.RestorePressed())
        world.quiet()
        world.agrees()
        assert len(world.ledger.compactions[-1].skipped) == 1

    def test_the_last_summary_comes_back_though_sound_became_words_since(self) -> None:
        world = World(Limits(700, 4, policy="thrift"))
        while not world.ledger.memory:
            world.exchange()
        world.exchange()
        assert world.ledger.compactions[-1].kind == "textify"
        world.tell(e.RestorePressed())
        world.quiet()
        assert not [turn for turn in world.ledger.turns if turn.pruned_in]
        world.agrees()

    def test_a_turn_that_was_withdrawn_is_not_what_comes_back(self) -> None:
        world = World(Limits(4_000, 24, policy="thrift"))
        world.silent_replies = 1
        world.exchange()
        assert [turn for turn in world.ledger.turns if turn.pruned_in]
        before = len(world.ledger.compactions)
        world.tell(e.RestorePressed())
        assert len(world.ledger.compactions) == before

    def test_restoring_waits_its_turn_and_needs_a_line(self) -> None:
        world = due()
        world.tell(e.RestorePressed())
        assert world.ledger.notices[-1].text == "Wait: a pruning is under way."
        world.quiet()
        before = world.ledger.compactions
        world.cut()
        world.tell(e.RestorePressed())
        assert world.ledger.compactions == before
        nothing = World(IDLE_HANDS)
        nothing.tell(e.RestorePressed())
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
            world.catch_up()
            world.play_out()
        assert [t.text for t in world.summaries[0].turns if t.item_id == user] == [UNHEARD]
