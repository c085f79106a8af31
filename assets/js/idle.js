// A tablet left alone asks, then locks; the thank-you page clears itself. Both leave nothing behind for the Back button.
import { $, $$, nextOf, root, send } from './dom.js';
import { isSettled } from './connection.js';

const { idleSeconds, warnSeconds, aliveUrl } = root.dataset;
const dialog = $('dialog[data-idle]');

// Replace the page by what the server says comes next. Without an answer the answers are covered and it is asked again.
async function leave(form) {
  root.classList.add('is-locked');
  for (;;) {
    try {
      const answer = await isSettled() && await send(form);   // what was typed without a connection is kept before it locks
      if (answer.status < 500) return location.replace(nextOf(answer) || location.pathname);
    } catch { /* still nobody there: the page stays covered */ }
    await new Promise((done) => setTimeout(done, 5000));
  }
}

// Counts down by the clock, not by ticks: a sleeping tablet must not wake up with its warning still to come.
function countDown(seconds, show, done) {
  const end = Date.now() + seconds * 1000;
  const timer = setInterval(() => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    if (show) show.textContent = left;
    if (!left) { clearInterval(timer); done(); }
  }, 250);
  return () => clearInterval(timer);
}

if (dialog && idleSeconds) {
  const form = $('form', dialog);
  let touched = Date.now(), asked = Date.now(), stop = null;
  const stay = () => {
    stop?.(); stop = null; touched = asked = Date.now();
    if (dialog.open) dialog.close();
    if (aliveUrl) send(form, null, aliveUrl).catch(() => {});
  };
  const touch = () => {
    if (dialog.open) return;
    touched = Date.now();
    if (aliveUrl && touched - asked > 60000) { asked = touched; send(form, null, aliveUrl).catch(() => {}); }
  };
  for (const kind of ['pointerdown', 'keydown', 'scroll', 'input', 'heard']) addEventListener(kind, touch, { passive: true, capture: true });
  setInterval(() => {
    const quiet = (Date.now() - touched) / 1000 - idleSeconds;
    if (stop || quiet < 0) return;
    if (quiet > warnSeconds) return stop = leave(form);
    dialog.showModal();
    stop = countDown(warnSeconds, $('[data-left]', dialog), () => leave(form));
  }, 1000);
  $('[data-stay]', dialog).addEventListener('click', stay);
  dialog.addEventListener('cancel', (event) => { event.preventDefault(); stay(); });
  form.addEventListener('submit', (event) => { event.preventDefault(); stop?.(); leave(form); });
}

for (const form of $$('form[data-finish]')) {
  form.addEventListener('submit', (event) => { event.preventDefault(); leave(form); });
  if (form.dataset.finish) {
    $('[data-counting]', form).hidden = false;
    const begin = () => countDown(Number(form.dataset.finish), $('[data-left]', form), () => form.requestSubmit());
    let stop = begin();
    addEventListener('heard', () => { stop(); stop = begin(); });   // not while the page is being read aloud
  }
}
