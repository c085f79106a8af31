// The question pages: which questions are asked as answers change, answers that stand alone, drawings of the body, the
// page in hand kept.
import './choices.js';
import './conditions.js';
import './autosave.js';
