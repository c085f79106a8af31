"""One throw-away clinic, one day: each invented patient from token to outcome and record, through the real pages alone.

A clinic runs it to prove an installation; jobs run as the worker runs them.
"""

import json
import re
import secrets
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from flask import Flask

from intake import clock, create_app, definitions, jobs, kiosk, records, setting_up, staff, telemetry
from intake.access import SYSTEM, Role
from intake.config import DAYS, Settings
from intake.db import db, transaction
from intake.rehearsal.browser import Browser, Control, Form, WrongPage
from intake.rehearsal.people import Person, invent

STROKES = json.dumps(
    {
        "width": 760,
        "height": 280,
        "strokes": [
            {
                "points": [
                    {"x": 90 + 9 * n, "y": 150 + 40 * (n % 5) / 4, "time": 16 * n, "pressure": 0.5} for n in range(60)
                ]
            }
        ],
    }
)
MOST_PAGES = 120


@dataclass
class Visit:
    """What became of one patient: outcome, record number, and every question with the answer given,
    as the browser saw it."""

    patient: int
    outcome: str = ""
    number: str = ""
    file: str = ""
    error: str = ""
    said: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Summary:
    """The rehearsal's result. Timings are milliseconds by page and for records."""

    outcomes: dict[str, int]
    errors: list[str]
    pages: dict[str, dict[str, float]]
    records: dict[str, float]
    visits: list[Visit]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain data for summary.json."""
        return {
            "outcomes": self.outcomes,
            "errors": self.errors,
            "records_ms": self.records,
            "pages_ms": self.pages,
            "seconds": round(self.seconds, 1),
            "visits": [vars(visit) for visit in self.visits],
        }


def rehearse(plain: dict[str, Any], patients: int, seed: int, out: Path) -> Summary:
    """Play `patients` visits on a fresh clinic with these plain settings;
    records and summary.json are written to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with TemporaryDirectory(prefix="intake-rehearsal-") as folder:
        clinic = dict(plain["clinic"]) | {
            "hours": {day: ["00:00", "23:59:59"] for day in DAYS},
            "last_token": "23:59:59",
        }
        settings = Settings.from_mapping(
            dict(plain) | {"data": folder, "database_url": "", "demo": True, "clinic": clinic}
        )
        day = _Day(settings)
        for number, person in enumerate(invent(patients, seed, clock.today(settings.clinic.zone))):
            day.play(number, person, out)
        summary = day.summary(time.perf_counter() - began)
        with day.app.app_context():
            db.session.remove()
            db.engine.dispose()
    (out / "summary.json").write_text(json.dumps(summary.as_json(), ensure_ascii=False, indent=1), "utf-8")
    return summary


