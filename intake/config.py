"""Settings: one TOML file, `INTAKE_...` to override, read once.
A bad value stops the start with one line that names it."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography import x509

PACKAGE = Path(__file__).parent
_packed = PACKAGE / "templates"
TEMPLATES = _packed if _packed.is_dir() else PACKAGE.parent / "templates"
MIGRATIONS = PACKAGE / "migrations" if (PACKAGE / "migrations").is_dir() else PACKAGE.parent / "migrations"
SEAL = {"pkcs12": ("password_file",), "pkcs11_module": ("token", "key", "pin_file")}
OVERRIDES = ("data", "origin", "database_url", "demo", "lease_seconds", "tablet_origin")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
TRANSLATED = ("backup_hospital", "retention_period", "refund_policy", "grievance_contact")
HOST = re.compile(r"[a-z0-9.:-]+")
DATABASES = re.compile(r"sqlite:///.+|postgresql(\+psycopg)?://.+")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


INDIA = ZoneInfo("Asia/Kolkata")


class BadSetting(Exception):
    """A setting that cannot be used; the message names it and says what is wanted."""


@dataclass(frozen=True)
class TreatmentPlan:
    """What this clinic does for one treatment: fills the blanks of the consent before anyone signs. `products`, the
    kinds of product it may inject for it, is said where the clinic names them, and no consent waits for it."""

    sessions: str = ""
    interval: str = ""
    price: str = ""
    price_total: str = ""
    products: str = ""
    said: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def in_language(self, language: str) -> "TreatmentPlan":
        """The plan with the words the clinic wrote in a language, its own words where it wrote none."""
        words: dict[str, Any] = dict(self.said.get(language, {}))
        return replace(self, **words)


@dataclass(frozen=True)
class Clinic:
    """What the clinic says about itself. Empty text means "not set": a consent that needs it is not issued."""

    name: str = ""
    letters: str = "IN"
    address: str = ""
    phone: str = ""
    backup_hospital: str = ""
    retention_period: str = ""
    refund_policy: str = ""
    grievance_contact: str = ""
    zone: ZoneInfo = INDIA
    hours: Mapping[int, tuple[time, time]] = field(default_factory=dict)
    last_token: time = time(18, 15)
    sign_first: bool = True
    idle_minutes: int = 5
    consent_months: int = 6
    guardian_may_sign: bool = False
    treatments: Mapping[str, TreatmentPlan] = field(default_factory=dict)
    said: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def in_language(self, language: str) -> "Clinic":
        """The clinic with the words it wrote in a language (`[clinic.hi]`, `[treatments.CODE.hi]`), its own words where
        it wrote none."""
        plans = {code: plan.in_language(language) for code, plan in self.treatments.items()}
        words: dict[str, Any] = dict(self.said.get(language, {}))
        return replace(self, treatments=plans, **words)


@dataclass(frozen=True)
class OutsideSeal:
    """A seal of the clinic's that another authority certified: in a PKCS #12 file, or on a token (PKCS #11).

    The password and the PIN are the first line of a file of their own; no setting holds them, so none can show them.
    """

    pkcs12: Path | None = None
    password_file: Path | None = None
    pkcs11_module: Path | None = None
    token: str = ""
    key: str = ""
    pin_file: Path | None = None
    chain: Path | None = None


@dataclass(frozen=True)
class TimeStamps:
    """Which time-stamping service is asked (RFC 3161), the file of the authority it must chain to, and the hosts of the
    lists that say which of its certificates were taken back."""

    url: str
    authority: Path
    hosts: frozenset[str]


@dataclass(frozen=True)
class Settings:
    """Everything the service may know of its surroundings."""

    data: Path
    origin: str
    database_url: str
    clinic: Clinic
    demo: bool = False
    lease_seconds: int = 60
    tablet_origin: str = ""
    seal: OutsideSeal | None = None
    time_stamps: TimeStamps | None = None

    @cached_property
    def is_https(self) -> bool:
        """Whether cookies may be `__Host-` and Secure."""
        return self.origin.startswith("https://")

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The names and addresses the service answers to: those of its origins, and all of loopback where one of them
        is there (a demo, a try-out), because people type any of them."""
        named = {urlsplit(origin).hostname or "" for origin in (self.origin, self.tablet_origin)}
        return frozenset(named | LOOPBACK if self.demo or any(map(_is_loopback, named)) else named)

    @property
    def keys(self) -> Path:
        """Where key files live; apart from the data so that a backup can leave them out."""
        return self.data / "keys"

    @classmethod
    def from_env(cls) -> "Settings":
        """Read the file named by INTAKE_SETTINGS (default `intake.toml` here), then INTAKE_... overrides.
        Raises BadSetting."""
        return cls.read(os.environ)

    @classmethod
    def read(cls, env: Mapping[str, str]) -> "Settings":
        """Settings from an environment mapping. Raises BadSetting."""
        allowed = {"INTAKE_SETTINGS", *("INTAKE_" + name.upper() for name in OVERRIDES)}
        for name in sorted(env):  # INTAKE_TEST_... belongs to the tests
            if name.startswith("INTAKE_") and name not in allowed and not name.startswith("INTAKE_TEST_"):
                raise BadSetting(f"{name}: no such setting; known are {', '.join(sorted(allowed))}")
        named = env.get("INTAKE_SETTINGS")
        path = Path(named or "intake.toml")
        if named and not path.is_file():
            raise BadSetting(f"INTAKE_SETTINGS: there is no file {path}")
        raw: dict[str, Any] = {}
        if path.is_file():
            try:
                raw = tomllib.loads(path.read_text("utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
                raise BadSetting(f"{path}: {error}") from error
        for name in OVERRIDES:
            if (value := env.get("INTAKE_" + name.upper())) is not None:
                raw[name] = value
        return cls.from_mapping(raw)

    @classmethod
    def from_mapping(cls, raw: Mapping[str, Any]) -> "Settings":
        """Settings from plain values. Raises BadSetting that names the value."""
        known = {*OVERRIDES, "clinic", "treatments", "seal", "time_stamps"}
        if unknown := sorted(set(raw) - known):
            raise BadSetting(f"{unknown[0]}: no such setting; known are {', '.join(sorted(known))}")
        data = Path(_text("data", raw.get("data", "data"), needed=True)).expanduser().absolute()
        origin = _origin("origin", _text("origin", raw.get("origin", "http://127.0.0.1:8000")))
        tablet = _text("tablet_origin", raw.get("tablet_origin", "")) or origin
        database = _text("database_url", raw.get("database_url", "")) or f"sqlite:///{data / 'intake.db'}"
        if not DATABASES.fullmatch(database):
            raise BadSetting("database_url: must begin with sqlite:/// or postgresql://")  # it may hold a password
        return cls(
            data=data,
            origin=origin,
            tablet_origin=_origin("tablet_origin", tablet),
            database_url=database,
            clinic=_clinic(raw.get("clinic", {}), raw.get("treatments", {})),
            demo=_truth("demo", raw.get("demo", False)),
            lease_seconds=_whole("lease_seconds", raw.get("lease_seconds", 60), 1, 3600),
            seal=_seal(raw.get("seal")),
            time_stamps=_time_stamps(raw["time_stamps"]) if "time_stamps" in raw else None,
        )


def _seal(raw: object) -> OutsideSeal | None:
    """The table of a seal from elsewhere; none is the clinic's own seal."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        raise BadSetting("seal: must be a table")
    kinds = [kind for kind in SEAL if kind in raw]
    if len(kinds) != 1:
        raise BadSetting(f"seal: name either {' or '.join(SEAL)}")
    needed = (kinds[0], *SEAL[kinds[0]])
    if unknown := sorted(set(raw) - {*needed, "chain"}):
        raise BadSetting(
            f"seal.{unknown[0]}: no such setting with {kinds[0]}; known are {', '.join((*needed, 'chain'))}"
        )
    values: dict[str, Any] = {key: _text(f"seal.{key}", raw.get(key, ""), needed=True) for key in needed}
    values |= {"chain": _text("seal.chain", raw["chain"], needed=True)} if "chain" in raw else {}
    for key in values.keys() - {"token", "key"}:
        path = Path(values[key]).expanduser()
        if not path.is_absolute():
            raise BadSetting(f"seal.{key}: {values[key]!r} must be a whole path that begins with /")
        values[key] = path
    return OutsideSeal(**values)


def _time_stamps(raw: object) -> TimeStamps:
    """The table `[time_stamps]`. A time stamp that nobody can check is worth nothing, so the authority is needed."""
    if not isinstance(raw, Mapping) or set(raw) - {"url", "authority", "hosts"}:
        raise BadSetting("time_stamps: may hold url, authority, hosts")
    url = _text("time_stamps.url", raw.get("url", ""), needed=True)
    host = _host_of(url)
    authority = Path(_text("time_stamps.authority", raw.get("authority", ""), needed=True)).expanduser().absolute()
    hosts = raw.get("hosts", [host])
    if not isinstance(hosts, list) or not all(isinstance(one, str) and HOST.fullmatch(one) for one in hosts):
        raise BadSetting('time_stamps.hosts: must be a list of host names such as ["crl.authority.example"]')
    if not authority.is_file():
        raise BadSetting(f"time_stamps.authority: there is no file {authority}")
    try:
        x509.load_pem_x509_certificates(authority.read_bytes())
    except (OSError, ValueError) as error:
        raise BadSetting(f"time_stamps.authority: {authority} is no PEM certificate") from error
    return TimeStamps(url, authority, frozenset(hosts))


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not HOST.fullmatch(host) or parts.username or parts.password:
        raise BadSetting("time_stamps.url: is not an address such as https://time.authority.example/tsa")
    return host


def _origin(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, host, port = urlsplit(""), "", ""
    origin = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
    # No path, no query, nobody's name; a host and a port that can exist.
    if not re.fullmatch(r"[a-z0-9.:-]+", host) or value.removesuffix("/").lower() != origin:
        raise BadSetting(f"{name}: {value!r} is not an origin such as https://intake.clinic.example")
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return origin
    raise BadSetting(f"{name}: {value!r} must be https, or http on loopback only: health answers travel over it")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _whole(name: str, value: object, low: int, high: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise BadSetting(f"{name}: {value!r} is not a whole number from {low} to {high}")
    return number


def _text(name: str, value: object, *, needed: bool = False) -> str:
    """A text; a bare number is taken as one, for a price or a telephone number written without quotes."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else None
    if text is None or (needed and not text):
        raise BadSetting(f"{name}: {value!r} is not a text")
    return text


def _truth(name: str, value: object) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if (said := str(value).lower()) not in words:
        raise BadSetting(f"{name}: {value!r} must be true or false")
    return words[said]


def _switch(name: str, value: object) -> bool:
    """Yes or no, written in the file alone: a word for it is refused."""
    if not isinstance(value, bool):
        raise BadSetting(f"{name}: must be true or false")
    return value


def _time(name: str, value: object) -> time:
    try:
        moment = time.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise BadSetting(f"{name}: {value!r} is not a time on the clinic's clock such as 10:00")
    return moment


def _clinic(raw: object, treatments: object) -> Clinic:
    if not isinstance(raw, Mapping) or not isinstance(treatments, Mapping):
        raise BadSetting("clinic, treatments: must be tables")
    texts = (
        "name",
        "letters",
        "address",
        "phone",
        "backup_hospital",
        "retention_period",
        "refund_policy",
        "grievance_contact",
    )
    rest = {"timezone", "hours", "last_token", "sign_first", "idle_minutes", "consent_months", "guardian_may_sign"}
    raw, said = _apart(raw, "clinic", TRANSLATED)
    if unknown := sorted(set(raw) - set(texts) - rest):
        raise BadSetting(f"clinic.{unknown[0]}: no such setting")
    values = {key: _text(f"clinic.{key}", raw[key]) for key in texts if key in raw}
    letters = values.get("letters", "IN")
    if not (2 <= len(letters) <= 4 and letters.isascii() and letters.isalpha() and letters.isupper()):
        raise BadSetting(f"clinic.letters: {letters!r} must be 2 to 4 capital letters")
    try:
        zone = ZoneInfo(str(raw.get("timezone", "Asia/Kolkata")))
    except (ZoneInfoNotFoundError, ValueError):
        raise BadSetting(f"clinic.timezone: {raw.get('timezone')!r} is not a time zone such as Asia/Kolkata") from None
    return Clinic(
        **values,
        zone=zone,
        hours=_hours(raw.get("hours")),
        last_token=_time("clinic.last_token", raw.get("last_token", "18:15")),
        sign_first=_switch("clinic.sign_first", raw.get("sign_first", True)),
        idle_minutes=_whole("clinic.idle_minutes", raw.get("idle_minutes", 5), 2, 15),
        consent_months=_whole("clinic.consent_months", raw.get("consent_months", 6), 1, 24),
        guardian_may_sign=_switch("clinic.guardian_may_sign", raw.get("guardian_may_sign", False)),
        treatments={str(code): _plan(str(code), plan) for code, plan in treatments.items()},
        said=said,
    )


def _apart(
    raw: Mapping[str, object], name: str, fields: Sequence[str]
) -> tuple[dict[str, object], dict[str, dict[str, str]]]:
    """A table without its tables of other languages (named by their code, such as `hi`), and those."""
    said: dict[str, dict[str, str]] = {}
    for key, table in raw.items():
        if isinstance(table, Mapping) and LANGUAGE.fullmatch(key):
            if unknown := sorted(set(table) - set(fields)):
                raise BadSetting(f"{name}.{key}.{unknown[0]}: only these have words: {', '.join(fields)}")
            said[key] = {field: _text(f"{name}.{key}.{field}", value) for field, value in table.items()}
    return {key: value for key, value in raw.items() if key not in said}, said


def _hours(raw: object) -> dict[int, tuple[time, time]]:
    """Weekday (Monday is 0) to opening and closing time; a day that is absent is closed."""
    table = {day: ["10:00", "19:00"] for day in DAYS[:6]} if raw is None else raw
    if not isinstance(table, Mapping):
        raise BadSetting('clinic.hours: must be a table such as monday = ["10:00", "19:00"]')
    hours = {}
    for day, span in table.items():
        if day not in DAYS or not isinstance(span, list) or len(span) != 2:
            raise BadSetting(f'clinic.hours.{day}: write a weekday and two times, such as monday = ["10:00", "19:00"]')
        opens, closes = _time(f"clinic.hours.{day}", span[0]), _time(f"clinic.hours.{day}", span[1])
        if opens >= closes:
            raise BadSetting(f"clinic.hours.{day}: must open before it closes")
        hours[DAYS.index(day)] = (opens, closes)
    return hours


def _plan(code: str, raw: object) -> TreatmentPlan:
    fields = ("sessions", "interval", "price", "price_total", "products")
    own, said = _apart(raw, f"treatments.{code}", fields) if isinstance(raw, Mapping) else ({}, {})
    if not isinstance(raw, Mapping) or set(own) - set(fields):
        raise BadSetting(f"treatments.{code}: may hold {', '.join(fields)}")
    for language, words in said.items():
        # No blank of a clause waits for them, so that without this a consent could name less in English than was read.
        if words.get("products") and not own.get("products"):
            raise BadSetting(f"treatments.{code}.{language}.products: write treatments.{code}.products too")
    return TreatmentPlan(**{key: _text(f"treatments.{code}.{key}", value) for key, value in own.items()}, said=said)
