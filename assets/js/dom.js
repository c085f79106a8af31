// The few words every script here uses to reach the page.
export const root = document.documentElement;
export const $ = (selector, from = document) => from.querySelector(selector);
export const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

/** Tell a screen reader something, once, in the page's polite region. */
export function say(words) {
  const live = $('[data-live]');
  if (live) live.textContent = words;
}

/** Where an answer of the server leads: our own header first, then a followed redirect; '' when it is a page of its own. */
export const nextOf = (answer) => answer.headers.get('X-Next') || (answer.redirected ? answer.url : '');

/** What a form would send now. */
export const bodyOf = (form, submitter) => new URLSearchParams(new FormData(form, submitter));

/** POST a form without leaving the page. Rejects when there is no answer in ten seconds. */
export function send(form, submitter, url = form.getAttribute('action') || location.href, body = bodyOf(form, submitter), keepalive = false) {
  return fetch(url, {
    method: 'POST', body, keepalive, headers: { 'X-Requested-With': 'fetch' }, signal: AbortSignal.timeout(10000),
  });
}
