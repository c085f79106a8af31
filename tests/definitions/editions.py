"""A small edition in a folder, for the tests of checking, translating and publishing; whole, and easy to break."""

from pathlib import Path

FILES = {
    "edition.yaml": """\
version: 1.0.0
languages: [en]
files:
  questionnaire: questions.yaml
  screening: screening.yaml
  treatments: treatments.yaml
  consent: consent.yaml
  teachback: teachback.yaml
  aftercare: aftercare.yaml
translations:
  hi: hi.po
""",
    "questions.yaml": """\
url: https://clinic.example/Questionnaire/peel
version: 1.0.0
languages: [en]
title: Before a peel
sections:
  - id: tx
    title: What you want
    items:
      - id: tx.goals
        type: choice
        required: true
        text: What do you want?
        options: {smooth: Smooth skin, unsure: Not sure}
      - {id: tx.area, type: string, max_length: 80, text: 'Where?'}
      - {id: sun, type: boolean, required: true, text: 'Were you in the sun this week?'}
""",
    "treatments.yaml": """\
version: 1.0.0
languages: [en]
goals: tx.goals
treatments:
  - {code: PEEL, name: Peel, goals: [smooth], areas: [tx.area], alternatives: C-1}
""",
    "screening.yaml": """\
version: 1.0.0
languages: [en]
messages: {wait: The doctor will talk with you first.}
names: {}
rules:
  - id: R-1
    severity: caution
    applies: ALL
    when: sun = true
    holds: nothing
    held: nothing
    doctor: Was in the sun
    patient: wait
    clears: look at the skin
    source: S01
    confidence: high
""",
    "consent.yaml": """\
version: 1.0.0
languages: [en]
title: Your permission
blanks: {}
pages:
  - id: what
    title: What happens
    clauses:
      - {id: C-1, applies: ALL, title: Other ways, text: You can wait., acknowledge: own, source: S01, confidence: high}
""",
    "teachback.yaml": """\
version: 1.0.0
languages: [en]
questions:
  - id: TB-1
    clause: C-1
    applies: ALL
    text: May you wait?
    options: {can: {en: I may, right: true}, cannot: I may not}
    feedback: You may wait.
""",
    "aftercare.yaml": """\
version: 1.0.0
languages: [en]
steps:
  - {id: A-1, when: First day, text: Keep it clean., confidence: high}
red_flags: []
""",
    "hi.po": """\
msgid ""
msgstr ""
"Language: hi\\n"
"Content-Type: text/plain; charset=utf-8\\n"

msgctxt "questionnaire"
msgid "Before a peel"
msgstr "पील से पहले"
""",
}


def write_edition(folder: Path, **changed: str) -> Path:
    """The edition in a folder of its own; `changed` gives other text for a file, named without its ending."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(changed.get(name.partition(".")[0], text), "utf-8")
    return folder
