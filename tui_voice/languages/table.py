"""The languages we can tell and ask for. Function words: frequent, and seldom anything else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """`wish`: asks for a summary in it, said in it. `shown`: what `EXAMPLE` comes to in it.
    `words` is empty for one that is told by its script.
    """

    name: str
    """In English, as it is shown."""
    also: tuple[str, ...]
    """Other names, lower case: its code first, its own name last."""
    wish: str
    shown: str = ""
    words: str = ""


EXAMPLE = "user: My name is Odile Vautrin.\nuser: I live in Quimper.\nuser: I hate mustard."
"""A talk of which each language shows the summary: small models follow an example, not a rule."""
MARKS = ("odile", "vautrin", "quimper")
"""Nobody in another talk: a summary that names them has copied the example."""

LANGUAGES = (
    Language(
        "English",
        ("en", "british english", "american english"),
        "Write the summary in English, and in English only.",
        "The user is called Odile Vautrin. She lives in Quimper. She hates mustard.",
        "the and of to is was are were be been have has had not with for that this they she "
        "he his her their its you your my our it will would who which from at on by an but "
        "or as what when where there about should can",
    ),
    Language(
        "French",
        ("fr", "français", "francais"),
        "Écris le résumé en français, et seulement en français.",
        "L'utilisatrice s'appelle Odile Vautrin. Elle habite à Quimper. Elle déteste la moutarde.",
        "le la les l' un une des du de et est sont était a ont il elle ils elles au aux à "
        "ce cette ces son sa ses leur qui que qu' dans sur pour par avec pas ne n' se s' d' "
        "où mais ou nous vous je j' très plus été être avoir",
    ),
    Language(
        "German",
        ("de", "deutsch"),
        "Schreibe die Zusammenfassung auf Deutsch, und nur auf Deutsch.",
        "Die Nutzerin heißt Odile Vautrin. Sie wohnt in Quimper. Sie hasst Senf.",
        "der die das den dem des ein eine einen einem einer und ist sind war waren nicht "
        "mit für auf von zu im in am sie er es ihr sein seine wird werden hat haben ich wir "
        "auch nach bei aus um über als dass oder aber nur noch kein keine zum zur",
    ),
    Language(
        "Spanish",
        ("es", "español", "espanol", "castellano"),
        "Escribe el resumen en español, y solo en español.",
        "La usuaria se llama Odile Vautrin. Vive en Quimper. Odia la mostaza.",
        "el la los las un una unos de del y es son era está están en que se su sus por para "
        "con no al lo le les como pero más muy este esta hay ha han fue ser sin sobre yo "
        "nos cuando donde qué o",
    ),
    Language(
        "Italian",
        ("it", "italiano"),
        "Scrivi il riassunto in italiano, e solo in italiano.",
        "L'utente si chiama Odile Vautrin. Abita a Quimper. Odia la senape.",
        "il lo la i gli le l' dell' un un' una uno di del della dei delle dello e è sono "
        "era ha hanno che chi non si per con in nel nella al alla da dal su come ma anche "
        "più suo sua suoi questo questa ci io noi a o essere",
    ),
    Language(
        "Portuguese",
        ("pt", "português", "portugues", "brazilian portuguese"),
        "Escreve o resumo em português, e só em português.",
        "A utilizadora chama-se Odile Vautrin. Mora em Quimper. Odeia mostarda.",
        "o a os as um uma de do da dos das e é são era está em no na nos nas que se não por "
        "para com ao à mais mas seu sua seus como muito foi ser ter tem há eu ele ela nós "
        "isso este esta ou pelo pela",
    ),
    Language(
        "Dutch",
        ("nl", "nederlands"),
        "Schrijf de samenvatting in het Nederlands, en alleen in het Nederlands.",
        "De gebruiker heet Odile Vautrin. Ze woont in Quimper. Ze haat mosterd.",
        "de het een en van is zijn was waren niet met voor op in te aan bij dat die dit "
        "deze hij zij ze haar er ook naar maar om uit over als of wordt worden heeft hebben "
        "ik we wij geen nog wel door je",
    ),
    Language(
        "Norwegian",
        ("no", "nb", "nn", "bokmål", "norsk"),
        "Skriv sammendraget på norsk, og bare på norsk.",
        "Brukeren heter Odile Vautrin. Hun bor i Quimper. Hun hater sennep.",
        "og er i på en et ei av til med for som det den de ikke har var ble blir å at fra "
        "om hun han hva hvor jeg vi seg sin men også eller mer etter skal kan vil noe meg "
        "bare mot blitt gjøre dersom hvis ut når ingen selv nå enn både ønsker liker",
    ),
    Language(
        "Swedish",
        ("sv", "svenska"),
        "Skriv sammanfattningen på svenska, och bara på svenska.",
        "Användaren heter Odile Vautrin. Hon bor i Quimper. Hon hatar senap.",
        "och är i på en ett av till med för som det den de inte har var blev blir att från "
        "om hon han vad var jag vi sig sin men också eller mer efter ska kan vill något mig "
        "när där",
    ),
    Language(
        "Danish",
        ("da", "dansk"),
        "Skriv resuméet på dansk, og kun på dansk.",
        "Brugeren hedder Odile Vautrin. Hun bor i Quimper. Hun hader sennep.",
        "og er i på en et af til med for som det den de ikke har var blev bliver at fra om "
        "hun han hvad hvor jeg vi sig sin men også eller mere efter skal kan vil noget mig "
        "nogle kun mod blevet gøre hvis ud når ingen selv nu end både ønsker lide",
    ),
    Language(
        "Polish",
        ("pl", "polski"),
        "Napisz streszczenie po polsku i tylko po polsku.",
        "Użytkowniczka nazywa się Odile Vautrin. Mieszka w Quimper. Nie znosi musztardy.",
        "i w we na z ze do nie się jest są był była było że to ten ta te o od po za dla jak "
        "ale lub oraz jego jej ich przez przy który która które może ma mają już tylko czy",
    ),
    Language("Russian", ("ru", "русский"), "Напиши краткое изложение по-русски, только по-русски."),
    Language("Greek", ("el", "ελληνικά"), "Γράψε την περίληψη στα ελληνικά, μόνο στα ελληνικά."),
    Language("Hebrew", ("he", "עברית"), "כתוב את הסיכום בעברית, ורק בעברית."),
    Language("Arabic", ("ar", "العربية"), "اكتب الملخص باللغة العربية فقط."),
    Language("Hindi", ("hi", "हिन्दी"), "सारांश हिन्दी में लिखो, केवल हिन्दी में।"),
    Language("Japanese", ("ja", "日本語"), "要約は日本語だけで書いてください。"),
    Language("Korean", ("ko", "한국어"), "요약은 한국어로만 쓰세요."),
    Language("Chinese", ("zh", "mandarin", "中文"), "请只用中文写摘要。"),
)

SCRIPTS = (
    ("Russian", "[\u0400-\u04ff]"),
    ("Greek", "[\u0370-\u03ff]"),
    ("Hebrew", "[\u0590-\u05ff]"),
    ("Arabic", "[\u0600-\u06ff]"),
    ("Hindi", "[\u0900-\u097f]"),
    ("Japanese", "[\u3040-\u30ff]"),
    ("Korean", "[\uac00-\ud7af]"),
    ("Chinese", "[\u4e00-\u9fff]"),
)
"""Language and a letter of its script. Kana come before the signs that Japanese shares with
Chinese; of languages that share a script the most spoken stands for all.
"""
