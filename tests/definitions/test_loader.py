"""FHIR R4 JSON becomes a questionnaire."""

import json
from decimal import Decimal

import pytest

from intake.definitions.loader import check_publishable, load
from intake.definitions.problems import DefinitionError
from intake.definitions.rules import Flag, FlagSeverity, Flow, Text
from tests.definitions.fhir import (
    HELP,
    HL7,
    KILOS,
    OWN,
    SAMPLES,
    Json,
    chosen_from,
    extension,
    flag,
    form,
    item,
    loaded,
    value_set,
)


def test_everything_our_own_content_uses_is_read() -> None:
    read = loaded(
        form(
            item(
                "phone",
                "string",
                required=True,
                maxLength=20,
                extension=[
                    extension(HL7 + "regex", valueString=r"\d{7,20}"),
                    extension(HL7 + "minLength", valueInteger=7),
                    extension(HL7 + "entryFormat", valueString="Digits"),
                ],
            ),
            item(
                "weight",
                "decimal",
                extension=[
                    extension(HL7 + "minValue", valueDecimal=20),
                    extension(HL7 + "maxValue", valueDecimal=350.5),
                    extension(HL7 + "maxDecimalPlaces", valueInteger=1),
                    extension(HL7 + "questionnaire-unit", valueCoding={"code": "kg"}),
                ],
            ),
            item("born", "date", extension=[extension(OWN + "not-after-today", valueBoolean=True)]),
            item("true", extension=[extension(OWN + "acknowledgement", valueBoolean=True)]),
            item("sign", "string", extension=[extension(OWN + "answered-by-visit", valueCode="signature")]),
        )
    )
    phone, weight = read.items["phone"], read.items["weight"]
    assert (phone.required, phone.max_length, phone.min_length, phone.regex) == (True, 20, 7, r"\d{7,20}")
    assert str(phone.format) == "Digits"
    assert (weight.min, weight.max, weight.max_decimals, weight.unit) == (Decimal(20), Decimal("350.5"), 1, "kg")
    assert read.items["born"].past
    assert read.items["true"].acknowledgement
    assert read.items["sign"].flow is Flow.SIGNATURE


def test_translations_are_read_beside_the_words_they_translate() -> None:
    read = load((SAMPLES / "two-languages.json").read_bytes())
    allergy = read.items["allergy"]
    assert read.languages == ("en", "hi")
    assert read.title.get("hi") == "एलर्जी"
    assert allergy.text.get("hi") == "कौन सी एलर्जी?"
    assert [option.text.get("hi") for option in allergy.options] == ["लेटेक्स", "कोई नहीं"]
    assert [option.exclusive for option in allergy.options] == [False, True]


def test_a_line_of_help_belongs_to_its_question_and_is_no_item_of_its_own() -> None:
    read = load((SAMPLES / "two-languages.json").read_bytes())
    assert read.items["allergy"].help.get("hi") == "सभी चुनें"
    assert list(read.items) == ["allergy", "since"]


def test_words_have_a_limit_even_where_none_is_set() -> None:
    read = loaded(form(item("s", "string"), item("t", "text"), item("n", "integer")))
    assert [one.max_length for one in read.items.values()] == [255, 5000, None]


def test_the_digest_is_that_of_the_bytes_that_were_read() -> None:
    one, other = form(item()), form(item(), title="Q2")
    assert loaded(one).sha256 == loaded(one).sha256 != loaded(other).sha256


def test_items_come_after_everything_they_depend_on() -> None:
    read = load((SAMPLES / "forward-reference.json").read_bytes())
    assert read.order.index("gate") < read.order.index("detail")
    assert list(read.items) == ["page-one", "detail", "page-two", "gate"]
    assert read.parents == {"detail": "page-one", "gate": "page-two"}


def test_an_unknown_extension_that_may_be_ignored_becomes_a_warning() -> None:
    read = loaded(form(item(extension=[extension(HL7 + "rendering-style", valueString="bold")])))
    assert [warning for warning in read.warnings if "rendering-style" in warning]


def test_a_questionnaire_without_a_language_is_taken_for_english_with_a_warning() -> None:
    read = loaded({key: value for key, value in form(item()).items() if key != "language"})
    assert read.languages == ("en",)
    assert any("language" in warning for warning in read.warnings)


