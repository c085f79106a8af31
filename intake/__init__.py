"""Intake: understanding, decision, signature, proof. The factory opens the ground,
adds the rooms and checks every route."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_login.utils import _user_context_processor
from flask_security import Security, SQLAlchemyUserDatastore

from intake import access, i18n, sessions, storage, telemetry, time_stamps, web
from intake.config import PACKAGE, TEMPLATES, Settings
from intake.db import db
from intake.db import init_app as open_database
from intake.vault import Vault


class Service(Flask):
    """The application. All its views and hooks are plain functions, so that nothing need look whether one is not: the
    framework asks for each of twenty at every request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func


def create_app(settings: Settings) -> Flask:
    """The application for these settings. Raises FileNotFoundError without the clinic's keys,
    RuntimeError for an undeclared route."""
    telemetry.set_up()
    app = Service(__name__, template_folder=str(TEMPLATES), static_folder=str(PACKAGE / "static"))
    app.config |= {
        "INTAKE": settings,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},  # an error's text may reach a log; values may not
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.session_interface = sessions.DatabaseSessions()
    open_database(app)
    app.extensions["intake_vault"] = vault = Vault.from_file(settings.keys / "vault.key")
    app.extensions["intake_storage"] = storage.FileStorage(settings.data / "files")
    app.config["SECRET_KEY"] = vault.token(
        "flask", "secret key"
    ).hex()  # signs CSRF tokens only; sessions live in the database
    telemetry.init_app(app)
    time_stamps.init_app(app)
    i18n.init_app(app)
    web.init_app(app)
    _rooms(app)
    access.check_routes(app)
    return app


def _rooms(app: Flask) -> None:
    # Imported here, not at the top: rooms import the ground, which is this package.
    from intake import audit as log
    from intake.answers import views as answers
    from intake.archive import views as archive
    from intake.audit import views as audit
    from intake.authoring import views as authoring
    from intake.consent import views as consent
    from intake.consent import (
        work as _signing,  # noqa: F401  # registers the job that signs later
    )
    from intake.desk import views as desk
    from intake.health import views as health
    from intake.kiosk import load_actor as load_tablet
    from intake.kiosk import views as kiosk
    from intake.records import (
        ClinicSealer,
        work,  # noqa: F401  # registers the sealing job
    )
    from intake.records import views as records
    from intake.review import views as review
    from intake.staff import StaffMember, StaffRole, load_actor
    from intake.staff import views as staff

    log.init_app(app)
    settings = app.config["INTAKE"]
    app.extensions["intake_signer"] = ClinicSealer(settings.keys, settings.seal, time_stamps.the_service_of(app))
    _security(app, SQLAlchemyUserDatastore(db, StaffMember, StaffRole))
    access.init_app(app, (load_tablet, load_actor))
    for room in (staff, desk, kiosk, answers, consent, review, records, archive, audit, authoring, health):
        app.register_blueprint(room.bp)


def _security(app: Flask, datastore: SQLAlchemyUserDatastore) -> None:
    """The sign-in library with everything off that we do not use; its own routes are not registered at all."""
    app.config |= {
        "SECURITY_PASSWORD_HASH": "argon2",
        # the library asks for one; with argon2 alone it is a pepper nobody needs
        "SECURITY_PASSWORD_SALT": "argon2-salts-by-itself",
        "SECURITY_PASSWORD_SINGLE_HASH": {"argon2"},
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        "SECURITY_PASSWORD_LENGTH_MIN": 15,
        "SECURITY_CACHE_CONTROL": {"private": None, "no-store": None},  # its default writes a malformed header
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_SEND_REGISTER_EMAIL": False,
        "SECURITY_DEFAULT_REMEMBER_ME": False,
        "SECURITY_STATIC_FOLDER": None,
        "REMEMBER_COOKIE_DURATION": 0,
    }
    security = Security(app, datastore, register_blueprint=False)
    # They would work out what a person may do, which is access.py's to say, and for every page who that
    # is, which no template asks.
    app.before_request_funcs[None].remove(security.principal._on_before_request)
    app.template_context_processors[None].remove(_user_context_processor)
    # Its sign-in by a token in a header or an address, and by a cookie that remembers: sessions are the only way in.
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    app.login_manager._load_user_from_remember_cookie = lambda _cookie: None  # type: ignore[attr-defined]
    app.after_request_funcs[None].remove(app.login_manager._update_remember_cookie)  # type: ignore[attr-defined]
