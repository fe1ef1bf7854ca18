// Concepts that the index has learnt: a slider each moves the question towards it, or away from it.
import { fill, h } from './dom.js';
import { state, update, watch } from './state.js';

const MOST = 3;

/** @param {string} name */
const weightOf = (name) => Number(state.concept.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? 0);

/** @param {string} name @param {number} weight */
function move(name, weight) {
  const others = state.concept.filter((one) => !one.startsWith(`${name}=`));
  update({ concept: weight ? [...others, `${name}=${weight}`] : others }, true);
}

/** @type {string[]} */
let shown = [];

/** @param {string[]} names */
export function show(names) {
  shown = names;
  fill('concepts', names.map((name) => h('label.concept', h('span', { title: name }, name),
    h('input', { type: 'range', min: -MOST, max: MOST, step: 0.25, value: weightOf(name), onchange: (/** @type {any} */ event) => move(name, event.target.valueAsNumber) }),
    h('output', signed(weightOf(name))))));
}

/** @param {number} weight */
const signed = (weight) => (weight ? `${weight > 0 ? '+' : '−'}${Math.abs(weight)}` : 'off');

watch((changed) => { if (changed('concept')) show(shown); });
