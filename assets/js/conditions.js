// Shows the questions that are asked and hides the others, as answers change. Runs on change, not on every key.
import { $, $$ } from './dom.js';
import { deciding, plainDigits } from './enablement.js';

// A time of day as the server stores it, '' for anything else: what read_time of intake/answers/typed.py takes.
export function toTime(text) {
  const found = /^(\d{1,2})(?:\s*[:.]\s*(\d{2}))?(?::(\d{2}))?\s*(am|pm|a\.m\.?|p\.m\.?|ص|م)?$/i.exec(plainDigits(text));
  if (!found || (!found[2] && !found[4])) return '';
  let hour = Number(found[1]);
  if (found[4] && (hour < 1 || hour > 12)) return '';
  if (found[4]) hour = (hour % 12) + (/^[pم]/i.test(found[4]) ? 12 : 0);
  const [minute, second] = [Number(found[2] ?? 0), Number(found[3] ?? 0)];
  return hour < 24 && minute < 60 && second < 60 ? [hour, minute, second].map((part) => String(part).padStart(2, '0')).join(':') : '';
}

const two = (text) => text.padStart(2, '0');

// Three boxes of a date as the server stores it, with its time of day where there is a box for one.
function joined({ d, m, y, t }) {
  if (!d || !m || !y) return [];
  const day = `${plainDigits(y).padStart(4, '0')}-${two(plainDigits(m))}-${two(plainDigits(d))}`;
  if (!t) return [day];
  const time = toTime(t.value.trim());
  return time ? [`${day}T${time}${t.dataset.offset}`] : [];
}

// What is answered now on this page, whether or not it is asked: the rules decide whether it counts.
function answered(box) {
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
  return [...found, ...joined(date)].filter(Boolean);
}

function apply(form, { items, answers }) {
  const boxes = new Map($$('[data-item]', form).map((box) => [box.dataset.item, box]));
  const isOn = deciding(items, (id) => answers[id] ?? (boxes.has(id) ? answered(boxes.get(id)) : []));
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
