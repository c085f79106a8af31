// The page in hand is kept: a moment after the last change, and when the page goes out of sight, it goes to the server as it
// is. Quietly: Continue alone says what is wrong with an answer, or that somebody changed it elsewhere.
import { $, bodyOf, say, send } from './dom.js';
import { canAsk, found, lost } from './connection.js';

const PAUSE = 2000, LONGEST = 15000, AGAIN = 3000;    // milliseconds: after a change, of typing on end, after a try that failed
const MOST_KEPT_ALIVE = 60000;                        // bytes; browsers let a page that goes send 64 KB
const form = canAsk && $('form[data-conditions]');

if (form?.elements?.rev) {
  const { rev } = form.elements, words = $('[data-kept]', form);
  // What `rev` stands for is kept. `doubt` may have arrived, or not: it goes again word for word before anything newer,
  // which the server takes for the same page sent twice.
  let doubt = '', flight = null, isOver = false, timer, changed = 0, since = 0, crashes = 0;

  const typed = () => { const body = bodyOf(form); body.delete('rev'); body.delete('read_end'); return String(body); };
  // A page that came back with an error, or with more to answer, is kept nowhere yet.
  let kept = $('#errors, .note[data-focus]', form) ? '' : typed();
  const isNewer = () => !form.dataset.sent && typed() !== kept;

  // One page to the server. Whether it answered.
  async function deliver() {
    doubt ||= typed();
    changed = 0;
    const body = new URLSearchParams(doubt);
    body.set('rev', rev.value);
    const answer = await send(form, null, '?partial=1', body, document.hidden && doubt.length < MOST_KEPT_ALIVE).catch(() => null);
    if (!answer || answer.status > 500) return false;
    if (answer.status === 500 && (crashes += 1) < 3) return false;   // an error that stays is left to Continue to show
    crashes = 0;
    const revision = answer.headers.get('Intake-Revision');
    if (revision) {
      rev.value = revision;
      kept = doubt;
    }
    isOver = !revision;                               // changed elsewhere, signed, locked: the page itself will say so
    words.hidden = isOver;
    doubt = '';
    since = 0;
    return true;
  }
  const once = () => flight ??= deliver().finally(() => { flight = null; });

  // Until the server has all that is on the page; of a page that is being sent, until nothing of it is in doubt.
  form.settle = async () => {
    clearTimeout(timer);
    while (!isOver && (flight || doubt || isNewer())) if (!await once()) return false;
    return true;
  };

  async function keep() {
    clearTimeout(timer);
    if (form.dataset.sent || isOver || !(flight || doubt || isNewer())) return;
    if (!await once()) {
      if (since) lost(since);                         // a first try may fail without a word
      since ||= Date.now();
      words.hidden = true;
      timer = setTimeout(keep, AGAIN);
      return;
    }
    if (found() && !isOver) say(words.textContent);
    if (isNewer()) document.hidden ? keep() : later();
  }

  function later() {
    if (since) return;                                // it is being tried again already
    changed ||= Date.now();
    clearTimeout(timer);
    timer = setTimeout(keep, Math.max(0, Math.min(PAUSE, changed + LONGEST - Date.now())));
  }

  form.addEventListener('input', later);
  form.addEventListener('change', later);
  document.addEventListener('visibilitychange', () => { if (document.hidden) keep(); });
  // A page that follows was made before this one could be kept once more, and would find its answers changed.
  addEventListener('pagehide', () => { isOver = true; });
  if (!kept) later();
}
