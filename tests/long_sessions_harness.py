"""Invented long sessions (trip, lesson, meeting) and what a memory must keep of them.

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


def facts(*lines: str) -> tuple[Fact, ...]:
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
    facts=facts(
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
    facts=facts(
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
    facts=facts(
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
