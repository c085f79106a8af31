// Leaving a page by a link, or by a form that is sent plainly: first the server must answer. Without a connection the page stays with
// what was typed on it, and is left when the server is back, unless somebody went on meanwhile.
import { $ } from './dom.js';
import { canAsk, found, isThere, lost, wait } from './connection.js';
import { submitPlainly } from './saving.js';

let go = null, asking = false;

async function leaveBy(way) {
  go = way;
  if (asking) return;
  asking = true;
  for (const since = Date.now(); !await isThere();) {
    lost(since);
    await wait(3000);
  }
  asking = false;
  found();
  go?.();
}

const isPlain = (event) => !event.defaultPrevented && !(event.button || event.ctrlKey || event.metaKey || event.shiftKey);

if (canAsk) {
  addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href]');
    if (!link || !isPlain(event) || link.target || link.origin !== location.origin || link.getAttribute('href')[0] === '#') return;
    event.preventDefault();
    // A page on its way to the server is not left: its answer says where to go.
    if (!$('form[data-sent]')) leaveBy(() => location.assign(link.href));
  });
  addEventListener('submit', (event) => {
    go = null;
    if (event.defaultPrevented || event.target.method !== 'post') return;
    event.preventDefault();
    leaveBy(() => submitPlainly(event.target, event.submitter));
  });
  addEventListener('input', () => { go = null; });
}
