"""The table of moves: every state can be reached and left, every trigger is a fact that exists."""

from __future__ import annotations

import pytest

from tests.conversation.world import World
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import TRANSITIONS, State, diagram


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
    """A line that breaks, or a stop, must not leave the talk hanging."""
    for state in State:
        talk = Conversation()
        talk.machine.set_state(state)
        talk.receive(e.StopPressed())
        talk.receive(e.ConnectionLost(reason="gone"))
        talk.receive(e.PlaybackFinished(item_id="x"))
        assert talk.state is State.IDLE


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


def test_a_walk_through_all_five() -> None:
    world = World(Limits(150, 0, policy="notebook"))
    seen = [world.conversation.state]
    receive = world.conversation.receive

    def watched(event: e.Event) -> list[x.Effect]:
        effects = receive(event)
        if world.conversation.state is not seen[-1]:
            seen.append(world.conversation.state)
        return effects

    world.conversation.receive = watched  # type: ignore[method-assign]  # to look on
    while State.SUMMARISING not in seen:
        world.exchange()
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
    talk = Conversation()
    assert talk.receive(e.SpeechStopped(item_id="nobody")) == []
    assert not caplog.records
    assert "speech_stopped" not in talk.live_triggers()
    assert "speech_started" in talk.live_triggers()


