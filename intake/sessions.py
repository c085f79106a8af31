"""Server-side sessions: the cookie holds a random id, the row the rest, so a cookie replayed later opens nothing.

Own code: Flask's signed cookie stays valid after sign-out, and no kept library stores sessions through SQLAlchemy 2.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from flask import Flask, Request, Response, current_app, request, session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import Select, Text, bindparam, delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column

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


# A request only looks: no object of the row is needed.
_TOLD = (WebSession.data, WebSession.created_at, WebSession.seen_at, WebSession.ended_at)
_IS_SHOWN = WebSession.id_hash == bindparam("session")
_ROW = select(*_TOLD).where(_IS_SHOWN)
TOLD = len(_TOLD)


class ServerSession(SessionMixin):
    """The session of a request, looked up when something is first asked of it. `rotate()` gives it a new id, `end()`
    closes the old one for good."""

    def __init__(self, shown: str | None) -> None:
        self.modified, self.accessed = False, True
        self.shown = shown
        """What the request's cookie says, whatever it is worth."""
        self.key: str | None = None
        self.seen_at: datetime | None = None
        self.drop: str | None = None
        self.was_asked = False
        """Whether anybody wanted to know what it holds."""
        self._data: dict[str, Any] = {}

    @property
    def held(self) -> dict[str, Any]:
        """What it holds: nothing where the cookie opens nothing."""
        if not self.was_asked:
            self.tell(fetch(_ROW, session=_hash(self.shown)).first() if self.shown else None)
        return self._data

    def tell(self, row: Sequence[Any] | None) -> None:
        """What the database says of the cookie, from whoever asked it. Only the first word counts."""
        if self.was_asked:
            return
        self.was_asked = True
        if row is not None and row[0] is not None and _is_live(*row[1:]):
            self._data, self.key, self.seen_at = json.loads(row[0]), self.shown, row[2]

    def __getitem__(self, name: str) -> Any:
        return self.held[name]

    def __contains__(self, name: object) -> bool:
        return name in self.held

    def __setitem__(self, name: str, value: Any) -> None:
        self.held[name] = value
        self.modified = True

    def __delitem__(self, name: str) -> None:
        del self.held[name]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)

    def rotate(self) -> None:
        """Go on under a new id; the old one opens nothing from now on."""
        len(self)  # whether the old one is live decides whether there is anything to drop
        self.drop, self.key, self.modified = self.drop or self.key, None, True

    def end(self) -> None:
        """Forget everything, under a new id."""
        self.clear()
        self.rotate()


def with_session(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """A query of one row that also asks for the session of the request, for `remember`; its parameter `session` is
    `shown_hash()`."""
    return query.add_columns(*_TOLD).outerjoin(WebSession, _IS_SHOWN)


def shown_hash() -> bytes | None:
    """What the cookie of this request would be stored as; None without one."""
    shown = the_session().shown
    return _hash(shown) if shown else None


def remember(told: Sequence[Any]) -> None:
    """Take what the columns of `with_session` tell, so that this request need not look for its session again."""
    the_session().tell(told)


def the_session() -> ServerSession:
    """The session of this request, as this module made it."""
    current: ServerSession = session._get_current_object()  # type: ignore[attr-defined]
    return current


class DatabaseSessions(SessionInterface):
    """Flask's session interface over `web_session`."""

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """The session of the cookie, which is looked up when it is first wanted."""
        return ServerSession(request.cookies.get(cookie_name("session")))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed; on a plain visit only `seen_at`, at most once a minute."""
        if not isinstance(session, ServerSession):
            raise TypeError("the session was not opened by this interface")
        if not session.was_asked:
            return
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
        if session.key and session.key != session.shown:
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
