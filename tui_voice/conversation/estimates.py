"""Figures that are assumed about a session until its own are known."""

from __future__ import annotations

from tui_voice.conversation.turns import ASSISTANT_TOKENS_PER_SECOND, USER_TOKENS_PER_SECOND

FIXED_TOKENS = 400
"""Tokens of instructions and tools, until the first usage of a response shows them."""
SUMMARY_TOKENS = 300
"""Tokens of a summary until the first one is known. For few turns: half the tokens of the turns."""
REQUEST_TOKENS = 250
"""Tokens of the request for a summary without the turns that it quotes."""
SECONDS_PER_REPLY = 20.0
"""Seconds from one reply to the next."""
USER_SECONDS, ASSISTANT_SECONDS = 8.0, 12.0
"""Seconds of speech in an exchange, of each side."""
USER_WORD_TOKENS, ASSISTANT_WORD_TOKENS = 30, 60
"""Tokens of the same speech as text."""
_USER_AUDIO = USER_SECONDS * USER_TOKENS_PER_SECOND
_ASSISTANT_AUDIO = ASSISTANT_SECONDS * ASSISTANT_TOKENS_PER_SECOND + ASSISTANT_WORD_TOKENS

AUDIO_TURN_TOKENS = (_USER_AUDIO + _ASSISTANT_AUDIO) / 2
"""Tokens of a turn that stays audio: the average of the user's 8 s and the assistant's 12 s.
The assistant's audio keeps its transcript."""
TEXT_TURN_TOKENS = (USER_WORD_TOKENS + ASSISTANT_WORD_TOKENS) / 2
"""Tokens of the same turns as text."""
MIXED_TURN_TOKENS = (USER_WORD_TOKENS + (ASSISTANT_WORD_TOKENS + _ASSISTANT_AUDIO) / 2) / 2
"""Tokens if the user's turns are text, and half of the assistant's are audio."""
