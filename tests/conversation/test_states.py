"""The table of moves: every state can be reached and left, every trigger is a fact that exists."""

from __future__ import annotations

import pytest

from tests.conversation.conversation_harness import ConversationHarness
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import TRANSITIONS, State, diagram


def receive(conversation: Conversation, event: e.Event) -> list[x.Effect]:
    """The effects of one event."""
    return list(conversation.receive(event).effects)


def sources(row: dict[str, object]) -> list[State]:
    source = row["source"]
    if source == "*":
        return list(State)
    return list(source) if isinstance(source, list) else [source]  # type: ignore[list-item]  # a state


def test_every_trigger_is_a_fact() -> None:
    assert {row["trigger"] for row in TRANSITIONS} <= set(e.EVENTS)


def test_every_name_in_the_table_is_a_method() -> None:
    for row in TRANSITIONS:
        for kind in ("conditions", "before", "after"):
            if kind in row:
                assert callable(getattr(Conversation, row[kind])), row


def test_every_state_can_be_reached_and_left() -> None:
    moves = {
        (source, row["dest"])
        for row in TRANSITIONS
        for source in sources(row)
        if row["dest"] not in (None, source)
    }
    for state in State:
        reached, left = {state}, {state}
        for _ in State:
            reached |= {dest for source, dest in moves if source in reached}
            left |= {source for source, dest in moves if dest in left}
        assert reached == left == set(State), state


def test_every_state_can_be_left_for_idle_whatever_happens() -> None:
    """A line that breaks, or a stop, must not leave the conversation hanging."""
    for state in State:
        conversation = Conversation()
        conversation.machine.set_state(state)
        receive(conversation, e.StopPressed())
        receive(conversation, e.ConnectionLost(reason="gone"))
        receive(conversation, e.PlaybackFinished(item_id="x"))
        assert conversation.state is State.IDLE


def test_no_row_is_hidden_by_one_before_it() -> None:
    """Rows are tried from the top: an unconditional one ends the search."""
    closed: set[tuple[str, State]] = set()
    for row in TRANSITIONS:
        keys = {(row["trigger"], source) for source in sources(row)}
        assert keys - closed, f"never reached: {row}"
        if "conditions" not in row:
            closed |= keys


def test_the_diagram_shows_every_state_and_only_real_moves() -> None:
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> idle"]
    for state in State:
        assert f'    state "{state.value}" as {state.name.lower()}' in lines
    arrows = [line for line in lines if "-->" in line and "[*]" not in line]
    assert "    idle --> listening: speech started, talk pressed" in arrows
    assert all(line.split("-->")[0].strip() != line.split("-->")[1].split(":")[0].strip()
               for line in arrows)  # fmt: skip


def test_a_session_passes_through_all_five_states() -> None:
    harness = ConversationHarness(Limits(150, 0, policy="notebook"))
    while harness.ledger.memory == "":
        harness.exchange()
    conversation = Conversation(harness.limits)
    seen = [conversation.state]
    for event in harness.events:
        conversation.replay(event)
        if conversation.state is not seen[-1]:
            seen.append(conversation.state)
    assert seen[-7:] == [
        State.IDLE,
        State.LISTENING,
        State.AWAITING,
        State.SPEAKING,
        State.IDLE,
        State.SUMMARISING,
        State.IDLE,
    ]


def test_a_fact_that_moves_nothing_is_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    conversation = Conversation()
    assert receive(conversation, e.SpeechStopped(item_id="nobody")) == []
    assert not caplog.records


