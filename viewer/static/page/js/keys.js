// Everything by keyboard; the page itself lists the keys, and its buttons say theirs (aria-keyshortcuts).
import { $, all, on, press } from './dom.js';
import { run, step } from './answer.js';
import { choosePreset, marker, scroll, setPanning, view } from './look.js';
import { state, undo, update } from './state.js';

/** @type {Record<string, () => void>} */
const KEYS = {
  ArrowDown: () => scroll(1),
  ArrowUp: () => scroll(-1),
  PageDown: () => scroll(10),
  PageUp: () => scroll(-10),
  0: () => view.fit(),
  '+': () => view.zoomBy(1.25),
  '-': () => view.zoomBy(0.8),
  ' ': () => setPanning(true),
  Escape: clear,
  Enter: run,
  j: () => step(1),
  k: () => step(-1),
  h: () => update({ by: state.by === 'headToHead' ? 'default' : 'headToHead' }, true),
  f: () => { tab('browse'); $('filter').focus(); },
  '/': () => { tab('browse'); $('list').querySelector('button')?.focus(); },
};

/** @param {string} name of a pane: the one that is shown where there is room for one only */
export function tab(name) {
  document.body.dataset.tab = name;
  pressOne('tabOf', name);
}

/** @param {string} tool */
function chooseTool(tool) {
  marker.choose(tool);
  pressOne('tool', tool);
}

/** Of several buttons one is pressed. @param {'tool' | 'tabOf'} kind @param {string} name */
function pressOne(kind, name) {
  for (const button of all('button')) if (kind in button.dataset) press(button, button.dataset[kind] === name);
}

function clear() {
  marker.clear();
  if (!$('compare').hidden) $('close-compare').click();
  else if (state.region) update({ region: null, asked: !view.squares }, true);
}

export function start() {
  for (const button of all('[data-tool]')) on(button, 'click', () => chooseTool(button.dataset.tool));
  for (const button of all('[data-tab-of]')) on(button, 'click', () => tab(button.dataset.tabOf));
  chooseTool('box');
  tab('browse');
  on(document, 'keydown', pressed);
  on(document, 'keyup', (event) => { if (event.key === ' ') setPanning(false); });
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const { key } = event;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.matches('input:not([type=range]):not([type=checkbox]), textarea, select') || document.querySelector('dialog[open]')) return;
  const isUndo = key === 'z' && (event.ctrlKey || event.metaKey);
  if (!isUndo && (event.ctrlKey || event.metaKey || event.altKey)) return;
  // What is open is not opened again: the key asks with it.
  if (!(key === 'Enter' && target.matches('#list [aria-current=true]')) && target.closest(key.startsWith('Arrow') ? 'input' : 'button, a, summary, input') && [' ', 'Enter', 'ArrowDown', 'ArrowUp'].includes(key)) return;
  const act = isUndo ? undo : /^[1-7]$/.test(key) ? () => choosePreset(Number(key) - 1) : KEYS[key === '=' ? '+' : key] ?? buttonOf(key);
  if (!act) return;
  event.preventDefault();
  act();
}

/** The button that a key presses: of the hit that is chosen, else of the page. @param {string} key */
function buttonOf(key) {
  const [button] = all(`[aria-keyshortcuts="${CSS.escape(key)}"]`).filter((one) => one.checkVisibility()
    && one.closest('.hit')?.getAttribute('aria-current') !== 'false');
  return button && (() => button.click());
}
