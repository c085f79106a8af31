// Sending a page: one tap counts, slow saves say so, and a lost connection keeps the answers on the page and tries again.
import { $, $$, bodyOf, nextOf, root, say, send } from './dom.js';
import { isSettled, lost, wait } from './connection.js';

// The browser shows what the server answered, so errors and refusals look as they do without this script.
export function submitPlainly(form, submitter) {
  if (submitter?.name) form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: submitter.name, value: submitter.value }));
  HTMLFormElement.prototype.submit.call(form);
}

// A busy server and a lost connection are waited for; an error that stays is shown, with its reference, after three tries.
// A page that is kept in hand has a revision: what may have arrived goes again word for word until there is an answer,
// and what was typed meanwhile goes after it, so that a page never meets its own lost answer as somebody else's change.
async function save(form, submitter) {
  const since = Date.now(), { rev } = form.elements;
  let body = null;
  for (let tries = 1; ; tries += 1) {
    let answer = null;
    if (await isSettled()) {
      if (!body || !form.settle) body = bodyOf(form, submitter);
      answer = await send(form, submitter, undefined, body).catch(() => null);
    }
    const status = answer?.status ?? 503;
    if (status < 500 || (status === 500 && tries > 2)) {
      const next = nextOf(answer), kept = answer.headers.get('Intake-Revision');
      const isNewer = kept && String(body) !== String(bodyOf(form, submitter));
      if (kept) rev.value = kept;
      if (next && isNewer) { body = null; continue; }
      if (next) return location.assign(next);
      // Done already by an earlier try whose answer was lost: the page itself knows where the visit stands.
      if (status === 410) return location.replace(location.pathname);
      return submitPlainly(form, submitter);
    }
    lost(since);
    await wait(3000);
  }
}

for (const form of $$('form[data-save]')) {
  form.addEventListener('submit', (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = '1';
    const button = event.submitter ?? $('.btn-main', form);
    setTimeout(() => {
      if (!button) return;
      button.setAttribute('aria-busy', 'true');
      button.textContent = form.dataset.saving;
    }, 400);
    save(form, event.submitter);
  });
}

// Help comes without losing the page in hand.
$('form[data-help]')?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  let said = form.dataset.failed;
  try { if ((await send(form)).status < 400) said = form.dataset.done; } catch { /* told by the words that ask to call */ }
  for (const words of $$('[data-help-words]')) words.textContent = said;
  say(said);
});

// Larger text at once; the server remembers it for the visit. What is sent names the size, so that it may come twice.
$('form[data-larger]')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target, { larger } = form.elements, isLarge = larger.value === 'on';
  root.classList.toggle('large', isLarge);
  $('button', form).setAttribute('aria-pressed', isLarge);
  send(form).catch(() => {});
  larger.value = isLarge ? 'off' : 'on';
});
