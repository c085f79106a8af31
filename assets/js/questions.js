// The question pages: which questions are asked as answers change, answers that stand alone, drawings of the body.
import './choices.js';
import './conditions.js';
