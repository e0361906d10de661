"""A fault at every step of a compaction. Each must end in a consistent state."""

import pytest

from tests.conversation.conversation_harness import FAULTS, ConversationHarness, no_fault
from tests.conversation.sessions_harness import NOTEBOOK, summary_due
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compaction_steps import SUMMARY_TIMEOUT_S
from tui_voice.conversation.ledger import MOST_REFUSED
from tui_voice.conversation.limits import Limits

THRIFT = Limits(500, 4, policy="thrift")
STEPS = (x.CreateItem, x.DeleteItem)


class FaultAt:
    """Lets the n-th step of changing the window go wrong."""

    def __init__(self, step: int, kind: str) -> None:
        self.step, self.kind, self.seen = step, kind, 0

    def __call__(self, effect: x.Effect) -> str:
        if not isinstance(effect, STEPS):
            return "ok"
        self.seen += 1
        return self.kind if self.seen == self.step else "ok"


class SpeechAt(FaultAt):
    """Lets the user speak just before the n-th step of changing the window."""

    def __init__(self, step: int, harness: ConversationHarness) -> None:
        super().__init__(step, "now")
        self.harness = harness
        self.spoken = False

    def __call__(self, effect: x.Effect) -> str:
        if super().__call__(effect) == "now" and not self.spoken:
            self.spoken = True
            self.harness.speak()
        return "ok"


def eight_exchanges(harness: ConversationHarness) -> None:
    for _ in range(8):
        harness.exchange()


def steps(limits: Limits) -> int:
    counter = FaultAt(0, "ok")
    eight_exchanges(ConversationHarness(limits, counter))
    return counter.seen


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("limits", [NOTEBOOK, THRIFT], ids=lambda limits: limits.policy)
def test_after_a_fault_at_any_step_ledger_and_server_agree(limits: Limits, kind: str) -> None:
    for step in range(1, steps(limits) + 1):
        harness = ConversationHarness(limits, FaultAt(step, kind))
        eight_exchanges(harness)
        for _ in range(3):  # what was never acknowledged is asked for again in time
            harness.at += 60
            harness.post(e.TimePassed())
            harness.run_until_quiet()
        assert harness.ledger.compaction is None, (step, harness.ledger.compactions[-1])
        harness.check_server_agrees()
        harness.check_replay()
        assert harness.ledger.cost == pytest.approx(harness.cost)
        eight_exchanges(harness)
        assert harness.ledger.window.total < 2 * limits.trigger
        pruned = [turn for turn in harness.ledger.turns if turn.pruned_in]
        assert pruned
        assert harness.ledger.memory


@pytest.mark.parametrize("limits", [NOTEBOOK, THRIFT], ids=lambda limits: limits.policy)
def test_the_user_may_speak_between_any_two_steps(limits: Limits) -> None:
    for step in range(1, steps(limits) + 1):
        harness = ConversationHarness(limits)
        speech = SpeechAt(step, harness)
        harness.fault = speech
        eight_exchanges(harness)
        assert speech.spoken
        harness.check_server_agrees()
        harness.check_replay()


@pytest.mark.parametrize("text", ["", "   ", "long " * 2_000, None])
def test_a_useless_summary_changes_only_the_pruning_log(text: str | None) -> None:
    harness = summary_due()
    before = harness.ledger.turns
    harness.answer_summary(text)
    assert harness.ledger.turns == before
    assert harness.ledger.memory == ""
    assert harness.ledger.compactions[-1].stage == "failed"
    assert harness.ledger.compactions[-1].error
    assert not harness.summary_requests, "it is not asked for again at once"
    harness.at += 60
    harness.post(e.TimePassed())
    assert harness.summary_requests, "but after a while"
    harness.at += 1
    harness.answer_summary(None)
    harness.at += 20
    harness.post(e.TimePassed())
    assert not harness.summary_requests, "each failure makes it wait longer"


