"""Invented long sessions (trip, lesson, meeting, flat, meals) and what a memory must keep of them.

They were written before the summariser that is tested with them, and are not to be fitted to it.
Each has facts, preferences, prohibitions, to-dos, decisions, corrections and small talk, and things
that only the assistant said.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """Kept if one line of the memory contains every one of `words`, in any case."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LongSession:
    """Exchanges as (user, assistant), and what is checked."""

    name: str
    exchanges: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...]
    corrected: tuple[str, ...]
    """Parts of statements that were corrected later: no line may state them any more."""
    only_assistant: tuple[str, ...]
    """Words of the assistant alone: left out of the memory, or marked as the assistant's."""
    chunks: int
    """Number of compactions."""


def _facts(*lines: str) -> tuple[Fact, ...]:
    return tuple(Fact(tuple(line.split(" + "))) for line in lines)


TRIP = LongSession(
    name="trip",
    exchanges=(
        ("Hi there, can you hear me all right?", "Loud and clear! What are we doing today?"),
        (
            "I want to plan a trip to Portugal with my family. My name is Henrik Dahlberg.",
            "Lovely to meet you, Henrik! Portugal is wonderful in spring.",
        ),
        (
            "There are four of us: my wife Solveig, our son Aksel, who is nine, and my mother.",
            "A nice group. Many families fly into Faro for the Algarve.",
        ),
        (
            "Solveig has a severe peanut allergy, so every restaurant has to know that.",
            "Of course, I will keep it in mind for each place we choose.",
        ),
        ("The weather here is dreadful, by the way. Grey since Monday.", "Then you need sun."),
        (
            "We fly from Gothenburg on the 14th of April.",
            "Noted. Spring break is busy, so book early.",
        ),
        (
            "The budget is 5200 euros for everything, flights included.",
            "That should be comfortable for ten days.",
        ),
        (
            "We don't want to rent a car. My mother gets sick on winding roads.",
            "Then trains it is. The Alfa Pendular is comfortable.",
        ),
        ("I had a strange dream about penguins last night.", "Penguins! Were they friendly?"),
        (
            "Let's stay in Lisbon for five nights and then in Porto for four.",
            "A good split. Lisbon has more to see for a child.",
        ),
        (
            "Sorry, I mixed that up. We fly on the 16th of April, not the 14th.",
            "The 16th then. I will use that date.",
        ),
        (
            "Please no hotels with stairs only, my mother walks with a stick.",
            "Understood, a lift is a must.",
        ),
        (
            "Aksel loves aquariums. The one in Lisbon would be a highlight for him.",
            "The Oceanário is among the best in Europe; you can reach it by metro.",
        ),
        ("Ha, the cat just walked over my keyboard.", "Cats always know the best moment."),
        (
            "I have to renew Aksel's passport before the end of March.",
            "Do that soon, it takes a few weeks.",
        ),
        (
            "Solveig will book the train tickets as soon as the sale opens.",
            "Good, the cheap ones go quickly.",
        ),
        (
            "Actually the budget is 6100 euros, my mother pays for her own room.",
            "Great, that gives you more room.",
        ),
        ("Do you know any good songs for a train ride?", "Perhaps some fado to get in the mood."),
        (
            "My mother never eats fish, and Lisbon is full of it.",
            "There are many places with grilled meat and vegetables as well.",
        ),
        (
            "In Porto we booked the guest house Casa Amarela, confirmation number QX7731.",
            "It is close to the river.",
        ),
        (
            "We decided against Sintra, it's too crowded for my mother.",
            "A pity, but it makes sense.",
        ),
        (
            "My brother Torvald will feed the cat while we're away.",
            "How kind of him.",
        ),
        (
            "Make that three nights in Porto instead of four, Aksel has to be back at school.",
            "Three nights in Porto, then home.",
        ),
        ("I should make some coffee.", "Enjoy it."),
        ("So where were we?", "We had just settled the nights in Porto."),
    ),
    facts=_facts(
        "Henrik Dahlberg",
        "Solveig + peanut allergy",
        "Aksel + nine",
        "16th + April",
        "6100",
        "don't want to rent a car",
        "Lisbon + five nights",
        "three nights in Porto",
        "no hotels with stairs",
        "Aksel + aquarium",
        "renew Aksel's passport + March",
        "Solveig + book the train tickets",
        "never eats fish",
        "Casa Amarela + QX7731",
        "Torvald + cat",
    ),
    corrected=(
        "on the 14th of April",
        "The budget is 5200",
        "in Porto for four",
    ),
    only_assistant=("Alfa Pendular", "Faro", "Oceanário", "fado"),
    chunks=4,
)

