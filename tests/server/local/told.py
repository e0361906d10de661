"""What people tell and ask, and say without meaning to tell anything: the rows of `partner`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """`wants`: what the answer must hold (`|` between equals), `not_this`: what it must not."""

    told: tuple[str, ...]
    asked: str
    wants: tuple[str, ...]
    not_this: tuple[str, ...] = ()


CASES = (
    Case(("Hi, my name is Katarina.",), "What's my name?", ("katarina",)),
    Case(("hello i'm john by the way",), "do you remember my name", ("john",)),
    Case(("You can call me Bob, everybody does.",), "um, what should you call me?", ("bob",)),
    Case(("people call me tess",), "so who am i then", ("tess",)),
    Case(
        ("My sister lives in Bergen.", "My brother lives in Porto."),
        "Wait a moment, where does my sister live?",
        ("bergen",),
        ("porto",),
    ),
    Case(
        ("my mother in law lives near Lyon", "my aunt lives in Nice"),
        "hang on, where does my mother in law live again",
        ("lyon",),
        ("nice",),
    ),
    Case(("My wife's name is Marta.",), "Hey, what's my wife called?", ("marta",)),
    Case(
        ("i have a brother called Ravi and a sister called Meera",),
        "what was my brother's name again?",
        ("ravi",),
    ),
    Case(("My son Jonas is seven and my daughter Ida is four.",), "How old is Ida?", ("four|4",)),
    Case(("Our daughter Nora turns nine in June.",), "how old will Nora be", ("nine|9",)),
    Case(("My boss is called Mrs Whitfield.",), "Sorry, who is my boss?", ("whitfield",)),
    Case(("My neighbour Paul is a plumber.",), "What does Paul do?", ("plumber",)),
    Case(("My father was born in 1949.",), "When was my dad born?", ("1949",)),
    Case(("my mum is a retired teacher",), "what did my mother do for work?", ("teacher",)),
    Case(("I grew up in a small village near Gdansk.",), "Where did I grow up?", ("gdansk",)),
    Case(("we moved to Leeds last spring",), "what city did we move to?", ("leeds",)),
    Case(("We're staying at the Hotel Miramar.",), "Which hotel are we staying at?", ("miramar",)),
    Case(("I'm in room 308 by the way",), "what's my room number", ("308",)),
    Case(
        ("I parked the car on level three, next to the lift.",),
        "OK so where's my car?",
        ("level (?:three|3)",),
    ),
    Case(("i left my bike outside the library",), "um where did i leave my bike", ("library",)),
    Case(("The keys are under the blue flowerpot.",), "Where are the keys?", ("flowerpot",)),
    Case(
        ("The spare charger is in the top drawer.",),
        "Can you remind me where the charger is?",
        ("drawer",),
    ),
    Case(
        ("My dentist appointment is on Thursday at half past ten.",),
        "When do I have to go to the dentist?",
        ("thursday", "half past ten"),
    ),
    Case(("i have a haircut tomorrow at seven pm",), "what time is my haircut", ("seven|7",)),
    Case(
        ("My birthday is on the fourteenth of May.",),
        "Do you know when my birthday is?",
        ("fourteenth",),
    ),
    Case(("our anniversary is on october third",), "when's our anniversary?", ("october third",)),
    Case(
        ("The train leaves from platform nine at 8:15.",),
        "Which platform does the train leave from?",
        ("nine|9",),
    ),
    Case(
        ("my flight to Madrid leaves at six twenty from gate B twelve",),
        "what gate is my flight",
        ("b twelve|b 12",),
    ),
    Case(
        ("The rent is due on the first of every month.",), "So, when is the rent due?", ("first",)
    ),
    Case(
        ("We meet the architect next Wednesday.",),
        "Quick one, when are we meeting the architect?",
        ("wednesday",),
    ),
    Case(("our budget is 2400 euros",), "what is our budget?", ("2400",)),
    Case(
        ("The new kitchen costs eleven thousand pounds.",),
        "How much is the kitchen?",
        ("eleven thousand",),
    ),
    Case(("I pay 950 dollars in rent.",), "How much rent do I pay?", ("950",)),
    Case(
        ("my phone bill is thirty five euros a month",),
        "what do i pay for my phone",
        ("thirty five|35",),
    ),
    Case(("The tickets were 48 euros each.",), "What did the tickets cost?", ("48",)),
    Case(("I paid sixty for the shoes.",), "how much were the shoes", ("sixty|60",)),
    Case(("I'm allergic to shellfish.",), "Is there anything I'm allergic to?", ("shellfish",)),
    Case(("i can't eat gluten",), "what can't i eat", ("gluten",)),
    Case(("I never drink coffee after noon.",), "What do I never drink after noon?", ("coffee",)),
    Case(("I don't eat meat, only fish now and then.",), "Do I eat meat?", ("don't|no",)),
    Case(("I prefer window seats.",), "What kind of seat do I prefer?", ("window",)),
    Case(
        ("I'd rather have tea than coffee.",), "Would I rather have tea or coffee?", ("tea than",)
    ),
    Case(("My favourite band is Radiohead.",), "Who's my favorite band?", ("radiohead",)),
    Case(("the film i love most is Casablanca",), "what's my favourite film", ("casablanca",)),
    Case(("I hate horror movies.",), "What kind of movies do I hate?", ("horror",)),
    Case(("I can't stand olives.",), "What food can't I stand?", ("olives",)),
    Case(
        ("My sister lives in Oslo.", "No, it's Bergen, not Oslo."),
        "Where does my sister live?",
        ("bergen",),
    ),
    Case(
        ("The meeting is on Monday.", "sorry I meant Tuesday"),
        "When is the meeting?",
        ("tuesday",),
    ),
    Case(
        ("Our budget is 800 dollars.", "Actually, make that 900."), "What's our budget?", ("900",)
    ),
    Case(
        ("My flight is at nine.", "No wait, it's at ten."),
        "What time is my flight?",
        (r"\bten\b|10",),
    ),
    Case(
        ("We're going to Italy in July.", "Actually we're going to Greece instead."),
        "Where are we going?",
        ("greece",),
    ),
    Case(
        ("I have two cats.", "Well, three cats actually, we got a new one."),
        "How many cats do I have?",
        ("three|3",),
    ),
    Case(("I work at the post office in Dover.",), "Where do I work?", ("post office",)),
    Case(("i'm a paramedic",), "what's my job", ("paramedic",)),
    Case(
        ("I'm learning Italian because my grandmother is from Naples.",),
        "Which language am I learning?",
        ("italian",),
    ),
    Case(
        ("I've been studying Japanese for two years.",),
        "How long have I been studying Japanese?",
        ("two years|2 years",),
    ),
    Case(("We decided to take the ferry.",), "What did we decide to take?", ("ferry",)),
    Case(
        ("Let's go with the red paint for the hallway.",),
        "What colour did we pick for the hallway?",
        (r"\bred\b",),
    ),
    Case(("My phone number is 555 0199.",), "What's my phone number?", ("555 0199",)),
    Case(("The wifi password is sunflower42.",), "What's the wifi password?", ("sunflower42",)),
    Case(("I take my pills at eight in the morning.",), "When do I take my pills?", ("eight|8",)),
    Case(
        ("My doctor told me to walk thirty minutes a day.",),
        "What did my doctor tell me to do?",
        ("walk thirty",),
    ),
    Case(
        ("I need to buy milk, eggs and bread.",),
        "What do I need to buy?",
        ("milk", "eggs", "bread"),
    ),
    Case(("Remind me to call Olga on Friday.",), "Who do I have to call on Friday?", ("olga",)),
    Case(
        ("My old car was a Volvo but now I drive a Mazda.",),
        "What car do I drive?",
        ("mazda",),
    ),
    Case(("I used to live in Cairo, now I live in Tunis.",), "Where do I live?", ("tunis",)),
)

ABSENT = (
    ("My sister is called Ann.", "What is my brother's name?"),
    ("my cat is called miso", "what's my dog called"),
    ("My haircut is on Monday.", "When is my dentist appointment?"),
    ("My aunt lives in Bergen.", "hold on, where does my brother live?"),
    ("The roof of the shed is red.", "What did I say about the garage?"),
    ("Our budget is 500 euros.", "how much is my rent"),
    ("I walked to the station today.", "Where did I park my car?"),
    ("My favourite band is Radiohead.", "What's my favourite colour?"),
    ("My daughter is four.", "How old is my son?"),
    ("I never drink coffee after noon.", "What am I allergic to?"),
    ("my phone number is 555 0199", "what's my email address"),
    ("My name is Tom.", "Do you remember my wife's name?"),
)
"""What was told, and a question it does not answer."""

SMALL_TALK = (
    "How are you doing today?",
    "That's so funny.",
    "We told each other jokes all evening.",
    "My friend and I told each other scary stories.",
    "I was told this place is haunted.",
    "You know what I mean.",
    "Do you like pizza?",
    "What do you think about rainy days?",
    "Tell me a story.",
    "I can't remember the last time I laughed so hard.",
    "Who told you that?",
    "He said she said, it was such a mess.",
    "What should I have for dinner?",
    "Can I ask you something?",
    "It said on the news that it will snow.",
    "Where do birds go in winter?",
    "When is the best time to plant tomatoes?",
    "How much water should I drink a day?",
    "why do i always wake up so early",
    "What's the meaning of life?",
    "What makes us human?",
    "what do we call a baby kangaroo",
    "How do I get rid of hiccups?",
    "They agreed that it was a bad idea.",
    "I forgot how nice the sea smells.",
    "Let's talk about something else.",
    "What would you do in my place?",
    "Say something nice to me.",
    "How far is the moon from us?",
    "Everybody told me it would be fun.",
)
"""Nothing of this asks for what was said: no look-up, no call."""

FRESH = (
    Case(("I work nights at a bakery in Cardiff.",), "Which town do I work in?", ("cardiff",)),
    Case(("my niece Paula plays the cello",), "what does my niece play", ("cello",)),
    Case(("The parcel should arrive on Saturday.",), "When will the parcel arrive?", ("saturday",)),
    Case(("I owe my brother forty pounds.",), "How much do I owe my brother?", ("forty|40",)),
    Case(("We named the puppy Biscuit.",), "What did we name the puppy?", ("biscuit",)),
    Case(("my locker combination is 17 32 5",), "whats my locker combination", ("17 32 5",)),
    Case(("I've got a meeting with Helen at noon.",), "Who am I meeting at noon?", ("helen",)),
    Case(("My mother makes the best lasagne.",), "Who makes the best lasagne?", ("mother",)),
    Case(("I broke my left wrist in March.",), "Er, which wrist did I break?", ("left",)),
    Case(("There are eleven people on my team.",), "How many people are on my team?", ("eleven",)),
    Case(("I read that book twice.",), "How many times did I read the book?", ("twice",)),
    Case(
        ("My grandson is studying law in Utrecht.",), "Where is my grandson studying?", ("utrecht",)
    ),
    Case(("The doctor said no more salt.",), "What did the doctor say?", ("salt",)),
    Case(("I don't like flying.",), "Listen, do I like flying?", ("don't",)),
    Case(("We take the number twelve bus.",), "Which bus do we take?", ("twelve|12",)),
    Case(("The party is at six.", "Oh sorry, at seven."), "When's the party?", ("seven|7",)),
    Case(
        ("I live in Ghent.", "Wait, I mean I used to, I live in Bruges now."),
        "Where do I live?",
        ("bruges",),
    ),
    Case(("my son's teacher is called Mr Hale",), "what's the name of my son's teacher", ("hale",)),
)
"""Written once the rules stood."""

FRESH_SMALL_TALK = (
    "I could eat a horse right now.",
    "What do people usually talk about?",
    "Isn't it strange how time flies?",
    "My goodness, is it that late?",
    "You told me nothing new there.",
    "When it rains it pours, they say.",
    "Where would you go if you could travel?",
    "How was your day?",
    "I wish I could remember my dreams.",
    "Who do you think you are?",
)

AROUND = (
    "I have a garden with two apple trees.",
    "My uncle Sam sells boats in Hamburg.",
    "I saw a film about penguins on Sunday.",
    "The weather was awful, it rained for three hours.",
    "my colleague is called Priya and she is very tall",
    "The concert starts at nine and costs 30 euros.",
)
"""Facts of the same kinds about other things."""
