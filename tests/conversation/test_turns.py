"""Turns: their order, words and tokens, whatever the order of the events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.turns import ITEM_OVERHEAD, Chunk, Turn, Turns
from tui_voice.languages.token_estimate import estimate_text_tokens


def ids(ledger: Ledger) -> list[str]:
    return [turn.id for turn in ledger.turns]


def turn(ledger: Ledger, item_id: str) -> Turn:
    found = ledger.turns.get(item_id)
    assert found is not None
    return found


RESUMED = e.SessionResumed(backend="openai", model="m")
OPENED = e.ConnectionOpened(server_session_id="s")


class TestOrder:
    def test_a_late_transcript_changes_no_place(self) -> None:
        ledger = fold([
            OPENED,
            e.SpeechStarted(item_id="u"),
            e.SpeechStopped(item_id="u", audio_ms=2_000),
            e.SpeechCommitted(item_id="u"),
            e.TurnAdded(item_id="a", role="assistant", previous_item_id="u"),
            e.TranscriptGrew(item_id="a", text="Good "),
            e.TranscriptGrew(item_id="a", text="day."),
            e.TranscriptDone(item_id="u", text="Good morning."),
        ])  # fmt: skip
        assert [(t.id, t.text) for t in ledger.turns] == [
            ("u", "Good morning."),
            ("a", "Good day."),
        ]
        assert turn(ledger, "u").words == "done"
        assert turn(ledger, "a").words == "open"

    def test_a_turn_behind_an_unknown_one_is_added_at_the_end(self) -> None:
        ledger = fold([
            OPENED,
            e.TurnAdded(item_id="a", role="assistant", previous_item_id="u"),
            e.TurnAdded(item_id="u", role="user"),
            e.SpeechCommitted(item_id="u", previous_item_id=None),
            e.TurnAdded(item_id="a2", role="assistant", previous_item_id="u"),
        ])  # fmt: skip
        assert ids(ledger) == ["a", "u", "a2"]  # the first named a turn that nobody knew

    def test_the_server_moves_a_turn_to_its_place_on_commit(self) -> None:
        ledger = fold([
            OPENED,
            e.TextSubmitted(item_id="t", text="one"),
            e.ItemPlaced(item_id="t"),
            e.SpeechStarted(item_id="u"),
            e.TurnAdded(item_id="a", role="assistant", previous_item_id="t"),
            e.SpeechCommitted(item_id="u", previous_item_id="a", audio_ms=900),
        ])  # fmt: skip
        assert ids(ledger) == ["t", "a", "u"]
        assert turn(ledger, "u").audio_ms == 900

    def test_a_commit_in_the_known_order_moves_nothing(self) -> None:
        events = [
            OPENED,
            e.SpeechStarted(item_id="u1"),
            e.SpeechStarted(item_id="u1"),
            e.TurnAdded(item_id="a1", role="assistant", previous_item_id="u1"),
            e.SpeechStarted(item_id="u2"),
        ]
        for previous in ("a1", "u2", "nobody", None):
            ledger = fold([*events, e.SpeechCommitted(item_id="u2", previous_item_id=previous)])
            assert ids(ledger) == ["u1", "a1", "u2"]
        moved = fold([*events, e.SpeechCommitted(item_id="u2", previous_item_id="u1")])
        assert ids(moved) == ["u1", "u2", "a1"]

    def test_a_turn_moves_behind_the_turn_that_the_commit_names(self) -> None:
        ledger = fold([
            OPENED,
            e.SpeechStarted(item_id="u1"),
            e.SpeechStarted(item_id="u2"),
            e.SpeechCommitted(item_id="u1", previous_item_id="u2"),
        ])  # fmt: skip
        assert ids(ledger) == ["u2", "u1"]

    def test_a_place_behind_a_turn_that_was_never_sent_moves_nothing(self) -> None:
        ledger = fold([
            OPENED,
            e.TextSubmitted(item_id="never sent", text="one"),
            e.SpeechStarted(item_id="u"),
            e.SpeechCommitted(item_id="u", previous_item_id="never sent"),
        ])  # fmt: skip
        assert ids(ledger) == ["never sent", "u"]

    def test_a_commit_without_a_start_adds_the_turn(self) -> None:
        ledger = fold([OPENED, e.SpeechCommitted(item_id="u", audio_ms=700)])
        assert turn(ledger, "u").spoken
        assert ledger.window.audio == 7

    def test_a_known_turn_is_not_added_again(self) -> None:
        ledger = fold([
            OPENED,
            e.TextSubmitted(item_id="t", text="hi"),
            e.TurnAdded(item_id="t", role="user", modality="text", text="hi"),
        ])  # fmt: skip
        assert ids(ledger) == ["t"]
        assert turn(ledger, "t").in_window


class TestWords:
    def test_growing_audio_adds_to_the_window(self) -> None:
        events = [OPENED, e.SpeechStarted(item_id="u")]
        windows = []
        for ms in (1_000, 2_000):
            events.append(e.SpeechGrew(item_id="u", audio_ms=ms))
            windows.append(fold(events).window)
        assert [w.audio for w in windows] == [10, 20]
        assert not windows[0].exact

    def test_a_discarded_turn_weighs_nothing(self) -> None:
        ledger = fold([
            OPENED,
            e.SpeechStarted(item_id="u"),
            e.SpeechGrew(item_id="u", audio_ms=3_000),
            e.SpeechDiscarded(item_id="u", reason="too short"),
            e.SpeechStopped(item_id="u"),
        ])  # fmt: skip
        assert ledger.window.total == 0
        assert turn(ledger, "u").note == "too short"

    def test_a_failed_transcript_is_noted(self) -> None:
        ledger = fold([
            OPENED,
            e.SpeechStarted(item_id="u"),
            e.TranscriptFailed(item_id="u"),
            e.TranscriptGrew(item_id="nobody", text="x"),
        ])  # fmt: skip
        assert turn(ledger, "u").words == "failed"
        assert turn(ledger, "u").note == "not transcribed"

    def test_the_words_of_a_reply_are_complete_when_its_response_is_done(self) -> None:
        said = [
            OPENED,
            e.TurnAdded(item_id="a", role="assistant"),
            e.TranscriptGrew(item_id="a", text="Half a"),
            e.TurnAdded(item_id="b", role="assistant", previous_item_id="a"),
            e.ResponseDone(response_id="r", status="cancelled"),
        ]
        ledger = fold(said)
        assert [t.words for t in ledger.turns] == ["done", "failed"]
        assert turn(ledger, "a").modality == "text"

    def test_a_lost_connection_ends_unfinished_turns(self) -> None:
        ledger = fold([
            OPENED,
            e.SpeechStarted(item_id="u"),
            e.TurnAdded(item_id="a", role="assistant"),
            e.TranscriptGrew(item_id="a", text="Half a"),
            e.SpeechStarted(item_id="u2"),
            e.ConnectionLost(reason="cut", again=("u2",)),
        ])  # fmt: skip
        assert [(t.words, t.note) for t in ledger.turns] == [
            ("failed", "cut"),
            ("done", "cut"),
            ("failed", "sent again on a new connection"),
        ]
        assert ledger.window.total == 0

    @pytest.mark.parametrize(
        "replaced",
        [e.ConnectionLost(reason="cut", again=("u",)), e.ConnectionOpened(again=("u",))],
        ids=["loss", "handover"],
    )
    @pytest.mark.parametrize(
        "begun",
        [
            e.SpeechStarted(item_id="v"),
            e.SpeechCommitted(item_id="v"),
            e.TurnAdded(item_id="v", role="user", modality="audio"),
        ],
        ids=lambda event: type(event).__name__,
    )
    def test_audio_that_is_sent_again_leaves_one_turn(
        self, replaced: e.Event, begun: e.Event
    ) -> None:
        said = [OPENED, e.SpeechStarted(item_id="u"), e.SpeechCommitted(item_id="u"), replaced]
        waiting = fold(said)
        assert [t.note for t in waiting.turns] == ["sent again on a new connection"]
        after = [OPENED, begun, e.TranscriptDone(item_id="v", text="hello")]
        assert [(t.id, t.text) for t in fold(after, waiting).turns] == [("v", "hello")]

    def test_a_turn_that_was_to_be_sent_again_stays_where_the_program_ended_before(self) -> None:
        lost = e.ConnectionLost(reason="cut", again=("u",))
        begun = [OPENED, e.SpeechStarted(item_id="u"), lost, RESUMED]
        ledger = fold([*begun, e.SpeechStarted(item_id="v")])
        assert [t.id for t in ledger.turns] == ["u", "v"]


class TestHeard:
    @pytest.mark.parametrize(
        ("heard", "text"),
        [
            (None, "one two three four"),
            (8_000, "one two three four"),
            (9_999, "one two three four"),
            (4_000, "one two"),
            (1_000, ""),
            (0, ""),
        ],
    )
    def test_the_words_heard_by_time(self, heard: int | None, text: str) -> None:
        reply = Turn("a", "assistant", 0, "one two three four", audio_ms=8_000, heard_ms=heard)
        assert reply.heard_text == text
        assert reply.interrupted == (heard is not None)
        assert reply.as_text_tokens == ITEM_OVERHEAD + estimate_text_tokens(text)

    def test_token_estimates(self) -> None:
        user = Turn("u", "user", 0, "some words", audio_ms=4_050, wire_id="u")
        assert (user.audio_tokens, user.text_tokens) == (41, ITEM_OVERHEAD)
        reply = Turn("a", "assistant", 0, "some words", audio_ms=4_050, wire_id="a")
        assert reply.tokens == 81 + ITEM_OVERHEAD + estimate_text_tokens("some words")
        cut = Turn("a", "assistant", 0, "some words", audio_ms=4_000, heard_ms=1_000, wire_id="a")
        assert (cut.audio_tokens, cut.text_tokens) == (20, ITEM_OVERHEAD)
        typed = Turn("t", "user", 0, "some words", modality="text")
        assert typed.audio_tokens == 0
        assert typed.tokens == typed.as_text_tokens
        assert estimate_text_tokens("日本語") > estimate_text_tokens("abc")

    def test_an_interruption_says_how_much_audio_had_come(self) -> None:
        ledger = fold([
            OPENED,
            e.TurnAdded(item_id="a", role="assistant"),
            e.AudioReceived(item_id="a", response_id="r", audio_ms=2_000),
            e.PlaybackInterrupted(item_id="a", played_ms=500, received_ms=2_600),
            e.PlaybackInterrupted(item_id="nobody", played_ms=1),
        ])  # fmt: skip
        assert (turn(ledger, "a").heard_ms, turn(ledger, "a").audio_ms) == (500, 2_600)


class TestTurns:
    """The container `Turns`, compared with a plain list."""

    def test_it_behaves_as_a_list(self) -> None:
        turns, plain = Turns(), []
        for n in range(200):
            one = Turn(f"i{n}", "user", n, wire_id=f"w{n}" if n % 3 else None)
            previous = f"i{n // 2}" if n % 5 == 0 else None
            turns = turns.insert_after(previous, one)
            place = len(plain)
            if previous is not None and previous != one.id:
                place = next(k for k, t in enumerate(plain) if t.id == previous) + 1
            plain.insert(place, one)
        assert list(turns) == plain
        assert list(reversed(turns)) == plain[::-1]
        assert list(turns.held()) == [t for t in plain if t.in_window]
        assert list(turns.held_backwards()) == [t for t in plain if t.in_window][::-1]
        assert turns.last == plain[-1]
        assert turns.get("w100") == turns.get("i100")
        names = [t.id for t in plain]
        assert [t.id for t in turns.after("i100")] == names[names.index("i100") + 1 :]
        assert list(turns.after("nobody")) == list(turns.after(None)) == []
        assert turns.get("nobody") is None
        for n in range(0, 200, 7):
            turns = turns.remove(f"i{n}")
            plain = [t for t in plain if t.id != f"i{n}"]
        assert list(turns) == plain
        assert len(turns) == len(plain)
        assert turns.remove("nobody") is turns
        assert turns.change("nobody", text="x") is turns

    def test_removing_the_only_turn_leaves_none(self) -> None:
        turns = Turns().append(Turn("a", "user", 0)).remove("a")
        assert len(turns) == 0
        assert turns.last is None
        assert list(turns) == []

    def test_equality_does_not_depend_on_the_chunks(self) -> None:
        some = [Turn(f"i{n}", "user", n) for n in range(130)]
        grown = Turns()
        for one in some:
            grown = grown.append(one)
        given = Turns((Chunk(some[:50]), Chunk(some[50:100]), Chunk(some[100:])))
        assert grown == given
        assert grown != given.change("i3", text="x")
        assert grown != given.remove("i129")
        assert grown != some
        assert hash(grown) == hash(Turns(grown.chunks))
        assert hash(Turns()) == hash(Turns())
        assert "i0" in repr(grown)

    def test_unchanged_chunks_are_shared(self) -> None:
        grown = Turns()
        for n in range(130):
            grown = grown.append(Turn(f"i{n}", "user", n))
        changed = grown.change("i129", text="x")
        assert changed.chunks[:2] == grown.chunks[:2]
        assert changed.chunks[0] is grown.chunks[0]
        settled = grown.map_server_bound(lambda one: structs.replace(one, words="done"))
        assert {one.words for one in settled} == {"done"}
        same = settled.map_server_bound(lambda one: structs.replace(one, text="never"))
        assert all(a is b for a, b in zip(same.chunks, settled.chunks, strict=True))


class TestFolding:
    def test_the_ledger_of_a_session_and_its_connection(self) -> None:
        ledger = fold([
            e.SessionOpened(id="t", started="2026-01-01T00:00:00+00:00", backend="b", model="m"),
            e.SessionRenamed(title="About names"),
            e.ConnectionOpening(url="wss://x"),
            e.ConnectionOpened(model="m2", expires_at=9.0),
            e.SessionResumed(backend="b2", model="m3", voice="v"),
            e.Noticed(at=3.0, text="no microphone"),
            e.ServerErred(at=4.0, code="odd", message="what?"),
            e.ServerErred(at=2.0, code="", message="hm"),
            e.ConnectionLost(reason="cut", retry_in=2.0),
            e.ConnectionOpening(),
        ])  # fmt: skip
        assert (ledger.title, ledger.backend, ledger.model, ledger.voice) == (
            "About names",
            "b2",
            "m3",
            "v",
        )
        assert [n.text for n in ledger.notices] == [
            "no microphone",
            "server: what? (odd)",
            "server: hm",
        ]
        assert ledger.connection.status == "reconnecting"
        assert ledger.at == 4.0
        assert fold([e.SessionClosed()], ledger).connection.status == "offline"

    def test_an_output_without_a_call_is_kept(self) -> None:
        ledger = fold([e.ToolAnswered(item_id="o", call_id="c", output="found")])
        assert turn(ledger, "o").words == "done"

    def test_what_came_after_the_response_began_is_added_to_its_usage(self) -> None:
        usage = e.Usage(input_text=100, input_audio=50, output_text=20, output_audio=100)
        reply = [
            OPENED,
            e.TurnAdded(item_id="a", role="assistant"),
            e.AudioReceived(item_id="a", response_id="r", audio_ms=5_000),
            e.TranscriptDone(item_id="a", text="some words"),
        ]
        done = e.ResponseDone(response_id="r", usage=usage)
        plain = fold([*reply, done]).window
        assert (plain.text, plain.audio, plain.exact) == (120, 150, True)
        spoken_over = [
            e.SpeechStarted(item_id="u"),
            e.SpeechGrew(item_id="u", audio_ms=2_000),
            e.PlaybackInterrupted(item_id="a", played_ms=1_000),
        ]
        after, before = (fold([*reply, *x]) for x in ([done, *spoken_over], [*spoken_over, done]))
        assert after.window == before.window
        assert before.window.audio == 150 + 20 - 80
        assert not before.window.exact

    def test_a_change_leaves_the_prefix_in_front_of_it_cacheable(self) -> None:
        """What the cache can hold: neither a question that grows behind all of it, nor one that
        is thrown away there, takes anything from it.
        """
        events = [
            OPENED,
            e.TurnAdded(item_id="a", role="assistant", modality="text", text="some words"),
            e.ResponseDone(response_id="r", usage=e.Usage(input_text=100, output_text=20)),
            e.SpeechStarted(item_id="u"),
            e.SpeechGrew(item_id="u", audio_ms=2_000),
        ]
        grown = fold(events)
        assert (grown.cacheable_prefix_tokens, grown.window.total) == (100, 143)
        gone = fold([e.SpeechDiscarded(item_id="u")], grown)
        assert (gone.cacheable_prefix_tokens, gone.window.total) == (100, 120)

    def test_usages_add_up(self) -> None:
        one = e.Usage(
            input_text=1,
            input_audio=2,
            cached_text=3,
            cached_audio=4,
            output_text=5,
            output_audio=6,
        )
        both = one + one
        assert (both.input, both.cached, both.output) == (6, 14, 22)

    def test_only_the_newest_notices_are_kept(self) -> None:
        ledger = fold([e.Noticed(text=str(n)) for n in range(200)])
        assert [n.text for n in ledger.notices] == [str(n) for n in range(150, 200)]


def test_unheard_words_weigh_nothing_in_any_script() -> None:
    said = Turn("a", "assistant", 0.0, "one two three four", "done", "text", 4_000, heard_ms=2_000)
    assert said.heard_text == "one two"
    assert said.tokens == said.as_text_tokens < structs.replace(said, heard_ms=None).tokens
    unparted = structs.replace(said, text="我想去京都看看春天的樱花")
    assert unparted.heard_text == "我想去京都看"


class TestRuns:
    """A session that is resumed after a day: its clock and its notices."""

    SAID = (OPENED, e.Noticed(at=20.0, text="The disk is full."), e.SessionClosed(at=60.0))

    def test_the_time_between_two_runs_does_not_count(self) -> None:
        ledger = fold([*self.SAID, replace(RESUMED, at=86_400.0)])
        assert ledger.at - ledger.away_s == 60.0
        ledger = fold([e.Noticed(at=86_430.0, text="x")], ledger)
        assert ledger.at - ledger.away_s == 90.0

    def test_notices_of_an_earlier_run_are_not_shown_again(self) -> None:
        assert len(fold(self.SAID).notices) == 1
        assert fold([*self.SAID, replace(RESUMED, at=86_400.0)]).notices == ()


@pytest.mark.parametrize(
    ("ends", "seconds"),
    [
        ([e.SpeechStopped(at=3.0, item_id="u", silence_ms=600)], 0.7),
        ([e.SpeechStopped(at=3.0, item_id="u")], 0.1),
        ([e.SpeechCommitted(at=3.0, item_id="u", silence_ms=250)], 0.35),
        (
            [
                e.SilenceTimedOut(at=3.0, item_id="u", audio_ms=9_000),
                e.SpeechCommitted(at=3.0, item_id="u", silence_ms=9_000),
            ],
            0.1,
        ),
    ],
    ids=["by the server", "not known", "by key", "silence"],
)
def test_the_wait_for_a_reply_begins_with_the_last_word(
    ends: list[e.Event], seconds: float
) -> None:
    reply = (
        e.TurnAdded(at=3.05, item_id="a", role="assistant"),
        e.AudioReceived(at=3.1, item_id="a", audio_ms=100),
    )
    begins = (OPENED, e.ConnectionOpened(), e.SpeechStarted(at=1.0, item_id="u"))
    turn = fold([*begins, *ends, *reply]).turns.get("a")
    assert turn is not None
    assert turn.first_sound_s == pytest.approx(seconds)


def test_a_reply_says_after_how_many_seconds_it_was_heard_first() -> None:
    events = [
        e.SessionOpened(id="s", started="2026-01-01T00:00:00+00:00", backend="b", model="m"),
        e.ConnectionOpened(),
        e.SpeechStarted(at=1.0, item_id="u"),
        e.SpeechStopped(at=3.0, item_id="u", audio_ms=2_000),
        e.SpeechCommitted(at=3.1, item_id="u"),
        e.TurnAdded(at=3.2, item_id="a", role="assistant"),
        e.AudioReceived(at=3.5, item_id="a", audio_ms=100),
        e.AudioReceived(at=4.5, item_id="a", audio_ms=1_100),
        e.TurnAdded(at=5.0, item_id="b", role="assistant"),
        e.AudioReceived(at=5.5, item_id="b", audio_ms=100),
        e.TextSubmitted(at=9.0, item_id="t", text="And now?"),
        e.TurnAdded(at=9.1, item_id="c", role="assistant"),
        e.AudioReceived(at=10.25, item_id="c", audio_ms=100),
    ]
    found = {turn.id: turn.first_sound_s for turn in fold(events).turns}
    assert found == {"u": None, "a": 0.5, "b": None, "t": None, "c": 1.25}
