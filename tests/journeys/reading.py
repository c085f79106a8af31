"""What a patient has before their eyes on each page of a journey: language, direction, words, width, what axe finds.

The journeys choose the way through the pages; this looks, and keeps what is not as it should be."""

import re
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

DEVANAGARI = re.compile(r"[\u0900-\u097f]")
ARABIC = re.compile(r"[\u0600-\u06ff]")
# What stays as it is: names, codes, numbers with their units, Latin names of medicines, and what the clinic wrote.
LATIN_WORD = re.compile(r"\b[A-Za-z]{3,}\b")
READ = "main :is(h1, h2, legend, label, p, li, button, a, option, summary):visible, header :is(p, span):visible"
SIZES = ((820, 1180), (1440, 900), (390, 844))


def sentences(page: Page) -> list[str]:
    """The words a patient reads on a page, element by element."""
    return [words for words in page.locator(READ).all_inner_texts() if words.strip()]


def in_english(words: str, script: re.Pattern[str]) -> bool:
    """Whether words hold none of a script and some of English."""
    return bool(LATIN_WORD.search(words)) and not script.search(words)


@dataclass
class Reading:
    """What was seen of a journey in a language of another script, page by page."""

    script: re.Pattern[str]
    names: frozenset[str] = frozenset()
    tongues: set[tuple[str | None, str | None]] = field(default_factory=set)
    english: dict[str, list[str]] = field(default_factory=dict)
    too_wide: dict[str, int] = field(default_factory=dict)
    barriers: dict[str, list[str]] = field(default_factory=dict)

    def words(self, page: Page) -> None:
        """Look at the language, the direction and the words."""
        self.tongues.add((page.get_attribute("html", "lang"), page.get_attribute("html", "dir")))
        found = [words for words in sentences(page) if in_english(words, self.script) and words not in self.names]
        if found:
            self.english[page.url] = found

    def shape(self, page: Page) -> None:
        """Look at the page at each size, and let axe look; the page is left as it was."""
        before: ViewportSize | None = page.viewport_size
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
                self.too_wide[f"{page.url} at {width}"] = wide
        if before is not None:
            page.set_viewport_size(before)
        if broken := [violation["id"] for violation in Axe().run(page).response["violations"]]:
            self.barriers[page.url] = broken