def test_a_summary_that_never_comes_does_not_block_the_next_one() -> None:
    harness = summary_due()
    harness.summary_requests.clear()
    assert harness.ledger.compaction is not None
    due = harness.ledger.compaction.at + SUMMARY_TIMEOUT_S
    assert harness.conversation.wakes_at == due
    harness.at = due
    harness.post(e.TimePassed())
    assert harness.ledger.compactions[-1].error == "no summary came"
    harness.at += 60
    harness.post(e.TimePassed())
    harness.run_until_quiet()
    assert harness.ledger.compactions[-1].stage == "confirmed"
    harness.check_server_agrees()


@pytest.mark.parametrize("when", ["before", "after", "offline"])
def test_a_connection_lost_during_a_summary_loses_no_turn(when: str) -> None:
    harness = summary_due()
    request = harness.summary_requests.popleft()
    dropped = {turn.item_id for turn in request.turns}
    ready = e.SummaryReady(compaction_id=request.compaction_id, text="They spoke.")
    if when == "after":
        harness.post(ready)
    harness.lose_connection()
    if when == "offline":
        harness.post(ready)
    harness.connect()
    harness.run_until_quiet()
    harness.at += 60
    harness.post(e.TimePassed())
    harness.run_until_quiet()
    harness.check_server_agrees()
    harness.check_replay()
    for turn_id in dropped:
        turn = harness.ledger.turns.get(turn_id)
        assert turn is not None
        assert turn.in_window or turn.pruned_in
    assert harness.ledger.memory


def test_a_textify_whose_text_is_never_acknowledged_ends() -> None:
    """The turn stays audio, and the item that may exist all the same is deleted."""
    harness = ConversationHarness(THRIFT)
    harness.fault = lambda effect: "unacknowledged" if isinstance(effect, x.CreateItem) else "ok"
    harness.exchange()
    assert harness.ledger.compaction is not None
    for _ in range(2):
        due = harness.conversation.wakes_at
        assert due is not None
        harness.at = due
        harness.post(e.TimePassed())
        harness.run_until_quiet()
    done = harness.ledger.compactions[0]
    assert (done.kind, done.stage) == ("textify", "failed")
    assert done.skipped == done.turns
    assert "did not confirm 1 change of" in harness.ledger.notices[-1].text
    assert [turn.modality for turn in harness.ledger.turns] == ["audio", "audio"]
    harness.check_server_agrees()
    harness.check_replay()


def test_a_delete_that_is_never_acknowledged_is_given_up() -> None:
    """The old memory item stays on the server, and the next compactions work."""
    harness = summary_due()
    harness.run_until_quiet()
    old = x.DeleteItem(item_id=harness.ledger.memory_id)
    harness.fault = lambda effect: "lose" if effect == old else "ok"
    harness.post(e.MemoryEdited(text="Her name is Ann."))
    harness.deliver_all()
    assert [item.id for item in harness.ledger.pending_deletes] == [old.item_id]
    for _ in range(2):
        due = harness.conversation.wakes_at
        assert due is not None
        harness.at = due
        harness.post(e.TimePassed())
        harness.deliver_all()
    assert harness.ledger.pending_deletes == ()
    assert "did not confirm 1 change of" in harness.ledger.notices[-1].text
    harness.check_replay()


