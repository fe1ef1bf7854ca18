// BROWSE: images, or series, studies and patients, with thumbnails, labels and counts; a filter by words or by clicks.
import { $, announce, fill, h, later, short } from './dom.js';
import { graphql } from './api.js';
import { currentIndex } from './ask.js';
import { thumbnailOf } from './pixels.js';
import { COLUMNS, GROUPS, IMAGES } from './queries.js';
import { openImage, state, update, watch } from './state.js';

let level = '';
let next = /** @type {string | null} */ (null);
let asked = 0;
let isChosen = false;

export function start() {
  $('filter').addEventListener('input', later(() => update({ where: $('filter').value.trim() }), 400));
  $('level').addEventListener('change', () => { level = $('level').value; isChosen = true; list(); });
  $('more-images').addEventListener('click', () => list(true));
  $('columns-box').addEventListener('toggle', columns);
  watch((what) => {
    if (what.has('index')) levels();
    if (what.has('index') || what.has('where')) {
      if (document.activeElement !== $('filter')) $('filter').value = state.where;
      list();
      columns();
    }
    if (what.has('image')) mark();
  });
  new IntersectionObserver(([entry]) => { if (entry.isIntersecting && next) list(true); }).observe($('more-images'));
}

/** What this index can be browsed by: stacks first, where there are any. */
function levels() {
  const groups = currentIndex()?.groups ?? [];
  level = groups.includes('series') ? 'series' : '';
  isChosen = false;
  fill($('level'), h('option', { value: '' }, 'images'), ...groups.map((name) => h('option', { value: name, selected: name === level }, plural(name))));
}

/** @param {string} name */
const plural = (name) => ({ series: 'series', study: 'studies' }[name] ?? `${name}s`);

/** @param {boolean} [more] */
async function list(more = false) {
  if (!state.index) return;
  const mine = ++asked;
  const variables = { index: state.index, by: level, where: state.where || null, after: more ? next : null };
  const { images, groups } = await graphql(level ? GROUPS : IMAGES, variables);
  if (mine !== asked) return;
  const page = images ?? groups;
  const bad = page.__typename === 'Problem' || page.message;
  $('filter-problem').hidden = !bad;
  $('filter').setAttribute('aria-invalid', String(Boolean(bad)));
  fill($('filter-problem'), bad ? page.message : '');
  if (bad) return;
  // Series are a good start only where they hold all images.
  const isPart = !page.next && !state.where && level && held(page.items) < (currentIndex()?.images ?? 0);
  // And a filter may leave images that are in none.
  if (level && (page.total === 0 || (isPart && !isChosen))) {
    $('level').value = level = '';
    await list();
    return;
  }
  next = page.next;
  $('more-images').hidden = !next;
  const rows = page.items.map(level ? groupRow : imageRow);
  if (more) $('list').append(...rows);
  else fill($('list'), ...rows);
  fill($('count'), page.total === 0 ? 'Nothing matches this filter.' : `${page.total.toLocaleString('en')} ${level ? plural(level) : 'images'}`);
  if (!more) announce($('count').textContent);
  mark();
}

/** @param {{ count: number }[]} groups */
const held = (groups) => groups.reduce((sum, group) => sum + group.count, 0);

/** @param {import('./types.js').Image} image */
function imageRow(image) {
  return row(image, image.id.split('/').pop() ?? image.id, image.labels.join(', '));
}

/** @param {{ value: string, count: number, cover: import('./types.js').Image, labels: import('./types.js').Count[] }} group */
function groupRow(group) {
  const labels = group.labels.slice(0, 2).map((label) => label.value).join(', ');
  return row(group.cover, short(group.value), [`${group.count}`, labels].filter(Boolean).join(' · '));
}

/** @param {import('./types.js').Image} image @param {string} title @param {string} note */
function row(image, title, note) {
  const open = () => openImage(image.id, { volume: false });
  return h('li', {}, h('button.row', { type: 'button', 'data-id': image.id, title: image.id, onclick: open },
    thumbnailOf(state.index, image.key),
    h('span.row-text', {}, h('span.row-title', {}, title), h('span.quiet', {}, note))));
}

function mark() {
  for (const button of $('list').querySelectorAll('button')) {
    button.setAttribute('aria-current', String(button.dataset.id === state.image));
  }
}

/** The columns of the catalogue and their commonest values; a click adds to the filter. Asked when they are looked at. */
async function columns() {
  if (!state.index || !$('columns-box').open) return;
  const { columns: found } = await graphql(COLUMNS, { index: state.index, where: state.where || null });
  if (!found.columns) return;
  fill($('columns'), ...found.columns.filter((/** @type {any} */ c) => c.distinct > 1 || state.where).map(columnBox));
}

/** @param {{ name: string, distinct: number, values: import('./types.js').Count[] }} column */
function columnBox(column) {
  return h('details', {}, h('summary', {}, column.name, h('span.quiet', {}, ` ${column.distinct}`)),
    h('ul', {}, ...column.values.map((value) => h('li', {}, h('button.value', {
      type: 'button', onclick: () => narrow(column.name, value.value),
    }, h('span', {}, short(value.value)), h('span.quiet', {}, String(value.count)))))));
}

/** @param {string} column @param {string} value */
function narrow(column, value) {
  const term = `${column} = '${value.replaceAll("'", "''")}'`;
  if (state.where.includes(term)) return;
  update({ where: state.where ? `(${state.where}) and ${term}` : term });
}
