"""The health page for staff, and the note on every staff page while a key is out of order. Changes nothing."""

from typing import Any

from flask import Blueprint, current_app, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from intake.access import Role, allow, allowed_for, current_actor
from intake.health import rules, service, words

bp = Blueprint("health", __name__)
PEOPLE = (Role.ADMIN, Role.DOCTOR)
ICONS = {rules.Level.GOOD: "check", rules.Level.SOON: "clock", rules.Level.NOW: "warn"}
TAGS = {rules.Level.GOOD: "", rules.Level.SOON: "warn", rules.Level.NOW: "stop"}
GROUPS = (
    ("keys", ("seal", "log", "vault", "seal_certificate", "root", "root_list", "doctor")),
    ("records", ("unfiled", "checkpoint", "time_stamps", "log_stamp", "worker")),
    ("machine", ("backup", "disk", "migrations", "drawing")),
)


@bp.app_context_processor
def note() -> dict[str, Any]:
    """Whether a key is out of order, for the frame of staff pages; looks for nobody else."""
    if "staff_name" not in g:
        return {}
    tested = service.newest_test()
    if tested is None or tested.is_good:
        return {}
    may_look = bool(current_actor().roles & (allowed_for(current_app, "health.show") or frozenset()))
    return {"keys_fail": True, "may_see_health": may_look}


@bp.get("/health")
@allow(*PEOPLE)
def show() -> ResponseReturnValue:
    """Everything that keeps the clinic running, each with how it stands and what to do."""
    found = service.checks(current_app.config["INTAKE"])
    groups = [(name, [_line(check) for check in found if check.name in names]) for name, names in GROUPS]
    more = [_line(check) for check in found if not any(check.name in names for _name, names in GROUPS)]
    counts = {level: sum(check.level is level for check in found) for level in rules.Level}
    return render_template(
        "health/show.html",
        groups=[*groups, ("more", more)],
        worst=rules.worst(found),
        counts=counts,
        tested=service.newest_test(),
        tag=_tag(rules.worst(found)),
        whose=service.whose(),
        certificate_names={"seal": _("Certificate of the seal"), "root": _("Certificate of the root")},
    )


def _line(check: rules.Check) -> dict[str, Any]:
    says, do = words.words_of(check.code)
    facts = dict(check.facts)
    if error := facts.get("error"):
        facts["error"] = str(_(words.words_of(str(error))[0]) % {"code": error}).rstrip(".")
    return {
        "name": _(words.NAMES.get(check.name, check.name)),
        "says": words.filled(_(says), facts, check.code),
        "do": words.filled(_(do), facts, check.code) if do else "",
        "tag": _tag(check.level),
    }


def _tag(level: rules.Level) -> dict[str, str]:
    return {"css": TAGS[level], "icon": ICONS[level], "words": _(words.LEVELS[level]), "level": level.value}
