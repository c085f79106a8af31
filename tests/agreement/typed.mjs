// Asks the browser's reading of boxes, outside any browser. Each line in is {d, m, y, t, zone, months}: the boxes of a date
// as typed, with a time and its zone where it has one; each line out is the text that conditions compare, "" for none.
import { createInterface } from 'node:readline';
import { toDate, toMoment, toTime } from '../../assets/js/typed.js';

for await (const line of createInterface({ input: process.stdin })) {
  const { d, m, y, t, zone, months } = JSON.parse(line);
  const day = toDate(d, m, y, months), time = t === undefined ? '' : toTime(t);
  console.log(JSON.stringify(t === undefined || !day ? day : time && toMoment(day, time, zone)));
}
