"""The words of the doctor's pages for codes: verdicts, what is held, where a visit stands, what is still open."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from intake.consent import PART_WORDS, ROLE_WORDS, State
from intake.review.rules import Fault, Kind, OpenPoint, Point, Stage, Still, Verdict

PICKS: Mapping[Verdict, Any] = {
    Verdict.GO_AHEAD: _l("Go ahead"),
    Verdict.CHANGE_PLAN: _l("Change plan"),
    Verdict.POSTPONE: _l("Postpone"),
    Verdict.ANSWERED: _l("Yes, and patient agrees"),
    Verdict.EXPLAINED: _l("Yes, in person"),
    Verdict.NOT_YET: _l("Not yet"),
}
VERDICTS: Mapping[Verdict, Any] = {
    **PICKS,
    Verdict.SEEN: _l("Seen"),
    Verdict.ANSWERED: _l("Answered"),
    Verdict.EXPLAINED: _l("Explained in person"),
}
LEGENDS: Mapping[Kind, Any] = {
    Kind.BLOCK: _l("Your decision"),
    Kind.CAUTION: _l("Your decision"),
    Kind.NOTE: _l("I have seen this"),
    Kind.QUESTION: _l("Answered in person?"),
    Kind.TEACHBACK: _l("Explained?"),
}
LABELS: Mapping[Kind, Any] = {
    Kind.BLOCK: _l("What you found or agreed"),
    Kind.CAUTION: _l("Why"),
    Kind.QUESTION: _l("What you answered"),
    Kind.TEACHBACK: _l("What you said (optional)"),
}
HELD: Mapping[str, Any] = {
    "treatment": _l("Holds the treatment"),
    "session": _l("Holds today's session"),
    "signature": _l("Holds the signature"),
    "area": _l("Holds an area"),
    "product": _l("Holds a product"),
    "numbing": _l("Holds the numbing cream"),
}
STATES: Mapping[State, Any] = {
    State.OPEN: _l("Not signed"),
    State.SIGNED: _l("Signed, not decided"),
    State.COUNTERSIGNED: _l("Countersigned"),
    State.DECLINED: _l("The patient said no"),
    State.POSTPONED: _l("Postponed by the doctor"),
    State.CLOSED: _l("Closed without a doctor"),
    State.WITHDRAWN: _l("Taken back by the patient"),
}
ENDS: Mapping[str, Any] = {
    "seen": _l("end seen"),
    "not_seen": _l("end not seen on every page"),
    "not_known": _l("not known whether the end was seen"),
}
PARTS, ROLES = PART_WORDS, ROLE_WORDS  # who takes part in a signature, and who they are
WAYS: Mapping[str, Any] = {
    "drawn": _l("Drawn on the tablet"),
    "typed": _l("Typed on the tablet"),
    "thumb": _l("Thumb print on paper"),
}
STAGES: Mapping[Stage, Any] = {
    Stage.TALK_FIRST: _l("Waits for a talk"),
    Stage.SIGNED: _l("Signed, to review"),
    Stage.FILLING_IN: _l("Filling in"),
}


def of_fault(wrong: Fault, point: Point) -> str:
    """What to do about an entry that cannot be taken."""
    words = {
        Fault.NO_VERDICT: _("Choose a decision, or take the words out"),
        Fault.NOT_OFFERED: _("Choose one of the decisions shown"),
        Fault.NO_WORDS: _("Write it in your words, for “%(what)s”", what=point.title),
        Fault.TOO_LONG: _("Write at most %(count)s characters", count="2,000"),
    }
    return str(words[wrong])


def of_open(point: OpenPoint, count: int = 1) -> str:
    """What a doctor still has to do about a point, or about all of its sort where there are several."""
    if count > 1:
        return of_many(point.still, count)
    words = {
        Still.UNDECIDED: _("Decide about “%(what)s”", what=point.title),
        Still.UNSEEN: _("Tick that you have seen “%(what)s”", what=point.title),
        Still.UNANSWERED: _("Say how you answered the question about “%(what)s”", what=point.title),
        Still.UNEXPLAINED: _("Explain in person: “%(what)s”", what=point.title),
        Still.POSTPONED: _("Postpone the session, or decide again about “%(what)s”", what=point.title),
        Still.NOT_SIGNED: _("The patient has not signed yet"),
    }
    return str(words[point.still])


def of_many(still: Still, count: int) -> str:
    """What a doctor still has to do about several points of one sort."""
    words = {
        Still.UNDECIDED: ngettext("%(num)s finding needs your decision", "%(num)s findings need your decision", count),
        Still.UNSEEN: ngettext("%(num)s note to tick as seen", "%(num)s notes to tick as seen", count),
        Still.UNANSWERED: ngettext("%(num)s question to answer", "%(num)s questions to answer", count),
        Still.UNEXPLAINED: ngettext(
            "%(num)s teach-back question to explain", "%(num)s teach-back questions to explain", count
        ),
        Still.POSTPONED: ngettext("%(num)s finding says postpone", "%(num)s findings say postpone", count),
    }
    return str(words[still])
