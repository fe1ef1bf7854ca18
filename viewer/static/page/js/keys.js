// Everything by keyboard; `?` lists the keys.
import { $, fill, h } from './dom.js';
import { currentHit, refine, run, step } from './answer.js';
import * as compare from './compare.js';
import { tagImage } from './keep.js';
import { choosePreset, marker, scroll, setPanning, view } from './look.js';
import { TOOLS } from './marks.js';
import { state, undo, update } from './state.js';

/** @param {(hit: import('./types.js').Hit) => void} act */
const withHit = (act) => () => { const hit = currentHit(); if (hit) act(hit); };

/** @type {[string[], string, () => void][]} */
const KEYS = [
  [['ArrowDown'], 'next slice', () => scroll(1)],
  [['ArrowUp'], 'previous slice', () => scroll(-1)],
  [['PageDown'], 'ten slices on', () => scroll(10)],
  [['PageUp'], 'ten slices back', () => scroll(-10)],
  [['1', '2', '3', '4', '5', '6', '7'], 'window presets', () => {}],
  [['i'], 'invert', () => update({ invert: !state.invert })],
  [['0'], 'fit', () => view.fit()],
  [['+', '='], 'zoom in', () => view.zoomBy(1.25)],
  [['-'], 'zoom out', () => view.zoomBy(0.8)],
  [['b'], 'box', () => chooseTool('box')],
  [['p'], 'polygon', () => chooseTool('polygon')],
  [['r'], 'brush', () => chooseTool('brush')],
  [['s'], 'superpixel', () => chooseTool('superpixel')],
  [['m'], 'ruler', () => chooseTool('ruler')],
  [['Escape'], 'clear the mark', clear],
  [['Enter'], 'ask', () => run()],
  [['j'], 'next hit', () => step(1)],
  [['k'], 'previous hit', () => step(-1)],
  [['c'], 'compare', () => { if (compare.isOpen()) compare.close(); else withHit(compare.open)(); }],
  [['x'], 'lay the hit over the query', () => compare.toggle()],
  [['w'], 'why', withHit((hit) => compare.why(hit))],
  [['l'], 'like', withHit((hit) => refine(hit.image.id, 'like'))],
  [['u'], 'unlike', withHit((hit) => refine(hit.image.id, 'unlike'))],
  [['h'], 'head to head', () => update({ by: state.by === 'headToHead' ? 'default' : 'headToHead' }, { keep: true })],
  [['f'], 'filter', () => { tab('browse'); $('filter').focus(); }],
  [['/'], 'browse', () => { tab('browse'); $('list').querySelector('button')?.focus(); }],
  [['t'], 'tag', withHit((hit) => tagImage(hit.image.id))],
  [['?'], 'these keys', () => $('help').showModal()],
];
const NAMES = /** @type {Record<string, string>} */ ({ ArrowDown: '↓', ArrowUp: '↑', PageDown: 'page ↓', PageUp: 'page ↑', Escape: 'esc', Enter: 'enter' });

/** @param {string} tool */
export function chooseTool(tool) {
  marker.choose(tool);
  for (const button of document.querySelectorAll('[data-tool]')) {
    button.setAttribute('aria-pressed', String(/** @type {HTMLElement} */ (button).dataset.tool === tool));
  }
}

/** Shows one of the three panes where there is room for one only. @param {string} name */
export function tab(name) {
  document.body.dataset.tab = name;
  for (const button of document.querySelectorAll('[data-tab-of]')) {
    button.setAttribute('aria-pressed', String(/** @type {HTMLElement} */ (button).dataset.tabOf === name));
  }
}

function clear() {
  marker.cancel();
  marker.ruler.replaceChildren();
  if (compare.isOpen()) compare.close();
  else if (state.region) update({ region: null }, { keep: true });
}

export function start() {
  for (const tool of TOOLS) document.querySelector(`[data-tool=${tool}]`)?.addEventListener('click', () => chooseTool(tool));
  chooseTool('box');
  fill($('keys'), ...KEYS.flatMap(([keys, what]) => [h('dt', {}, keys.length > 4 ? `${keys[0]} … ${keys.at(-1)}` : NAMES[keys[0]] ?? keys[0]), h('dd', {}, what)]),
    h('dt', {}, 'ctrl z'), h('dd', {}, 'undo'), h('dt', {}, 'right drag'), h('dd', {}, 'window and level'), h('dt', {}, 'space drag'), h('dd', {}, 'pan'),
    h('dt', {}, 'ctrl wheel'), h('dd', {}, 'zoom'));
  document.addEventListener('keydown', pressed);
  document.addEventListener('keyup', (event) => { if (event.key === ' ') setPanning(false); });
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.key === 'z' && (event.ctrlKey || event.metaKey) && !isText(target)) {
    event.preventDefault();
    undo();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isText(target) || document.querySelector('dialog[open]')) return;
  const isControl = target.closest('button, a, summary, select, input');
  if (isControl && [' ', 'Enter', 'ArrowDown', 'ArrowUp'].includes(event.key)) return;
  if (event.key === ' ') {
    event.preventDefault();
    setPanning(true);
    return;
  }
  if (/^[1-7]$/.test(event.key)) {
    choosePreset(Number(event.key) - 1);
    return;
  }
  const found = KEYS.find(([keys]) => keys.includes(event.key));
  if (!found) return;
  event.preventDefault();
  found[2]();
}

/** @param {HTMLElement} node */
const isText = (node) => node.matches('input:not([type=range]):not([type=checkbox]), textarea, select');
