"""The half of the conversation that changes the window: summarise, prune, textify, restore.

Everything is one step at a time: an effect goes out, its acknowledgement comes back as an event,
`advance` looks at the ledger and does the next. No step is kept anywhere but in the ledger, so
whatever breaks off can be taken up again from the journal.
"""

from __future__ import annotations

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation import policy
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.policy import Limits
from tui_voice.conversation.pruning import MEMORY_STEM, left_to_do
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn

MEMORY_HEADING = "Summary of the conversation so far (earlier turns were removed to save space):"


def memory_text(summary: str) -> str:
    """The memory as the model reads it: marked as what it is."""
    return f"{MEMORY_HEADING}\n{summary}"


def as_item(turn: Turn, item_id: str, previous_item_id: str | None) -> x.CreateItem:
    """A turn as a text item: what was heard of it. A tool's part becomes a note of the system,
    since a new server session does not know the call it belongs to.
    """
    if turn.role == "tool":
        label = f"called {turn.tool} with" if turn.tool else "the tool answered"
        text = f"[{label}: {turn.text}]"
        return x.CreateItem(
            item_id=item_id, role="system", text=text, previous_item_id=previous_item_id
        )
    return x.CreateItem(
        item_id=item_id, role=turn.role, text=turn.heard_text, previous_item_id=previous_item_id
    )


class Compacting:
    """Mixed into `Conversation`, whose ledger and limits it reads."""

    ledger: Ledger
    limits: Limits
    state: State

    _asked: str = ""  # the step whose acknowledgement is awaited

    @property
    def response_active(self) -> bool:
        raise NotImplementedError

    @property
    def seeding(self) -> bool:
        raise NotImplementedError

    def do(self, *effects: x.Effect) -> None:
        raise NotImplementedError

    # ── beginning ───────────────────────────────────────────────────────────────────────────

    def consider_compaction(self) -> None:
        """Asks the policy, at a quiet moment."""
        if self.state is State.IDLE and not self.response_active and not self.seeding:
            self._begin(policy.plan(self.ledger, self.limits))

    def summarise_now(self, event: e.SummaryAsked) -> None:
        self._begin(policy.plan(self.ledger, self.limits, forced=True), event.focus)

    def ask_again(self) -> None:
        """A summary that was under way when the line broke is asked for once more."""
        last = self.ledger.compactions[-1] if self.ledger.compactions else None
        if last is None or last.kind != "summary" or last.stage != "broken":
            return
        turns = (self.ledger.turns.get(turn_id) for turn_id in last.turns)
        left = tuple(turn for turn in turns if turn is not None and policy.touchable(turn))
        if left:
            self._request(policy.Plan("summary", left, "again after a break"), "")

    def _begin(self, plan: policy.Plan | None, focus: str = "") -> None:
        if plan is None:
            return
        if plan.kind == "summary":
            self._request(plan, focus)
        else:
            self.do(
                x.Announce(
                    event=e.TextifyRequested(
                        compaction_id=f"text_{self.ledger.serial + 1:04d}",
                        turns=tuple(turn.id for turn in plan.turns),
                        window=self.ledger.window.total,
                        cause=plan.cause,
                    )
                )
            )

    def _request(self, plan: policy.Plan, focus: str) -> None:
        self.do(
            x.RequestSummary(
                compaction_id=f"{MEMORY_STEM}{self.ledger.serial + 1:04d}",
                turns=tuple(
                    x.SourceTurn(item_id=t.id, role=t.role, text=t.heard_text) for t in plan.turns
                ),
                memory=self.ledger.memory,
                focus=focus,
                window=self.ledger.window.total,
                cause=plan.cause,
            )
        )

    # ── going on ────────────────────────────────────────────────────────────────────────────

    def prune(self, event: e.SummaryReady) -> None:
        """The summary is here: it goes to the root first; only its ack lets us delete."""
        running = self.ledger.compaction
        if running is None or running.id != event.compaction_id or running.stage != "ready":
            return
        if self.ledger.link.status != "online":
            return
        self.do(
            x.CreateItem(
                item_id=running.id,
                role="system",
                text=memory_text(running.summary),
                previous_item_id="root",
            )
        )

    def advance(self, _event: e.Event) -> None:
        """The next step of the compaction under way, unless an active response may read it."""
        if self.response_active or self.seeding or self.ledger.link.status != "online":
            return
        step = self._next_step()
        if step is None:
            self._asked = ""
            return
        name, effect = step
        if name != self._asked:
            self._asked = name
            self.do(effect)

    def _next_step(self) -> tuple[str, x.Effect] | None:
        running = self.ledger.compaction
        if running is not None and running.stage in ("ready", "placed"):
            left = left_to_do(self.ledger)
            if running.kind == "summary":
                if running.stage == "ready":
                    return None  # the summary's own acknowledgement is awaited
            elif left:
                return self._replacing_step(running, left[0])
            if left:
                return self._delete(left[0])
        if self.ledger.stale:
            item_id = self.ledger.stale[0]
            return f"delete {item_id}", x.DeleteItem(item_id=item_id)
        return None

    def _replacing_step(self, running: Compaction, turn_id: str) -> tuple[str, x.Effect] | None:
        """Textify: words behind the sound, then the sound away. Restore: the words alone."""
        turn = self.ledger.turns.get(turn_id)
        assert turn is not None  # `left_to_do` names only turns that are there
        item_id = running.item_id(turn_id)
        if item_id in running.placed:
            return self._delete(turn_id)
        previous = turn.wire_id if running.kind == "textify" else self._predecessor(turn_id)
        return f"create {item_id}", as_item(turn, item_id, previous)

    def _delete(self, turn_id: str) -> tuple[str, x.Effect]:
        turn = self.ledger.turns.get(turn_id)
        assert turn is not None
        assert turn.wire_id is not None
        return f"delete {turn.wire_id}", x.DeleteItem(item_id=turn.wire_id)

    def _predecessor(self, turn_id: str) -> str:
        """The item behind which a turn that comes back belongs."""
        previous = self.ledger.memory_id or "root"
        for turn in self.ledger.turns:
            if turn.id == turn_id:
                break
            if turn.wire_id is not None:
                previous = turn.wire_id
        return previous

    # ── by hand ─────────────────────────────────────────────────────────────────────────────

    def restore(self, event: e.RestoreAsked) -> None:
        """Pruned turns go back as text: those named, or all of the last pruning."""
        if self.ledger.compaction is not None or self.ledger.link.status != "online":
            return
        wanted = event.turn_ids or next(
            (c.turns for c in reversed(self.ledger.compactions) if c.kind == "summary"), ()
        )
        turns = tuple(
            turn.id
            for turn in map(self.ledger.turns.get, wanted)
            if turn is not None and turn.pruned_in and turn.text
        )
        if turns:
            self.do(
                x.Announce(
                    event=e.RestoreRequested(
                        compaction_id=f"back_{self.ledger.serial + 1:04d}",
                        turns=turns,
                        window=self.ledger.window.total,
                    )
                )
            )

    def replace_memory(self, _event: e.MemoryEdited) -> None:
        if self.ledger.link.status == "online":
            self._place_memory()

    def _place_memory(self) -> str:
        item_id = f"{MEMORY_STEM}{self.ledger.serial:04d}e"
        self.do(
            x.CreateItem(
                item_id=item_id,
                role="system",
                text=memory_text(self.ledger.memory),
                previous_item_id="root",
            )
        )
        return item_id
