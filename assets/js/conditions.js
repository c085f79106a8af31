// Shows the questions that are asked and hides the others, as answers change. Runs on change, not on every key.
import { $, $$ } from './dom.js';
import { deciding } from './enablement.js';

// What is answered now on this page, whether or not it is asked: the rules decide whether it counts.
function answered(box) {
  const found = [], date = {};
  for (const input of $$('input, textarea, select', box)) {
    if (input.closest('[data-item]') !== box) continue;
    const { type, value, checked, dataset } = input;
    const text = value.normalize('NFC').trim();
    if (dataset.part) date[dataset.part] = text;
    else if (type === 'radio' || type === 'checkbox') { if (checked) found.push(value === 'y' ? 'true' : value); }
    else if (text) found.push(text);
  }
  if (date.y && date.m && date.d) found.push([date.y.padStart(4, '0'), date.m.padStart(2, '0'), date.d.padStart(2, '0')].join('-'));
  return found;
}

function apply(form, { items, answers }) {
  const boxes = new Map($$('[data-item]', form).map((box) => [box.dataset.item, box]));
  const isOn = deciding(items, (id) => (boxes.has(id) ? answered(boxes.get(id)) : answers[id] ?? []));
  for (const [id, box] of boxes) {
    box.hidden = !isOn(id);
    const group = $(':scope > fieldset.cond', box);
    if (group) group.disabled = box.hidden;
  }
}

for (const form of $$('form[data-conditions]')) {
  const rules = JSON.parse(form.dataset.conditions);
  apply(form, rules);
  form.addEventListener('change', () => apply(form, rules));
}
