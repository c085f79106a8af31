// Whether the end of a page's words was on the screen, above the bar at its foot: said with the page's own form. It stops nobody,
// and without this script nothing is said.
import { $ } from './dom.js';

const end = $('[data-end]'), field = end && $('input', end);
if (field && field.value !== '1' && window.IntersectionObserver) {
  field.value = '0';
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
    field.value = '1';
    watch.disconnect();
  }, { rootMargin: `0px 0px -${$('.actions')?.offsetHeight ?? 0}px` });
  watch.observe(end);
}