class TestTheTalkKey:
    """Turns made by hand: the key opens and ends them."""

    def test_by_hand(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        assert receive(conversation, e.TalkPressed(manual=True)) == [x.OpenMicrophone(manual=True)]
        assert conversation.state is State.LISTENING
        assert conversation.situation.microphone.open
        assert receive(conversation, e.TalkReleased()) == [x.CloseMicrophone(), x.CommitInput()]
        assert conversation.state is State.AWAITING
        assert not conversation.situation.microphone.open
        assert receive(conversation, e.SpeechCommitted(item_id="u")) == [x.CreateResponse()]

    def test_a_turn_that_was_too_short_is_no_turn(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TalkPressed(manual=True))
        receive(conversation, e.TalkReleased())
        receive(conversation, e.SpeechDiscarded(item_id="u", reason="empty"))
        assert conversation.state is State.IDLE
        assert receive(conversation, e.SpeechCommitted(item_id="later")) == []

    def test_with_vad_it_only_opens_and_closes_the_microphone(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        assert receive(conversation, e.TalkPressed()) == [x.OpenMicrophone()]
        assert receive(conversation, e.TalkReleased()) == [x.CloseMicrophone()]
        assert conversation.state is State.IDLE
        assert receive(conversation, e.MuteChanged(muted=True)) == [x.MuteMicrophone(muted=True)]
        assert conversation.situation.microphone.muted

    def test_over_a_reply_it_is_a_barge_in(self) -> None:
        conversation = speaking()
        effects = receive(conversation, e.TalkPressed(manual=True))
        assert effects[:2] == [x.InterruptPlayback(), x.CancelResponse(response_id="r")]
        assert conversation.state is State.LISTENING

    def test_without_a_line_it_wants_one(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.ConnectionLost(reason="cut", retry_in=4.0))
        assert x.Reconnect() in receive(conversation, e.TalkPressed(manual=True))
        receive(conversation, e.TalkReleased())
        # What was said and not acknowledged goes out once more and is committed again.
        receive(conversation, e.ConnectionLost(reason="cut again", again=("u",)))
        receive(conversation, e.ConnectionOpened())
        assert x.CreateResponse() in receive(conversation, e.SpeechCommitted(item_id="u2"))

    def test_held_while_the_line_breaks_the_turn_goes_on(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TalkPressed(manual=True))
        receive(conversation, e.ConnectionLost(reason="cut", retry_in=1.0))
        assert conversation.state is State.LISTENING


def speaking() -> Conversation:
    conversation = Conversation()
    receive(conversation, e.ConnectionOpened())
    receive(conversation, e.SpeechStarted(item_id="u"))
    receive(conversation, e.SpeechStopped(item_id="u", audio_ms=1_000))
    receive(conversation, e.ResponseStarted(response_id="r"))
    receive(conversation, e.TurnAdded(item_id="a", role="assistant", previous_item_id="u"))
    receive(conversation, e.AudioReceived(item_id="a", response_id="r", audio_ms=4_000))
    assert conversation.state is State.SPEAKING
    return conversation


class TestBargeIn:
    def test_late_sound_of_a_stopped_reply_does_not_speak(self) -> None:
        conversation = speaking()
        receive(conversation, e.StopPressed())
        assert conversation.state is State.IDLE
        receive(conversation, e.SpeechStarted(item_id="u2"))
        receive(conversation, e.SpeechStopped(item_id="u2", audio_ms=500))
        receive(conversation, e.AudioReceived(item_id="a", response_id="r", audio_ms=5_000))
        assert conversation.state is State.AWAITING
        receive(conversation, e.ResponseDone(response_id="r", status="cancelled"))
        receive(conversation, e.ResponseStarted(response_id="r2"))
        receive(conversation, e.AudioReceived(item_id="a2", response_id="r2", audio_ms=100))
        assert conversation.state is State.SPEAKING

    @pytest.mark.parametrize(
        ("played", "effect"),
        [
            (0, x.DeleteItem(item_id="a")),
            (1_500, x.TruncateItem(item_id="a", audio_ms=1_500)),
            (9_000, x.TruncateItem(item_id="a", audio_ms=4_000)),
        ],
    )
    def test_the_model_learns_what_was_heard(self, played: int, effect: x.Effect) -> None:
        conversation = speaking()
        receive(conversation, e.SpeechStarted(item_id="u2"))
        interrupted = e.PlaybackInterrupted(item_id="a", played_ms=played)
        assert receive(conversation, interrupted) == [effect]

    def test_a_reply_heard_to_its_end_needs_no_cut(self) -> None:
        conversation = speaking()
        receive(conversation, e.TranscriptDone(item_id="a", text="all of it"))
        receive(conversation, e.ResponseDone(response_id="r"))
        receive(conversation, e.SpeechStarted(item_id="u2"))
        assert receive(conversation, e.PlaybackInterrupted(item_id="a", played_ms=4_000)) == []
        assert receive(conversation, e.PlaybackInterrupted(item_id="nobody", played_ms=1)) == []

    def test_sound_that_ends_before_the_reply_does_is_waited_for(self) -> None:
        conversation = speaking()
        receive(conversation, e.PlaybackFinished(item_id="a", played_ms=4_000))
        assert conversation.state is State.AWAITING
        receive(conversation, e.AudioReceived(item_id="a2", response_id="r", audio_ms=500))
        assert conversation.state is State.SPEAKING
        receive(conversation, e.ResponseDone(response_id="r"))
        receive(conversation, e.PlaybackFinished(item_id="a2", played_ms=500))
        assert conversation.state is State.IDLE

    def test_a_reply_can_be_stopped_before_it_has_begun(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TextSubmitted(item_id="t", text="hello"))
        assert receive(conversation, e.StopPressed()) == [x.CancelResponse(response_id="")]
        assert conversation.state is State.IDLE

    def test_typing_over_a_reply_asks_once_it_is_cancelled(self) -> None:
        conversation = speaking()
        effects = receive(conversation, e.TextSubmitted(item_id="t", text="stop, rather this"))
        assert x.CancelResponse(response_id="r") in effects
        assert x.CreateResponse() not in effects
        assert x.CreateResponse() in receive(
            conversation, e.ResponseDone(response_id="r", status="cancelled")
        )

    def test_typing_while_speaking_only_adds(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.SpeechStarted(item_id="u"))
        effects = receive(conversation, e.TextSubmitted(item_id="t", text="by the way"))
        assert effects == [x.CreateItem(item_id="t", role="user", text="by the way")]
        assert conversation.state is State.LISTENING


class TestRefusedResponses:
    def test_one_that_is_active_is_waited_for(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TextSubmitted(item_id="t", text="hello"))
        code = "conversation_already_has_active_response"
        receive(conversation, e.ResponseRefused(code=code, message="busy"))
        assert conversation.state is State.AWAITING
        assert x.CreateResponse() in receive(conversation, e.ResponseDone(response_id="other"))

    def test_any_other_refusal_ends_the_waiting(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TextSubmitted(item_id="t", text="hello"))
        receive(conversation, e.ResponseRefused(code="server_error", message="no"))
        assert conversation.state is State.IDLE

    def test_a_response_of_another_id_does_not_end_ours(self) -> None:
        conversation = speaking()
        receive(conversation, e.ResponseDone(response_id="older"))
        assert conversation.situation.response.active


class TestTools:
    def test_the_answer_is_asked_for_once_every_function_has_answered(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TextSubmitted(item_id="t", text="what time is it?"))
        receive(conversation, e.ResponseStarted(response_id="r"))
        for call in ("c1", "c2"):
            event = e.ToolCalled(item_id=f"f{call}", call_id=call, tool="now", arguments="{}")
            assert receive(conversation, event) == [
                x.AnswerTool(call_id=call, tool="now", arguments="{}")
            ]
        assert receive(conversation, e.ResponseDone(response_id="r")) == []
        assert conversation.state is State.AWAITING
        assert (
            receive(conversation, e.ToolAnswered(item_id="o1", call_id="c1", output="noon")) == []
        )
        last = e.ToolAnswered(item_id="o2", call_id="c2", output="noon")
        assert receive(conversation, last) == [x.CreateResponse()]


class TestLines:
    def test_a_new_line_is_told_the_talk_and_asked_what_was_open(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TextSubmitted(item_id="t", text="hello"))
        receive(conversation, e.ItemPlaced(item_id="t"))
        receive(conversation, e.ConnectionLost(reason="cut", retry_in=1.0))
        assert conversation.state is State.IDLE
        effects = receive(conversation, e.ConnectionOpened())
        assert effects == [
            x.CreateItem(item_id="t", role="user", text="hello"),
            x.CreateResponse(),
        ]
        assert conversation.situation.seeding.under_way
        receive(conversation, e.ItemPlaced(item_id="t"))
        assert not conversation.situation.seeding.under_way

    def test_offline_a_typed_turn_waits_for_the_line(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.ConnectionLost(reason="gone"))
        assert receive(conversation, e.TextSubmitted(item_id="t", text="hello")) == [x.Reconnect()]
        effects = receive(conversation, e.ConnectionOpened())
        assert effects[-1] == x.CreateResponse()

    def test_a_talk_taken_up_again_asks_nothing_by_itself(self) -> None:
        conversation = speaking()
        receive(conversation, e.SessionResumed(backend="b", model="m"))
        assert conversation.ledger.model == "m"
        assert receive(conversation, e.ConnectionOpened()) == []