class _Day:
    """The clinic's day: its application, and the browsers of the people in it."""

    def __init__(self, settings: Settings) -> None:
        setting_up.make_keys(settings)
        self.app: Flask = create_app(settings)
        telemetry.log.setLevel("WARNING")
        setting_up.migrate(self.app)
        self.timings: dict[str, list[float]] = {}
        self.record_ms: list[float] = []
        self.visits: list[Visit] = []
        self.origin = settings.origin
        passwords = self._people()
        self.reception = self._signed_in("reception", passwords)
        self.records = self._signed_in("records", passwords)
        self.doctors = {letter: (self._signed_in(letter, passwords), passwords[letter]) for letter in "KT"}
        self.tablet = self._pair("T1")

    def _people(self) -> dict[str, str]:
        passwords = {key: secrets.token_urlsafe(15) for key in ("reception", "records", "K", "T")}
        with self.app.app_context(), transaction():
            definitions.publish_bundled(by=SYSTEM)
            for letter, name in (("K", "Dr Ananya Rao"), ("T", "Dr Joseph Menon")):
                staff.add_member(
                    email=_email(letter),
                    name=name,
                    roles=[Role.DOCTOR],
                    password=passwords[letter],
                    letter=letter,
                    registration_no=f"REG-{letter}1",
                    room="2",
                )
            staff.add_member(
                email=_email("reception"), name="Sunita", roles=[Role.RECEPTION], password=passwords["reception"]
            )
            staff.add_member(
                email=_email("records"), name="Ramesh", roles=[Role.RECORDS], password=passwords["records"]
            )
            kiosk.add_tablet("T1", by=SYSTEM)
        return passwords

    def _signed_in(self, who: str, passwords: dict[str, str]) -> Browser:
        browser = self._browser().get("/sign-in")
        form = browser.form(lambda f: "password" in f.controls)
        return browser.submit(form, form.values() | {"email": _email(who), "password": passwords[who]})

    def _browser(self) -> Browser:
        return Browser(self.app, self.origin, self.timings)

    def _pair(self, name: str) -> Browser:
        page = self.reception.get("/desk").press("/pair")
        code = re.search(r'class="code"[^>]*>\s*(\w{4}) ?(\w{4})', page.html)
        if code is None:
            raise WrongPage("the desk shows no pairing code")
        tablet = self._browser().get("/tablet/pair")
        form = tablet.form(lambda f: "code" in f.controls)
        return tablet.submit(form, form.values() | {"code": "".join(part for part in code.groups() if part)})

    def play(self, number: int, person: Person, out: Path) -> None:
        """One visit from token to record; what goes wrong is kept on the visit, and the day goes on."""
        visit = Visit(number)
        self.visits.append(visit)
        try:
            visit_id = self._token(person)
            self._hand_over(visit_id)
            stopped = self._patient(person, visit)
            if stopped == "doctor_first":
                visit.outcome = self._doctor(person, visit_id, release=True)
                if not visit.outcome:
                    self._hand_over(visit_id)
                    stopped = self._patient(person, visit)
            if stopped == "declined":
                visit.outcome = "declined"
            elif not visit.outcome:
                visit.outcome = self._doctor(person, visit_id, release=False)
            self._record(visit, visit_id, out)
        except WrongPage as error:
            visit.error = f"patient {number}: {error}"
            self._clear()

    def _token(self, person: Person) -> str:
        before = set(_visits(self.reception.get("/desk").html))
        form = self.reception.form(lambda f: {"form_key", "name"} <= set(f.controls))
        doctor = form.controls["doctor"].choices["KT".index(person.letter)]
        page = self.reception.submit(
            form, form.values() | {"name": person.name, "phone": person.phone, "doctor": doctor}
        )
        new = set(_visits(page.html)) - before
        if len(new) != 1:
            raise WrongPage(f"the desk shows {len(new)} new tokens ({page.status})")
        return new.pop()

    def _hand_over(self, visit_id: str) -> None:
        page = self.reception.get(f"/desk/visits/{visit_id}")
        form = page.form(lambda f: "tablet" in f.controls)
        page.submit(form, form.values())

    def _clear(self) -> None:
        """Get the tablet back after a visit that went wrong."""
        for path in _take_backs(self.reception.get("/desk").html):
            self.reception.submit(Form(path), {"csrf_token": self._token_of(self.reception)})
        self._wipe()

    def _wipe(self) -> None:
        while self.reception.get("/desk").has_button("/wiped"):
            self.reception.press("/wiped")

    @staticmethod
    def _token_of(browser: Browser) -> str:
        return next(f.controls["csrf_token"].text for f in browser.forms if "csrf_token" in f.controls)

    def _patient(self, person: Person, visit: Visit) -> str:
        """The tablet in the patient's hands until it is handed back;
        gives where it stopped: signed, declined, doctor_first."""
        tablet = self.tablet.get("/tablet")
        form = tablet.form_to("/visit/start")
        tablet.submit(form, form.values())
        for _page in range(MOST_PAGES):
            path = tablet.path
            if path.startswith("/visit/thanks"):
                return self._hand_back("declined" if visit.outcome == "declined" else "signed")
            if path.startswith("/visit/doctor-first"):
                return self._hand_back("doctor_first")
            if person.declines_at and path.startswith(f"/visit/{person.declines_at}"):
                tablet.get("/visit/decline")
                form = tablet.form(lambda f: "reason" in f.controls)
                tablet.submit(form, form.values() | {"reason": person.words() if person.draws.random() < 0.5 else ""})
                visit.outcome = "declined"
                continue
            self._answer(tablet, person, visit)
        raise WrongPage(f"the path does not end; last at {tablet.path}")

    def _hand_back(self, how: str) -> str:
        form = self.tablet.form_to("/visit/finish")
        self.tablet.submit(form, form.values())
        self._wipe()
        return how

    def _answer(self, tablet: Browser, person: Person, visit: Visit) -> None:
        # Help and larger letters have forms of their own on every page; the page's own is sent back to the page.
        main = tablet.form(lambda form: form.action in ("", tablet.path))
        values = main.values()
        if tablet.path.startswith("/visit/sign"):  # nobody takes part but whom the page suggests
            guardian = main.controls.get("guardian_name")  # who signs with their own name
            signer = (guardian.text if guardian else "") or person.name
            values |= (
                {"how": "type", "typed": signer} if person.types_name else {"how": "draw", "strokes": STROKES}
            ) | _roles(main)
        else:
            for control in main.controls.values():
                if control.kind != "hidden":
                    values |= _fill(control, person)
        if tablet.path.startswith("/visit/questions"):
            for control in main.controls.values():
                if control.item:
                    sent = values.get(control.name, [])
                    visit.said[control.item] = sent if isinstance(sent, list) else [str(sent)]
        tablet.submit(main, values)

    def _doctor(self, person: Person, visit_id: str, *, release: bool) -> str:
        """The doctor reads, decides every open point with words, then releases or countersigns;
        gives the outcome, if it is one."""
        doctor, password = self.doctors[person.letter]
        page = doctor.get(f"/review/{visit_id}")
        form = max(page.forms, key=lambda f: len(f.controls))
        values = _decide(form, postpones=person.is_postponed)
        if person.is_postponed:
            page = doctor.submit(form, values | {"then": "postpone"})
            form = page.form(lambda f: "words" in f.controls)
            doctor.submit(form, form.values() | {"words": "Not today. Come back after the test we talked about."})
            return self._left_review(doctor, "postponed")
        action = "release" if release else "countersign"
        doctor.submit(form, values | ({} if release else {"password": password}), f"/review/{visit_id}/{action}")
        return self._left_review(doctor, "" if release else "countersigned")

    @staticmethod
    def _left_review(doctor: Browser, outcome: str) -> str:
        if doctor.status >= 400 or doctor.path != "/review":
            raise WrongPage(f"the review answered {doctor.status} to {outcome or 'released'}")
        return outcome

    def _record(self, visit: Visit, visit_id: str, out: Path) -> None:
        """Run the worker's job, then fetch the record as records staff do."""
        began = time.perf_counter()
        with self.app.app_context():
            while jobs.run_due():
                pass
            failed = [job.error for job in jobs.list_unfinished() if job.key == visit_id]
            db.session.remove()
        if failed:
            raise WrongPage(f"the record was not sealed: {failed[0]}")
        self.record_ms.append((time.perf_counter() - began) * 1000)
        with self.app.app_context():
            found = records.record_of_visit(UUID(visit_id))
            db.session.remove()
        if found is None:
            raise WrongPage("the visit has no record")
        pdf = self.records.raw(f"/archive/records/{found.id}/pdf")
        visit.number, visit.file = found.number, f"{found.number}.pdf"
        (out / visit.file).write_bytes(pdf)

    def summary(self, seconds: float) -> Summary:
        """Counts and timings of the day."""
        done = Counter(visit.outcome for visit in self.visits if not visit.error)
        return Summary(
            dict(done),
            [visit.error for visit in self.visits if visit.error],
            {page: _quantiles(times) for page, times in sorted(self.timings.items())},
            _quantiles(self.record_ms),
            self.visits,
            seconds,
        )


