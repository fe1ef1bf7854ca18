// BROWSE: images, or series, studies and patients, with thumbnails, labels and counts; a filter by words or by clicks.
import { $, all, announce, dotted, fill, h, later, on, quiet, short, whenReached } from './dom.js';
import { part, Problem } from './api.js';
import { currentIndex } from './ask.js';
import { thumbnailOf } from './pixels.js';
import { groups, images } from './queries.js';
import { open, state, update, watch } from './state.js';
/** @import { Count, Image } from './types.js' */

const columns = part('columns');
let level = '';
let next = /** @type {string | null} */ (null);
let asked = 0;
let isChosen = false;

/** The filter by clicks is fetched and asked for when somebody looks at it. */
const showColumns = async () => $('columns-box').open && (await columns()).show();

export function start() {
  on('filter', 'input', later(() => update({ where: $('filter').value.trim() }), 400));
  on('level', 'change', () => { level = $('level').value; isChosen = true; list(); });
  on('columns-box', 'toggle', showColumns);
  watch((changed) => {
    if (changed('index')) levels();
    if (changed('index', 'where')) {
      if ($('filter').value.trim() !== state.where) $('filter').value = state.where;
      list();
      showColumns();
    }
    if (changed('image')) mark();
  });
  whenReached('more-images', () => list(true), () => next);
}

/** What this index can be browsed by: stacks first, where there are any. */
function levels() {
  const names = currentIndex()?.groups ?? [];
  level = ['slide', 'series'].find((name) => names.includes(name)) ?? '';
  isChosen = false;
  fill('level', h('option', { value: '' }, 'images'), names.map((name) => h('option', { value: name, selected: name === level }, plural(name))));
}

/** @param {string} name */
const plural = (name) => ({ series: 'series', study: 'studies' }[name] ?? `${name}s`);

/** @param {boolean} [isMore] */
export async function list(isMore = false) {
  if (!state.index) return;
  const mine = ++asked;
  let [page, problem] = [/** @type {any} */ (null), ''];
  try {
    page = await (level ? groups : images)({ by: level, where: state.where || null, first: 60, after: isMore ? next : null });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problem = error.message;
  }
  if (mine !== asked) return;
  fill('filter-problem', problem).hidden = !problem;
  $('filter').setAttribute('aria-invalid', !page);
  if (!page) return;
  const { items, total } = page;
  // Series are a good start only where they hold all images; and a filter may leave images that are in none.
  const held = items.reduce((/** @type {number} */ sum, /** @type {{ count: number }} */ group) => sum + group.count, 0);
  const isPart = !isChosen && !page.next && !state.where && held < (currentIndex()?.images ?? 0);
  if (level && (total === 0 || isPart)) {
    $('level').value = level = '';
    await list();
    return;
  }
  next = page.next;
  $('more-images').hidden = !next;
  $('list')[isMore ? 'append' : 'replaceChildren'](...items.map(level ? groupRow : imageRow));
  fill('count', total ? `${total.toLocaleString('en')} ${level ? plural(level) : 'images'}` : 'No image matches.');
  if (!isMore) announce($('count').textContent);
  mark();
}

/** @param {Image} image */
const imageRow = (image) => row(image, image.id.replace(/.*\//, ''), image.labels.join(', '));

/** @param {{ value: string, count: number, cover: Image, labels: Count[] }} group */
const groupRow = ({ value, count, cover, labels }) => row(cover, short(value), dotted([count, labels.slice(0, 2).map((label) => label.value).join(', ')]), level === 'slide' ? value : cover.id);

/** @param {Image} image @param {string} title @param {string} note @param {string} [id] what a click opens */
const row = (image, title, note, id = image.id) => h('li', h('button.row', {
  'data-id': id, title: id, onclick: (/** @type {MouseEvent} */ { detail }) => {
    open({ image: id, volume: false });
    // After a click keys mean the image; who goes through the list by keys stays in it.
    if (detail) $('stage').focus();
  },
}, thumbnailOf(image.key), h('span.row-text', h('span.row-title', title), quiet(note))));

function mark() {
  for (const button of all('#list button')) button.setAttribute('aria-current', button.dataset.id === state.image);
}
