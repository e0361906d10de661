"""The words of negation of each known language: a closed class, which grammars list in full.

They are the forms that the treebanks of Universal Dependencies mark with `Polarity=Neg` or
`PronType=Neg`. No new ones join, so the table needs no care; a language that is not in it has none.
"""

from __future__ import annotations

_NEGATORS = {
    "ar": "لا لم لن ليس ليست لست ما غير",
    "zh": "不 没 没有 无 非 未 别 勿 莫",
    "da": "ikke ingen intet aldrig ej hverken næppe",
    "nl": "niet geen nooit niemand niets nergens noch",
    "en": "no not never none nobody nothing nowhere neither nor cannot without",
    "fr": "ne n pas jamais aucun aucune rien personne ni sans non nulle",
    "de": "nicht kein keine keinen keinem keiner keines nie niemals niemand nichts nirgends weder "
    "ohne nein",
    "el": "δεν δε μη μην όχι ποτέ κανείς κανένας τίποτα ούτε χωρίς",
    "he": "לא אין אל בלי אף שום",
    "hi": "नहीं न मत ना बिना",
    "it": "non no mai nessuno nessuna niente nulla né senza",
    "ja": "ない なく なかった ません ず ぬ 無 不",
    "ko": "안 못 않 없 말",
    "no": "ikke ingen intet aldri ei ikkje verken",
    "pl": "nie nigdy nikt nic nigdzie żaden żadna żadne ani bez",
    "pt": "não nunca jamais ninguém nada nenhum nenhuma nem sem",
    "ru": "не нет ни никогда никто ничего нигде никакой никакая без нельзя",
    "es": "no nunca jamás nadie nada ningún ninguno ninguna ni sin tampoco",
    "sv": "inte ingen inget inga aldrig icke ej varken utan",
}
_PARTS_OF_WORDS = frozenset(("ja", "ko", "zh"))
"""Languages in which a negator is a part of what stands between two spaces."""
_CONTRACTIONS = {"en": ("n't", "n’t"), "fr": ("n'", "n’")}
"""Endings and beginnings by which a negator is attached to another word."""


def knows_negation(code: str) -> bool:
    """Returns whether `is_negated` can tell for this language."""
    return code in _NEGATORS


def is_negated(words: tuple[str, ...], text: str, code: str) -> bool:
    """Returns whether a sentence has a word of negation.

    `words`: those of the sentence, in lower case. `text`: the sentence. `code`: ISO 639-1.
    """
    negators = frozenset(_NEGATORS.get(code, "").split())
    if code in _PARTS_OF_WORDS:
        return any(negator in text for negator in negators)
    return any(
        word in negators
        or (code == "en" and word.endswith(_CONTRACTIONS["en"]))
        or (code == "fr" and word.startswith(_CONTRACTIONS["fr"]))
        for word in words
    )
