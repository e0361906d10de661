"""Random sessions with random faults: no turn is lost, and ledger and server agree at the end."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.conversation.conversation_harness import FAULTS, ConversationHarness
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation import planning
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.prunable import is_prunable, split
from tui_voice.conversation.states import State
from tui_voice.conversation.trigger import MIN_FACTOR, effective_trigger, regrowth_threshold

LIMITS = st.builds(
    Limits,
    trigger=st.sampled_from([300, 600, 900, 2_000]),
    keep=st.integers(0, 6),
    policy=st.sampled_from(["balanced", "thrift", "notebook", "textify", "none", "server"]),
    messages=st.none() | st.integers(8, 20),
    every=st.none() | st.floats(30, 600),
    usable=st.sampled_from([2_500, 96_000]),
)


class RandomSession(RuleBasedStateMachine):
    """Each rule is something that the user, the server or the connection may do."""

    @initialize(limits=LIMITS)
    def begin(self, limits: Limits) -> None:
        self.fault = "ok"
        self.harness = ConversationHarness(limits, self.next_fault)

    def next_fault(self, effect: x.Effect) -> str:
        """A connection loses nothing while it is open, so only our own changes may have a fault."""
        if not isinstance(effect, (x.CreateItem, x.DeleteItem)):
            return "ok"
        fault, self.fault = self.fault, "ok"
        running = self.harness.ledger.compaction
        turn = self.harness.ledger.turns.get(effect.item_id)
        unheard = turn is not None and (running is None or turn.id not in running.turns)
        known = (running is not None and not unheard) or self.harness.seeding
        typed = effect.item_id[1].isdigit() and isinstance(effect, x.CreateItem)
        ours = effect.item_id.startswith("memory") or (known and not typed)
        # A refused typed turn stands elsewhere on the server: `test_turns` covers that.
        harmless = fault in ("twice", "cut") or (
            fault not in {"lose", "unacknowledged"} and not typed
        )
        return fault if ours or harmless else "ok"

    # ── the user ────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.harness.online)
    @rule(transcribed=st.booleans(), ms=st.sampled_from([200, 4_000, 30_000]))
    def speaks(self, transcribed: bool, ms: int) -> None:
        self.harness.speak(transcribed, ms)

    @precondition(lambda self: self.harness.online)
    @rule()
    def speaks_and_listens_to_the_reply(self) -> None:
        self.harness.exchange()

    @rule()
    def types(self) -> None:
        self.harness.type()

    @rule(data=st.data(), pinned=st.booleans())
    def pins(self, data: st.DataObject, pinned: bool) -> None:
        if self.harness.known_turns:
            turn = data.draw(st.sampled_from(self.harness.known_turns))
            running = self.harness.ledger.compaction
            if running is not None and running.stage == "placed":
                return  # whether it is in time depends on the server; see `test_compaction_by_hand`
            self.harness.post(e.TurnPinned(item_id=turn, pinned=pinned))

    @rule(share=st.sampled_from([0.0, 0.4, 1.0]))
    def stops(self, share: float) -> None:
        self.harness.heard_share = share
        self.harness.post(e.StopPressed())

    @rule(event=st.sampled_from([e.SummarisePressed(focus="names"), e.RestorePressed()]))
    def asks_by_hand(self, event: e.Event) -> None:
        self.harness.post(event)

    @rule(text=st.sampled_from(["", "They are called Ann and Bo."]))
    def edits_the_memory(self, text: str) -> None:
        self.harness.post(e.MemoryEdited(text=text))

    @rule(pinned=st.booleans(), before=st.sampled_from(["", "Call Ann.", "Call Bo."]))
    def changes_a_fact(self, pinned: bool, before: str) -> None:
        change = e.FactChanged(kind="to_dos", before=before, after="Call Bo.", pinned=pinned)
        self.harness.post(change)

    @rule(seconds=st.sampled_from([1, 40, 400]))
    def waits(self, seconds: int) -> None:
        if seconds > 10:  # no open connection is that slow
            self.harness.deliver_all()
        self.harness.at += seconds
        self.harness.post(e.TimePassed())

    # ── the server, the writer of summaries, the connection ─────────────────────────────────

    @rule()
    def server_works(self) -> None:
        self.harness.server_step()

    @rule(times=st.integers(1, 4))
    def events_arrive(self, times: int) -> None:
        for _ in range(times):
            self.harness.deliver()

    @rule()
    def plays_out(self) -> None:
        self.harness.finish_playback()

    @rule(data=st.data(), fails=st.booleans())
    def transcript_comes_late(self, data: st.DataObject, fails: bool) -> None:
        waiting = [
            t.id for t in self.harness.ledger.turns if t.words == "open" and t.role == "user"
        ]
        if waiting:
            turn = data.draw(st.sampled_from(waiting))
            done = e.TranscriptDone(item_id=turn, text="late words of a question")
            self.harness.post(e.TranscriptFailed(item_id=turn) if fails else done)

    @rule(text=st.sampled_from(["They spoke.", "", "long " * 3_000, None]))
    def summary_is_written(self, text: str | None) -> None:
        if self.harness.summary_requests:
            self.harness.answer_summary(text)

    @rule(fault=st.sampled_from(FAULTS))
    def next_step_has_a_fault(self, fault: str) -> None:
        self.fault = fault

    @rule()
    def next_reply_is_silent(self) -> None:
        self.harness.silent_replies = 1

    @rule()
    def connection_is_lost(self) -> None:
        self.harness.lose_connection()

    @rule()
    def connection_is_back(self) -> None:
        if self.harness.online:
            self.harness.lose_connection()
        self.harness.connect()

    @precondition(lambda self: self.harness.online)
    @rule(answered=st.booleans())
    def tool_is_called(self, answered: bool) -> None:
        harness = self.harness
        harness.deliver_all()  # a call is part of a reply, in its place
        harness.number += 1
        call, item = f"call{harness.number}", f"f{harness.number}"
        harness.server.add(item, 10, 0)
        harness.post(e.ToolCalled(item_id=item, call_id=call, tool="look", arguments="{}"))
        if answered:
            harness.server.add(f"o{harness.number}", 20, 0)
            harness.post(
                e.ToolAnswered(item_id=f"o{harness.number}", call_id=call, output="found " * 9)
            )
            harness.inbox.append(e.ItemPlaced(item_id=f"o{harness.number}"))

    # ── what must always hold (the harness checks more with every event) ────────────────────

    @invariant()
    def costs_add_up(self) -> None:
        if hasattr(self, "harness"):
            assert self.harness.ledger.cost == pytest.approx(self.harness.cost)

    def teardown(self) -> None:
        """Without further faults everything becomes quiet, and ledger and server agree."""
        if not hasattr(self, "harness"):
            return
        harness, self.fault = self.harness, "ok"
        harness.silent_replies = 0
        if not harness.online:
            harness.connect()
        for _ in range(6):
            harness.run_until_quiet()
            for turn in list(harness.ledger.turns):
                if turn.words == "open" and turn.role == "user":
                    harness.post(e.TranscriptDone(item_id=turn.id, text="words at last"))
            harness.at += 1_000
            harness.post(e.TimePassed())
        harness.run_until_quiet()
        assert harness.ledger.compaction is None
        assert harness.conversation.state in (State.IDLE, State.LISTENING, State.AWAITING)
        harness.check_server_agrees()
        harness.check_replay()
        self.window_is_small_enough()

    def window_is_small_enough(self) -> None:
        """The window falls below the trigger if the kept turns allow it."""
        harness, limits, ledger = self.harness, self.harness.limits, self.harness.ledger
        if not limits.spec.summarises or harness.conversation.state is not State.IDLE:
            return
        held = ledger.held()
        kept = split(held, limits.keep)[1]
        stay = sum(t.tokens for t in held if t in kept or not is_prunable(t) or t.call_id)
        least = harness.server.fixed + ledger.memory_tokens + stay + 320
        prunings = [c for c in ledger.compactions if c.kind in ("summary", "restore")]
        last = prunings[-1] if prunings else None
        if last is None or last.kind != "restore":
            trigger = max(effective_trigger(ledger, limits), MIN_FACTOR * least)
            assert ledger.window.total <= max(
                planning.MAX_UNPAID_FACTOR * trigger, regrowth_threshold(ledger)
            )


def test_random_sessions() -> None:
    run_state_machine_as_test(
        RandomSession,
        settings=settings(
            max_examples=150,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
