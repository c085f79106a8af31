"""Plays a visit in Chromium and takes a picture of every page on the way; axe-core looks at each.

Pictures of all pages and sizes go to build/screenshots, those the README shows to docs/pictures.
Exit 1 where axe finds fault.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from intake import cli, create_app, kiosk, staff, telemetry  # noqa: E402  # the tree must be on the path first
from intake.access import SYSTEM  # noqa: E402
from intake.config import DAYS, Settings  # noqa: E402
from intake.db import transaction  # noqa: E402
from tests.conftest import CHROMIUM, PASSWORD, QUIET  # noqa: E402
from tests.journeys import path  # noqa: E402
from tests.serving import serving  # noqa: E402

ALL, SHOWN = ROOT / "build" / "screenshots", ROOT / "docs" / "pictures"
TABLET = {"portrait": (820, 1180), "landscape": (1180, 820), "phone": (390, 844)}
DESKTOP = {"wide": (1440, 900), "laptop": (1280, 800), "tablet": (820, 1180)}
README = {
    "welcome": ("tablet", "landscape"),
    "what-you-may-feel": ("effects-effects", "portrait"),
    "sign": ("sign-drawn", "portrait"),
    "desk": ("desk", "wide"),
    "review": ("review", "laptop"),
    "archive": ("archive-record", "wide"),
}
RUN_AXE = "axe.run({runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']})"


class Camera:
    """Takes each page in every size and asks axe-core about it."""

    def __init__(self) -> None:
        self.axe = (ROOT / "assets/node_modules/axe-core/axe.min.js").read_text("utf-8")
        self.count, self.faults = 0, list[str]()

    def take(self, page: Page, name: str, sizes: dict[str, tuple[int, int]]) -> None:
        """Picture and check one page; its size is put back afterwards."""
        before = page.viewport_size
        for size, (width, height) in sizes.items():
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=ALL / f"{name}-{size}.png")
            sideways = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            if sideways:
                self.faults.append(f"{name} {size}: scrolls sideways")
        if before:
            page.set_viewport_size(before)
        page.evaluate(self.axe)
        for fault in page.evaluate(RUN_AXE)["violations"]:
            self.faults.append(f"{name}: {fault['id']}: {fault['nodes'][0]['target']}")
        self.count += 1

    def on_tablet(self, name: str = "") -> Callable[[Page], None]:
        """A camera for the tablet's pages, named by their address."""
        return lambda page: self.take(page, name or _name(page.url), TABLET)


def _name(address: str) -> str:
    parts = [part for part in address.split("?")[0].split("/")[3:] if part not in ("visit", "questions")]
    return "-".join(parts) or "start"


@contextmanager
def a_clinic() -> Iterator[tuple[Flask, str]]:
    """A demonstration clinic that is always open, listening on loopback."""
    with tempfile.TemporaryDirectory() as folder:
        plain = cli.demo_settings(Path(folder), 8765)
        plain["clinic"] |= {"hours": {day: ["00:00", "23:59:59"] for day in DAYS}, "last_token": "23:59:59"}
        settings = Settings.from_mapping(plain)
        cli.prepare(settings)
        app = create_app(settings)
        telemetry.log.setLevel("WARNING")
        with app.app_context(), transaction():
            for person in cli.DEMO_PEOPLE:
                staff.add_member(password=PASSWORD, **person)
            for name in ("T1", "T2"):
                kiosk.add_tablet(name, by=SYSTEM)
        with serving(app, listen="127.0.0.1:8765", threads=4):
            yield app, "127.0.0.1:8765"


