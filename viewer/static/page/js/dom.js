// Elements in few words, and what a screen reader is told.

/**
 * An element: h('button.small', { onclick: go, 'aria-label': 'Ask' }, 'Ask').
 * @param {string} tag name and classes, joined by dots
 * @param {Record<string, any>} [props] on… are listeners, true and false are present and absent, others are attributes
 * @param {...(Node | string | number | null | undefined | false | (Node | string)[])} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const node = document.createElement(name);
  node.classList.add(...classes);
  attributes(node, props);
  node.append(...flat(children));
  return node;
}

/**
 * The same for SVG.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function s(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  node.classList.add(...classes);
  attributes(node, props);
  node.append(...children);
  return node;
}

/** @param {Element} node @param {Record<string, any>} props */
function attributes(node, props) {
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'value') /** @type {any} */ (node).value = value;
    else node.setAttribute(key, value === true ? '' : String(value));
  }
}

/** @param {any[]} children @returns {(Node | string)[]} */
function flat(children) {
  return children.flat().filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c)));
}

/** @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/** @param {Element} node @param {...any} children */
export function fill(node, ...children) {
  node.replaceChildren(...flat(children));
}

/** Says it to screen readers. @param {string} text */
export function announce(text) {
  const node = $('announcer');
  node.textContent = '';
  requestAnimationFrame(() => { node.textContent = text; });
}

/** @param {string} name of a symbol in icons.svg @returns {SVGElement} */
export function icon(name) {
  return s('svg.icon', { 'aria-hidden': 'true', viewBox: '0 0 16 16' }, s('use', { href: `/static/page/icons.svg#${name}` }));
}

/**
 * A button with an icon and a name for it.
 * @param {string} symbol @param {string} label @param {(event: Event) => void} act @param {Record<string, any>} [props]
 */
export function iconButton(symbol, label, act, props = {}) {
  return h('button.tool', { type: 'button', 'aria-label': label, title: label, onclick: act, ...props }, icon(symbol));
}

/** Two decimals; a minus that is one. @param {number} value */
export const score = (value) => value.toFixed(2).replace('-', '−');

/** Hashes of patients and series are long: their first letters tell them apart. @param {string} value */
export const short = (value) => (/^[0-9a-f]{16,}$/.test(value) ? value.slice(0, 8) : value);

/** @param {number | null} p */
export function pValue(p) {
  if (p === null) return '–';
  return p < 0.001 ? '< .001' : p.toFixed(3).replace('0.', '.');
}

/** Calls once things are quiet; `cancel` lets the call under way go. @param {(...args: any[]) => void} act @param {number} ms */
export function later(act, ms) {
  let timer = 0;
  const call = (/** @type {any[]} */ ...args) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => act(...args), ms);
  };
  call.cancel = () => clearTimeout(timer);
  return call;
}
