"""What a patient sees on the narrowest screen: 320 CSS pixels, as WCAG 1.4.10 asks, which is also a page 1280 pixels
wide at 400 %. Finds what scrolls sideways, is cut off, sticks out of its box, or lies over something else."""

from dataclasses import dataclass, field

from playwright.sync_api import Page, ViewportSize

NARROW, ZOOMED = (320, 640), (320, 256)

# Every line of text that shows, with the box it must stay in; then what is wrong with it.
LOOK = """() => {
  const wide = document.documentElement.clientWidth, found = [], lines = [];
  const full = document.documentElement.scrollWidth;
  if (full > wide) found.push(`scrolls sideways: ${full}`);
  const shown = (one) => one.checkVisibility({ visibilityProperty: true })
    && !one.closest('.vh, .skip, svg, canvas, dialog');
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, words = text.data.trim(), near = text.parentElement;
    if (!words || !shown(near)) continue;
    let box = near;
    while (getComputedStyle(box).display === 'inline') box = box.parentElement;
    const inside = box.getBoundingClientRect(), range = document.createRange();
    if (parseFloat(getComputedStyle(near).fontSize) < 1) continue;
    range.selectNodeContents(text);
    for (const line of range.getClientRects()) {
      if (line.width < 1) continue;
      const start = words.slice(0, 40);
      if (line.left < -1 || line.right > wide + 1) found.push(`cut off: ${start}`);
      if (line.left < inside.left - 2 || line.right > inside.right + 2) found.push(`out of its box: ${start}`);
      if (!near.closest('.actions, .offline')) lines.push([line, start]);
    }
  }
  for (const one of document.querySelectorAll(':is(main, .rail) :is(button, a, input, select, textarea, canvas)')) {
    const { left, right, width } = one.getBoundingClientRect();
    if (width && shown(one) && (left < -1 || right > wide + 1)) found.push(`cut off: ${one.outerHTML.slice(0, 60)}`);
  }
  lines.forEach(([a, first], at) => lines.slice(at + 1).forEach(([b, second]) => {
    const over = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (over > 3 && high > Math.min(a.height, b.height) / 2) found.push(`over each other: ${first} / ${second}`);
  }));
  return [...new Set(found)];
}"""

# How much of the screen is taken by what stays while the page scrolls.
STAYING = """() => [...document.querySelectorAll('.actions, .rail, .ribbon')]
  .filter(one => ['fixed', 'sticky'].includes(getComputedStyle(one).position))
  .reduce((sum, one) => sum + one.getBoundingClientRect().height, 0) / innerHeight"""


@dataclass
class Narrow:
    """What was wrong on the narrow screen, page by page, in both sizes of letters."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    pages: int = 0

    def look(self, page: Page) -> None:
        """Look at the page as it is; it is left as it was."""
        before: ViewportSize | None = page.viewport_size
        self.pages += 1
        for size in (NARROW, ZOOMED):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            for letters in ("", "large"):
                page.evaluate("large => document.documentElement.classList.toggle('large', !!large)", letters)
                found = page.evaluate(LOOK)
                if (taken := page.evaluate(STAYING)) > 1 / 3:
                    found.append(f"{taken:.0%} of the screen stays while the page scrolls")
                if found:
                    self.wrong[f"{page.evaluate('location.pathname')} {size} {letters}"] = found
        page.evaluate("document.documentElement.classList.remove('large')")
        if before is not None:
            page.set_viewport_size(before)
