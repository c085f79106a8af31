"""Words with marks for emphasis and lists (Markdown) as HTML. HTML, links and pictures in them stay plain text."""

from functools import lru_cache

from markdown_it import MarkdownIt
from markupsafe import Markup

# CommonMark without whatever could bring an address, a picture, a heading of its own or HTML onto a patient's page.
_READER = MarkdownIt("zero", {"html": False, "breaks": True}).enable(["list", "emphasis", "escape", "newline"])


@lru_cache(1024)
def marked(text: str) -> Markup:
    """The HTML of a text with marks."""
    return Markup(_READER.render(text))  # noqa: S704 - the reader escapes everything but the marks it knows
