"""What a screen reader is told of a page: Chromium's own accessibility tree, and where an error summary leads. The
journeys choose the way through the pages; this looks, and keeps what is not as it should be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

CONTROLS = frozenset({"radio", "checkbox", "textbox", "combobox", "button", "link"})
GROUPS = frozenset({"radiogroup", "group"})

# Each question with its words and its help, as the page shows them.
QUESTIONS = """() => [...document.querySelectorAll('.item fieldset.field')].filter(one => one.getClientRects().length)
  .map(one => [one.querySelector('legend'), one.querySelector(':scope > .hint')])
  .map(parts => parts.map(part => part?.innerText.trim() ?? ''))"""
UNANSWERED = """() => [...document.querySelectorAll('[role=radiogroup]')].some(one => one.getClientRects().length
  && one.querySelector('legend') && !one.querySelector('legend .optional') && !one.querySelector(':checked'))"""


@dataclass(frozen=True)
class Node:
    """One thing of the tree, with those it stands in, nearest first."""

    role: str
    name: str
    help: str
    properties: Mapping[str, Any]
    inside: tuple["Node", ...] = ()


def nodes_of(page: Page) -> list[Node]:
    """The tree in the order it is read, without what is left out of it."""
    session = page.context.new_cdp_session(page)
    raw = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    by_id = {node["nodeId"]: node for node in raw}
    made: list[Node] = []

    def read(node: Mapping[str, Any], inside: tuple[Node, ...]) -> None:
        if not node.get("ignored"):
            here = Node(
                *(str(node.get(key, {}).get("value", "")).strip() for key in ("role", "name", "description")),
                {one["name"]: one["value"].get("value") for one in node.get("properties", ())},
                inside,
            )
            made.append(here)
            inside = (here, *inside)
        for child in node.get("childIds", ()):
            if child in by_id:
                read(by_id[child], inside)

    read(raw[0], ())
    return made


@dataclass
class Told:
    """What was wrong with what a screen reader is told, page by page."""

    wrong: list[tuple[str, str]] = field(default_factory=list)
    questions: int = 0
    errors: int = 0

    def look(self, page: Page) -> None:
        """Heading, then each question as a named group with its help, then its options; every control has a name."""
        where, nodes = page.evaluate("location.pathname"), nodes_of(page)
        self.wrong += [(where, what) for what in self._faults(page, nodes)]

    def _faults(self, page: Page, nodes: list[Node]) -> Iterator[str]:
        headings = [
            node for node in nodes if node.role == "heading" and not any(n.role == "alert" for n in node.inside)
        ]
        if not headings or headings[0].properties.get("level") != 1:
            yield "does not begin with its heading"
        for node in nodes:
            if node.role in CONTROLS and not node.name:
                yield f"a {node.role} without a name"
            if node.role == "radio" and not any(one.role in GROUPS and one.name for one in node.inside):
                yield f"the option {node.name} without its question"
        groups = {(node.name.removesuffix(" *"), node.help) for node in nodes if node.role in GROUPS}
        for words, help_of_it in page.evaluate(QUESTIONS):
            self.questions += 1
            if not any(name == " ".join(words.split()) and help_of_it in told for name, told in groups):
                yield f"the question {words} is not told as a group with its help"
        if not any(node.role == "button" and "pressed" in node.properties for node in nodes):
            yield "the size of the letters is not told"

    def provoke(self, page: Page) -> bool:
        """Go on without an answer where one is needed: the summary has the focus, and each of its links leads to a box
        of the question it names. Whether there was anything to provoke."""
        if not page.evaluate(UNANSWERED):
            return False
        with page.expect_navigation():
            page.locator("button.btn-main:visible").tap()
        where = page.evaluate("location.pathname")
        if page.evaluate("document.activeElement.id") != "errors":
            self.wrong.append((where, "the summary of errors has not the focus"))
        for link in page.locator("#errors a").all():
            self.errors += 1
            link.focus()
            page.keyboard.press("Enter")
            told = page.evaluate("""() => {
              const at = document.activeElement, box = at.closest('.is-bad');
              return box && at.matches('input, select, textarea') && box.querySelector('.err').innerText !== '';
            }""")
            if not told:
                self.wrong.append((where, f"{link.inner_text()} does not lead to its field"))
        return True
