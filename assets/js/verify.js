// The public page of a record's number: compares a PDF with what was sealed. The file stays in the browser.
import { $, say } from './dom.js';

const box = $('[data-sha256]');

async function check(file) {
  const told = $('[data-told]', box);
  let said = 'unread';
  try {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
    const hex = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    said = box.dataset.sha256.split(' ').includes(hex) ? 'same' : 'other';
  } catch {
    // A folder, or a file that is gone: the browser could not read it, and we say so.
  }
  told.textContent = box.dataset[said];
  told.className = `note ${said === 'same' ? 'calm' : 'stop'}`;
  told.hidden = false;
  say(told.textContent);
}

// Browsers hash only on pages that came over a safe connection; elsewhere the page goes on without it.
if (box && globalThis.crypto?.subtle) {
  box.hidden = false;
  const choose = $('input[type=file]', box);
  choose.addEventListener('change', () => choose.files[0] && check(choose.files[0]));
  for (const kind of ['dragover', 'drop']) {
    addEventListener(kind, (event) => {
      event.preventDefault();   // else the browser would open the file in place of this page
      box.classList.toggle('over', kind === 'dragover');
      const file = kind === 'drop' && event.dataTransfer.files[0];
      if (file) check(file);
    });
  }
  addEventListener('dragleave', () => box.classList.remove('over'));
}
