"""Turns and the memory as text items, as `conversation.item.create` sends them."""

from __future__ import annotations

from itertools import takewhile

from tui_voice.conversation import effects as x
from tui_voice.conversation.ledger import MEMORY_STEM, Ledger
from tui_voice.conversation.turns import Turn

MEMORY_HEADING = "Summary of the conversation so far (earlier turns were removed to save space):"


def memory_text(summary: str) -> str:
    """The memory as the model reads it: the summary under a heading that says what it is."""
    return f"{MEMORY_HEADING}\n{summary}"


def memory_item(item_id: str, summary: str) -> x.CreateItem:
    """The memory as an item in front of all turns."""
    return x.CreateItem(
        item_id=item_id, role="system", text=memory_text(summary), previous_item_id="root"
    )


def turn_item(
    turn: Turn, item_id: str, previous_item_id: str | None, *, assistant_as_system: bool
) -> x.CreateItem:
    """A turn as a text item that holds the words the user heard.

    A function call or its output becomes a system item, since a new server session does not know
    the call. `assistant_as_system`: the assistant's words become a system item, too, since the
    model once answered in text only after they were given back to it as its own.
    """
    role, text = turn.role, turn.heard_text
    if role == "tool":
        label = f"called {turn.tool} with" if turn.tool else "the tool answered"
        role, text = "system", f"[{label}: {turn.text}]"
    elif role == "assistant" and assistant_as_system:
        role, text = "system", f"[the assistant said: {text}]"
    return x.CreateItem(
        item_id=item_id,
        role=role,
        text=f"[image: {text}]" if turn.image else text,
        previous_item_id=previous_item_id,
        image=turn.image,
    )


def seed_items(ledger: Ledger) -> tuple[x.CreateItem, ...]:
    """What a new server session is sent: the memory, then every turn that was not pruned."""
    memory_id = f"{MEMORY_STEM}{ledger.serial:04d}e"
    memory = (memory_item(memory_id, ledger.memory),) if ledger.memory else ()
    turns = (
        turn_item(turn, turn.id, None, assistant_as_system=ledger.assistant_as_system)
        for turn in ledger.unpruned()
        if turn.heard_text and not (turn.image and turn.words == "failed")
    )
    return (*memory, *turns)


def predecessor(ledger: Ledger, turn_id: str) -> str:
    """Id of the item behind which a turn that returns to the model belongs.

    "root" is the front of the server's conversation. Example: turns a, b, c, of which b was
    pruned; `predecessor(ledger, "b")` is the item that holds a.
    """
    previous = ledger.memory_id or "root"
    for turn in takewhile(lambda turn: turn.id != turn_id, ledger.turns):
        previous = turn.wire_id or previous
    return previous
