"""Sound: kept while the line is away, sent once it knows the talk, bounded, never doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.sound import Sound
from tui_voice.conversation import events as e
from tui_voice.runtime.media import BYTES_PER_MS, HELD_MS, SILENCE_MS, TAIL_MS, Media

MS_20 = 20 * BYTES_PER_MS
TAIL = bytes(TAIL_MS * BYTES_PER_MS)


def frame(number: int) -> bytes:
    return number.to_bytes(4, "little") * (MS_20 // 4)


@dataclass
class Ends:
    """What a server got, in order (`commit` between frames), and the facts."""

    got: list[bytes | str] = field(default_factory=list)
    facts: list[e.Event] = field(default_factory=list)
    up: bool = True

    def send(self, pcm: bytes) -> bool:
        if self.up:
            self.got.append(pcm)
        return self.up

    def media(self, *, manual: bool = False) -> Media:
        return Media(self.send, self.facts.append, lambda: self.got.append("commit"), manual)

    def take(self) -> list[bytes | str]:
        got, self.got = self.got, []
        return got


@pytest.fixture
def ends() -> Ends:
    return Ends()


def feed(media: Media, first: int, count: int) -> list[bytes]:
    frames = [frame(number) for number in range(first, first + count)]
    for pcm in frames:
        media.frame(pcm)
    return frames


def test_nothing_is_sent_before_the_server_knows_the_talk(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    early = feed(media, 0, 5)
    assert ends.take() == []
    media.line_back()
    assert ends.take() == early
    late = feed(media, 5, 3)
    assert ends.take() == late


def test_what_is_being_said_when_the_line_breaks_is_said_again_once(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    media.line_back()
    before = feed(media, 0, 10)
    media.speech_began("i1")
    more = feed(media, 10, 10)
    ends.take()
    assert media.line_lost() == ("i1",)
    away = feed(media, 20, 10)
    assert media.line_lost() == ()  # another try failed: nothing of it is lost
    assert ends.take() == []
    media.line_back()
    assert ends.take() == before + more + away
    feed(media, 30, 1)
    assert ends.take() == [frame(30)]


def test_a_turn_without_words_is_said_again_until_a_reply_shows_it_was_heard(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    media.line_back()
    media.speech_began("i1")
    said = feed(media, 0, 10)
    media.committed("i1")
    assert media.awaits_words
    ends.take()
    assert media.line_lost() == ("i1",)
    media.line_back()
    assert ends.take() == said
    media.speech_began("i2")
    media.committed("i2")
    media.reply_began()
    media.words_came("i2")  # these are the user's own
    assert media.awaits_words
    media.words_came("a1")
    assert not media.awaits_words
    assert media.line_lost() == ()


def test_a_turn_whose_words_have_come_is_not_said_again(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    media.line_back()
    media.speech_began("i1")
    feed(media, 0, 10)
    media.committed("i1")
    media.transcribed("i1")
    ends.take()
    assert media.line_lost() == ()
    media.line_back()
    assert ends.take() == []


def test_two_turns_without_words_keep_their_order(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    media.line_back()
    first = feed(media, 0, 5)
    media.committed("i1")
    second = feed(media, 5, 5)
    media.committed("i2")
    third = feed(media, 10, 5)
    ends.take()
    assert media.line_lost() == ("i1", "i2")
    media.line_back()
    # Nobody had begun to speak in the third piece, but it is within what is kept of a silence.
    assert ends.take() == first + second + third


def test_of_a_silence_only_the_end_is_kept(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    media.line_back()
    feed(media, 0, 1000)
    ends.take()
    media.line_lost()
    media.line_back()
    kept = ends.take()
    assert kept == [frame(number) for number in range(1000 - SILENCE_MS // 20, 1000)]


def test_with_the_microphone_closed_no_silence_is_kept(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    media.line_back()
    feed(media, 0, 10)
    media.gate(False)
    ends.take()
    media.line_lost()
    media.line_back()
    assert ends.take() == []


def test_speech_that_ended_while_the_line_was_away_is_followed_by_silence(ends: Ends) -> None:
    """The ear that listens for the end of a turn would wait for ever."""
    media = ends.media()
    media.gate(True)
    said = feed(media, 0, 10)
    media.gate(False)
    media.line_back()
    assert ends.take() == [*said, TAIL]


def test_a_long_outage_costs_the_oldest_sound_and_is_counted(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    feed(media, 0, HELD_MS // 20 + 50)
    assert media.dropped_ms == 1000
    media.line_back()
    got = ends.take()
    assert (got[0], len(got)) == (frame(50), HELD_MS // 20)
    (told,) = ends.facts
    assert isinstance(told, e.Noticed)
    assert told.text.endswith("1 s before that are lost.")
    media.line_lost()
    media.line_back()
    assert ends.facts == [told]


def test_a_line_that_breaks_while_it_is_told_gets_nothing_more(ends: Ends) -> None:
    media = ends.media()
    media.gate(True)
    said = feed(media, 0, 5)
    ends.up = False
    media.line_back()
    feed(media, 5, 1)
    ends.up = True
    assert ends.take() == []
    media.line_back()
    assert ends.take() == [*said, frame(5)]


def test_a_turn_by_key_keeps_its_commit(ends: Ends) -> None:
    media = ends.media(manual=True)
    media.line_back()
    media.gate(True)
    first = feed(media, 0, 200)
    media.gate(False)
    media.turn_ends()
    media.gate(True)  # the next one is begun before the first is acknowledged
    second = feed(media, 200, 5)
    ends.take()
    assert media.line_lost() == ()
    media.line_back()
    assert ends.take() == [*first, "commit", *second]
    media.committed("i1")
    assert media.line_lost() == ("i1",)
    media.line_back()
    assert ends.take() == [*first, "commit", *second]


def test_a_tap_on_the_key_is_forgotten(ends: Ends) -> None:
    media = ends.media(manual=True)
    media.line_back()
    media.gate(True)
    feed(media, 0, 1)
    media.gate(False)
    media.turn_ends()
    media.nothing_said()
    ends.take()
    media.line_lost()
    media.line_back()
    assert ends.take() == []


def test_our_commit_under_the_servers_ear_is_sent_again(ends: Ends) -> None:
    media = ends.media()
    media.line_back()
    media.gate(True)
    media.speech_began("i1")
    said = feed(media, 0, 5)
    media.gate(False)
    media.turn_ends()
    ends.take()
    assert media.line_lost() == ("i1",)
    media.line_back()
    assert ends.take() == [*said, "commit", TAIL]
    media.committed("i2")
    assert media.line_lost() == ("i2",)
    media.line_back()
    assert ends.take() == [*said, TAIL, TAIL]


# ── the speaker ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def sounding(ends: Ends) -> AsyncIterator[tuple[Media, NullMicrophone, NullSpeaker]]:
    media = ends.media()
    microphone = NullMicrophone(media.frame)
    microphone.gate(False)
    speaker = NullSpeaker(None, media.finished, record=True)
    media.mute(True)
    media.attach(Sound(microphone, speaker))
    yield media, microphone, speaker
    await speaker.close()


async def test_gate_and_mute_reach_the_microphone(
    sounding: tuple[Media, NullMicrophone, NullSpeaker],
) -> None:
    media, microphone, _ = sounding
    assert (microphone.is_open, microphone.muted) == (False, True)
    media.gate(True)
    media.mute(False)
    assert (microphone.is_open, microphone.muted) == (True, False)
    assert media.meters().playing == ""


async def test_the_loudspeaker_may_rest_while_the_microphone_is_closed(
    sounding: tuple[Media, NullMicrophone, NullSpeaker], monkeypatch: pytest.MonkeyPatch
) -> None:
    media, _, speaker = sounding
    woken: list[bool] = []
    monkeypatch.setattr(speaker, "wake", lambda: woken.append(speaker.may_rest))
    assert speaker.may_rest
    media.gate(True)
    assert woken == [False]
    media.gate(False)
    assert speaker.may_rest
    media.reply_began()  # to something typed
    assert woken == [False, True]


async def test_a_reply_is_finished_when_it_was_played(
    ends: Ends, sounding: tuple[Media, NullMicrophone, NullSpeaker]
) -> None:
    media, _, speaker = sounding
    done = asyncio.Event()
    ends.facts = Watched(done)  # type: ignore[assignment]  # a list that tells
    media._post = ends.facts.append
    media.play("a1", bytes(30 * BYTES_PER_MS))
    assert media.meters().playing == "a1"
    media.play_ends("a1")
    await asyncio.wait_for(done.wait(), 10)
    assert list(ends.facts) == [e.PlaybackFinished(item_id="a1", played_ms=30)]
    assert len(speaker.recording) == 30 * BYTES_PER_MS


class Watched(list[e.Event]):
    def __init__(self, done: asyncio.Event) -> None:
        super().__init__()
        self._done = done

    def append(self, event: e.Event) -> None:
        super().append(event)
        self._done.set()


async def test_an_interruption_tells_what_was_heard_and_what_had_come(
    ends: Ends, sounding: tuple[Media, NullMicrophone, NullSpeaker]
) -> None:
    media, _, speaker = sounding
    media.play("a1", bytes(4000 * BYTES_PER_MS))
    media.play("a2", bytes(500 * BYTES_PER_MS))
    media.interrupt()
    heard = speaker.played_ms("a1")
    assert ends.facts == [
        e.PlaybackInterrupted(item_id="a1", played_ms=heard, received_ms=4000),
        e.PlaybackInterrupted(item_id="a2", played_ms=0, received_ms=500),
    ]
    media.play("a1", bytes(100 * BYTES_PER_MS))  # late sound of it is refused
    media.interrupt()
    assert len(ends.facts) == 2


async def test_a_broken_line_lets_the_reply_play_to_its_end(
    sounding: tuple[Media, NullMicrophone, NullSpeaker],
) -> None:
    media, _, _speaker = sounding
    done = asyncio.Event()
    media._post = (facts := Watched(done)).append
    media.play("a1", bytes(40 * BYTES_PER_MS))
    media.line_lost()
    await asyncio.wait_for(done.wait(), 10)
    assert list(facts) == [e.PlaybackFinished(item_id="a1", played_ms=40)]


def test_without_a_speaker_a_reply_counts_as_heard(ends: Ends) -> None:
    media = ends.media()
    media.play("a1", bytes(40 * BYTES_PER_MS))
    media.play_ends("a1")
    media.play_ends("unknown")
    media.play("a2", bytes(40 * BYTES_PER_MS))
    media.interrupt()
    assert ends.facts == [
        e.PlaybackFinished(item_id="a1"),
        e.PlaybackInterrupted(item_id="a2", played_ms=40, received_ms=40),
    ]
    assert media.meters().microphone == 0.0
