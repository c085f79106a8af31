// What every page does: focus the server's message, keep error links on the field, count one tap, never show a page out of the cache.
import { $, $$, root } from './dom.js';

root.classList.add('js');
// A page that came as the answer to a form asks to be sent again when somebody comes back to it; as a visit it does not.
history.replaceState(null, '', location.href);
$('[data-focus]')?.focus();

for (const link of $$('#errors a')) {
  link.addEventListener('click', (event) => {
    const field = document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.scrollIntoView({ block: 'center' });
  });
}

// Back after the end of a visit must ask the server; without the hash this is a fresh request, not a jump on the page.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.replace(location.pathname + location.search);
});

// A form counts one tap; after a while it may be sent again, for an answer that was a file or never came.
addEventListener('submit', ({ target: form, defaultPrevented }) => {
  if (defaultPrevented || form.method !== 'post') return;
  const buttons = [...form.elements].filter((thing) => thing.type === 'submit');   // also those outside that belong to it
  const able = (is) => buttons.forEach((button) => { button.disabled = !is; });
  setTimeout(able, 0, false);
  setTimeout(able, 5000, true);
});
