"""The names our FHIR R4 questionnaire profile uses: extension addresses, and what becomes of each.

One table for the compiler that writes them and the loader that reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

from intake.definitions.questionnaire import NUMBERS, ItemType

HL7 = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
OWN = "https://intake.example/fhir/StructureDefinition/"
"""Our own extensions are plain: whoever does not know them can ignore them (FHIR R4, Extensibility)."""

CONTROL_SYSTEM = "http://hl7.org/fhir/questionnaire-item-control"
OWN_CONTROL_SYSTEM = "https://intake.example/fhir/CodeSystem/item-control"
UCUM = "http://unitsofmeasure.org"

TRANSLATION = HL7 + "translation"
CONTROL = HL7 + "questionnaire-itemControl"
HIDDEN = HL7 + "questionnaire-hidden"
MIN_VALUE = HL7 + "minValue"
MAX_VALUE = HL7 + "maxValue"
MIN_LENGTH = HL7 + "minLength"
MAX_DECIMALS = HL7 + "maxDecimalPlaces"
REGEX = HL7 + "regex"
ENTRY_FORMAT = HL7 + "entryFormat"
UNIT = HL7 + "questionnaire-unit"
UNIT_OPTION = HL7 + "questionnaire-unitOption"
EXCLUSIVE = HL7 + "questionnaire-optionExclusive"
OPTION_PREFIX = HL7 + "questionnaire-optionPrefix"
ORIENTATION = HL7 + "questionnaire-choiceOrientation"
SUPPORT_LINK = HL7 + "questionnaire-supportLink"
MARKDOWN = HL7 + "rendering-markdown"
SHORT_TEXT = SDC + "sdc-questionnaire-shortText"
MIN_OCCURS = HL7 + "questionnaire-minOccurs"
MAX_OCCURS = HL7 + "questionnaire-maxOccurs"
OPEN_LABEL = SDC + "sdc-questionnaire-openLabel"
DESIGN_NOTE = HL7 + "designNote"
ACKNOWLEDGEMENT = OWN + "acknowledgement"
FLAG = OWN + "answer-flag"
SAFETY = OWN + "safety-question"
PAST = OWN + "not-after-today"
FLOW = OWN + "answered-by-visit"
OFFERED_LANGUAGE = OWN + "offered-language"

UNDERSTOOD: Mapping[str, tuple[str, ...]] = {
    CONTROL: ("valueCodeableConcept",),
    HIDDEN: ("valueBoolean",),
    MIN_VALUE: ("valueInteger", "valueDecimal", "valueDate", "valueDateTime", "valueTime"),
    MAX_VALUE: ("valueInteger", "valueDecimal", "valueDate", "valueDateTime", "valueTime"),
    MIN_LENGTH: ("valueInteger",),
    MAX_DECIMALS: ("valueInteger",),
    REGEX: ("valueString",),
    ENTRY_FORMAT: ("valueString",),
    UNIT: ("valueCoding",),
    UNIT_OPTION: ("valueCoding",),
    EXCLUSIVE: ("valueBoolean",),
    OPTION_PREFIX: ("valueString",),
    ORIENTATION: ("valueCode",),
    SUPPORT_LINK: ("valueUri",),
    MARKDOWN: ("valueMarkdown", "valueString"),
    SHORT_TEXT: ("valueString",),
    HL7 + "questionnaire-displayCategory": ("valueCodeableConcept",),
    HL7 + "questionnaire-signatureRequired": ("valueCodeableConcept",),
    HL7 + "ordinalValue": ("valueDecimal",),
    MIN_OCCURS: ("valueInteger",),
    MAX_OCCURS: ("valueInteger",),
    OPEN_LABEL: ("valueString",),
    ACKNOWLEDGEMENT: ("valueBoolean",),
    FLAG: (),
    SAFETY: ("valueBoolean",),
    PAST: ("valueBoolean",),
    FLOW: ("valueCode",),
    OFFERED_LANGUAGE: ("valueCode",),
    DESIGN_NOTE: ("valueMarkdown",),
    TRANSLATION: (),
}
"""Extensions we act on, or keep on purpose (design note, categories, ordinals: shown or scored by nobody here), with
the value types FHIR R4 gives them. The complex ones (translation, flag) have parts instead of a value."""

MUST_OBEY = (
    "enableWhenExpression",
    "calculatedExpression",
    "answerExpression",
    "answerOptionsToggleExpression",
    "subQuestionnaire",
    "questionnaireAdaptive",
    "targetConstraint",
    "maxValueExpression",
    "minValueExpression",
    "variable",
    "questionnaire-constraint",
    "questionnaire-answerRepeats",
    "cqf-expression",
    "cqf-calculatedValue",
    "cqf-library",
)
"""Ends of the addresses of extensions that change what is asked or accepted, whoever published them (several countries
carry HL7's under addresses of their own). Passing over one silently would be a clinical error."""


def must_be_obeyed(url: object) -> bool:
    """Return whether an extension changes what is asked or accepted."""
    name = str(url).rsplit("/", 1)[-1]
    return name.endswith(MUST_OBEY)


CONTROLS: Mapping[str, str] = {
    **dict.fromkeys(("page", "radio-button", "check-box", "drop-down", "text-box"), CONTROL_SYSTEM),
    **dict.fromkeys(("help", "flyover", "header"), CONTROL_SYSTEM),
    **dict.fromkeys(("map-body", "map-face", "map-scalp"), OWN_CONTROL_SYSTEM),
}
"""Controls the shorthand may name, with the code system each belongs to; the maps are drawings to tap on."""

UNKNOWN_CONTROLS = frozenset({"grid", "gtable", "table", "tab-container", "slider", "step", "year", "yearMonth"})
"""Controls whose look is not ours: the questions are shown as a plain list, or with our own control, and a warning."""

ANSWER_KEYS: Mapping[ItemType, tuple[str, ...]] = {
    ItemType.BOOLEAN: ("Boolean",),
    ItemType.INTEGER: ("Integer",),
    ItemType.DECIMAL: ("Decimal",),
    ItemType.QUANTITY: ("Quantity",),
    ItemType.DATE: ("Date",),
    ItemType.DATETIME: ("DateTime",),
    ItemType.TIME: ("Time",),
    ItemType.STRING: ("String",),
    ItemType.TEXT: ("String",),
    ItemType.URL: ("String",),
    ItemType.CHOICE: ("Coding", "String", "Integer", "Date", "Time"),
    ItemType.OPEN_CHOICE: ("Coding", "String", "Integer", "Date", "Time"),
}
"""Which answer[x] an enableWhen may compare an item of each type with."""

ORDERED = frozenset({*NUMBERS, ItemType.DATE, ItemType.DATETIME, ItemType.TIME})
"""Types whose answers can be greater or less than another."""