@pytest.mark.parametrize(
    ("change", "wanting"),
    [({"version": "one"}, "version"), ({"url": ""}, "url"), ({"title": ""}, "title"), ({"status": None}, "status")],
)
def test_what_a_published_version_is_known_by_may_be_missing_until_it_is_published(change: Json, wanting: str) -> None:
    data = {key: value for key, value in {**form(item()), **change}.items() if value is not None}
    assert any(wanting in warning for warning in loaded(data).warnings)
    with pytest.raises(DefinitionError, match=f"to be published it needs a .*{wanting}"):
        check_publishable(json.dumps(data).encode())


def test_a_questionnaire_with_its_name_and_version_may_be_published() -> None:
    assert check_publishable(json.dumps(form(item())).encode()).version == "1.0.0"


def test_the_codes_of_a_contained_value_set_become_options_with_their_words_in_every_language() -> None:
    hindi = {"language": "hi", "value": "हाँ"}
    read = loaded(
        form(chosen_from("#v"), contained=[value_set({"code": "y", "display": "Yes", "designation": [hindi]})])
    )
    (option,) = read.items["c"].options
    assert (option.code, option.system, option.text.get("hi")) == ("y", "urn:v", "हाँ")
    assert read.carried == ("hi",)


def test_a_value_set_is_read_from_its_expansion_without_what_cannot_be_chosen() -> None:
    codes = [
        {"code": "a", "abstract": True, "contains": [{"code": "b", "display": "B"}]},
        {"code": "c", "inactive": True},
    ]
    read = loaded(form(chosen_from("#v"), contained=[{**value_set(), "expansion": {"contains": codes}}]))
    assert [option.code for option in read.items["c"].options] == ["b"]


def test_an_answer_may_be_flagged_on_its_option_or_on_the_item() -> None:
    on_option = {"valueCoding": {"code": "y"}, "extension": [flag("contraindication")]}
    read = loaded(form(item(extension=[flag()]), item("c", "choice", answerOption=[on_option])))
    assert read.items["a"].flags == (
        Flag(FlagSeverity.CAUTION, Text.of({"en": "Ask about it"}), {"valueBoolean": True}),
    )
    option = read.items["c"].options[0]
    assert option.flag is not None
    assert option.flag.severity is FlagSeverity.CONTRAINDICATION


def test_a_quantity_has_one_unit_that_its_answers_carry() -> None:
    read = loaded(form(item("w", "quantity", extension=[KILOS, extension(HL7 + "maxValue", valueInteger=300)])))
    weight = read.items["w"]
    assert (weight.unit, weight.max) == ("kg", Decimal(300))
    assert weight.unit_code == {"unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}


def test_words_with_marks_are_kept_beside_the_plain_ones() -> None:
    marked = [extension(HL7 + "rendering-markdown", valueMarkdown="**Stop** smoking")]
    read = loaded(form(item(_text={"extension": marked})))
    assert str(read.items["a"].text) == "?"
    assert str(read.items["a"].markdown) == "**Stop** smoking"


def test_a_second_line_of_help_is_not_lost() -> None:
    helps = [{"linkId": f"h{n}", "type": "display", "text": f"help {n}", "extension": [HELP]} for n in (1, 2)]
    read = loaded(form(item(item=helps)))
    assert str(read.items["a"].help) == "help 1"
    assert str(read.items["h2"].text) == "help 2"


def test_a_flyover_says_why_and_takes_no_place_of_a_line_of_help() -> None:
    flyover = {"url": HELP["url"], "valueCodeableConcept": {"coding": [{"code": "flyover"}]}}
    both = [
        {"linkId": f"h{n}", "type": "display", "text": f"words {n}", "extension": [control]}
        for n, control in enumerate((flyover, HELP, flyover), start=1)
    ]
    read = loaded(form(item(item=both)))
    assert (str(read.items["a"].why), str(read.items["a"].help)) == ("words 1", "words 2")
    assert (read.items["a"].items, str(read.items["h3"].text)) == (("h3",), "words 3")


def test_options_may_be_strings_or_numbers() -> None:
    read = loaded(form(item("n", "choice", answerOption=[{"valueInteger": 1}, {"valueString": "two"}])))
    assert [option.value for option in read.items["n"].options] == [{"valueInteger": 1}, {"valueString": "two"}]


def test_an_option_selected_from_the_start_counts_as_an_answer() -> None:
    option = {"valueCoding": {"code": "x", "display": "X"}, "initialSelected": True}
    assert loaded(form(item("n", "choice", answerOption=[option]))).items["n"].initial == (
        {"valueCoding": {"code": "x"}},
    )
