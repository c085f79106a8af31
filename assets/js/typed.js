// What is typed into the boxes of a date, a time or a moment, as intake/answers/typed.py and rules.py read it. Knows no page.
import { plainDigits } from './enablement.js';

const two = (text) => text.padStart(2, '0');

// A time of day as the server stores it, '' for anything else.
export function toTime(text) {
  const found = /^(\d{1,2})(?:\s*[:.]\s*(\d{2}))?(?::(\d{2}))?\s*(am|pm|a\.m\.?|p\.m\.?|ص|م)?$/i.exec(plainDigits(text));
  if (!found || (!found[2] && !found[4])) return '';
  let hour = Number(found[1]);
  if (found[4] && (hour < 1 || hour > 12)) return '';
  if (found[4]) hour = (hour % 12) + (/^[pم]/i.test(found[4]) ? 12 : 0);
  const [minute, second] = [Number(found[2] ?? 0), Number(found[3] ?? 0)];
  return hour < 24 && minute < 60 && second < 60 ? [hour, minute, second].map((part) => two(String(part))).join(':') : '';
}

// A day of the calendar from its three boxes, '' for anything else. `months` are the words for months, each with its number.
export function toDate(day, month, year, months = {}) {
  const word = month.toLowerCase().replace(/\.+$/, '');
  const text = [year, String(months[word] ?? month), day].map((part) => two(plainDigits(part))).join('-');
  return /^[1-9]\d{3}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00Z`).toJSON()?.startsWith(text) ? text : '';
}

function offsetAt(instant, zone) {
  const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(instant);
  return parts.find(({ type }) => type === 'timeZoneName').value.slice(3) || '+00:00';
}

// A moment on a zone's clocks with their offset on that very day. Where clocks are put forward or back, the offset of
// before, as the zoneinfo of Python takes it.
export function toMoment(day, time, zone) {
  const wall = `${day}T${time}`, asUtc = Date.parse(`${wall}Z`);
  const [before, after] = [offsetAt(asUtc - 864e5, zone), offsetAt(asUtc + 864e5, zone)];
  const holds = (offset) => offsetAt(Date.parse(wall + offset.slice(0, 6)), zone) === offset;
  return wall + (before === after || holds(before) || !holds(after) ? before : after);
}
