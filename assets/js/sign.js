// The drawn signature. Strokes are kept as points, so that turning the tablet redraws them instead of wiping them.
import SignaturePad from 'signature_pad';
import { $ } from './dom.js';

const MOST = 20000;               // points; the server refuses more
const SHORTEST = 40;              // pixels in all; less is a touch, not a signature

const box = $('[data-pad]');
if (box) {
  const canvas = $('canvas', box), message = $('[data-padmsg]', box), field = $('[data-strokes]', box);
  const pad = new SignaturePad(canvas, { penColor: '#0f2b26', minWidth: 1.1, maxWidth: 3.2, minDistance: 2 });
  // `size` is the box the points belong to now; scale says how much smaller or larger that is than the box they were drawn in.
  let size = { width: 0, height: 0 }, drawnIn = size, scale = 1;

  const length = (points) => points.slice(1).reduce((sum, p, n) => sum + Math.hypot(p.x - points[n].x, p.y - points[n].y), 0);
  const isEmpty = (groups) => groups.reduce((sum, { points }) => sum + length(points), 0) < SHORTEST;
  const tidy = (n) => Math.round(n * 10) / 10;

  function keep() {
    const groups = pad.toData();
    const strokes = groups.map(({ points, pointer }) => ({
      pointer,
      points: points.map(({ x, y, time, pressure }) => ({ x: tidy(x), y: tidy(y), time, pressure: Math.round(pressure * 1000) / 1000 })),
    }));
    field.value = isEmpty(groups) ? '' : JSON.stringify({ ...size, strokes });
    field.dispatchEvent(new Event('input', { bubbles: true }));   // as for a box that somebody types in
    message.textContent = isEmpty(groups) ? box.dataset.empty : box.dataset.signed;
    const points = groups.reduce((sum, group) => sum + group.points.length, 0);
    if (points > MOST) { message.textContent = box.dataset.full; pad.off(); }
  }

  // The canvas gets the screen's own pixels; what was drawn is scaled to the new box, both ways alike so that it keeps its shape.
  function fit() {
    const { clientWidth: width, clientHeight: height } = canvas, groups = pad.toData();
    if (!width || (width === size.width && height === size.height)) return;
    size = { width, height };
    if (!groups.length) { drawnIn = size; scale = 1; }
    const before = scale, ratio = Math.max(devicePixelRatio || 1, 1);
    scale = Math.min(width / drawnIn.width, height / drawnIn.height);
    for (const { points } of groups) for (const point of points) { point.x *= scale / before; point.y *= scale / before; }
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.getContext('2d').scale(ratio, ratio);
    pad.fromData(groups);
    keep();
  }

  // A page that comes back because something else is missing still holds what was drawn on it.
  const kept = field.value && JSON.parse(field.value);
  if (kept) {
    drawnIn = { width: kept.width, height: kept.height };
    pad.fromData(kept.strokes);
  }

  // A pen, a finger or a mouse: part of how it was signed. A browser that does not tell leaves it out.
  let pointer;
  pad.addEventListener('beginStroke', ({ detail }) => { pointer = detail.event.pointerType; });
  pad.addEventListener('endStroke', () => { pad.toData().at(-1).pointer = pointer; keep(); });
  $('[data-undo]', box).addEventListener('click', () => { pad.fromData(pad.toData().slice(0, -1)); pad.on(); keep(); });
  $('[data-clear]', box).addEventListener('click', () => { pad.clear(); pad.on(); keep(); });
  new ResizeObserver(fit).observe(canvas);
  fit();

  $('[data-screen]').value = `${innerWidth}x${innerHeight}`;

  // Without this script nobody can draw; now all ways are open, drawing first unless the patient chose before.
  const draw = $('[data-how=draw]');
  if (draw && ['', 'draw'].includes(draw.closest('fieldset').dataset.chosen)) draw.checked = true;
}