class TestTheTalkKey:
    """Turns made by hand: the key opens and ends them."""

    def test_by_hand(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        assert talk.receive(e.TalkPressed(manual=True)) == [x.OpenMicrophone(manual=True)]
        assert talk.state is State.LISTENING
        assert talk.snapshot.microphone_open
        assert talk.receive(e.TalkReleased()) == [x.CloseMicrophone(), x.CommitInput()]
        assert talk.state is State.AWAITING
        assert not talk.snapshot.microphone_open
        assert talk.receive(e.SpeechCommitted(item_id="u")) == [x.CreateResponse()]

    def test_a_turn_that_was_too_short_is_no_turn(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.TalkPressed(manual=True))
        talk.receive(e.TalkReleased())
        talk.receive(e.SpeechDiscarded(item_id="u", reason="empty"))
        assert talk.state is State.IDLE
        assert talk.receive(e.SpeechCommitted(item_id="later")) == []

    def test_with_vad_it_only_opens_and_closes_the_microphone(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        assert talk.receive(e.TalkPressed()) == [x.OpenMicrophone()]
        assert talk.receive(e.TalkReleased()) == [x.CloseMicrophone()]
        assert talk.state is State.IDLE
        assert talk.receive(e.MuteChanged(muted=True)) == [x.MuteMicrophone(muted=True)]
        assert talk.snapshot.muted

    def test_over_a_reply_it_is_a_barge_in(self) -> None:
        talk = speaking()
        effects = talk.receive(e.TalkPressed(manual=True))
        assert effects[:2] == [x.InterruptPlayback(), x.CancelResponse(response_id="r")]
        assert talk.state is State.LISTENING

    def test_without_a_line_it_wants_one(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.ConnectionLost(reason="cut", retry_in=4.0))
        assert x.Reconnect() in talk.receive(e.TalkPressed(manual=True))
        talk.receive(e.TalkReleased())
        # What was said and not acknowledged goes out once more and is committed again.
        talk.receive(e.ConnectionLost(reason="cut again", again=("u",)))
        talk.receive(e.ConnectionOpened())
        assert x.CreateResponse() in talk.receive(e.SpeechCommitted(item_id="u2"))

    def test_held_while_the_line_breaks_the_turn_goes_on(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.TalkPressed(manual=True))
        talk.receive(e.ConnectionLost(reason="cut", retry_in=1.0))
        assert talk.state is State.LISTENING


def speaking() -> Conversation:
    talk = Conversation()
    talk.receive(e.ConnectionOpened())
    talk.receive(e.SpeechStarted(item_id="u"))
    talk.receive(e.SpeechStopped(item_id="u", audio_ms=1_000))
    talk.receive(e.ResponseStarted(response_id="r"))
    talk.receive(e.TurnAdded(item_id="a", role="assistant", previous_item_id="u"))
    talk.receive(e.AudioReceived(item_id="a", response_id="r", audio_ms=4_000))
    assert talk.state is State.SPEAKING
    return talk


class TestBargeIn:
    def test_late_sound_of_a_stopped_reply_does_not_speak(self) -> None:
        talk = speaking()
        talk.receive(e.StopPressed())
        assert talk.state is State.IDLE
        talk.receive(e.SpeechStarted(item_id="u2"))
        talk.receive(e.SpeechStopped(item_id="u2", audio_ms=500))
        talk.receive(e.AudioReceived(item_id="a", response_id="r", audio_ms=5_000))
        assert talk.state is State.AWAITING
        talk.receive(e.ResponseDone(response_id="r", status="cancelled"))
        talk.receive(e.ResponseStarted(response_id="r2"))
        talk.receive(e.AudioReceived(item_id="a2", response_id="r2", audio_ms=100))
        assert talk.state is State.SPEAKING

    @pytest.mark.parametrize(
        ("played", "effect"),
        [
            (0, x.DeleteItem(item_id="a")),
            (1_500, x.TruncateItem(item_id="a", audio_ms=1_500)),
            (9_000, x.TruncateItem(item_id="a", audio_ms=4_000)),
        ],
    )
    def test_the_model_learns_what_was_heard(self, played: int, effect: x.Effect) -> None:
        talk = speaking()
        talk.receive(e.SpeechStarted(item_id="u2"))
        effects = talk.receive(e.PlaybackInterrupted(item_id="a", played_ms=played))
        if played > 4_000:  # all was heard, but more would have come
            assert effects in ([effect], [])
        else:
            assert effects == [effect]

    def test_a_reply_heard_to_its_end_needs_no_cut(self) -> None:
        talk = speaking()
        talk.receive(e.TranscriptDone(item_id="a", text="all of it"))
        talk.receive(e.ResponseDone(response_id="r"))
        talk.receive(e.SpeechStarted(item_id="u2"))
        assert talk.receive(e.PlaybackInterrupted(item_id="a", played_ms=4_000)) == []
        assert talk.receive(e.PlaybackInterrupted(item_id="nobody", played_ms=1)) == []

    def test_sound_that_ends_before_the_reply_does_is_waited_for(self) -> None:
        talk = speaking()
        talk.receive(e.PlaybackFinished(item_id="a", played_ms=4_000))
        assert talk.state is State.AWAITING
        talk.receive(e.AudioReceived(item_id="a2", response_id="r", audio_ms=500))
        assert talk.state is State.SPEAKING
        talk.receive(e.ResponseDone(response_id="r"))
        talk.receive(e.PlaybackFinished(item_id="a2", played_ms=500))
        assert talk.state is State.IDLE

    def test_a_reply_can_be_stopped_before_it_has_begun(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.TextSubmitted(item_id="t", text="hello"))
        assert talk.receive(e.StopPressed()) == [x.CancelResponse(response_id="")]
        assert talk.state is State.IDLE

    def test_typing_over_a_reply_asks_once_it_is_cancelled(self) -> None:
        talk = speaking()
        effects = talk.receive(e.TextSubmitted(item_id="t", text="stop, rather this"))
        assert x.CancelResponse(response_id="r") in effects
        assert x.CreateResponse() not in effects
        assert x.CreateResponse() in talk.receive(
            e.ResponseDone(response_id="r", status="cancelled")
        )

    def test_typing_while_speaking_only_adds(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.SpeechStarted(item_id="u"))
        effects = talk.receive(e.TextSubmitted(item_id="t", text="by the way"))
        assert effects == [x.CreateItem(item_id="t", role="user", text="by the way")]
        assert talk.state is State.LISTENING


class TestRefusedResponses:
    def test_one_that_is_active_is_waited_for(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.TextSubmitted(item_id="t", text="hello"))
        code = "conversation_already_has_active_response"
        talk.receive(e.ResponseRefused(code=code, message="busy"))
        assert talk.state is State.AWAITING
        assert x.CreateResponse() in talk.receive(e.ResponseDone(response_id="other"))

    def test_any_other_refusal_ends_the_waiting(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.TextSubmitted(item_id="t", text="hello"))
        talk.receive(e.ResponseRefused(code="server_error", message="no"))
        assert talk.state is State.IDLE

    def test_a_response_of_another_id_does_not_end_ours(self) -> None:
        talk = speaking()
        talk.receive(e.ResponseDone(response_id="older"))
        assert talk.response_active


class TestTools:
    def test_the_answer_is_asked_for_once_every_function_has_answered(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.TextSubmitted(item_id="t", text="what time is it?"))
        talk.receive(e.ResponseStarted(response_id="r"))
        for call in ("c1", "c2"):
            event = e.ToolCalled(item_id=f"f{call}", call_id=call, tool="now", arguments="{}")
            assert talk.receive(event) == [x.AnswerTool(call_id=call, tool="now", arguments="{}")]
        assert talk.receive(e.ResponseDone(response_id="r")) == []
        assert talk.state is State.AWAITING
        assert talk.receive(e.ToolAnswered(item_id="o1", call_id="c1", output="noon")) == []
        last = e.ToolAnswered(item_id="o2", call_id="c2", output="noon")
        assert talk.receive(last) == [x.CreateResponse()]


class TestLines:
    def test_a_new_line_is_told_the_talk_and_asked_what_was_open(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.TextSubmitted(item_id="t", text="hello"))
        talk.receive(e.ItemPlaced(item_id="t"))
        talk.receive(e.ConnectionLost(reason="cut", retry_in=1.0))
        assert talk.state is State.IDLE
        effects = talk.receive(e.ConnectionOpened())
        assert effects == [
            x.CreateItem(item_id="t", role="user", text="hello"),
            x.CreateResponse(),
        ]
        assert talk.snapshot.seeding
        talk.receive(e.ItemPlaced(item_id="t"))
        assert not talk.snapshot.seeding

    def test_offline_a_typed_turn_waits_for_the_line(self) -> None:
        talk = Conversation()
        talk.receive(e.ConnectionOpened())
        talk.receive(e.ConnectionLost(reason="gone"))
        assert talk.receive(e.TextSubmitted(item_id="t", text="hello")) == [x.Reconnect()]
        effects = talk.receive(e.ConnectionOpened())
        assert effects[-1] == x.CreateResponse()

    def test_a_talk_taken_up_again_asks_nothing_by_itself(self) -> None:
        talk = speaking()
        talk.receive(e.SessionResumed(backend="b", model="m"))
        assert talk.ledger.model == "m"
        assert talk.receive(e.ConnectionOpened()) == []
