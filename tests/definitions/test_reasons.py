"""Every question a patient is asked says, behind a tap, why it is asked and what its hard words mean."""

import json
import re
from collections.abc import Iterator

import pytest

from intake.definitions.library_files import bundled, bundled_contents
from intake.definitions.questionnaire import Item

QUESTIONNAIRE = bundled_contents().questionnaire
ASKED = [item for item in QUESTIONNAIRE.questions if not item.hidden]
SAYS_ENOUGH = {"ct.ec_phone": "the question before it asks for the same person, and says why"}
"""Questions whose help would only repeat them, with the reason."""

MOST_WORDS = {"en": 30, "hi": 40}
"""Hindi writes as words of their own what English writes as endings or leaves out."""

HARD_WORDS = {
    "ls.tob": ("PRP",),
    "md.horm": ("Finasteride", "dutasteride", "minoxidil", "Tranexamic acid"),
    "md.imm": ("Methotrexate", "azathioprine", "ciclosporin", "biologics"),
    "md.numb": ("Dapsone", "Nitrates", "Phenytoin", "phenobarbitone"),
    "md.skin": ("Isotretinoin", "Retinol", "tretinoin", "Hydroquinone"),
    "md.thin": ("blood thinner",),
    "mh.bleed": ("Haemophilia", "Platelets"),
    "mh.heart": ("Stent", "Pacemaker", "Mini-stroke"),
    "mh.immune": ("Autoimmune", "lupus", "scleroderma", "Granuloma", "sarcoidosis"),
    "mh.o2": ("G6PD deficiency",),
    "mh.other": ("Thyroid", "Hepatitis", "Gallstones"),
    "al.list": ("Lecithin", "Hyaluronic acid", "hyaluronidase"),
    "sk.hist": ("Keloid", "Psoriasis", "Lichen planus", "Eczema", "Urticaria pigmentosa"),
    "sk.recent": ("Filler", "Peel", "Microneedling"),
    "hr.prp_h": ("Platelets", "Haemoglobin", "Steroid"),
    "ft.area": ("Hernia", "Liposuction", "Mesh", "Varicose veins"),
    "lt.what": ("Melasma",),
    "lt.glut": ("Glutathione",),
}


def words() -> Iterator[tuple[str, str, str]]:
    """Each item's words, by language."""
    return ((item.link_id, language, text) for item in ASKED for language, text in item.why.pairs)


def test_every_question_says_why_in_every_language_or_is_named_with_a_reason() -> None:
    silent = [(item.link_id, code) for item in ASKED for code in QUESTIONNAIRE.languages if not said(item, code)]
    assert silent == [(link_id, code) for link_id in SAYS_ENOUGH for code in QUESTIONNAIRE.languages]


def said(item: Item, language: str) -> str:
    return dict(item.why.pairs).get(language, "")


def test_the_words_are_few() -> None:
    assert not [(link_id, code) for link_id, code, text in words() if len(text.split()) > MOST_WORDS[code]]


def test_no_figure_and_no_dose_is_named() -> None:
    assert not [link_id for link_id, _, text in words() if re.search(r"\d|%", text.replace("G6PD", ""))]


def test_nothing_says_what_an_answer_leads_to() -> None:
    telling = re.compile(
        r"R-[A-Z]{3}|block|caution|contraindicat|finding|refus|not treat|cannot have|exclu|मना है", re.I
    )
    assert not [(link_id, text) for link_id, _, text in words() if telling.search(text)]


def test_it_repeats_neither_the_question_nor_its_line_of_help() -> None:
    assert not [item.link_id for item in ASKED if item.why and item.why in (item.text, item.help)]


@pytest.mark.parametrize("link_id", HARD_WORDS)
def test_the_hard_words_of_a_question_and_its_answers_are_explained(link_id: str) -> None:
    assert not [word for word in HARD_WORDS[link_id] if word not in said(QUESTIONNAIRE.items[link_id], "en")]


def test_the_words_are_no_items_for_us_and_a_flyover_for_every_other_reader() -> None:
    def inside(node: object) -> Iterator[dict[str, object]]:
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from [child] if isinstance(child, dict) and "linkId" in child else []
            yield from inside(child)

    lines = [one for one in inside(json.loads(bundled().bodies["questionnaire"])) if "flyover" in json.dumps(one)]
    lines = [one for one in lines if "item" not in one]
    assert {one["linkId"] for one in lines} == {f"{item.link_id}.flyover" for item in ASKED if item.why}
    assert {one["type"] for one in lines} == {"display"}
    assert not QUESTIONNAIRE.items.keys() & {one["linkId"] for one in lines}
