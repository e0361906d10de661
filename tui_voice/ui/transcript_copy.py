"""Copies what is selected or chosen in a transcript to the clipboard."""

from __future__ import annotations

from tui_voice.ui.markdown import code_blocks
from tui_voice.ui.number_format import plural
from tui_voice.ui.widgets.transcript import Transcript


def copy_code_from(transcript: Transcript) -> None:
    """Copies the code blocks of the chosen turn."""
    turn = transcript.chosen_turn
    blocks = code_blocks(turn.text) if turn else []
    if blocks:
        lines = sum(block.count("\n") for block in blocks)
        _copy(transcript, "\n".join(blocks), f"{plural(lines, 'line')} of code")


def copy_from(transcript: Transcript) -> None:
    """Copies the selected text, or else the chosen turn."""
    turn = transcript.chosen_turn
    text = transcript.screen.get_selected_text() or (turn.heard_text if turn else "")
    if text:
        _copy(transcript, text, plural(len(text.split()), "word"))


def _copy(transcript: Transcript, text: str, what: str) -> None:
    from tui_voice.ui.clipboard import copy  # not needed by the first picture

    copy(transcript.app, text, what)
