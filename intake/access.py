"""Who may enter: roles, the actor of a request, `allow()` on every view.
Default deny; who the actor is, staff and kiosk supply."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from flask import Flask, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from intake.errors import NotAllowed

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class Role(StrEnum):
    """What an actor may be. A person may have several; a tablet has one, and KIOSK only while it holds a visit."""

    RECEPTION = "reception"
    DOCTOR = "doctor"
    RECORDS = "records"
    AUTHOR = "author"
    ADMIN = "admin"
    TABLET = "tablet"
    KIOSK = "kiosk"


STAFF = (Role.RECEPTION, Role.DOCTOR, Role.RECORDS, Role.AUTHOR, Role.ADMIN)
PUBLIC = "public"


@dataclass(frozen=True)
class Actor:
    """Who acts: a member of staff, a tablet, or a program of ours; for a tablet also the visit it holds."""

    kind: str
    id: UUID | None
    roles: frozenset[Role]
    visit_id: UUID | None = None

    @property
    def label(self) -> str:
        """How the log names the actor: kind and id, never a name."""
        return f"{self.kind}:{self.id}" if self.id else self.kind


NOBODY = Actor("nobody", None, frozenset())
SYSTEM = Actor("system", None, frozenset())


def allow(*who: Role | str) -> Callable[[View], View]:
    """Declare who may enter a view: roles, or PUBLIC alone."""

    def mark(view: View) -> View:
        view.__dict__["allowed"] = frozenset(who)
        return view

    return mark


def allowed_for(app: Flask, endpoint: str) -> frozenset[Role | str] | None:
    """Who an endpoint admits, or None where its view says nothing."""
    if endpoint == "static":
        return frozenset({PUBLIC})
    return app.view_functions[endpoint].__dict__.get("allowed")


def current_actor() -> Actor:
    """The actor of this request; NOBODY when nobody is known."""
    actor = g.get("actor")
    return actor if isinstance(actor, Actor) else NOBODY


def current_visit_id() -> UUID:
    """The visit the asking tablet holds; it never comes from the address. Raises NotAllowed on any other device."""
    if (visit_id := current_actor().visit_id) is None:
        raise NotAllowed("kiosk.no_visit")
    return visit_id


def init_app(app: Flask, loaders: Iterable[Callable[[], Actor | None]]) -> None:
    """Check every request before its view. The first loader that knows somebody names the actor."""
    order = tuple(loaders)

    @app.before_request
    def check() -> ResponseReturnValue | None:
        g.actor = next((actor for load in order if (actor := load()) is not None), NOBODY)
        if request.endpoint is None:
            return None  # no such page, or not with this method: the error pages answer
        allowed = allowed_for(app, request.endpoint) or frozenset()
        if PUBLIC in allowed or current_actor().roles & allowed:
            return None
        return _turn_away(allowed)


def _turn_away(allowed: frozenset[Role | str]) -> ResponseReturnValue:
    if current_actor() is NOBODY and allowed & set(STAFF) and request.method == "GET":
        return redirect(url_for("staff.sign_in", next=request.path), 303)
    if Role.KIOSK in allowed and request.method == "GET" and Role.TABLET in current_actor().roles:
        return redirect(url_for("kiosk.welcome"), 303)
    if Role.TABLET in allowed and request.method == "GET" and current_actor() is NOBODY:
        return redirect(url_for("kiosk.pair"), 303)
    abort(403)


def check_routes(app: Flask) -> None:
    """Stop the start when any route does not say who may enter."""
    silent = sorted(r.endpoint for r in app.url_map.iter_rules() if not allowed_for(app, r.endpoint))
    if silent:
        raise RuntimeError(f"these views do not say who may enter: {', '.join(silent)}")


def access_list(app: Flask) -> list[str]:
    """One line an endpoint: methods, address, who may enter. Kept in tests/access.txt so that a change shows in
    review."""
    lines = []
    for rule in app.url_map.iter_rules():
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        who = ",".join(sorted(str(w) for w in allowed_for(app, rule.endpoint) or ()))
        lines.append(f"{rule.endpoint} {methods} {rule.rule} {who}")
    return sorted(lines)


__all__ = [
    "NOBODY",
    "PUBLIC",
    "STAFF",
    "SYSTEM",
    "Actor",
    "Role",
    "access_list",
    "allow",
    "allowed_for",
    "check_routes",
    "current_actor",
    "current_visit_id",
    "init_app",
]
