"""A tablet with a voice, for tests in a headless Chromium, which has none: it stands for the device's speech, and
writes down what it is asked to say. By default each sentence is over at once; `hold` leaves that to the test."""

import json
from typing import Any

from playwright.sync_api import BrowserContext, Page

VOICES = (("en-IN", True), ("hi_IN", True), ("ar-SA", True))

DEVICE = """([voices, hold]) => {
  const device = globalThis.device = { said: [], stops: 0, now: null };
  const made = (list) => list.map(([lang, localService]) => ({ lang, localService, default: false, name: lang }));
  let has = made(voices);
  const end = () => {
    const one = device.now;
    device.now = null;
    one?.onend?.(new Event('end'));
  };
  device.end = end;
  device.give = (list) => { has = made(list); speechSynthesis.onvoiceschanged?.(new Event('voiceschanged')); };
  const synth = {
    onvoiceschanged: null, getVoices: () => has,
    cancel: () => {
      const one = device.now;
      device.stops += 1;
      device.now = null;
      one?.onerror?.(new Event('error'));
    },
    speak: (one) => {
      device.said.push([one.text, one.lang]);
      device.now = one;
      one.onstart?.(new Event('start'));
      if (!hold) setTimeout(end);
    },
  };
  Object.defineProperty(globalThis, 'speechSynthesis', { value: synth });
  globalThis.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
}"""


def give_voice(page: Page | BrowserContext, voices: Any = VOICES, *, hold: bool = False) -> None:
    """From the next page on the device speaks these languages: (language, whether the voice lives on the device)."""
    page.add_init_script(f"({DEVICE})({json.dumps([list(map(list, voices)), hold])})")


def said(page: Page) -> list[tuple[str, str]]:
    """What was said on this page so far: words and language of the voice."""
    return [(words, language) for words, language in page.evaluate("device.said")]


def listen(page: Page) -> list[tuple[str, str]]:
    """Press Listen and wait until the page is read to its end: the button stands there again as it was."""
    button = page.locator("[data-aloud]")
    before = button.inner_text()
    button.click()
    page.wait_for_function("words => document.querySelector('[data-aloud]').innerText === words", arg=before)
    return said(page)
