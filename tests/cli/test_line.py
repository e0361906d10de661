"""How `tui-voice line` prints what is special about a turn."""

from __future__ import annotations

import pytest

from tui_voice.cli.line import Lines
from tui_voice.conversation.turns import Turn


@pytest.mark.parametrize(
    ("turn", "line"),
    [
        (
            Turn("u", "user", 0.0, "Call Bo now.", words="done", uncertain=((5, 7),)),
            "you    Call Bo now. (unsure: Bo)",
        ),
        (
            Turn("u", "user", 0.0, words="done", audio_ms=6_000, after_silence=True),
            "you     (silence of 6.0 s)",
        ),
        (
            Turn("a", "assistant", 0.0, "Are you there?", words="done", after_silence=True),
            "voice  Are you there? (after silence)",
        ),
    ],
)
def test_remarks_follow_the_words(
    turn: Turn, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Lines._print_turn(turn)
    assert capsys.readouterr().out == f"{line}\n"