LESSON = LongSession(
    name="lesson",
    exchanges=(
        ("Good evening! Shall we start the Italian lesson?", "Buonasera! With pleasure."),
        (
            "I'm Ngozi, and I have been learning Italian for eight months.",
            "Complimenti, Ngozi! Eight months is a good basis.",
        ),
        (
            "My exam, the B1, is on the 23rd of June in Bologna.",
            "Then we have time for a solid plan. Bologna is called la grassa.",
        ),
        (
            "Please don't correct me while I'm speaking; wait until I have finished.",
            "Va bene, I will wait.",
        ),
        ("It has been so hot these days.", "Che caldo! A gelato would help."),
        (
            "I always confuse essere and avere in the passato prossimo.",
            "Very common. Verbs of movement take essere.",
        ),
        (
            "I'd like ten new words each lesson, not more.",
            "Ten words. Let us begin with food.",
        ),
        ("Hm, let me think. How do I say strawberry?", "Fragola. Plural: fragole."),
        (
            "My teacher at the school is called Signora Bevilacqua.",
            "A beautiful name, it means drink water.",
        ),
        (
            "I can't practise on Thursdays because I work the night shift at the clinic.",
            "Then we leave Thursdays out.",
        ),
        (
            "I need to finish the workbook up to unit 12 by Sunday.",
            "Three units a day would do it.",
        ),
        (
            "Wait, it's unit 11 by Sunday, not unit 12. I looked it up.",
            "Unit 11, even better.",
        ),
        ("My neighbour's radio is so loud, can you believe it?", "Perhaps it is good music."),
        (
            "No grammar terms in English, please. Use the Italian ones.",
            "D'accordo, soltanto in italiano.",
        ),
        (
            "I'm dyslexic, so please spell difficult words slowly.",
            "Of course, letter by letter.",
        ),
        (
            "My aim is to read Natalia Ginzburg without a dictionary.",
            "Lessico famigliare is a good start.",
        ),
        ("Funny, I said tavola instead of tavolo again.", "It happens to Italians too."),
        (
            "My cousin Chidi lives in Turin and we'll visit him in August.",
            "Torino is elegant, try the bicerin.",
        ),
        (
            "We'll drop the listening exercises for now and do dialogues instead.",
            "Good, dialogues it is.",
        ),
        (
            "The exam has moved: it's on the 30th of June now.",
            "One more week to prepare, then.",
        ),
        (
            "Signora Bevilacqua wants me to send her an essay about my job by Wednesday.",
            "We can draft it together.",
        ),
        ("Let's take a tiny break, I need some water.", "Certo, a dopo."),
        (
            "I never want to hear baby talk, treat me like an adult.",
            "Understood.",
        ),
        (
            "My score in the last mock test was 74 percent.",
            "A fine result.",
        ),
        ("Okay, what is next?", "Let us try a dialogue at the market."),
    ),
    facts=_facts(
        "Ngozi",
        "eight months",
        "30th of June",
        "don't correct me while I'm speaking",
        "essere + avere",
        "ten new words + not more",
        "Signora Bevilacqua",
        "can't practise on Thursdays",
        "unit 11 + Sunday",
        "No grammar terms in English",
        "dyslexic",
        "Chidi + Turin",
        "drop the listening exercises",
        "essay + Wednesday",
        "74 percent",
    ),
    corrected=("is on the 23rd of June", "to unit 12 by Sunday"),
    only_assistant=("la grassa", "bicerin", "Lessico famigliare", "fragole"),
    chunks=4,
)

