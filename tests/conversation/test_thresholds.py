"""From how many tokens on the window is pruned: what is refused in a talk, regrowth, outlook."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conversation.given import talk
from tests.conversation.world import MODEL, World
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.limits import Limits, Policy, default_limits
from tui_voice.conversation.policy import judge, outlook
from tui_voice.conversation.trigger import in_force


class TestTrigger:
    """What is wanted against what stays: instructions, summary, kept turns."""

    def test_one_below_what_stays_is_refused_with_the_reason_once(self) -> None:
        world = World(Limits(500, 6, policy="notebook"))
        for _ in range(12):
            world.exchange()
        (found,) = world.ledger.judged
        assert (found.trigger, found.keep, found.kept) == (500, 6, 6)
        assert found.weighs * 1.25 > 500
        assert found.weighs * 1.25 <= found.instead <= found.weighs * 1.5 + 100
        prunings = [c for c in world.ledger.compactions if c.kind == "summary"]
        assert prunings
        assert all(c.tokens_before >= found.instead for c in prunings)
        assert all(c.tokens_after < c.tokens_before for c in prunings if c.tokens_after)
        world.agrees()
        world.folds_alike()

    def test_the_sentence_says_what_why_and_what_to_do(self) -> None:
        found = e.TriggerChecked(trigger=450, keep=2, kept=2, weighs=612, instead=920)
        assert found.sentence == (
            "trigger 450 is below what the 2 kept turns, summary and instructions weigh (about "
            "612): pruning from 920 on; raise --trigger or lower --keep"
        )
        near = replace(found, trigger=650, keep=0, kept=0, pinned=1)
        assert near.sentence == (
            "trigger 650 is hardly above what the 1 pinned turn, summary and instructions weigh "
            "(about 612): pruning from 920 on; raise --trigger"
        )
        assert replace(found, trigger=920).sentence == (
            "trigger 920 fits again: the 2 kept turns, summary and instructions weigh about 612"
        )
        assert replace(found, usual=True).sentence.startswith(
            "trigger 450 is below what 2 kept turns, summary and instructions usually weigh "
            "(about 612)"
        )

    def test_instructions_above_the_trigger_alone_never_prune_by_it(self) -> None:
        world = World(Limits(150, 0, policy="notebook"))
        for _ in range(4):
            world.exchange()
        assert world.ledger.fixed >= 150
        assert in_force(world.ledger, world.limits) > 1.25 * world.ledger.fixed
        done = [c for c in world.ledger.compactions if c.kind == "summary"]
        assert all(c.tokens_before > 1.25 * world.ledger.fixed for c in done)

    def test_nothing_is_said_before_the_first_reply_told_what_the_instructions_weigh(self) -> None:
        world = World(Limits(150, 0, policy="notebook"))
        world.type("words " * 400)
        world.tell(e.TimePassed())
        assert not world.ledger.judged
        world.quiet()
        assert world.ledger.judged

    def test_it_fits_again_once_a_heavy_turn_is_no_longer_kept(self) -> None:
        world = World(Limits(900, 2, policy="notebook"))
        world.exchange()
        world.at += 1
        world.speak(ms=120_000)
        world.quiet()
        heavy = world.ledger.judged[-1]
        assert heavy.instead > heavy.weighs > 900
        while world.ledger.judged[-1].instead != 900:
            world.exchange()
            assert len(world.ledger.turns) < 40
        assert world.ledger.judged[-1].sentence.startswith("trigger 900 fits again")
        assert in_force(world.ledger, world.limits) == 900
        assert len(world.ledger.judged) <= 3

    def test_other_limits_are_judged_anew(self) -> None:
        world = World(Limits(500, 6, policy="notebook"))
        for _ in range(6):
            world.exchange()
        assert in_force(world.ledger, world.limits) > 500
        for other in (Limits(501, 6, policy="notebook"), Limits(500, 5, policy="notebook")):
            assert in_force(world.ledger, other) == other.trigger
        assert in_force(world.ledger, Limits(99_000)) == Limits().ceiling

    def test_a_broken_line_and_a_new_run_leave_it_in_force(self) -> None:
        world = World(Limits(500, 6, policy="notebook"))
        for _ in range(8):
            world.exchange()
        before = world.ledger.judged
        assert before
        world.cut()
        world.connect()
        world.quiet()
        world.exchange()
        world.tell(e.SessionResumed(backend="b", model=MODEL), e.ConnectionOpened(model=MODEL))
        world.server.items.clear()
        world.quiet()
        world.exchange()
        assert world.ledger.judged == before
        world.folds_alike()

    def test_a_word_of_caution_is_said_once_and_never_after_the_truth(self) -> None:
        caution = e.TriggerChecked(trigger=500, keep=6, weighs=900, instead=500, usual=True)
        world = World(Limits(500, 6, policy="notebook"))
        world.tell(caution, caution)
        assert world.ledger.judged == (caution,)
        assert world.ledger.notices[-1].severity == "warning"
        assert in_force(world.ledger, world.limits) == 500
        for _ in range(8):
            world.exchange()
        told = world.ledger.judged
        assert len(told) == 2
        world.tell(caution)
        assert world.ledger.judged == told

    def test_it_waits_while_pruning_would_lose_money(self) -> None:
        world = World(Limits(800, 10, policy="thrift"))
        reasons, waits = set(), []
        for _ in range(30):
            world.exchange()
            reasons.add(judge(world.ledger, world.limits).reason)
            seen = outlook(world.ledger, world.limits)
            if seen.why == "unpaid":
                waits.append(seen.tokens)
                assert world.ledger.window.total < seen.tokens
        assert "pruning now would cost more than it saves" in reasons
        assert waits, "and the gauge says so"
        assert world.ledger.memory, "but not for ever"

    def test_where_nothing_costs_it_does_not_wait(self) -> None:
        free = default_limits("local", "thrift")
        assert free.free
        world = World(replace(free, trigger=800, keep=10))
        for _ in range(30):
            world.exchange()
            assert "cost" not in judge(world.ledger, world.limits).reason
        assert world.ledger.memory

    def test_a_short_talk_is_expected_to_have_a_short_summary(self) -> None:
        """So that a low trigger does what it says."""
        world = World(Limits(450, 2, policy="notebook"))
        for _ in range(4):
            world.exchange()
        assert world.ledger.compactions[0].tokens_before < 900


class TestRegrowth:
    """No new pruning before the window has regrown by half of what was freed."""

    @pytest.mark.parametrize("policy", ["notebook", "thrift", "balanced"])
    def test_after_a_deep_pruning(self, policy: Policy) -> None:
        world = World(Limits(100_000, 2, policy=policy))
        for _ in range(30):
            world.exchange()
        world.tell(e.SummarisePressed())
        world.quiet()
        done = next(c for c in reversed(world.ledger.compactions) if c.kind == "summary")
        assert done.tokens_after is not None
        half = done.tokens_after + (done.tokens_before - done.tokens_after) / 2
        world.conversation.limits = Limits(600, 2, policy=policy)
        assert half > 600 * 1.25
        seen = outlook(world.ledger, world.limits)
        assert (seen.tokens, seen.why) == (round(half), "regrowing")
        while world.ledger.memory == done.summary:
            before = world.ledger.window.total
            world.exchange()
            again = [c for c in world.ledger.compactions if c.kind == "summary"][-1]
            if again.id != done.id:
                assert again.tokens_before >= half > before
                break
        world.agrees()

    def test_near_the_servers_own_limit_it_does_not_wait(self) -> None:
        ledger = talk(10)
        done = Compaction("memory_0001", "summary", 0.0, (), 20_000, "", "confirmed", 100)
        ledger = replace(ledger, compactions=(done,))
        waits = judge(ledger, Limits(900, 2, policy="notebook"))
        assert waits.reason == (
            "the window has not regrown to 10,050 tokens since the last pruning"
        )
        urgent = judge(ledger, Limits(900, 2, policy="notebook", usable=1_200))
        assert urgent.reason == "the server would soon drop turns by itself"


class TestOutlook:
    def test_the_figure_is_where_the_next_summary_really_comes(self) -> None:
        world = World(Limits(500, 6, policy="notebook"))
        seen = []
        for _ in range(24):
            seen.append(outlook(world.ledger, world.limits))
            before = world.ledger.compactions
            world.exchange()
            if world.ledger.judged and world.ledger.compactions != before:
                assert world.ledger.compactions[-1].tokens_before >= seen[-1].tokens
        raised = world.ledger.judged[-1].instead
        assert any(one == (raised, "refused") for one in seen)

    @pytest.mark.parametrize(
        ("limits", "tokens", "why"),
        [
            (Limits(), 4_000, ""),
            (Limits(90_000), 72_000, "refused"),
            (Limits(policy="none"), 96_000, "server"),
            (Limits(8_000, policy="server"), 8_000, "server"),
            (Limits(policy="textify"), 72_000, "only text"),
        ],
    )
    def test_of_a_talk_that_has_not_begun(self, limits: Limits, tokens: int, why: str) -> None:
        assert outlook(Ledger(), limits) == (tokens, why)

    def test_a_forgetful_cache_brings_it_forward(self) -> None:
        ledger = talk(8)
        misses = tuple(
            replace(r, expected=1_000, usage=replace(r.usage, cached_audio=0, cached_text=0))
            for r in ledger.recent
        )
        seen = outlook(replace(ledger, recent=misses), Limits(8_000, 2, policy="thrift"))
        assert seen.tokens < 8_000
        assert seen.why == "forgetful"
