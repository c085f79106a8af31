// Boards that refresh themselves: a part is replaced only when it differs, and focus stays where it was.
import { $, $$, say } from './dom.js';

// XMLHttpRequest parses the answer into a document itself; under Trusted Types no script may turn a text into nodes.
function load(url, tag) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open('GET', url);
    request.responseType = 'document';
    request.setRequestHeader('X-Requested-With', 'poll');
    request.timeout = 8000;
    if (tag) request.setRequestHeader('If-None-Match', tag);
    request.onload = () => done(request);
    request.onerror = request.ontimeout = fail;
    request.send();
  });
}

const keyOf = (part, place) => part.id || part.dataset.key || `#${place}`;
const stops = (part) => $$('a, button, input, select, textarea', part);
const isTyping = (part) => part.contains(document.activeElement)
  && document.activeElement.matches('textarea, select, input:not([type=radio], [type=checkbox])');

function replaced(old, fresh) {
  if (isTyping(old)) return old;
  const place = stops(old).indexOf(document.activeElement);
  old.replaceWith(fresh);
  if (place >= 0) stops(fresh)[place]?.focus({ preventScroll: true });
  return fresh;
}

// The node that stands for `old` from now on. Elements marked data-parts are gone through child by child, by id or data-key.
function merged(old, fresh) {
  if (old.isEqualNode(fresh)) return old;
  if (!old.hasAttribute('data-parts') || !fresh.hasAttribute('data-parts')) return replaced(old, fresh);
  for (const name of old.getAttributeNames()) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const name of fresh.getAttributeNames()) old.setAttribute(name, fresh.getAttribute(name));
  const before = new Map([...old.children].map((part, place) => [keyOf(part, place), part]));
  const wanted = [...fresh.children].map((part, place) => {
    const key = keyOf(part, place), known = before.get(key);
    before.delete(key);
    return known ? merged(known, part) : part;
  });
  for (const gone of before.values()) gone.remove();
  wanted.forEach((part, place) => { if (old.children[place] !== part) old.insertBefore(part, old.children[place] ?? null); });
  return old;
}

function take(board, page) {
  const old = board.firstElementChild, fresh = page?.getElementById(old.id);
  // Signed out, or the session ended: the answer is another page, and no name may stay on the screen.
  if (!fresh) return location.reload();
  // The hidden token differs in every answer and stays good for the whole session: it is no news.
  const token = $('input[name=csrf_token]')?.value;
  if (token) for (const input of $$('input[name=csrf_token]', fresh)) input.setAttribute('value', token);
  const focused = document.activeElement;
  merged(old, document.adoptNode(fresh));
  if (focused.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  const news = board.firstElementChild.dataset.say;
  if (news) say(news);
}

function watch(board) {
  const { pollUrl, pollSeconds = 5 } = board.dataset;
  let tag = board.dataset.etag, failed = 0;
  const tell = () => {
    const stale = $('[data-stale]');
    if (stale) stale.hidden = failed < 2;
    for (const button of $$('[data-live-only]')) {
      if (failed > 1) button.setAttribute('aria-disabled', 'true');
      else button.removeAttribute('aria-disabled');
    }
  };
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await load(pollUrl, tag);
      if (answer.status === 401 || answer.status === 403) return location.reload();   // signed out meanwhile
      if (answer.status !== 200 && answer.status !== 304) throw new Error(String(answer.status));
      if (answer.status === 200) {
        tag = answer.getResponseHeader('ETag');
        take(board, answer.responseXML);
      }
      failed = 0;
    } catch {
      failed += 1;
    }
    tell();
  }, pollSeconds * 1000);
}

$$('[data-poll-url]').forEach(watch);

// While the board is old its buttons say no instead of acting on what may have changed.
addEventListener('click', (event) => {
  if (event.target.closest?.('[aria-disabled=true]')) event.preventDefault();
}, true);
