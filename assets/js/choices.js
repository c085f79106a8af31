// "None of these" unticks the others and the other way round; the drawings of the body follow the boxes and tick them.
import { $, $$, say } from './dom.js';

addEventListener('change', ({ target: box }) => {
  if (box.type !== 'checkbox' || !box.checked) return;
  const same = $$(`input[name="${CSS.escape(box.name)}"]:checked`, box.form ?? document);
  for (const other of same) {
    if (other !== box && ('exclusive' in box.dataset || 'exclusive' in other.dataset)) {
      other.checked = false;
      other.dispatchEvent(new Event('change', { bubbles: true }));
    }
  }
});

const words = (box) => box.labels[0].textContent.trim();

for (const map of $$('[data-map]')) {
  const boxes = $$('input[type=checkbox]', map);
  const chosen = $('[data-chosen]', map);
  const paint = () => {
    for (const box of boxes) for (const part of $$(`[data-for="${box.value}"]`, map)) part.classList.toggle('on', box.checked);
    const names = boxes.filter((box) => box.checked).map(words);
    chosen.hidden = !names.length;
    $('[data-names]', chosen).textContent = names.join(', ');
  };
  map.addEventListener('change', paint);
  map.addEventListener('click', ({ target }) => {
    const box = target.matches('.reg') && boxes.find((one) => one.value === target.dataset.for);
    if (!box) return;
    box.click();
    say(`${words(box)}: ${box.checked ? map.dataset.on : map.dataset.off}`);
  });
  paint();
}
