"""The names our FHIR R4 questionnaire profile uses: extension addresses, and what becomes of each.

One table for the compiler that writes them and the loader that reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

from intake.definitions.questionnaire import ItemType

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
EXCLUSIVE = HL7 + "questionnaire-optionExclusive"
MIN_OCCURS = HL7 + "questionnaire-minOccurs"
MAX_OCCURS = HL7 + "questionnaire-maxOccurs"
OPEN_LABEL = SDC + "sdc-questionnaire-openLabel"
DESIGN_NOTE = HL7 + "designNote"
ACKNOWLEDGEMENT = OWN + "acknowledgement"
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
    EXCLUSIVE: ("valueBoolean",),
    MIN_OCCURS: ("valueInteger",),
    MAX_OCCURS: ("valueInteger",),
    OPEN_LABEL: ("valueString",),
    ACKNOWLEDGEMENT: ("valueBoolean",),
    SAFETY: ("valueBoolean",),
    PAST: ("valueBoolean",),
    FLOW: ("valueCode",),
    OFFERED_LANGUAGE: ("valueCode",),
    DESIGN_NOTE: ("valueMarkdown",),
    TRANSLATION: (),
}
"""Extensions we act on (or, for the design note, keep on purpose), with the value types FHIR R4 gives them."""

MUST_OBEY = frozenset(
    {
        SDC + "sdc-questionnaire-enableWhenExpression",
        SDC + "sdc-questionnaire-calculatedExpression",
        SDC + "sdc-questionnaire-answerExpression",
        SDC + "sdc-questionnaire-answerOptionsToggleExpression",
        SDC + "sdc-questionnaire-subQuestionnaire",
        SDC + "sdc-questionnaire-targetConstraint",
        SDC + "sdc-questionnaire-maxValueExpression",
        SDC + "sdc-questionnaire-minValueExpression",
        HL7 + "variable",
        HL7 + "targetConstraint",
        HL7 + "questionnaire-constraint",
        HL7 + "questionnaire-answerRepeats",
        HL7 + "cqf-expression",
        HL7 + "cqf-calculatedValue",
        HL7 + "cqf-library",
    }
)
"""Extensions that change what is asked or accepted; passing over one silently would be a clinical error."""

CONTROLS: Mapping[str, str] = {
    **dict.fromkeys(("page", "radio-button", "check-box", "drop-down", "text-box", "help", "header"), CONTROL_SYSTEM),
    **dict.fromkeys(("map-body", "map-face", "map-scalp"), OWN_CONTROL_SYSTEM),
}
"""Controls the shorthand may name, with the code system each belongs to; the maps are drawings to tap on."""

ANSWER_KEYS: Mapping[ItemType, tuple[str, ...]] = {
    ItemType.BOOLEAN: ("Boolean",),
    ItemType.INTEGER: ("Integer",),
    ItemType.DECIMAL: ("Decimal",),
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

ORDERED = frozenset({ItemType.INTEGER, ItemType.DECIMAL, ItemType.DATE, ItemType.DATETIME, ItemType.TIME})
"""Types whose answers can be greater or less than another."""
