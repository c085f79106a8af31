// A person at a page of questions, without a browser: jsdom draws nothing, but runs the page's own script on its own HTML.
// The first line in is the script. Each further one is {html, plans}: what to fill in, one plan after the other, as
// [name of a box, what it shall hold]. Each line out says what the script showed and what the page would send.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Script } from 'node:vm';

const { JSDOM, VirtualConsole } = createRequire(`${resolve(process.argv[2])}/`)('jsdom');

const canReach = (box) => !box.closest('[hidden]') && !box.closest('fieldset[disabled]');
const boxesOf = (form) => [...form.querySelectorAll('[data-item]')];
const shownIn = (form) => boxesOf(form).filter((box) => !box.closest('[hidden]')).map((box) => box.dataset.item);

function change(window, box) {
  for (const type of ['input', 'change']) box.dispatchEvent(new window.Event(type, { bubbles: true }));
}

// Returns whether there was something to fill in that a person can reach.
function fillIn(window, form, [name, wanted], cut) {
  const boxes = [...form.elements].filter((box) => box.name === name && canReach(box));
  for (const box of boxes) {
    if (box.type === 'checkbox') {
      if (wanted.includes(box.value) !== box.checked) box.click();
    } else if (box.type === 'radio') {
      if (box.value === wanted && !box.checked) box.click();
    } else {
      const most = box.maxLength > 0 ? box.maxLength : Infinity; // typing stops there
      if (wanted.length > most) cut.push([name, wanted]);
      box.value = wanted.slice(0, most);
      change(window, box);
    }
  }
  return boxes.length > 0;
}

// From top to bottom, and again for what opened meanwhile.
function fillInAll(window, form, plan, cut) {
  for (let left = plan, before = Infinity; left.length && left.length < before;) {
    before = left.length;
    left = left.filter((step) => !fillIn(window, form, step, cut));
  }
}

function sit(script, { html, plans }) {
  const console = new VirtualConsole();
  const faults = [];
  console.on('jsdomError', (error) => faults.push(String(error.cause ?? error)));
  const dom = new JSDOM(html, { runScripts: 'outside-only', url: 'http://localhost/', virtualConsole: console });
  const { window } = dom;
  // What jsdom lacks: names of boxes are escaped for a selector; nobody answers a request.
  window.CSS = { escape: (text) => text.replace(/[^\w-]/g, '\\$&') };
  window.fetch = () => new Promise(() => {});
  const form = window.document.querySelector('form[data-conditions]');
  const drawn = shownIn(form);
  script.runInContext(dom.getInternalVMContext());
  const before = shownIn(form);
  const cut = [];
  for (const plan of plans) fillInAll(window, form, plan, cut);
  const said = {
    items: boxesOf(form).map((box) => box.dataset.item), drawn, before, shown: shownIn(form), cut, faults,
    sent: [...new window.FormData(form)],
    refused: form.noValidate ? [] : [...form.elements].filter((box) => !box.checkValidity()).map((box) => box.name),
  };
  window.close();
  return said;
}

let script;
for await (const line of createInterface({ input: process.stdin })) {
  if (script) process.stdout.write(`${JSON.stringify(sit(script, JSON.parse(line)))}\n`);
  else script = new Script(JSON.parse(line));
}