MEETING = LongSession(
    name="meeting",
    exchanges=(
        ("All right, everybody is here. Please take notes.", "I am listening."),
        (
            "This is the weekly meeting of the Heron project. I'm Priya Raman, I chair today.",
            "Welcome, Priya.",
        ),
        (
            "Our launch date is the 3rd of September.",
            "Noted. A Tuesday launch often works well.",
        ),
        (
            "No customer data may leave the European Union.",
            "Understood. Perhaps Frankfurt is a suitable region.",
        ),
        ("Can somebody close the window? It's loud outside.", "I cannot, sadly."),
        (
            "Luca is responsible for the migration of the billing database.",
            "Good. Such migrations need a rehearsal.",
        ),
        (
            "We must not deploy on Fridays, after what happened in May.",
            "A sensible rule.",
        ),
        (
            "The monthly cloud cost can't exceed 8500 dollars.",
            "I will remember the ceiling.",
        ),
        ("Sorry, I was muted. Did I miss anything?", "Only the budget."),
        (
            "We go with PostgreSQL and not with MongoDB. That is final.",
            "A robust choice. Version 17 has better vacuuming.",
        ),
        (
            "Hanneke has to write the rollback plan by Thursday noon.",
            "Good to have before the rehearsal.",
        ),
        (
            "Is the coffee machine repaired yet?",
            "I have no information about it.",
        ),
        (
            "The launch has slipped. It's the 17th of September now, not the 3rd.",
            "Two more weeks.",
        ),
        (
            "The vendor, Brightwater, charges 1250 a month for support.",
            "It seems a fair price.",
        ),
        (
            "Luca is on parental leave from Monday, so Oyelaran takes over the migration.",
            "Congratulations to Luca!",
        ),
        (
            "Nobody outside the team gets access to the staging server.",
            "Clear.",
        ),
        ("Haha, that slide is upside down.", "A fresh perspective."),
        (
            "I'll send the minutes to Director Okonkwo tonight.",
            "She will be pleased.",
        ),
        (
            "We still don't know who will pay for the penetration test.",
            "That needs an owner.",
        ),
        (
            "The error rate in the pilot was 2.3 percent.",
            "That is acceptable.",
        ),
        (
            "Correction from Hanneke: the error rate was 3.2 percent.",
            "A bit higher, thank you.",
        ),
        (
            "The app has to work without a network for at least 48 hours.",
            "An offline mode needs a queue.",
        ),
        (
            "We won't support Windows 10.",
            "That reduces the testing effort.",
        ),
        (
            "Mei prefers written updates to calls, so write to her.",
            "I will suggest that.",
        ),
        ("Good. I think we can wrap up.", "Thank you all."),
    ),
    facts=_facts(
        "Heron",
        "Priya Raman",
        "17th of September",
        "No customer data may leave the European Union",
        "must not deploy on Fridays",
        "can't exceed 8500",
        "PostgreSQL + not with MongoDB",
        "Hanneke + rollback plan + Thursday",
        "Brightwater + 1250",
        "Oyelaran + migration",
        "Nobody outside the team + staging",
        "minutes + Okonkwo",
        "3.2 percent",
        "without a network + 48 hours",
        "won't support Windows 10",
    ),
    corrected=("launch date is the 3rd", "was 2.3 percent"),
    only_assistant=("Frankfurt", "Version 17", "vacuuming"),
    chunks=5,
)