@pytest.mark.parametrize("kind_of_fault", ["lose", "unacknowledged"])
@pytest.mark.parametrize("kind", [x.DeleteItem, x.CreateItem])
def test_an_unacknowledged_change_is_asked_for_twice_and_then_given_up(
    kind_of_fault: str, kind: type[x.Effect]
) -> None:
    """The compaction ends, a notice says so, and the next one works."""
    asked: list[x.Effect] = []

    def fault(effect: x.Effect) -> str:
        if isinstance(effect, kind):
            asked.append(effect)
            return kind_of_fault
        return "ok"

    harness = ConversationHarness(Limits(trigger=4_000, keep=2, policy="notebook"))
    for _ in range(4):
        harness.exchange()
    harness.fault = fault
    harness.post(e.SummarisePressed())
    harness.run_until_quiet()
    assert harness.ledger.compaction is not None
    first = asked[0]
    for _ in range(8):
        due = harness.conversation.wakes_at
        if due is None:
            break
        assert due > harness.at
        harness.at = due
        harness.post(e.TimePassed())
        harness.run_until_quiet()
    assert harness.ledger.compaction is None
    assert not harness.ledger.pending_deletes
    # A deletion that may have happened counts as done, and is asked for twice more.
    deletes = kind is x.DeleteItem
    assert asked.count(first) == (4 if deletes else 2)
    assert any("did not confirm" in notice.text for notice in harness.ledger.notices)
    assert len(harness.ledger.unpruned()) == (7 if deletes else 8)
    harness.fault = no_fault
    harness.at += 600
    for _ in range(4):
        harness.exchange()
    harness.post(e.SummarisePressed())
    harness.run_until_quiet()
    assert harness.ledger.compactions[-1].stage == "confirmed"


@pytest.mark.parametrize("kind_of_fault", ["lose", "unacknowledged"])
@pytest.mark.parametrize("lost", range(1, 7))
def test_a_delete_lost_twice_leaves_every_turn_held_or_restorable(
    kind_of_fault: str, lost: int
) -> None:
    """Whichever of the deletions of one summary it is: each turn is on the server, or marked as
    pruned, so that it can be restored; and the server is asked again until it has deleted it.
    """
    seen: list[str] = []

    def fault(effect: x.Effect) -> str:
        if not isinstance(effect, x.DeleteItem):
            return "ok"
        seen.append(effect.item_id)
        number = len(dict.fromkeys(seen))
        twice = seen.count(effect.item_id) <= 2
        return kind_of_fault if number == lost and twice else "ok"

    harness = ConversationHarness(Limits(trigger=4_000, keep=2, policy="notebook"), fault)
    for _ in range(4):
        harness.exchange()
    harness.post(e.SummarisePressed())
    harness.run_until_quiet()
    for _ in range(6):
        harness.at += 30
        harness.post(e.TimePassed())
        harness.run_until_quiet()
    assert harness.ledger.compaction is None
    assert not harness.ledger.pending_deletes
    harness.check_server_agrees()
    pruned = [turn.id for turn in harness.ledger.turns if turn.pruned_in]
    held = [turn.id for turn in harness.ledger.held()]
    assert len(pruned) == lost
    assert sorted(pruned + held) == sorted(turn.id for turn in harness.ledger.turns)
    harness.post(e.RestorePressed(turn_ids=tuple(pruned)))
    harness.run_until_quiet()
    assert all(turn.in_window and not turn.pruned_in for turn in harness.ledger.turns)
    harness.check_server_agrees()
    harness.check_replay()


def test_a_server_that_refuses_all_deletes_gets_few_duplicates_and_a_notice() -> None:
    """Audio becomes text no more after two attempts, and a new connection begins anew."""
    harness = ConversationHarness(THRIFT)
    harness.fault = lambda effect: "refuse" if isinstance(effect, x.DeleteItem) else "ok"
    for _ in range(12):
        harness.exchange()
        harness.at += 60
    text_items = [item for item in harness.server.items if item.id.startswith("text_")]
    assert len(text_items) <= MOST_REFUSED
    assert [c.stage for c in harness.ledger.compactions] == ["failed"] * MOST_REFUSED
    assert len([n for n in harness.ledger.notices if "refuses to change" in n.text]) == 1
    assert all(turn.modality == "audio" and turn.in_window for turn in harness.ledger.turns)
    harness.fault = no_fault
    harness.lose_connection()
    harness.connect()
    harness.run_until_quiet()
    harness.exchange()
    harness.check_server_agrees()
    assert harness.ledger.compactions[-1].stage == "confirmed"
