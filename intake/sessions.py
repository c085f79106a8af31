"""Server-side sessions: the cookie holds a random id, the row the rest, so a cookie replayed later opens nothing.

Own code: Flask's signed cookie stays valid after sign-out, and no kept library stores sessions through SQLAlchemy 2.
"""

import json
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from flask import Flask, Request, Response, current_app, request
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import Text, bindparam, delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import CallbackDict

from intake import clock
from intake.db import Base, db, fetch, transaction

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=10)
TOUCH = timedelta(minutes=1)  # a session row says "seen" at most once a minute


class WebSession(Base):
    """One browser's session; the id is stored hashed, so a copied database signs nobody in."""

    __tablename__ = "web_session"
    id_hash: Mapped[bytes] = mapped_column(primary_key=True)
    data: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


# Every request asks for it, and only looks: no object of the row is needed.
_ROW = select(WebSession.data, WebSession.created_at, WebSession.seen_at, WebSession.ended_at).where(
    WebSession.id_hash == bindparam("key")
)


class ServerSession(CallbackDict[str, Any], SessionMixin):
    """The session of a request. `rotate()` gives it a new id, `end()` closes the old one for good."""

    def __init__(self, data: dict[str, Any] | None, key: str | None, seen_at: datetime | None) -> None:
        self.modified = False
        self.accessed = True
        self.key, self.seen_at, self.new = key, seen_at, key is None
        self.drop: str | None = None
        super().__init__(data, on_update=lambda _: self._touch())

    def _touch(self) -> None:
        self.modified = True

    def rotate(self) -> None:
        """Go on under a new id; the old one opens nothing from now on."""
        self.drop, self.key, self.modified = self.drop or self.key, None, True

    def end(self) -> None:
        """Forget everything, under a new id."""
        self.clear()
        self.rotate()


class DatabaseSessions(SessionInterface):
    """Flask's session interface over `web_session`."""

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """The live session of the cookie, or a fresh one."""
        key = request.cookies.get(cookie_name("session"))
        row = fetch(_ROW, key=_hash(key)).first() if key else None
        if row is not None and _is_live(row.created_at, row.seen_at, row.ended_at):
            return ServerSession(json.loads(row.data), key, row.seen_at)
        return ServerSession(None, None, None)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed; on a plain visit only `seen_at`, at most once a minute."""
        if not isinstance(session, ServerSession):
            raise TypeError("the session was not opened by this interface")
        now = clock.now()
        stale = session.seen_at is not None and now - session.seen_at >= TOUCH
        # A board that refreshes itself is nobody at the desk: it does not keep a session alive.
        stale = stale and request.headers.get("X-Requested-With") != "poll"
        if session.modified:
            self._keep(session, now)
        elif session.key and stale:
            # Only "seen": a busy database must not turn a page that is ready into an error.
            with suppress(OperationalError):
                self._keep(session, now)
        if session.key and (session.new or session.drop):
            set_cookie(response, "session", session.key, samesite="Lax")

    def _keep(self, session: ServerSession, now: datetime) -> None:
        key = session.key or secrets.token_urlsafe(32)
        with transaction():
            if session.drop and (old := db.session.get(WebSession, _hash(session.drop))):
                old.ended_at, old.data = now, "{}"
            if session.key is None:
                db.session.execute(delete(WebSession).where(WebSession.created_at < now - LONGEST))  # none is live
                db.session.add(WebSession(id_hash=_hash(key), data="{}", created_at=now, seen_at=now, ended_at=None))
                db.session.flush()
            if row := db.session.get(WebSession, _hash(key)):
                row.data, row.seen_at = json.dumps(dict(session), sort_keys=True), now
        session.key = key


def cookie_name(name: str) -> str:
    """`__Host-` where the origin is https, plain on loopback."""
    return f"__Host-{name}" if current_app.config["INTAKE"].is_https else f"intake-{name}"


def set_cookie(response: Response, name: str, value: str, *, samesite: str = "Strict", days: int | None = None) -> None:
    """Set a cookie no script can read and no other site can send."""
    response.set_cookie(
        cookie_name(name),
        value,
        max_age=days * 86400 if days else None,
        secure=current_app.config["INTAKE"].is_https,
        httponly=True,
        samesite=samesite,
        path="/",
    )


def read_cookie(name: str) -> str | None:
    """The value of one of our cookies in this request."""
    return request.cookies.get(cookie_name(name))


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()


def _is_live(created_at: datetime, seen_at: datetime, ended_at: datetime | None) -> bool:
    now = clock.now()
    return ended_at is None and now - seen_at <= IDLE and now - created_at <= LONGEST
