"""Which language a text is in: told by function words or script, and not guessed."""

from __future__ import annotations

import pytest

from tui_voice.languages import (
    EXAMPLE,
    LANGUAGES,
    Language,
    is_same,
    language_of,
    named,
)
from tui_voice.languages.sense import own_words, senseless

TEXTS = {
    "English": "Ingrid lives in Trondheim with her sister. They have a budget of 2400 euros, and "
    "she is not allowed to eat walnuts.",
    "French": "Ingrid habite à Trondheim avec sa sœur. Elles ont un budget de 2400 euros, et elle "
    "ne doit pas manger de noix. L’hôtel est réservé.",
    "German": "Ingrid wohnt mit ihrer Schwester in Trondheim. Sie haben ein Budget von 2400 Euro, "
    "und sie darf keine Walnüsse essen.",
    "Spanish": "Ingrid vive en Trondheim con su hermana. Tienen un presupuesto de 2400 euros y no "
    "puede comer nueces.",
    "Italian": "Ingrid abita a Trondheim con la sorella. Hanno un bilancio di 2400 euro e non può "
    "mangiare le noci.",
    "Portuguese": "A Ingrid mora em Trondheim com a irmã. Elas têm um orçamento de 2400 euros e "
    "ela não pode comer nozes.",
    "Dutch": "Ingrid woont met haar zus in Trondheim. Ze hebben een budget van 2400 euro en ze mag "
    "geen walnoten eten.",
    "Norwegian": "Ingrid bor i Trondheim sammen med søsteren sin. De har 2400 euro å bruke, og hun "
    "kan ikke spise valnøtter. Jeg vet ikke noe mer.",
    "Swedish": "Ingrid bor i Trondheim med sin syster. De har en budget på 2400 euro, och hon får "
    "inte äta valnötter.",
    "Danish": "Ingrid bor i Trondheim med sin søster. De har et budget på 2400 euro, og hun må "
    "ikke spise valnødder af nogen slags.",
    "Polish": "Ingrid mieszka w Trondheim z siostrą. Mają budżet 2400 euro i nie może jeść "
    "orzechów włoskich, ale jest to dla niej trudne.",
    "Russian": "Ингрид живёт в Тронхейме с сестрой (budget: 2400 euro).",
    "Greek": "Η Ingrid ζει στο Τρόντχαϊμ με την αδελφή της.",
    "Hebrew": "אינגריד גרה בטרונדהיים עם אחותה.",
    "Arabic": "تعيش إنغريد في تروندهايم مع أختها.",
    "Hindi": "इंग्रिड अपनी बहन के साथ ट्रॉन्हेम में रहती है।",
    "Japanese": "イングリッドは妹とトロンハイムに住んでいます。予算は2400ユーロです。",
    "Korean": "잉그리드는 여동생과 함께 트론헤임에 산다.",
    "Chinese": "英格丽和她的妹妹住在特隆赫姆,预算是2400欧元。",
}


@pytest.mark.parametrize("name", [language.name for language in LANGUAGES])
def test_each_language_is_told(name: str) -> None:
    assert language_of(TEXTS[name]) == name


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one.shown], ids=lambda x: x.name)
def test_what_we_ask_with_is_in_the_language_itself(language: Language) -> None:
    assert language_of(f"{language.wish} {language.shown}") == language.name
    assert senseless(language.shown, "I live in Oslo.") == "told of somebody whom nobody had named"
    assert senseless(language.shown, EXAMPLE) == ""
    assert own_words(language.shown) == ""


@pytest.mark.parametrize(
    "text", ["", "2400", "Ingrid Solheim, Trondheim, Marit, Bolla", "?!…", "OK OK OK", "🙂"]
)
def test_too_little_is_no_verdict(text: str) -> None:
    assert language_of(text) == ""


def test_quoted_english_among_french_headings_is_english() -> None:
    """As the embedded summariser would have it: the words are what counts."""
    assert language_of('Faits : "I live in Trondheim", "my sister is called Marit and she"') == (
        "English"
    )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("French", "French"),
        ("french", "French"),
        ("Français", "French"),
        (" fr ", "French"),
        ("fr-CA", "French"),
        ("pt-BR", "Portuguese"),
        ("Deutsch", "German"),
        ("日本語", "Japanese"),
        ("Klingon", ""),
        ("same", ""),
    ],
)
def test_languages_are_known_by_many_names(wanted: str, found: str) -> None:
    language = named(wanted)
    assert (language.name if language else "") == found


def test_the_language_of_the_talk() -> None:
    assert [is_same(word) for word in ("same", "", "Auto", "French")] == [True, True, True, False]
