"""Invented people: names, ages, wishes, rare answers, some who say no.
Everything comes from one seeded random source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

LATIN = (
    "Farida Sheikh",
    "Imran Qureshi",
    "Lakshmi Pillai",
    "George Thomas",
    "Anjali Desai",
    "Ravi Shetty",
    "Neha Kapoor",
    "Omar Haddad",
    "Sara Mathew",
    "Vikram Nair",
    "Priya Menon",
    "Zoë D’Souza",
    "Jürgen Weiß",
    "Ñandini Rao",
    "Meera Iyer",
    "Arjun O’Brien-Patil",
)
DEVANAGARI = (
    "सुनीता शर्मा",
    "राजेश कुमार",
    "अनन्या त्रिपाठी",
    "मोहम्मद इक़बाल",
    "क्षितिज श्रीवास्तव",
    "ज्ञानेश्वर पाटिल",
    "पद्मा द्विवेदी",
    "ऋषि मिश्रा",
)
GOALS = ("fat", "contour", "tighten", "lines", "lighten", "hair", "lips_dry", "lips_lines")
WORDS = (
    "Since last year",
    "Ecosprin 75, once a day",
    "A rash on the arm; it went after 2 days",
    "पिछले साल से",
    "Dr Gupta, Pune – cream & tablets",
    "<b>none</b> {{7*7}}",
)


@dataclass
class Person:
    """One invented patient and how they behave. `answers` are fixed wishes by linkId;
    everything else is drawn when asked."""

    name: str
    born_on: date
    phone: str
    letter: str
    goals: Sequence[str]
    draws: Random
    rare: float
    declines_at: str = ""
    asks: float = 0.0
    misses: float = 0.0
    types_name: bool = False
    is_postponed: bool = False
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def choose(self, item: str, codes: Sequence[str], *, many: bool) -> list[str]:
        """The codes this person ticks for a question."""
        if item in self.answers:
            wanted = [code for code in self.answers[item] if code in codes]
            if wanted:
                return wanted
        alone = [code for code in codes if code in ("none", "na")]
        unusual = [code for code in codes if code not in ("none", "na", "no", "nomsg", "unsure")]
        if self.draws.random() < self.rare and unusual:
            return self.draws.sample(unusual, k=min(len(unusual), self.draws.choice((1, 1, 2)) if many else 1))
        for usual in (*alone, "no", "never", "small", "self", "3", "call", "yes", "false"):
            if usual in codes:
                return [usual]
        return [self.draws.choice(list(codes))]

    def words(self) -> str:
        """Something typed into a free text."""
        return self.draws.choice(WORDS)


def invent(count: int, seed: int, today: date) -> list[Person]:
    """`count` people. The first of them cover every treatment, both scripts, a body-image worry, a pregnancy,
    and saying no."""
    draws = Random(seed)  # noqa: S311  # invented people, not secrets
    return [_person(number, draws, today) for number in range(count)]


def _person(number: int, draws: Random, today: date) -> Person:
    names = DEVANAGARI if number % 3 == 2 else LATIN
    age = draws.choice((18, 19, 24, 31, 38, 45, 52, 61, 70, 79)) if number % 9 else 70
    born = today - timedelta(days=int(age * 365.25) + draws.randrange(1, 360))
    goals = [GOALS[number % len(GOALS)]] + ([draws.choice(GOALS)] if draws.random() < 0.25 else [])
    fixed: dict[str, list[str]] = {
        "tx.goals": goals,
        "id.sex": [("female", "male", "other", "nosay")[number % 4 if number > 7 else number % 2]],
    }
    if "hair" in goals:
        fixed["hr.prp"] = [draws.choice(("yes", "no"))]
    special: dict[int, dict[str, list[str]]] = {
        3: {"pr.status": ["maybe"]},
        6: {"bi.worry": ["yes", "true"], "bi.time": ["gt3"], "bi.effect": ["avoid", "work"]},
        9: {"st.who": ["helped"], "st.helper_role": ["interp"]},
        12: {"mh.o2": ["g6pd"], "al.list": ["la", "b1"]},
        15: {"md.thin": ["warf"]},
    }
    declines = {4: "questions", 10: "effects", 16: "sign"}.get(number % 20, "")
    return Person(
        name=names[(number // 3 if number % 3 == 2 else number) % len(names)],
        born_on=born,
        phone=f"98{draws.randrange(10**8):08d}",
        letter="KT"[number % 2],
        goals=goals,
        draws=Random(draws.random()),  # noqa: S311  # invented people, not secrets
        rare=draws.choice((0.0, 0.05, 0.05, 0.2)),
        declines_at=declines,
        asks=draws.choice((0.0, 0.0, 0.1)),
        misses=draws.choice((0.0, 0.0, 0.3)),
        types_name=draws.random() < 0.4,
        is_postponed=number % 20 == 3,
        answers=fixed | special.get(number % 20, {}),
    )