LONG_SESSIONS = (TRIP, LESSON, MEETING)
"""Together 150 turns, 45 facts and 13 compactions."""


# Sessions whose facts mostly have no name, no number and no negation, and small talk after them.

FLAT = LongSession(
    name="flat",
    exchanges=(
        (
            "Hello, I finally got the keys to the flat.",
            "Congratulations! What is the first thing you want to do there?",
        ),
        (
            "I want to paint the kitchen green.",
            "A green kitchen sounds fresh. A matt finish hides uneven walls.",
        ),
        ("It rained all the way here, my shoes are soaked.", "Oh dear, put them near the heater."),
        (
            "The floor in the hall has to be sanded before we move in.",
            "Sanding makes dust, so do it before anything else.",
        ),
        ("My brother is going to help with the wiring.", "Good to have someone who knows it."),
        ("Is it always this loud on your end?", "I only hear you, so it must be the street."),
        (
            "The bedroom should stay dark, so we will hang heavy curtains.",
            "Heavy curtains keep the cold out as well.",
        ),
        (
            "I am allergic to fresh latex paint, it gives me a rash.",
            "Then look for mineral paint instead of latex.",
        ),
        ("That was quite a morning, honestly.", "It sounds like it. Take a breath."),
        ("We decided to keep the old bathtub.", "Old tubs can be enamelled again."),
        (
            "The landlord wants to see the plans before we start.",
            "Then draw the plans first, a sketch may do.",
        ),
        ("Hm, let me think for a second.", "Take your time."),
        (
            "I have to order the tiles this week.",
            "Order a few more than you need, some will break.",
        ),
        (
            "The neighbour downstairs works at night, so drilling is only possible in the evening.",
            "Evenings only for the drill, then.",
        ),
        ("I could really use a sandwich now.", "Hunger is a good reason for a break."),
        (
            "Actually, paint the kitchen yellow, the green looked gloomy on the sample.",
            "Yellow it is, a warm one goes well with wood.",
        ),
        ("The old wardrobe goes to my sister.", "She will be glad about it."),
        ("Did you know that paint can smell of almonds?", "Some binders do smell a bit like that."),
        ("We want the washing machine in the bathroom.", "Check that there is a drain for it."),
        (
            "My partner cannot stand bright ceiling lamps.",
            "Wall lamps and floor lamps make softer light.",
        ),
        (
            "The heating must be checked by a plumber before winter.",
            "Plumbers are busy in autumn, so call early.",
        ),
        ("Funny, the lift smells of popcorn today.", "Perhaps somebody had a film night."),
        (
            "The study will become a room for our baby.",
            "What lovely news! Choose washable paint there.",
        ),
        (
            "Whatever we do, the walls in the living room remain white.",
            "White walls make the room look larger.",
        ),
        (
            "I like how quiet the street becomes after sunset.",
            "That is a nice thing about side streets.",
        ),
        ("Okay, so what comes next?", "We could sort the list by rooms."),
    ),
    facts=_facts(
        "kitchen yellow",
        "floor in the hall + sanded",
        "brother + wiring",
        "bedroom + dark",
        "allergic + latex",
        "keep the old bathtub",
        "landlord + plans",
        "order the tiles",
        "drilling + evening",
        "wardrobe + sister",
        "washing machine + bathroom",
        "partner + ceiling lamps",
        "heating + plumber",
        "study + baby",
        "living room + white",
    ),
    corrected=(),
    only_assistant=("enamelled", "matt finish"),
    chunks=5,
)
MEALS = LongSession(
    name="meals",
    exchanges=(
        (
            "Hi, can you help me plan what we eat next week?",
            "Of course! Who is eating, and what do you all like?",
        ),
        ("I am allergic to walnuts.", "Understood, walnuts stay out of everything."),
        ("My husband wants to eat less meat.", "Lentils and beans make filling dinners."),
        ("The sun just came out, how nice.", "Enjoy it while it lasts."),
        ("Our daughter only eats pasta when the sauce is smooth.", "A smooth tomato sauce, then."),
        ("We have a lot of carrots that must be used up.", "Carrot soup freezes well."),
        ("Wait, the doorbell.", "Sure, I will be here."),
        ("Sorry, it was just a parcel.", "No problem at all."),
        (
            "I decided to bake bread myself on the weekend.",
            "Let the dough rest overnight for more taste.",
        ),
        (
            "The oven is broken on the left side, so things burn on the right.",
            "Turn the tray halfway through.",
        ),
        (
            "Grandma comes over for dinner and she has to avoid salt.",
            "Herbs and lemon can replace salt.",
        ),
        ("I used to cook with my dad every Sunday, good times.", "Those are lovely memories."),
        (
            "Let us make soup for the start of the week.",
            "Soup is a good start, it can be cooked ahead.",
        ),
        ("My husband buys the vegetables at the market.", "He can look for what is in season."),
        ("I have to defrost the freezer before we shop.", "A bowl of hot water speeds it up."),
        (
            "Have you ever wondered why onions make us cry?",
            "They release a gas that stings the eyes.",
        ),
        (
            "We try to stay away from sugar during the week.",
            "Fruit with yoghurt makes a sweet end as well.",
        ),
        (
            "Actually let us make a stew for the start of the week, soup was yesterday.",
            "A stew then, it gets better the day after.",
        ),
        ("My back hurts a little today.", "Maybe a short walk helps."),
        ("The leftovers are for my lunch at work.", "A stew is perfect for a lunch box."),
        ("I would love to try that Thai curry again.", "A mild curry would suit everyone."),
        ("Our neighbours bring dessert when they visit.", "How kind, then you need no dessert."),
        ("Milk makes my stomach ache, so I drink oat milk.", "Oat milk works in most recipes."),
        ("Ha, the cat stares at the fridge again.", "Cats know where the good things are."),
        (
            "The spices are empty, somebody should get cumin and paprika.",
            "Cumin and paprika are on the list.",
        ),
        ("Well, that is already a lot.", "Shall I repeat the week?"),
    ),
    facts=_facts(
        "allergic to walnuts",
        "husband + less meat",
        "daughter + smooth",
        "carrots + used up",
        "bake bread",
        "oven + left side",
        "Grandma + salt",
        "a stew for the start",
        "husband buys the vegetables",
        "defrost the freezer",
        "away from sugar",
        "leftovers + lunch",
        "neighbours bring dessert",
        "Milk + oat milk",
        "cumin and paprika",
    ),
    corrected=("make soup for the start",),
    only_assistant=("lentils", "hot water"),
    chunks=5,
)
UNMARKED_SESSIONS = (FLAT, MEALS)

