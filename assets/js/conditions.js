// Which questions are asked, by the same rules as the server (FHIR R4 enableWhen). Runs on change, not on every key.
import { $, $$ } from './dom.js';

const ORDER = { '>': (a, b) => a > b, '<': (a, b) => a < b, '>=': (a, b) => a >= b, '<=': (a, b) => a <= b };

// Plain values and FHIR value[x] alike become one text: {"valueCoding": {"code": "yes"}} is "yes".
function plain(value) {
  while (value && typeof value === 'object') value = value.code ?? value.value ?? Object.values(value)[0];
  return String(value);
}

function compare(op, answer, bound) {
  if (answer.trim() && !isNaN(answer) && !isNaN(bound)) return ORDER[op](Number(answer), Number(bound));
  return isNaN(bound) && answer.length === bound.length && ORDER[op](answer, bound);
}

function met({ op, value }, answers) {
  const bound = plain(value);
  if (op === 'exists') return answers.length > 0 === (bound === 'true');
  if (op === '=') return answers.includes(bound);
  if (op === '!=') return !answers.includes(bound);
  return answers.some((answer) => compare(op, answer, bound));
}

// What is answered now on this page, whether or not it is asked: the rules below decide whether it counts.
function answered(box) {
  const found = [], date = {};
  for (const input of $$('input, textarea, select', box)) {
    if (input.closest('[data-item]') !== box) continue;
    const { type, value, checked, dataset } = input;
    if (dataset.part) date[dataset.part] = value.trim();
    else if (type === 'radio' || type === 'checkbox') { if (checked) found.push(value === 'y' ? 'true' : value); }
    else if (value.trim()) found.push(value.trim());
  }
  if (date.y && date.m && date.d) found.push([date.y.padStart(4, '0'), date.m.padStart(2, '0'), date.d.padStart(2, '0')].join('-'));
  return found;
}

function apply(form, { items, answers }) {
  const boxes = new Map($$('[data-item]', form).map((box) => [box.dataset.item, box]));
  const known = new Map();
  const values = (id) => {
    if (!boxes.has(id)) return (answers[id] ?? []).map(plain);
    return isOn(id) ? answered(boxes.get(id)) : [];
  };
  function isOn(id) {
    if (!known.has(id)) known.set(id, decide(items[id]));
    return known.get(id);
  }
  function decide(item) {
    if (!item) return true;
    if (item.parent && !isOn(item.parent)) return false;
    if (!item.when.length) return true;
    return item.when[item.any ? 'some' : 'every']((one) => met(one, values(one.source)));
  }
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
