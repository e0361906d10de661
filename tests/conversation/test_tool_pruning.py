"""Old outputs of functions leave the window first, without a summary, where that is enough."""

from __future__ import annotations

from tests.conversation.conversation_harness import ConversationHarness
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits
from tui_voice.languages.token_estimate import estimate_text_tokens

LIMITS = Limits(trigger=3_000, keep=2, policy="notebook")


def call_function(harness: ConversationHarness, tokens: int) -> None:
    """The model calls a function whose output weighs about so many tokens."""
    output = "word " * tokens
    harness.server.add("c1", 10, 0)
    harness.post(e.ToolCalled(item_id="c1", call_id="k", tool="f", arguments="{}"))
    harness.server.add("o1", estimate_text_tokens(output), 0)
    harness.post(e.ToolAnswered(item_id="o1", call_id="k", output=output))
    harness.post(e.ItemPlaced(item_id="o1"))


def test_tool_outputs_go_before_the_turns() -> None:
    harness = ConversationHarness(LIMITS)
    harness.exchange()
    call_function(harness, 2_000)
    while not harness.ledger.compactions:
        harness.exchange()
    [done] = harness.ledger.compactions
    assert (done.kind, done.stage, done.turns) == ("tools", "confirmed", ("c1", "o1"))
    assert done.tokens_after is not None
    assert done.tokens_after < 0.75 * done.tokens_before
    assert all(turn.in_window for turn in harness.ledger.turns if turn.role != "tool")
    harness.check_server_agrees()
    while len(harness.ledger.compactions) == 1:
        harness.exchange()
    assert harness.ledger.compactions[-1].kind == "summary"
    harness.check_server_agrees()
    harness.check_replay()


def test_a_small_output_goes_with_the_turns() -> None:
    harness = ConversationHarness(LIMITS)
    harness.exchange()
    call_function(harness, 20)
    while not harness.ledger.compactions:
        harness.exchange()
    [done] = harness.ledger.compactions
    assert done.kind == "summary"
    assert {"c1", "o1"} <= set(done.turns)