SMALL_TALK = (
    ("I slept like a stone tonight.", "Good sleep is half of the day."),
    ("There was a long queue at the bakery this morning.", "Was the bread worth it?"),
    ("It was, the rolls were still warm.", "Nothing beats warm rolls."),
    ("My neighbour plays the trumpet again.", "Does he play well at least?"),
    ("He has been playing the same song since Tuesday.", "Persistence pays off."),
    ("I watched an old film with Cary Grant yesterday.", "Those have great dialogue."),
    ("It was about two people on a train.", "A classic setting."),
    ("I don't remember the title any more.", "It may come back to you."),
    ("The bus was late again today.", "That is annoying in the rain."),
    ("A dog was barking at the pigeons in the park.", "The pigeons usually win."),
    ("I counted seventeen of them on one bench.", "That is a full bench."),
    ("My tea went cold while we were talking.", "Shall we pause for a fresh cup?"),
    ("No, it is fine, I like it cold too.", "Iced tea by accident."),
    ("You can hear the wind whistling in the chimney.", "That sounds cosy."),
    ("Somebody left an umbrella in the hallway.", "Perhaps they will come back for it."),
    ("I read an article about octopuses in the paper.", "Clever animals with three hearts."),
    ("They can open jars, apparently.", "Yes, some of them learn it."),
    ("I wonder whether they dream.", "Some researchers think so."),
    ("The moon looked huge last night.", "Low on the horizon it seems larger."),
    ("My phone keeps telling me to update it.", "They are persistent about that."),
    ("I cleaned the windows and now it rains.", "It always works that way."),
    ("A colleague brought cake to the office.", "What kind of cake was it?"),
    ("Chocolate with raspberries on top.", "That sounds delicious."),
    ("I ate two pieces and regretted nothing.", "Quite right."),
    ("There was a rainbow over the station.", "A nice sight on a grey day."),
    ("The radio played that song from our school days.", "Music brings memories back."),
    ("I used to know all the words.", "Do you still sing along?"),
    ("Only when nobody is listening.", "The shower is a good stage."),
    ("Our cat caught a moth in the night.", "A proud hunter."),
    ("She looked very pleased with herself.", "Cats always do."),
    ("The church bells are so loud today.", "It is Sunday, after all."),
    ("I forgot my gloves on the tram.", "The lost property office may have them."),
    ("They never find anything there.", "One can be lucky."),
    ("I saw a man walking on his hands in the square.", "That takes some practice."),
    ("People threw coins into his hat.", "He earned them."),
    ("The coffee machine makes a strange noise.", "It may need descaling."),
    ("I tried to draw a horse and it looked like a sofa.", "Horses are hard to draw."),
    ("The kids next door built a snowman.", "Did it get a carrot nose?"),
    ("It has a potato for a nose.", "Very inventive."),
    ("I was thinking about the sea the whole day.", "The sea has that effect."),
    ("Some days just go by too fast.", "That is true."),
    ("My sister sent a photo of her garden.", "Is it in bloom?"),
    ("Everything is full of tulips there.", "Spring has arrived."),
    ("I found a coin from Denmark in my pocket.", "A souvenir from a journey?"),
    ("I have no idea how it got there.", "Coins travel on their own."),
    ("The stairs creak at every step.", "Old houses talk."),
    ("A woman on the tram was knitting a very long scarf.", "Perhaps it was for a giraffe."),
    ("I laughed about that joke the whole evening.", "The best ones come back."),
    ("The clock on the wall has stopped.", "Twice a day it is right."),
    ("I would like to see the northern lights once.", "They are worth the cold."),
    ("It smells of wet leaves outside.", "Autumn has its own perfume."),
    ("Someone is moving a piano upstairs.", "That sounds like hard work."),
    ("It took four people to carry it.", "And a strong staircase."),
    ("I had to smile when I heard it.", "A good start to the day."),
    ("The baker knows my name by now.", "You must be a good customer."),
    ("I always take the long way home.", "More to see on the way."),
    ("The leaves on my plant turned brown.", "It may have had too much water."),
    ("I talk to it sometimes.", "They say it helps."),
    ("A squirrel sat on the balcony this afternoon.", "It was looking for a winter store."),
    ("It looked straight at me through the glass.", "A brave one."),
    ("My glasses are always dirty.", "Soft cloths work best."),
    ("There is a new ice cream shop at the corner.", "Have you tried it yet?"),
    ("They have a flavour called midnight.", "That calls for a test."),
    ("I could talk like this for hours.", "And I could listen."),
    ("The evening sky was all pink.", "A good sign for tomorrow."),
    ("I broke my favourite cup while washing up.", "Perhaps it can be glued."),
    ("The pieces are too small for that.", "Then it had a good life."),
    ("We played cards until midnight yesterday.", "Who won the game?"),
    ("My aunt won every single round.", "She must be a master."),
    ("Well, it was nice chatting.", "It was a pleasure."),
)
"""Exchanges of which a memory needs none; they have names, numbers and negations, too."""
