"""When to compact, and what."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from tests.conversation.conversation_harness import ConversationHarness
from tests.conversation.sessions_harness import spoken_session
from tui_voice.conversation import events as e
from tui_voice.conversation import planning
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.planning import next_check_at, plan_compaction
from tui_voice.conversation.reducers import fold

NOTEBOOK = Limits(1_000, 2, policy="notebook")


def ids(ledger: Ledger, limits: Limits, forced: bool = False) -> list[str]:
    found = plan_compaction(ledger, limits, forced=forced).plan
    return [] if found is None else [turn.id for turn in found.turns]


class TestSummary:
    def test_below_the_trigger_nothing_is_due(self) -> None:
        assert plan_compaction(spoken_session(2), NOTEBOOK).plan is None
        assert plan_compaction(spoken_session(2), NOTEBOOK).reason == "below the trigger"

    def test_above_the_trigger_all_but_the_kept_turns_are_summarised(self) -> None:
        ledger = spoken_session(8)
        assert ids(ledger, NOTEBOOK) == [t.id for t in ledger.turns][:-2]
        found = plan_compaction(ledger, NOTEBOOK).plan
        assert found is not None
        assert (found.kind, found.cause) == ("summary", "window full")
        assert ids(ledger, replace(NOTEBOOK, keep=0)) == [t.id for t in ledger.turns]
        for keep in (16, 20, 50):
            assert ids(ledger, replace(NOTEBOOK, keep=keep)) == []

    def test_by_hand_a_summary_is_planned_whatever_the_window_holds(self) -> None:
        ledger = spoken_session(2)
        assert ids(ledger, replace(NOTEBOOK, policy="none"), forced=True) == ["u0", "a0"]
        empty = plan_compaction(spoken_session(1), NOTEBOOK, forced=True)
        assert empty.plan is None
        assert empty.reason == "nothing is older than the kept turns"

    def test_pinned_turns_and_turns_without_words_stay(self) -> None:
        ledger = spoken_session(8, e.TurnPinned(item_id="a1"), e.TranscriptFailed(item_id="u2"))
        found = ids(ledger, NOTEBOOK)
        assert "a1" not in found
        assert "u2" not in found
        assert "u1" in found

    def test_a_missing_transcript_delays_a_summary_for_a_while(self) -> None:
        late = [
            e.SpeechStarted(item_id="late", at=90.0),
            e.SpeechStopped(item_id="late", at=90.0, audio_ms=900),
            e.TurnAdded(item_id="x", role="assistant", at=91.0, text="yes", modality="text"),
            e.TurnAdded(item_id="y", role="assistant", at=91.0, text="no", modality="text"),
        ]
        ledger = spoken_session(8, *late)
        assert plan_compaction(ledger, NOTEBOOK).reason == (
            "a transcript among the old turns is still missing"
        )
        later = fold([e.TimePassed(at=91.0 + planning.TRANSCRIPT_TIMEOUT_S)], ledger)
        assert "late" not in ids(later, NOTEBOOK)
        assert ids(later, NOTEBOOK)

    def test_near_the_limit_of_the_server_nothing_delays_a_summary(self) -> None:
        ledger = spoken_session(8, e.TranscriptFailed(item_id="u2"))
        limits = Limits(50_000, 2, policy="textify", usable=1_500)
        found = plan_compaction(ledger, limits)
        assert found.plan is not None
        while found.plan is not None and found.plan.kind == "textify":
            done = [e.TextifyRequested(compaction_id="text_0001", turns=("u0",), window=0)]
            for k, turn in enumerate(found.plan.turns):
                done = [
                    e.TextifyRequested(
                        compaction_id=f"text_{ledger.serial + 1:04d}", turns=(turn.id,), window=0
                    ),
                    e.ItemPlaced(item_id=f"text_{ledger.serial + 1:04d}_0"),
                    e.ItemDeleted(item_id=turn.id),
                ]
                ledger = fold(done, ledger)
                assert k >= 0
            found = plan_compaction(ledger, limits)
        usage = e.Usage(input_text=1_200, output_text=10)
        ledger = fold([e.ResponseDone(response_id="r", usage=usage)], ledger)
        found = plan_compaction(ledger, limits)
        assert found.plan is not None
        assert found.reason == "the server would soon drop turns by itself"
        assert "u2" in [turn.id for turn in found.plan.turns], "it would be lost unsummarised"

    def test_a_call_is_pruned_with_its_output_or_not_at_all(self) -> None:
        call = [
            e.ToolCalled(item_id="f", call_id="c", tool="look", arguments="{}", at=80.0),
            e.ToolAnswered(item_id="o", call_id="c", output="found", at=80.0),
            e.ItemPlaced(item_id="o", at=80.0),
        ]
        ledger = spoken_session(8, *call)
        for keep, gone in ((0, True), (1, False), (2, False)):
            found = ids(ledger, replace(NOTEBOOK, keep=keep))
            assert ("f" in found, "o" in found) == (gone, gone), keep
        open_call = spoken_session(8, call[0])
        assert "f" not in ids(fold([e.TimePassed(at=999.0)], open_call), NOTEBOOK)

    def test_offline_or_during_a_compaction_nothing_is_planned(self) -> None:
        ledger = spoken_session(8)
        assert (
            plan_compaction(fold([e.ConnectionLost(reason="x")], ledger), NOTEBOOK).reason
            == "there is no connection"
        )
        requested = e.SummaryRequested(compaction_id="memory_0001", drop=("u0",), window=1)
        busy = fold([requested], ledger)
        assert plan_compaction(busy, NOTEBOOK).reason == "a compaction is under way"

    def test_a_summary_by_number_of_turns_and_by_interval(self) -> None:
        ledger = spoken_session(4)
        by_count = plan_compaction(ledger, Limits(90_000, 2, policy="notebook", messages=8))
        assert by_count.reason == "8 turns in the window"
        assert (
            plan_compaction(ledger, Limits(90_000, 2, policy="notebook", messages=9)).plan is None
        )
        limits = Limits(90_000, 2, policy="notebook", every=600.0)
        assert plan_compaction(ledger, limits).plan is None
        later = fold([e.TimePassed(at=700.0)], ledger)
        assert plan_compaction(later, limits).reason == "10 minutes since the last pruning"
        pinned = fold([e.TurnPinned(item_id=turn.id) for turn in later.turns], later)
        assert plan_compaction(pinned, limits).reason == "nothing is older than the kept turns"

    def test_each_pruning_restarts_the_interval(self) -> None:
        harness = ConversationHarness(Limits(90_000, 2, policy="notebook", every=600.0))
        harness.exchange()
        harness.at = 700.0
        harness.exchange()
        done = harness.ledger.compactions[-1]
        assert done.stage == "confirmed"
        assert done.done_at is not None
        harness.at = done.done_at + 590
        harness.exchange()
        assert harness.ledger.compactions[-1] == done
        assert next_check_at(harness.ledger, harness.limits) == done.done_at + 600

    def test_a_server_session_that_ends_soon_counts_as_a_cold_cache(self) -> None:
        ledger = spoken_session(16)
        limits = Limits(1_200, 2, policy="thrift", cold_after=1e9)
        textified = fold(_textified(ledger), ledger)
        window = textified.window.total
        limits = replace(limits, trigger=window + 10)
        assert plan_compaction(textified, limits).reason == "below the trigger"
        started = 1_767_225_600.0  # 2026-01-01T00:00:00Z
        soon = structs.replace(
            textified,
            connection=structs.replace(
                textified.connection, expires_at=started + textified.at + 100
            ),
        )
        assert (
            plan_compaction(soon, limits).reason
            == "the server session ends soon, and its cache with it"
        )
        far = structs.replace(
            textified,
            connection=structs.replace(
                textified.connection, expires_at=started + textified.at + 3_000
            ),
        )
        assert plan_compaction(far, limits).plan is None

    def test_after_a_pause_the_cache_counts_as_cold(self) -> None:
        ledger = spoken_session(16)
        textified = fold(_textified(ledger), ledger)
        limits = Limits(textified.window.total + 10, 2, policy="thrift", cold_after=300.0)
        assert plan_compaction(textified, limits).reason == "below the trigger"
        later = fold([e.TimePassed(at=textified.at + 300)], textified)
        assert plan_compaction(later, limits).reason == "a pause: the cache is cold anyway"
        waiting = replace(limits, policy="notebook")
        assert plan_compaction(later, waiting).reason == "below the trigger"

    def test_restored_turns_are_not_pruned_again_at_once(self) -> None:
        harness = ConversationHarness(Limits(900, 2, policy="notebook"))
        while not harness.ledger.memory:
            harness.exchange()
        harness.conversation.limits = Limits(900, 2, policy="thrift")
        harness.run_until_quiet()
        harness.post(e.RestorePressed())
        harness.run_until_quiet()
        assert harness.ledger.compactions[-1].kind in ("restore", "textify")
        full = fold(
            [e.ResponseDone(response_id="r", usage=e.Usage(input_text=950, output_text=1))],
            harness.ledger,
        )
        found = plan_compaction(full, Limits(900, 2, policy="thrift"))
        assert found.plan is None or found.plan.kind == "textify"

    def test_after_a_restore_the_window_must_grow_by_half(self) -> None:
        limits = Limits(1_000, 2, policy="textify")
        harness = ConversationHarness(Limits(900, 2, policy="notebook"))
        while not harness.ledger.memory:
            harness.exchange()
        harness.conversation.limits = limits
        harness.post(e.RestorePressed())
        harness.run_until_quiet()
        restored = next(c for c in harness.ledger.compactions if c.kind == "restore")
        assert restored.tokens_after is not None
        now = Limits(harness.ledger.window.total, 2, policy="thrift")
        assert plan_compaction(harness.ledger, now).reason == (
            f"the window has not regrown to {restored.tokens_after * 1.5:,.0f} tokens since the "
            "last pruning"
        )

    def test_each_failure_doubles_the_delay_up_to_a_bound(self) -> None:
        ledger = spoken_session(8)
        waits = []
        for n in range(7):
            ledger = fold(
                [
                    e.SummaryRequested(compaction_id=f"memory_{n + 1:04d}", drop=("u0",), window=1),
                    e.SummaryFailed(compaction_id=f"memory_{n + 1:04d}", reason="no"),
                ],
                ledger,
            )
            reason = plan_compaction(ledger, NOTEBOOK).reason
            waits.append(int(reason.rpartition("is in ")[2].removesuffix(" s")))
        assert waits == [15, 30, 60, 120, 240, 3_600, 3_600]

    def test_the_policies_none_and_server_plan_nothing(self) -> None:
        for name in ("none", "server"):
            assert plan_compaction(spoken_session(30), Limits(1_000, 2, policy=name)).plan is None


def _textified(ledger: Ledger) -> list[e.Event]:
    """The events that textify all turns, one compaction per turn."""
    events: list[e.Event] = []
    for number, turn in enumerate(ledger.held(), ledger.serial + 1):
        events += [
            e.TextifyRequested(compaction_id=f"text_{number:04d}", turns=(turn.id,), window=0),
            e.ItemPlaced(item_id=f"text_{number:04d}_0"),
            e.ItemDeleted(item_id=turn.id),
        ]
    return events


class TestTextify:
    THRIFT = Limits(4_000, 24, policy="thrift")
    BALANCED = Limits(4_000, 12, policy="balanced")

    def test_thrift_makes_both_sides_text(self) -> None:
        found = plan_compaction(spoken_session(1), self.THRIFT)
        assert found.reason == "audio to text"
        assert ids(spoken_session(1), self.THRIFT) == ["u0", "a0"]

    def test_balanced_keeps_every_other_reply_as_audio(self) -> None:
        harness = ConversationHarness(self.BALANCED)
        for _ in range(6):
            harness.exchange()
        kinds = [(t.role, t.modality) for t in harness.ledger.held()]
        assert ("user", "audio") not in kinds
        sounds = [t for t in harness.ledger.held() if t.modality == "audio"]
        assert len(sounds) == 3

    def test_an_unanswered_question_stays_audio(self) -> None:
        asked = [
            e.SpeechStarted(item_id="q", at=50.0),
            e.SpeechStopped(item_id="q", at=50.0, audio_ms=2_000),
            e.TranscriptDone(item_id="q", at=50.0, text="what now?"),
        ]
        assert "q" not in ids(spoken_session(2, *asked), self.THRIFT)
        only = fold([e.ConnectionOpened(), *asked])
        assert plan_compaction(only, self.THRIFT).plan is None

    def test_a_late_transcript_waits_for_the_next_summary_if_that_is_near(self) -> None:
        harness = ConversationHarness(Limits(1_200, 12, policy="thrift"))
        harness.at += 1
        late = harness.speak(transcribed=False)
        harness.run_until_quiet()
        for _ in range(12):
            harness.exchange()
        harness.post(e.TranscriptDone(item_id=late, text="late words"))
        harness.run_until_quiet()
        turn = harness.ledger.turns.get(late)
        assert turn is not None
        assert turn.modality == "audio", "a change now would break the cache behind it"
        while not harness.ledger.memory:
            harness.exchange()
        harness.check_server_agrees()

    def test_old_audio_becomes_text_if_that_pays(self) -> None:
        """After a pruning nothing behind the memory is cached, so all audio becomes text."""
        ledger = spoken_session(10)
        ledger = structs.replace(ledger, cacheable_prefix_tokens=0)
        assert set(ids(ledger, self.THRIFT)) >= {"u9", "a9", "u5"}
        assert plan_compaction(ledger, self.THRIFT).reason == "late transcript, cheaper now"

    def test_balanced_keeps_no_audio_if_the_cache_forgets(self) -> None:
        ledger = spoken_session(6)
        forgetful = structs.replace(
            ledger,
            recent_replies=tuple(
                structs.replace(
                    r, expected_cached=1_000, usage=replace(r.usage, cached_audio=0, cached_text=0)
                )
                for r in ledger.recent_replies
            ),
        )
        assert "a5" in ids(forgetful, self.BALANCED)
