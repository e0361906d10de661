"""The names in the memory, which the transcription is then to spell right."""

from __future__ import annotations

from tui_voice.languages.sentences import sentences
from tui_voice.languages.statements import statements

MOST_NAMES = 40
"""Names at most: a longer list makes the transcription worse at everything else."""
_LONGEST = 40
"""Characters of a name at most."""


def learned_names(memory: str) -> tuple[str, ...]:
    """Returns the names in a memory, each once, the last mentioned first; at most `MOST_NAMES`.

    A name is a word that is capitalised inside a sentence, with those of the kind right behind it.
    Example: `("Doctor Okafor",)` for "- My dentist is Doctor Okafor."
    """
    found: dict[str, None] = {}
    for statement in reversed(statements(sentences(memory), "")):
        end = -1
        names: list[tuple[int, int]] = []
        for word in statement.words:
            if word.kind != "name":
                continue
            if names and statement.text[end : word.start] == " ":
                names[-1] = (names[-1][0], word.end)
            else:
                names.append((word.start, word.end))
            end = word.end
        found |= {statement.text[a:b]: None for a, b in names if b - a <= _LONGEST}
    return tuple(found)[:MOST_NAMES]
