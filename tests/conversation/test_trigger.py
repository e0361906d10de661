"""The trigger that counts, regrowth after a pruning, and when the next summary is due."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from tests.conversation.conversation_harness import MODEL, ConversationHarness
from tests.conversation.sessions_harness import spoken_session
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.limits import Limits, default_limits
from tui_voice.conversation.planning import next_summary, plan_compaction
from tui_voice.conversation.trigger import (
    check_trigger,
    effective_trigger,
    tokens_after_pruning,
)


class TestTrigger:
    """The trigger of the user against what stays: instructions, summary, kept turns."""

    def test_a_trigger_below_what_stays_is_replaced_once_with_the_reason(self) -> None:
        harness = ConversationHarness(Limits(500, 6, policy="notebook"))
        for _ in range(12):
            harness.exchange()
        (found,) = harness.ledger.trigger_checks
        assert (found.trigger, found.keep, found.kept) == (500, 6, 6)
        assert found.weighs * 1.25 > 500
        assert found.weighs * 1.25 <= found.instead <= found.weighs * 1.5 + 100
        prunings = [c for c in harness.ledger.compactions if c.kind == "summary"]
        assert prunings
        assert all(c.tokens_before >= found.instead for c in prunings)
        assert all(c.tokens_after < c.tokens_before for c in prunings if c.tokens_after)
        harness.check_server_agrees()
        harness.check_replay()

    def test_the_sentence_says_what_why_and_the_remedy(self) -> None:
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

    def test_instructions_above_the_trigger_do_not_prune_every_turn(self) -> None:
        harness = ConversationHarness(Limits(150, 0, policy="notebook"))
        for _ in range(4):
            harness.exchange()
        assert harness.ledger.fixed_tokens >= 150
        assert (
            effective_trigger(harness.ledger, harness.limits) > 1.25 * harness.ledger.fixed_tokens
        )
        done = [c for c in harness.ledger.compactions if c.kind == "summary"]
        assert all(c.tokens_before > 1.25 * harness.ledger.fixed_tokens for c in done)

    def test_the_trigger_is_not_checked_before_the_first_usage(self) -> None:
        harness = ConversationHarness(Limits(150, 0, policy="notebook"))
        harness.type("words " * 400)
        harness.post(e.TimePassed())
        assert not harness.ledger.trigger_checks
        harness.run_until_quiet()
        assert harness.ledger.trigger_checks

    def test_a_trigger_at_the_ceiling_has_no_replacement(self) -> None:
        ledger = spoken_session(8, ms=30_000)
        limits = Limits(900, 2, policy="notebook", usable=1_000)
        held = ledger.held()
        assert tokens_after_pruning(ledger, limits, held, limits.ceiling) > limits.ceiling
        assert check_trigger(ledger, limits, held) is None
        assert check_trigger(ledger, Limits(900, 2, policy="notebook"), held) is not None

    def test_the_trigger_counts_again_once_a_long_turn_is_pruned(self) -> None:
        harness = ConversationHarness(Limits(900, 2, policy="notebook"))
        harness.exchange()
        harness.at += 1
        harness.speak(ms=120_000)
        harness.run_until_quiet()
        heavy = harness.ledger.trigger_checks[-1]
        assert heavy.instead > heavy.weighs > 900
        while harness.ledger.trigger_checks[-1].instead != 900:
            harness.exchange()
            assert len(harness.ledger.turns) < 40
        assert harness.ledger.trigger_checks[-1].sentence.startswith("trigger 900 fits again")
        assert effective_trigger(harness.ledger, harness.limits) == 900
        assert len(harness.ledger.trigger_checks) <= 3

    def test_other_limits_are_checked_on_their_own(self) -> None:
        harness = ConversationHarness(Limits(500, 6, policy="notebook"))
        for _ in range(6):
            harness.exchange()
        assert effective_trigger(harness.ledger, harness.limits) > 500
        for other in (Limits(501, 6, policy="notebook"), Limits(500, 5, policy="notebook")):
            assert effective_trigger(harness.ledger, other) == other.trigger
        assert effective_trigger(harness.ledger, Limits(99_000)) == Limits().ceiling

    def test_the_replacement_outlives_a_lost_connection_and_a_resume(self) -> None:
        harness = ConversationHarness(Limits(500, 6, policy="notebook"))
        for _ in range(8):
            harness.exchange()
        before = harness.ledger.trigger_checks
        assert before
        harness.lose_connection()
        harness.connect()
        harness.run_until_quiet()
        harness.exchange()
        harness.post(e.SessionResumed(backend="b", model=MODEL), e.ConnectionOpened(model=MODEL))
        harness.server.items.clear()
        harness.run_until_quiet()
        harness.exchange()
        assert harness.ledger.trigger_checks == before
        harness.check_replay()

    def test_a_warning_in_advance_is_given_once_and_not_after_a_real_check(self) -> None:
        caution = e.TriggerChecked(trigger=500, keep=6, weighs=900, instead=500, usual=True)
        harness = ConversationHarness(Limits(500, 6, policy="notebook"))
        harness.post(caution, caution)
        assert harness.ledger.trigger_checks == (caution,)
        assert harness.ledger.notices[-1].severity == "warning"
        assert effective_trigger(harness.ledger, harness.limits) == 500
        for _ in range(8):
            harness.exchange()
        checks = harness.ledger.trigger_checks
        assert len(checks) == 2
        harness.post(caution)
        assert harness.ledger.trigger_checks == checks

    def test_a_summary_waits_while_it_would_lose_money(self) -> None:
        harness = ConversationHarness(Limits(800, 10, policy="thrift"))
        reasons, waits = set(), []
        for _ in range(30):
            harness.exchange()
            reasons.add(plan_compaction(harness.ledger, harness.limits).reason)
            seen = next_summary(harness.ledger, harness.limits)
            if seen.why == "unpaid":
                waits.append(seen.tokens)
                assert harness.ledger.window.total < seen.tokens
        assert "pruning now would cost more than it saves" in reasons
        assert waits, "and the gauge says so"
        assert harness.ledger.memory, "but not for ever"

    def test_a_free_model_does_not_wait(self) -> None:
        free = default_limits("local", "thrift")
        assert free.free
        harness = ConversationHarness(replace(free, trigger=800, keep=10))
        for _ in range(30):
            harness.exchange()
            assert "cost" not in plan_compaction(harness.ledger, harness.limits).reason
        assert harness.ledger.memory

    def test_short_turns_are_expected_to_have_a_short_summary(self) -> None:
        """So a low trigger is not replaced by a higher one."""
        harness = ConversationHarness(Limits(450, 2, policy="notebook"))
        for _ in range(4):
            harness.exchange()
        assert harness.ledger.compactions[0].tokens_before < 900


class TestRegrowth:
    """The next pruning waits until the window has regrown by half of what was freed."""

    @pytest.mark.parametrize("policy", ["notebook", "thrift", "balanced"])
    def test_after_a_large_pruning(self, policy: str) -> None:
        harness = ConversationHarness(Limits(100_000, 2, policy=policy))
        for _ in range(30):
            harness.exchange()
        harness.post(e.SummarisePressed())
        harness.run_until_quiet()
        done = next(c for c in reversed(harness.ledger.compactions) if c.kind == "summary")
        assert done.tokens_after is not None
        half = done.tokens_after + (done.tokens_before - done.tokens_after) / 2
        harness.conversation.limits = Limits(600, 2, policy=policy)
        assert half > 600 * 1.25
        seen = next_summary(harness.ledger, harness.limits)
        assert (seen.tokens, seen.why) == (round(half), "regrowing")
        while harness.ledger.memory == done.summary:
            before = harness.ledger.window.total
            harness.exchange()
            again = [c for c in harness.ledger.compactions if c.kind == "summary"][-1]
            if again.id != done.id:
                assert again.tokens_before >= half > before
                break
        harness.check_server_agrees()

    def test_near_the_limit_of_the_server_it_does_not_wait(self) -> None:
        ledger = spoken_session(10)
        done = Compaction("memory_0001", "summary", 0.0, (), 20_000, "", "confirmed", 100)
        ledger = structs.replace(ledger, compactions=(done,))
        waits = plan_compaction(ledger, Limits(900, 2, policy="notebook"))
        assert waits.reason == (
            "the window has not regrown to 10,050 tokens since the last pruning"
        )
        urgent = plan_compaction(ledger, Limits(900, 2, policy="notebook", usable=1_200))
        assert urgent.reason == "the server would soon drop turns by itself"


class TestNextSummary:
    def test_the_next_summary_comes_where_it_was_announced(self) -> None:
        harness = ConversationHarness(Limits(500, 6, policy="notebook"))
        seen = []
        for _ in range(24):
            seen.append(next_summary(harness.ledger, harness.limits))
            before = harness.ledger.compactions
            harness.exchange()
            if harness.ledger.trigger_checks and harness.ledger.compactions != before:
                assert harness.ledger.compactions[-1].tokens_before >= seen[-1].tokens
        raised = harness.ledger.trigger_checks[-1].instead
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
    def test_before_the_first_turn(self, limits: Limits, tokens: int, why: str) -> None:
        assert next_summary(Ledger(), limits) == (tokens, why)

    def test_it_comes_sooner_if_the_cache_forgets(self) -> None:
        ledger = spoken_session(8)
        misses = tuple(
            structs.replace(
                r, expected_cached=1_000, usage=replace(r.usage, cached_audio=0, cached_text=0)
            )
            for r in ledger.recent_replies
        )
        seen = next_summary(
            structs.replace(ledger, recent_replies=misses), Limits(8_000, 2, policy="thrift")
        )
        assert seen.tokens < 8_000
        assert seen.why == "forgetful"
