"""Captured audio is kept until the server has its words, sent again after a loss, never doubled."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.runtime.speech_buffer import (
    MAX_PENDING_MS,
    SILENCE_KEPT_MS,
    TAIL_MS,
    SpeechBuffer,
)

FRAME_BYTES = 20 * BYTES_PER_MS
TAIL = bytes(TAIL_MS * BYTES_PER_MS)


def frame(number: int) -> bytes:
    """20 ms of audio that differ from those of other numbers."""
    return number.to_bytes(4, "little") * (FRAME_BYTES // 4)


@dataclass
class Server:
    """Keeps what it is sent, in order (`commit` between frames)."""

    sent: list[bytes | str] = field(default_factory=list)
    reachable: bool = True

    def send(self, pcm: bytes) -> bool:
        if self.reachable:
            self.sent.append(pcm)
        return self.reachable

    def buffer(self, *, manual: bool = False) -> SpeechBuffer:
        return SpeechBuffer(self.send, lambda: self.sent.append("commit"), manual)

    def take(self) -> list[bytes | str]:
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture
def server() -> Server:
    return Server()


def capture(buffer: SpeechBuffer, first: int, count: int) -> list[bytes]:
    """Adds so many frames, numbered from `first`."""
    frames = [frame(number) for number in range(first, first + count)]
    for pcm in frames:
        buffer.add(pcm)
    return frames


def connected(server: Server, *, manual: bool = False) -> SpeechBuffer:
    buffer = server.buffer(manual=manual)
    buffer.connection_ready(microphone_open=True)
    return buffer


def reconnect(buffer: SpeechBuffer, *, microphone_open: bool = True) -> tuple[str, ...]:
    """Returns the ids of the turns that were sent again."""
    sent_again = buffer.connection_lost(microphone_open=microphone_open)
    buffer.connection_ready(microphone_open=microphone_open)
    return sent_again


def test_nothing_is_sent_before_the_connection_is_ready(server: Server) -> None:
    buffer = server.buffer()
    early = capture(buffer, 0, 5)
    assert server.take() == []
    assert buffer.waiting_ms == 100
    buffer.connection_ready(microphone_open=True)
    assert server.take() == early
    assert buffer.waiting_ms == 0
    late = capture(buffer, 5, 3)
    assert server.take() == late


def test_a_turn_under_way_is_sent_again_once(server: Server) -> None:
    buffer = connected(server)
    before = capture(buffer, 0, 10)
    buffer.speech_started("i1")
    more = capture(buffer, 10, 10)
    server.take()
    assert buffer.connection_lost(microphone_open=True) == ("i1",)
    meanwhile = capture(buffer, 20, 10)
    assert buffer.connection_lost(microphone_open=True) == ()  # a new attempt failed
    assert server.take() == []
    buffer.connection_ready(microphone_open=True)
    assert server.take() == before + more + meanwhile
    capture(buffer, 30, 1)
    assert server.take() == [frame(30)]


def test_a_turn_without_words_is_sent_again_until_a_reply_to_it_comes(server: Server) -> None:
    buffer = connected(server)
    buffer.speech_started("i1")
    said = capture(buffer, 0, 10)
    buffer.committed("i1", microphone_open=True)
    assert buffer.awaits_words
    server.take()
    assert reconnect(buffer) == ("i1",)
    assert server.take() == said
    buffer.speech_started("i2")
    buffer.committed("i2", microphone_open=True)
    buffer.reply_started()
    buffer.reply_grew("i2")  # words of the user's own turn, not of the reply
    assert buffer.awaits_words
    buffer.reply_grew("a1")
    assert not buffer.awaits_words
    assert reconnect(buffer) == ()


def test_a_turn_whose_words_have_come_is_not_sent_again(server: Server) -> None:
    buffer = connected(server)
    buffer.speech_started("i1")
    capture(buffer, 0, 10)
    buffer.committed("i1", microphone_open=True)
    buffer.transcribed("i1")
    server.take()
    assert reconnect(buffer) == ()
    assert server.take() == []


def test_two_turns_without_words_keep_their_order(server: Server) -> None:
    buffer = connected(server)
    first = capture(buffer, 0, 5)
    buffer.committed("i1", microphone_open=True)
    second = capture(buffer, 5, 5)
    buffer.committed("i2", microphone_open=True)
    third = capture(buffer, 10, 5)
    server.take()
    assert reconnect(buffer) == ("i1", "i2")
    # The third part has no speech yet, but is shorter than the silence that is kept.
    assert server.take() == first + second + third


def test_of_a_silence_only_the_end_is_kept(server: Server) -> None:
    buffer = connected(server)
    capture(buffer, 0, 1000)
    server.take()
    reconnect(buffer)
    kept = server.take()
    assert kept == [frame(number) for number in range(1000 - SILENCE_KEPT_MS // 20, 1000)]


def test_with_the_microphone_closed_no_silence_is_kept(server: Server) -> None:
    buffer = connected(server)
    capture(buffer, 0, 10)
    server.take()
    reconnect(buffer, microphone_open=False)
    assert server.take() == []


def test_speech_that_ended_during_an_outage_is_followed_by_silence(server: Server) -> None:
    """Otherwise the server's turn detection would wait for ever."""
    buffer = server.buffer()
    said = capture(buffer, 0, 10)
    buffer.connection_ready(microphone_open=False)
    assert server.take() == [*said, TAIL]


