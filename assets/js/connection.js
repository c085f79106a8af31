// Whether the server answers, and the bar that says so while it does not.
import { $, root, say, send } from './dom.js';

const bar = $('[data-offline]'), words = bar && $('span', bar), first = words?.textContent;
const { aliveUrl } = root.dataset, form = $('form[data-help]'), page = $('form[data-save]');

export const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Show the bar; after half a minute it says that reception should know. */
export function lost(since) {
  if (!bar) return;
  if (bar.hidden) say(first);
  bar.hidden = false;
  if (Date.now() - since > 30000) words.textContent = bar.dataset.long;
}

/** Take the bar away; gives whether it was there. */
export function found() {
  const wasThere = !bar.hidden;
  bar.hidden = true;
  words.textContent = first;
  return wasThere;
}

/** A page that can ask has what it takes: an address that only says "alive", and a token to send. */
export const canAsk = Boolean(bar && aliveUrl && form);

/** Whether nothing of the page in hand is on its way or kept here alone; autosave.js says so where there is one. */
export const isSettled = async () => (await page?.settle?.()) ?? true;

/** Whether the server answers now, and has the page in hand. navigator.onLine knows the tablet's own network only, so it is asked. */
export const isThere = async () => await isSettled() && send(form, null, aliveUrl).then(({ status }) => status < 500, () => false);
