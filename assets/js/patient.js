// The patient's pages. Progressive enhancement only: every page works without this file except the drawn signature.
import './start.js';
import './saving.js';
import './leaving.js';
import './idle.js';
