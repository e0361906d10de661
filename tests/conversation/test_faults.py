"""A fault at every single step of a pruning, each ending in a consistent state."""

import pytest

from tests.conversation.given import NOTEBOOK, due
from tests.conversation.world import FAULTS, World, fine
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits

THRIFT = Limits(500, 4, policy="thrift")
STEPS = (x.CreateItem, x.DeleteItem)


class At:
    """Lets the n-th step of changing the window go wrong."""

    def __init__(self, step: int, kind: str) -> None:
        self.step, self.kind, self.seen = step, kind, 0

    def __call__(self, effect: x.Effect) -> str:
        if not isinstance(effect, STEPS):
            return "ok"
        self.seen += 1
        return self.kind if self.seen == self.step else "ok"


def talk(world: World) -> None:
    for _ in range(8):
        world.exchange()


def steps(limits: Limits) -> int:
    counter = At(0, "ok")
    talk(World(limits, counter))
    return counter.seen


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("limits", [NOTEBOOK, THRIFT], ids=lambda limits: limits.policy)
def test_a_fault_at_every_step_leaves_both_sides_agreed(limits: Limits, kind: str) -> None:
    for step in range(1, steps(limits) + 1):
        world = World(limits, At(step, kind))
        talk(world)
        for _ in range(3):  # what was never acknowledged is asked for again in time
            world.at += 60
            world.tell(e.TimePassed())
            world.quiet()
        assert world.ledger.compaction is None, (step, world.ledger.compactions[-1])
        world.agrees()
        world.folds_alike()
        assert world.ledger.cost == pytest.approx(world.cost)
        talk(world)
        assert world.ledger.window.total < 2 * limits.trigger
        pruned = [turn for turn in world.ledger.turns if turn.pruned_in]
        assert pruned
        assert world.ledger.memory


@pytest.mark.parametrize("limits", [NOTEBOOK, THRIFT], ids=lambda limits: limits.policy)
def test_the_user_speaking_between_any_two_steps_harms_nothing(limits: Limits) -> None:
    for step in range(1, steps(limits) + 1):
        world = World(limits)
        spoken = False

        def speaks(effect: x.Effect, world: World = world, at: At = At(step, "now")) -> str:  # noqa: B008  (one for each world)
            nonlocal spoken
            if at(effect) == "now" and not spoken:
                spoken = True
                world.speak()
            return "ok"

        world.fault = speaks
        talk(world)
        assert spoken
        world.agrees()
        world.folds_alike()


@pytest.mark.parametrize("text", ["", "   ", "long " * 2_000, None])
def test_a_useless_summary_changes_nothing_but_a_line_in_the_log(text: str | None) -> None:
    world = due()
    before = world.ledger.turns
    world.write(text)
    assert world.ledger.turns == before
    assert world.ledger.memory == ""
    assert world.ledger.compactions[-1].stage == "failed"
    assert world.ledger.compactions[-1].error
    assert not world.summaries, "it is not asked for again at once"
    world.at += 60
    world.tell(e.TimePassed())
    assert world.summaries, "but after a while"
    world.at += 1
    world.write(None)
    world.at += 20
    world.tell(e.TimePassed())
    assert not world.summaries, "each failure makes it wait longer"


def test_a_summary_that_never_comes_does_not_block_the_next() -> None:
    world = due()
    lost = world.summaries.popleft()
    world.tell(
        e.SummaryRequested(
            compaction_id=lost.compaction_id,
            drop=tuple(turn.item_id for turn in lost.turns),
            window=lost.window,
        )
    )
    world.at += 10_000
    world.tell(e.TimePassed())
    assert world.ledger.compactions[-1].error == "no summary came"
    world.at += 60
    world.tell(e.TimePassed())
    world.quiet()
    assert world.ledger.compactions[-1].stage == "confirmed"
    world.agrees()


@pytest.mark.parametrize("when", ["asked", "requested", "ready"])
def test_a_cut_while_a_summary_is_made_loses_nothing(when: str) -> None:
    world = due()
    request = world.summaries.popleft()
    dropped = {turn.item_id for turn in request.turns}
    requested = e.SummaryRequested(
        compaction_id=request.compaction_id, drop=tuple(dropped), window=request.window
    )
    ready = e.SummaryReady(compaction_id=request.compaction_id, text="They spoke.")
    if when != "asked":
        world.tell(requested)
    if when == "ready":
        world.tell(ready)
    world.cut()
    if when == "asked":  # told late, while there is no line
        world.tell(requested, ready)
    world.connect()
    world.quiet()
    world.at += 60
    world.tell(e.TimePassed())
    world.quiet()
    world.agrees()
    world.folds_alike()
    for turn_id in dropped:
        turn = world.ledger.turns.get(turn_id)
        assert turn is not None
        assert turn.in_window or turn.pruned_in
    assert world.ledger.memory


@pytest.mark.parametrize("fate", ["lose", "unacknowledged"])
@pytest.mark.parametrize("kind", [x.DeleteItem, x.CreateItem])
def test_a_change_that_is_never_acknowledged_is_asked_for_twice_then_given_up(
    fate: str, kind: type[x.Effect]
) -> None:
    """The pruning ends, the log says so, and the next one does its work."""
    asked: list[x.Effect] = []

    def fault(effect: x.Effect) -> str:
        if isinstance(effect, kind):
            asked.append(effect)
            return fate
        return "ok"

    world = World(Limits(trigger=4_000, keep=2, policy="notebook"))
    for _ in range(4):
        world.exchange()
    world.fault = fault
    world.tell(e.SummarisePressed())
    world.quiet()
    assert world.ledger.compaction is not None
    first = asked[0]
    for _ in range(8):
        due = world.conversation.looks_at
        if due is None:
            break
        assert due > world.at
        world.at = due
        world.tell(e.TimePassed())
        world.quiet()
    assert world.ledger.compaction is None
    assert not world.ledger.stale
    assert asked.count(first) == 2
    assert any("did not confirm" in notice.text for notice in world.ledger.notices)
    assert len(world.ledger.unpruned()) == 8
    world.fault = fine
    world.at += 600
    for _ in range(4):
        world.exchange()
    world.tell(e.SummarisePressed())
    world.quiet()
    assert world.ledger.compactions[-1].stage == "confirmed"
