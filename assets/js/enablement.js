// Which items are asked, by the rules of docs/questionnaires.md (E1 to E14): what intake/definitions/enablement.py says
// on the server. Knows no page. `rules` maps a linkId to {parent, any, when: [{sources, op, kind, value}]}; `answers(id)`
// gives what is answered there as texts, whether or not it is asked.

const ORDER = { '>': (a, b) => a > b, '<': (a, b) => a < b, '>=': (a, b) => a >= b, '<=': (a, b) => a <= b };

// Digits of any script as 0 to 9: each script has its ten in a row, so a digit's place in its row is its value.
export function plainDigits(text) {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0);
    let first = code;
    while (code - first < 9 && /\p{Nd}/u.test(String.fromCodePoint(first - 1))) first -= 1;
    return String(code - first);
  });
}

// A number as the server reads it from what was typed, null for anything else.
export function toNumber(text) {
  const typed = plainDigits(text).replace(/٫/g, '.').replace(/,/g, '.').replace(/ /g, '');
  return /^[+-]?\d{1,9}(\.\d{1,6})?$/.test(typed) ? Number(typed) : null;
}

function met({ op, kind, value }, given) {
  if (op === 'exists') return given.length > 0 === value;
  const bound = kind === 'number' ? Number(value) : value;
  const known = kind === 'number' ? given.map(toNumber).filter((one) => one !== null) : given;
  if (op === '=') return known.includes(bound);
  if (op === '!=') return !known.includes(bound);
  // ISO texts of dates and times order like what they name, as long as both are equally precise.
  return known.some((one) => (kind === 'number' || one.length === bound.length) && ORDER[op](one, bound));
}

// Returns a function that says of a linkId whether it is asked; one that has no rule always is.
export function deciding(rules, answers) {
  const known = new Map();
  function isOn(id) {
    if (!known.has(id)) known.set(id, decide(rules[id]));
    return known.get(id);
  }
  function decide(rule) {
    if (!rule) return true;
    if (rule.parent && !isOn(rule.parent)) return false;
    if (!rule.when.length) return true;
    const given = (one) => one.sources.flatMap((source) => (isOn(source) ? answers(source) : []));
    return rule.when[rule.any ? 'some' : 'every']((one) => met(one, given(one)));
  }
  return isOn;
}
