// Shows the questions that are asked and hides the others, as answers change. Runs on change, not on every key.
import { $, $$ } from './dom.js';
import { deciding } from './enablement.js';
import { toDate, toMoment, toTime } from './typed.js';

// The boxes of a date as the server stores it, with its time of day where there is a box for one.
function joined({ d, m, y, t }, months) {
  const day = d && m && y && toDate(d, m, y, months);
  if (!day || !t) return day;
  const time = toTime(t.value.normalize('NFC').trim());
  return time && toMoment(day, time, t.dataset.zone);
}

// What is answered now on this page, whether or not it is asked: the rules decide whether it counts.
function answered(box, months) {
  const found = [], date = {};
  let words = '', isOther = false; // own words carry the server's mark, so that they never read like a code
  for (const input of $$('input, textarea, select', box)) {
    if (input.closest('[data-item]') !== box) continue;
    const { type, value, checked, dataset } = input;
    const text = value.normalize('NFC').trim();
    const picked = input.selectedOptions?.[0] ?? input;
    if (dataset.part) date[dataset.part] = dataset.part === 't' ? input : text;
    else if ('words' in dataset) words = text && dataset.words + text;
    else if ('other' in picked.dataset) isOther ||= checked ?? true;
    else if (type === 'radio' || type === 'checkbox') { if (checked) found.push(value === 'y' ? 'true' : value); }
    else if (text) found.push(dataset.kind === 'time' ? toTime(text) : text);
  }
  if (words && (isOther || !found.length)) found.push(words);
  return [...found, joined(date, months)].filter(Boolean);
}

function apply(form, { items, answers, months }) {
  const boxes = new Map($$('[data-item]', form).map((box) => [box.dataset.item, box]));
  const isOn = deciding(items, (id) => answers[id] ?? (boxes.has(id) ? answered(boxes.get(id), months) : []));
  for (const [id, box] of boxes) {
    box.hidden = !isOn(id);
    const group = $(':scope > fieldset.cond', box);
    if (group) group.disabled = box.hidden;
  }
  // What is open now is what the patient saw: a question that opened and was left empty is answered with nothing.
  const names = [...form.elements].filter((one) => one.name && !one.matches(':disabled')).map(({ name }) => name.split('-')[0]);
  if (form.elements.seen) form.elements.seen.value = [...new Set(names)].join(' ');
}

for (const form of $$('form[data-conditions]')) {
  const rules = JSON.parse(form.dataset.conditions);
  apply(form, rules);
  form.addEventListener('change', () => apply(form, rules));
}
