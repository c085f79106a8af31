"""Pages for authors: the published editions, checking a file, drafts, downloads, and "Try it as a patient"."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from intake import audit, definitions, i18n
from intake.access import Role, allow, current_actor
from intake.authoring import trial
from intake.authoring.forms import FileForm
from intake.authoring.listing import find_questionnaire, get_published, languages_of, list_shown
from intake.db import transaction
from intake.definitions import Questionnaire
from intake.errors import NotFound

bp = Blueprint("authoring", __name__, url_prefix="/forms")


@bp.get("")
@allow(Role.AUTHOR)
def editions() -> ResponseReturnValue:
    """What is published and what was brought in."""
    return render_template(
        "authoring/editions.html", shown=list_shown(), drafts=definitions.list_drafts(), names=i18n.LANGUAGE_NAMES
    )


@bp.route("/check", methods=["GET", "POST"])
@allow(Role.AUTHOR)
def check() -> ResponseReturnValue:
    """Say everything that is wrong with a questionnaire; nothing is kept, unless it is taken and the author asks."""
    form, found = FileForm(), None
    if form.validate_on_submit():
        name = form.file.data.filename.replace("\\", "/").rpartition("/")[2]
        data = form.file.data.read()
        found = definitions.check_questionnaire(data, name)
        if found.taken and "keep" in request.form:
            with transaction():
                definitions.import_draft(data, name, by=current_actor())
            flash(_("%(file)s is kept as a draft.", file=name), "ok")
            return redirect(url_for("authoring.editions"), 303)
    refused = bool(form.errors) or (found is not None and not found.taken)
    return render_template("authoring/check.html", form=form, found=found), 422 if refused else 200


@bp.get("/editions/<uuid:edition_id>/<string(maxlength=40):kind>")
@allow(Role.AUTHOR)
def download(edition_id: UUID, kind: str) -> ResponseReturnValue:
    """One file of a published edition, its bytes unchanged."""
    edition = get_published(edition_id)
    body = definitions.get_files(edition.name, edition.version).get(kind)
    if body is None:
        raise NotFound("definitions.unknown", edition_id=edition_id)
    return _file(body, definitions.file_name(edition.name, edition.version, kind))


@bp.get("/drafts/<uuid:draft_id>")
@allow(Role.AUTHOR)
def draft(draft_id: UUID) -> ResponseReturnValue:
    """A draft's FHIR JSON."""
    found = definitions.get_draft(draft_id)
    return _file(found.body, f"{found.file_name.rpartition('.')[0] or 'draft'}.json")


@bp.post("/drafts/<uuid:draft_id>/remove")
@allow(Role.AUTHOR)
def remove(draft_id: UUID) -> ResponseReturnValue:
    """Throw a draft away."""
    with transaction():
        definitions.remove_draft(draft_id, by=current_actor())
    flash(_("The draft is removed."), "ok")
    return redirect(url_for("authoring.editions"), 303)


@bp.route("/try/<uuid:of_id>", methods=["GET", "POST"])
@allow(Role.AUTHOR)
def try_it(of_id: UUID) -> ResponseReturnValue:
    """A questionnaire as its patients see it, in one of its languages. Nothing is kept but that somebody looked."""
    questionnaire = find_questionnaire(of_id)
    language = _language(questionnaire)
    here = trial.resume(questionnaire, request.form.get("rev", "")) if request.method == "POST" else None
    if here is None:
        with transaction():
            audit.record("questionnaire.tried", of_id, by=current_actor(), language=language)
        here = trial.begin(questionnaire)
    elif here.page is not None:
        i18n.set_language(language)
        here, again = trial.answer(here, here.page, request.form)
        if again is not None:
            return _questions(again), 422
    if here.page is None:
        i18n.set_language("en")
        given = trial.result(here, language)
        return render_template("authoring/tried.html", given=given, of_id=of_id, language=language)
    i18n.set_language(language)
    return _questions(trial.shown(here, here.page))


def _questions(context: Mapping[str, Any]) -> str:
    return render_template("authoring/try.html", **context, back_url=url_for("authoring.editions"))


def _language(questionnaire: Questionnaire) -> str:
    wanted = request.args.get("language", "")
    return wanted if wanted in languages_of(questionnaire) else questionnaire.languages[0]


def _file(body: bytes, name: str) -> Response:
    """A download: never shown by the browser as a page of ours."""
    kind = "application/fhir+json" if name.endswith(".json") else "application/octet-stream"
    return send_file(BytesIO(body), kind, as_attachment=True, download_name=name, max_age=0)
