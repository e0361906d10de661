"""The transition table: its rows, and what the callbacks do with events."""

from __future__ import annotations

import pytest

from tests.conversation.conversation_harness import ConversationHarness
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import TRANSITIONS, State, diagram, live_triggers


def receive(conversation: Conversation, event: e.Event) -> list[x.Effect]:
    """The effects of one event."""
    return list(conversation.receive(event).effects)


def sources(row: dict[str, object]) -> list[State]:
    source = row["source"]
    if source == "*":
        return list(State)
    return list(source) if isinstance(source, list) else [source]  # type: ignore[list-item]  # a state


def test_every_trigger_is_the_name_of_an_event() -> None:
    assert {row["trigger"] for row in TRANSITIONS} <= set(e.EVENTS)


def test_every_name_in_the_table_is_a_method() -> None:
    for row in TRANSITIONS:
        for kind in ("conditions", "before", "after"):
            names = row.get(kind, [])
            for name in [names] if isinstance(names, str) else names:
                assert callable(getattr(Conversation, name)), row


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


def test_every_state_returns_to_idle_after_a_stop_and_a_lost_connection() -> None:
    """Neither a stop nor a lost connection leaves the conversation in a busy state."""
    for state in State:
        conversation = Conversation()
        conversation.machine.set_state(state)
        receive(conversation, e.StopPressed())
        receive(conversation, e.ConnectionLost(reason="gone"))
        receive(conversation, e.PlaybackFinished(item_id="x"))
        assert conversation.state is State.IDLE


def test_no_row_is_unreachable() -> None:
    """Rows are tried from the top, and a row without conditions ends the search."""
    closed: set[tuple[str, State]] = set()
    for row in TRANSITIONS:
        keys = {(row["trigger"], source) for source in sources(row)}
        assert keys - closed, f"never reached: {row}"
        if "conditions" not in row:
            closed |= keys


def test_the_diagram_shows_every_state_and_every_change_of_state() -> None:
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> idle"]
    for state in State:
        assert f'    state "{state.value}" as {state.name.lower()}' in lines
    arrows = [line for line in lines if "-->" in line and "[*]" not in line]
    assert "    idle --> listening: speech started, talk pressed" in arrows
    assert all(line.split("-->")[0].strip() != line.split("-->")[1].split(":")[0].strip()
               for line in arrows)  # fmt: skip


@pytest.mark.parametrize("state", State)
def test_the_live_triggers_are_those_of_the_machine(state: State) -> None:
    assert live_triggers(state) == set(Conversation().machine.get_triggers(state))


def test_without_anything_to_wait_for_no_time_is_set() -> None:
    conversation = Conversation()
    assert conversation.wakes_at is None
    receive(conversation, e.ConnectionOpened())
    assert conversation.wakes_at is None


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


def test_an_event_that_moves_nothing_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    conversation = Conversation()
    assert receive(conversation, e.SpeechStopped(item_id="nobody")) == []
    assert not caplog.records