def _email(who: str) -> str:
    return f"{who.lower()}@rehearsal.example"


def _visits(html: str) -> list[str]:
    return re.findall(r"/desk/visits/([0-9a-f-]{36})", html)


def _take_backs(html: str) -> list[str]:
    return sorted(set(re.findall(r"/desk/visits/[0-9a-f-]{36}/take-back", html)))


def _fill(control: Control, person: Person) -> dict[str, Any]:
    """What this person puts into one control."""
    if control.kind == "radio":
        if control.name.startswith("part-"):
            return {control.name: ["question" if person.draws.random() < person.asks else "understood"]}
        if control.name == "option":
            return {
                control.name: [
                    person.draws.choice(control.choices)
                    if person.draws.random() < person.misses
                    else control.choices[0]
                ]
            }
        return {control.name: control.chosen or person.choose(control.item, control.choices, many=False)[:1]}
    if control.kind == "checkbox":
        single = len(control.choices) == 1
        return {
            control.name: control.chosen
            or (control.choices if single else person.choose(control.item, control.choices, many=True))
        }
    if control.text:
        return {}
    if control.name.endswith(("-d", "-m", "-y")):
        born = person.born_on
        day = (
            {"d": born.day, "m": born.month, "y": born.year}
            if control.item in ("", "id.dob")
            else {"d": 1, "m": "October", "y": clock.now().year}
        )
        return {control.name: str(day[control.name[-1]])}
    typed = {"id.name": person.name, "ft.height": "165", "ft.weight": "72.5", "ct.email": "", "st.helper_name": "Asha"}
    if control.item.endswith(("mobile", "phone")):
        return {control.name: person.phone}
    return {control.name: typed.get(control.item, person.words())}


def _roles(form: Form) -> dict[str, str]:
    """A role for everybody whom the page suggests by name alone."""
    controls = form.controls
    named = [name.removesuffix("_name") for name, one in controls.items() if name.endswith("_name") and one.text]
    lacking = [controls[f"{part}_role"] for part in named if not controls[f"{part}_role"].text]
    return {one.name: next(choice for choice in one.choices if choice) for one in lacking}


def _decide(form: Form, *, postpones: bool) -> dict[str, Any]:
    """Every point decided the way a careful doctor would: go ahead where that is offered, with words."""
    values = form.values()
    wanted = (
        ("postpone", "seen") if postpones else ("go_ahead", "seen", "answered", "explained", "change_plan", "postpone")
    )
    for control in form.controls.values():
        if control.kind in ("radio", "checkbox"):
            values |= {control.name: [next((v for v in wanted if v in control.choices), control.choices[0])]}
        elif control.kind == "textarea" and not control.text:
            values[control.name] = "Talked about it in person; decided together."
    return values


def _quantiles(times: list[float]) -> dict[str, float]:
    if not times:
        return {"n": 0}
    ordered = sorted(times)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"n": len(ordered), "p50": round(statistics.median(ordered), 1), "p95": at(0.95), "p99": at(0.99)}
