// Elements in few words, how values are written, and what the user is told.

/** @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/** @param {string} selector @param {ParentNode} [within] @returns {any[]} */
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** @param {any} where an id or the thing itself */
const nodeOf = (where) => (typeof where === 'string' ? $(where) : where);

/** Listens. @param {string | EventTarget} where an id or a target @param {string} events names, by spaces @param {(event: any) => void} act @param {AddEventListenerOptions} [options] */
export function on(where, events, act, options) {
  const target = nodeOf(where);
  for (const event of events.split(' ')) target.addEventListener(event, act, options);
}

/** Calls with the numbers of a form when all are there. @param {string} form its id, which theirs begin with @param {string[]} names @param {(numbers: number[]) => void} act */
export const onNumbers = (form, names, act) => on(form, 'submit', (event) => {
  event.preventDefault();
  const numbers = names.map((name) => $(`${form}-${name}`).valueAsNumber);
  if (numbers.every(isFinite)) act(numbers);
});

/**
 * An element: h('button.small', { onclick: go, disabled: true }, 'Ask'). Children are nodes, texts, and lists of them; empty ones are left out.
 * @param {string} tag name and classes @param {...any} parts properties, if any, and children @returns {any}
 */
export const h = (tag, ...parts) => element('1999/xhtml', tag, parts);

/** The same for SVG. @param {string} tag @param {...any} parts @returns {SVGElement} */
export const s = (tag, ...parts) => element('2000/svg', tag, parts);

/** @param {string} kind @param {string} tag @param {any[]} parts @returns {any} */
function element(kind, tag, parts) {
  const [props, ...children] = parts[0]?.constructor === Object ? parts : [{}, ...parts];
  const [name, ...classes] = tag.split('.');
  const node = /** @type {any} */ (document.createElementNS(`http://www.w3.org/${kind}`, name));
  node.classList.add(...classes);
  if (name === 'button') node.type = name;
  for (const [key, value] of Object.entries(props)) {
    if ((value ?? false) === false) continue;
    if (key.startsWith('on')) on(node, key.slice(2), value);
    else if (key === 'value') node.value = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  return fill(node, ...children);
}

/** @param {string | Element} where an element or its id @param {...any} children as of h */
export function fill(where, ...children) {
  const node = nodeOf(where);
  node.replaceChildren(...children.flat(Infinity).filter((child) => child || child === 0));
  return node;
}

/** A button that looks like text. @param {string} text @param {() => void} act @param {Record<string, any>} [props] */
export const link = (text, act, props) => h('button.link', { onclick: act, ...props }, text);

/** @param {string} label */
export const chip = (label) => h('span.chip', label);

/** What is said in passing. @param {...any} parts as of h */
export const quiet = (...parts) => h('span.quiet', ...parts);

/** Says it to screen readers. @param {string} text */
export function announce(text) {
  fill('announcer');
  requestAnimationFrame(() => fill('announcer', text));
}

/** A line at the foot of the page, and for screen readers. @param {string} text */
export function tell(text) {
  fill('toast', text).hidden = false;
  announce(text);
  untell();
}

/** Whether a button is down. @param {string | Element} where the button or its id @param {boolean} isDown */
export const press = (where, isDown) => nodeOf(where).setAttribute('aria-pressed', isDown);

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** A number with a minus that is one. @param {string} text */
export const minus = (text) => text.replace('-', '−');

/** Hashes of patients and series are long: their first letters tell them apart. @param {string} value */
export const short = (value) => (/^[0-9a-f]{16,}$/.test(value) ? value.slice(0, 8) : value);

/** What is not empty, in one line. @param {any[]} parts */
export const dotted = (parts) => parts.filter(Boolean).join(' · ');

/** Calls when a button is pressed, or comes near. @param {string} id @param {() => void} act @param {() => any} isWanted unasked */
export function whenReached(id, act, isWanted) {
  on(id, 'click', act);
  new IntersectionObserver(([entry]) => { if (entry.isIntersecting && isWanted()) act(); }).observe($(id));
}

/** Gives a signal, which ends when the next one is given. */
export function turns() {
  let running = new AbortController();
  return () => {
    running.abort();
    running = new AbortController();
    return running.signal;
  };
}

/** Calls once things are quiet; `cancel` lets the call under way go. @param {(...args: any[]) => void} act @param {number} ms */
export function later(act, ms) {
  let timer = 0;
  const call = (/** @type {any[]} */ ...args) => {
    clearTimeout(timer);
    timer = window.setTimeout(act, ms, ...args);
  };
  call.cancel = () => clearTimeout(timer);
  return call;
}

const untell = later(() => { $('toast').hidden = true; }, 6000);