def test_a_long_outage_drops_the_oldest_audio_and_counts_it(server: Server) -> None:
    buffer = server.buffer()
    capture(buffer, 0, MAX_PENDING_MS // 20 + 50)
    assert buffer.dropped_ms == 1000
    buffer.connection_ready(microphone_open=True)
    sent = server.take()
    assert (sent[0], len(sent)) == (frame(50), MAX_PENDING_MS // 20)
    assert buffer.dropped_ms == 0


def test_a_connection_lost_while_pending_audio_is_sent(server: Server) -> None:
    buffer = server.buffer()
    said = capture(buffer, 0, 5)
    server.reachable = False
    buffer.connection_ready(microphone_open=True)
    capture(buffer, 5, 1)
    server.reachable = True
    assert server.take() == []
    buffer.connection_ready(microphone_open=True)
    assert server.take() == [*said, frame(5)]


def test_a_turn_by_the_talk_key_is_sent_again_with_its_commit(server: Server) -> None:
    buffer = connected(server, manual=True)
    buffer.expect_speech()
    first = capture(buffer, 0, 200)
    buffer.add_commit()
    buffer.expect_speech()  # the next turn begins before the first one is acknowledged
    second = capture(buffer, 200, 5)
    server.take()
    assert reconnect(buffer) == ()
    assert server.take() == [*first, "commit", *second]
    buffer.committed("i1", microphone_open=True)
    assert reconnect(buffer) == ("i1",)
    assert server.take() == [*first, "commit", *second]


def test_a_turn_that_was_too_short_is_forgotten(server: Server) -> None:
    buffer = connected(server, manual=True)
    buffer.expect_speech()
    capture(buffer, 0, 1)
    buffer.add_commit()
    buffer.discarded()
    server.take()
    reconnect(buffer, microphone_open=False)
    assert server.take() == []


def test_a_turn_that_is_dropped_takes_no_turn_before_it_along(server: Server) -> None:
    buffer = connected(server, manual=True)
    buffer.expect_speech()
    first = capture(buffer, 0, 5)
    buffer.add_commit()
    buffer.expect_speech()
    capture(buffer, 5, 5)
    buffer.drop_turn()
    server.take()
    reconnect(buffer, microphone_open=False)
    assert server.take() == [*first, "commit"]


def test_our_commit_is_sent_again_where_the_server_detects_turns(server: Server) -> None:
    buffer = connected(server)
    buffer.speech_started("i1")
    said = capture(buffer, 0, 5)
    buffer.add_commit()
    server.take()
    assert reconnect(buffer, microphone_open=False) == ("i1",)
    assert server.take() == [*said, "commit", TAIL]
    buffer.committed("i2", microphone_open=False)
    assert reconnect(buffer, microphone_open=False) == ("i2",)
    assert server.take() == [*said, TAIL, TAIL]