def staff_page(browser: Browser, base: str, email: str, colours: str = "light") -> Page:
    """A desk at which somebody is signed in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True, color_scheme=colours)
    page = context.new_page()
    path.sign_in(page, base, email)
    return page


def visit(camera: Camera, app: Flask, browser: Browser, base: str) -> None:
    """One visit from token to archive, every page pictured."""
    desk = staff_page(browser, base, "reception@demo.example")
    tablet = browser.new_context(viewport={"width": 820, "height": 1180}, has_touch=True, bypass_csp=True).new_page()
    tablet.goto("http://localhost:8765/tablet/pair")
    camera.take(tablet, "pair", TABLET)
    path.pair_tablet(desk, tablet, base)
    camera.take(tablet, "waiting", TABLET)
    for name in ("Imran Qureshi", "अनन्या त्रिपाठी", "George Thomas"):
        _token(desk, base, name)
    visit_id = path.issue_and_hand_over(desk, base)
    camera.take(desk, "desk", DESKTOP)
    tablet.goto("http://localhost:8765/tablet")
    camera.take(tablet, "tablet", TABLET)
    path.go_on(tablet)
    camera.take(tablet, "identity", TABLET)
    path.go_on(tablet)
    camera.take(tablet, "identity-error", TABLET)
    path.identify(tablet, base)
    wishes = dict(path.WISHES) | {"md.thin": "asp", "al.severe": "unsure"}
    path.walk(tablet, camera.on_tablet(), wishes, ask="C-09c")
    tablet.goto("http://localhost:8765/visit/decline")
    camera.take(tablet, "decline", TABLET)
    tablet.goto("http://localhost:8765/visit/sign")
    path.draw_signature(tablet)
    camera.take(tablet, "sign-drawn", TABLET)
    path.go_on(tablet)
    camera.take(tablet, "thanks", TABLET)
    tablet.tap("button.btn-main:visible")
    for colours in ("dark", "light"):
        doctor = staff_page(browser, base, "rao@demo.example", colours)
        doctor.goto(f"http://{base}/review")
        camera.take(doctor, f"worklist-{colours}", DESKTOP)
        doctor.goto(f"http://{base}/review/{visit_id}")
        camera.take(doctor, f"review-{colours}" if colours == "dark" else "review", DESKTOP)
    path.decide_and_countersign(doctor, base, visit_id, lambda page: None)
    path.run_jobs(app)
    archive(camera, browser, base)


def _token(desk: Page, base: str, name: str) -> None:
    desk.goto(f"http://{base}/desk")
    desk.fill("input[name=name]", name)
    desk.click("label:has(input[name=doctor]) >> nth=1")
    desk.click("form:has(input[name=name]) button[type=submit]")
    desk.wait_for_load_state()


def archive(camera: Camera, browser: Browser, base: str) -> None:
    """The records staff's pages, and the administrator's log."""
    page = staff_page(browser, base, "records@demo.example")
    page.goto(f"http://{base}/archive")
    page.fill("input[name=q]", "Farida")
    page.click("main button[type=submit]")
    camera.take(page, "archive", DESKTOP)
    page.click("a:has-text('Farida')")
    camera.take(page, "archive-record", DESKTOP)
    receipt = page.get_by_role("link", name="Receipt").first.get_attribute("href")
    page.click("main form button[type=submit]:visible")
    camera.take(page, "archive-verified", DESKTOP)
    page.goto(f"http://{base}{receipt}")
    camera.take(page, "receipt", DESKTOP)
    admin = staff_page(browser, base, "admin@demo.example")
    admin.goto(f"http://{base}/log?check=1")
    camera.take(admin, "log", DESKTOP)
    admin.goto(f"http://{base}/health")
    camera.take(admin, "health", DESKTOP)
    nobody = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True).new_page()
    nobody.goto(f"http://{base}/sign-in")
    camera.take(nobody, "sign-in", DESKTOP)
    nobody.goto(f"http://{base}/verify")
    camera.take(nobody, "check", TABLET)


def main() -> int:
    """Take all pictures; say what axe found."""
    for folder in (ALL, SHOWN):
        folder.mkdir(parents=True, exist_ok=True)
    camera = Camera()
    with a_clinic() as (app, base), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        visit(camera, app, browser, base)
        browser.close()
    for name, (source, size) in README.items():
        (SHOWN / f"{name}.png").write_bytes((ALL / f"{source}-{size}.png").read_bytes())
    for fault in camera.faults:
        print(fault)
    print(f"{camera.count} pages, {len(camera.faults)} faults found by axe-core or sideways scrolling")
    return 1 if camera.faults else 0


if __name__ == "__main__":
    sys.exit(main())
