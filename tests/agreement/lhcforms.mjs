// Asks LHC-Forms (National Library of Medicine), without a browser. The arguments are the folder that has jsdom and that
// of LHC-Forms. Each line in is {questionnaire, response}; each line out the linkIds that are asked, or {refused: why}.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const [packages, folder] = process.argv.slice(2).map((path) => resolve(path));
const { JSDOM, VirtualConsole } = createRequire(`${packages}/`)('jsdom');
const { window } = new JSDOM('<!doctype html><title>-</title>', {
  runScripts: 'outside-only', pretendToBeVisual: true, url: 'http://localhost/', virtualConsole: new VirtualConsole(),
});
// What a layout would offer and jsdom, which has none, does not.
window.matchMedia = () => ({ matches: false, addListener() {}, removeListener() {}, addEventListener() {}, removeEventListener() {} });
window.ResizeObserver = class { observe() {} unobserve() {} disconnect() {} };
const scripts = ['webcomponent/assets/lib/zone.min.js', 'webcomponent/lhc-forms.js', 'fhir/R4/lformsFHIR.min.js'];
for (const script of scripts) window.eval(readFileSync(`${folder}/dist/lforms/${script}`, 'utf8'));
const { LForms } = window;

const isOn = (item) => !item || !item.linkId || (item._skipLogicStatus !== 'target-disabled' && isOn(item._parentItem));

function asked({ questionnaire, response }) {
  const form = LForms.Util.convertFHIRQuestionnaireToLForms(questionnaire, 'R4');
  const filled = new LForms.LFormsData(LForms.Util.mergeFHIRDataIntoLForms(response, form, 'R4'));
  return filled.itemList.filter(isOn).map((item) => item.linkId);
}

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    said = asked(JSON.parse(line));
  } catch (error) {
    said = { refused: String(error).slice(0, 200) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
process.exit(0); // timers of the page would go on