class TestTalkKey:
    """Turns that the talk key starts and ends, and the key with VAD."""

    def test_the_key_starts_and_ends_a_turn(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        assert receive(conversation, e.TalkPressed(manual=True)) == [x.OpenMicrophone(manual=True)]
        assert conversation.state is State.LISTENING
        assert conversation.situation.microphone.open
        assert receive(conversation, e.TalkReleased()) == [x.CloseMicrophone(), x.CommitInput()]
        assert conversation.state is State.AWAITING
        assert not conversation.situation.microphone.open
        assert receive(conversation, e.SpeechCommitted(item_id="u")) == [x.CreateResponse()]

    def test_a_discarded_turn_is_not_answered(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TalkPressed(manual=True))
        receive(conversation, e.TalkReleased())
        receive(conversation, e.SpeechDiscarded(item_id="u", reason="empty"))
        assert conversation.state is State.IDLE
        assert receive(conversation, e.SpeechCommitted(item_id="later")) == []

    def test_with_vad_the_key_only_opens_and_closes_the_microphone(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        assert receive(conversation, e.TalkPressed()) == [x.OpenMicrophone()]
        assert receive(conversation, e.TalkReleased()) == [x.CloseMicrophone()]
        assert conversation.state is State.IDLE

    def test_a_closed_microphone_is_never_muted(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        assert receive(conversation, e.MuteChanged(muted=True)) == [x.MuteMicrophone(muted=False)]
        receive(conversation, e.TalkPressed())
        assert receive(conversation, e.MuteChanged(muted=True)) == [x.MuteMicrophone(muted=True)]
        assert conversation.situation.microphone.muted
        receive(conversation, e.TalkReleased())
        assert not conversation.situation.microphone.muted
        receive(conversation, e.TalkPressed())
        assert not conversation.situation.microphone.muted

    def test_during_a_reply_the_key_is_a_barge_in(self) -> None:
        conversation = speaking()
        effects = receive(conversation, e.TalkPressed(manual=True))
        assert effects[:2] == [x.InterruptPlayback(), x.CancelResponse(response_id="r")]
        assert conversation.state is State.LISTENING

    def test_offline_the_key_asks_for_a_connection(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.ConnectionLost(reason="cut", retry_in=4.0))
        assert x.Reconnect() in receive(conversation, e.TalkPressed(manual=True))
        receive(conversation, e.TalkReleased())
        # What was said and not acknowledged goes out once more and is committed again.
        receive(conversation, e.ConnectionLost(reason="cut again", again=("u",)))
        receive(conversation, e.ConnectionOpened())
        assert x.CreateResponse() in receive(conversation, e.SpeechCommitted(item_id="u2"))

    def test_a_held_key_keeps_the_turn_open_over_a_lost_connection(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TalkPressed(manual=True))
        receive(conversation, e.ConnectionLost(reason="cut", retry_in=1.0))
        assert conversation.state is State.LISTENING


def listening() -> Conversation:
    """The microphone is open, and VAD has begun the turn `u`."""
    conversation = Conversation()
    receive(conversation, e.ConnectionOpened())
    receive(conversation, e.TalkPressed())
    receive(conversation, e.SpeechStarted(item_id="u"))
    assert conversation.state is State.LISTENING
    return conversation


def speaking() -> Conversation:
    conversation = listening()
    receive(conversation, e.SpeechStopped(item_id="u", audio_ms=1_000))
    receive(conversation, e.ResponseStarted(response_id="r"))
    receive(conversation, e.TurnAdded(item_id="a", role="assistant", previous_item_id="u"))
    receive(conversation, e.AudioReceived(item_id="a", response_id="r", audio_ms=4_000))
    assert conversation.state is State.SPEAKING
    return conversation


class TestBargeIn:
    def test_late_audio_of_a_stopped_reply_is_ignored(self) -> None:
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
    def test_the_item_is_truncated_to_what_was_heard(self, played: int, effect: x.Effect) -> None:
        conversation = speaking()
        receive(conversation, e.SpeechStarted(item_id="u2"))
        interrupted = e.PlaybackInterrupted(item_id="a", played_ms=played)
        assert receive(conversation, interrupted) == [effect]

    def test_a_reply_heard_to_its_end_is_not_truncated(self) -> None:
        conversation = speaking()
        receive(conversation, e.TranscriptDone(item_id="a", text="all of it"))
        receive(conversation, e.ResponseDone(response_id="r"))
        receive(conversation, e.SpeechStarted(item_id="u2"))
        assert receive(conversation, e.PlaybackInterrupted(item_id="a", played_ms=4_000)) == []
        assert receive(conversation, e.PlaybackInterrupted(item_id="nobody", played_ms=1)) == []

    def test_the_session_waits_for_more_audio_of_an_unfinished_reply(self) -> None:
        conversation = speaking()
        receive(conversation, e.PlaybackFinished(item_id="a", played_ms=4_000))
        assert conversation.state is State.AWAITING
        receive(conversation, e.AudioReceived(item_id="a2", response_id="r", audio_ms=500))
        assert conversation.state is State.SPEAKING
        receive(conversation, e.ResponseDone(response_id="r"))
        receive(conversation, e.PlaybackFinished(item_id="a2", played_ms=500))
        assert conversation.state is State.IDLE

    def test_a_reply_can_be_cancelled_before_it_begins(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TextSubmitted(item_id="t", text="hello"))
        assert receive(conversation, e.StopPressed()) == [x.CancelResponse(response_id="")]
        assert conversation.state is State.IDLE

    def test_text_during_a_reply_is_answered_once_the_reply_is_cancelled(self) -> None:
        conversation = speaking()
        effects = receive(conversation, e.TextSubmitted(item_id="t", text="stop, rather this"))
        assert x.CancelResponse(response_id="r") in effects
        assert x.CreateResponse() not in effects
        assert x.CreateResponse() in receive(
            conversation, e.ResponseDone(response_id="r", status="cancelled")
        )

    def test_text_during_speech_ends_the_spoken_turn_and_one_response_answers_both(self) -> None:
        conversation = listening()
        effects = receive(conversation, e.TextSubmitted(item_id="t", text="by the way"))
        assert effects == [
            x.CommitInput(),
            x.CreateItem(item_id="t", role="user", text="by the way"),
            x.CreateResponse(),
        ]
        assert conversation.state is State.AWAITING
        assert receive(conversation, e.SpeechCommitted(item_id="u")) == []


class TestRefusedResponses:
    def test_after_a_refusal_we_wait_for_the_active_response(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.TextSubmitted(item_id="t", text="hello"))
        code = "conversation_already_has_active_response"
        receive(conversation, e.ResponseRefused(code=code, message="busy"))
        assert conversation.state is State.AWAITING
        assert x.CreateResponse() in receive(conversation, e.ResponseDone(response_id="other"))

    def test_any_other_refusal_ends_the_wait(self) -> None:
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
    def test_a_response_is_asked_for_once_every_function_has_answered(self) -> None:
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


class TestConnections:
    def test_a_new_connection_is_seeded_and_asked_the_open_question(self) -> None:
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

    def test_offline_a_typed_turn_waits_for_the_connection(self) -> None:
        conversation = Conversation()
        receive(conversation, e.ConnectionOpened())
        receive(conversation, e.ConnectionLost(reason="gone"))
        assert receive(conversation, e.TextSubmitted(item_id="t", text="hello")) == [x.Reconnect()]
        effects = receive(conversation, e.ConnectionOpened())
        assert effects[-1] == x.CreateResponse()

    def test_a_resumed_session_asks_for_no_response(self) -> None:
        conversation = speaking()
        receive(conversation, e.SessionResumed(backend="b", model="m"))
        assert conversation.ledger.model == "m"
        assert receive(conversation, e.ConnectionOpened()) == []
