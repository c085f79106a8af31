// "Listen": the page read aloud by the tablet's own speech, when asked and only then. Headings, questions with their options and the
// texts of the consent, one after another, what is being read in a frame; never an answer or a name (data-quiet). A file of its
// own, so that nothing else waits for it or fails with it. Without a voice of the device for the page's language it does nothing.
const synth = globalThis.speechSynthesis, root = document.documentElement, button = document.querySelector('[data-aloud]');
const READ = ':is(main, .hello) :is(h1, h2, h3, [role=heading], legend, label, p, li, dt, .note > div, .note > span, .lang)';
const QUIET = '[data-quiet], .chosen, .draft, .actions, [aria-hidden=true], details:not([open]) > p';
const SENTENCE = /\S.*?(?:[.!?।؟]+(?=\s)|$)/gm;      // browsers break off what is long, so it is said sentence by sentence

const primary = (language) => language.split(/[-_]/)[0].toLowerCase();

// A voice that lives elsewhere would send there what is read: which questions a patient is asked tells of the answers.
function voiceFor(language) {
  const fit = synth.getVoices().filter(({ lang, localService }) => localService && primary(lang) === primary(language));
  return fit.find((voice) => voice.default) ?? fit[0];
}

if (synth && button) {
  const label = button.lastElementChild, first = label.textContent;
  let at = null, saying = null;                       // the element that is read, what is being said of it

  const languageOf = (part) => part.closest('[lang]').lang;
  const isRead = (part) => part.getClientRects().length && !part.closest(QUIET) && !part.parentElement.closest(READ) && voiceFor(languageOf(part));
  // The first that comes after: looked for anew each time, since an answer may open or close questions meanwhile.
  const after = (part) => [...document.querySelectorAll(READ)].find((one) => (!part || part.compareDocumentPosition(one) & 4) && isRead(one));
  const wordsOf = (part) => `${part.innerText}\n${[...part.control?.options ?? []].map(({ text }) => text).join('\n')}`.match(SENTENCE) ?? [];

  function stop() {
    at?.classList.remove('is-read');
    at = saying = null;
    label.textContent = first;
    synth.cancel();
  }

  function say(words) {
    if (!words.length) return read(after(at));
    const one = saying = new SpeechSynthesisUtterance(words[0]);
    one.voice = voiceFor(languageOf(at));
    one.lang = one.voice.lang;
    one.rate = .9;
    one.onstart = () => dispatchEvent(new Event('heard'));   // who listens is there: the tablet must not lock meanwhile
    one.onend = () => { if (one === saying) say(words.slice(1)); };
    one.onerror = () => { if (one === saying) stop(); };
    synth.speak(one);
  }

  function read(part) {
    at?.classList.remove('is-read');
    if (!part) return stop();
    at = part;
    at.classList.add('is-read');
    at.scrollIntoView({ block: 'nearest' });
    say(wordsOf(at));
  }

  button.addEventListener('click', () => {
    if (at) return stop();
    synth.cancel();
    label.textContent = button.dataset.stop;
    read(after());
  });
  // Voices may come late, and go.
  const look = () => {
    const has = voiceFor(root.lang);
    if (at && !has) stop();
    for (const part of document.querySelectorAll('[data-aloud], [data-with-aloud]')) part.hidden = !has;
  };
  synth.onvoiceschanged = look;
  look();
  addEventListener('pagehide', stop);
  document.addEventListener('visibilitychange', stop);
}
