// Asks the browser's evaluator, outside any browser. Each line in is {items, answers, asked}: the rules and answers as a
// page gets them, and the linkIds to decide on; each line out holds those of them that are asked.
import { createInterface } from 'node:readline';
import { deciding } from '../../assets/js/enablement.js';

for await (const line of createInterface({ input: process.stdin })) {
  const { items, answers, asked } = JSON.parse(line);
  console.log(JSON.stringify(asked.filter(deciding(items, (id) => answers[id] ?? []))));
}
