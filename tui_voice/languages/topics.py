"""What a conversation was about, in a few of its own words: names, and words said again and again.

Words that every text of a language has are left out (`common_words`). A language without such a
list has no topics: without it, words of grammar would be among them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from tui_voice.languages.common_words import common_words
from tui_voice.languages.statements import MIN_LETTERS, language_code, statements

MOST_TOPICS = 3
MIN_TURNS = 2
"""Number of turns in which a topic occurs at least."""


def topics_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Returns at most `MOST_TOPICS` words, those of the most turns first. `texts`: one for each
    turn. Empty where no word is said in two turns, or the language is not known.

    May load a language model: do not call it on an event loop.
    """
    code = language_code(" ".join(texts))
    common = common_words(code)
    if not common:
        return ()
    turns_with: Counter[str] = Counter()
    names: set[str] = set()
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for said in statements(texts, code):
        found = set()
        for word in said.words:
            written = said.text[word.start : word.end]
            folded = written.casefold()
            is_name = word.kind == "name"
            if word.kind == "figure" or folded in common or "'" in folded or "’" in folded:
                continue
            if is_name or (len(written) >= MIN_LETTERS and word.stem not in common):
                spellings[word.stem][written if is_name else folded] += 1
                found.add(word.stem)
                names |= {word.stem} if is_name else set()
        turns_with.update(found)
    ranked = sorted(
        (stem for stem, count in turns_with.items() if count >= MIN_TURNS),
        key=lambda stem: (-turns_with[stem], stem not in names, -len(stem)),
    )
    return tuple(spellings[stem].most_common(1)[0][0] for stem in ranked[:MOST_TOPICS])
