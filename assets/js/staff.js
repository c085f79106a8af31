// Staff pages: focus on messages, one tap for each form, boards that refresh themselves, print buttons.
import './start.js';
import './board.js';
import { $$ } from './dom.js';

for (const button of $$('[data-print]')) button.addEventListener('click', () => print());
