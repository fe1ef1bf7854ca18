// What is kept: exports of an answer, saved searches, tags on images, files dropped on the page.
import { $, announce, fill, h } from './dom.js';
import { download, graphql, upload } from './api.js';
import { askOf } from './ask.js';
import { openUpload } from './look.js';
import { DELETE_SEARCH, EXPORT, SAVE_SEARCH, SEARCHES, TAG, TAGS, UNTAG } from './queries.js';
import { read, state, update, write } from './state.js';

/** @type {string[]} */
let usual = [];
let tagged = '';

export function start() {
  for (const button of document.querySelectorAll('[data-export]')) {
    button.addEventListener('click', () => save(/** @type {HTMLElement} */ (button).dataset.export ?? ''));
  }
  $('save-search').addEventListener('click', saveSearch);
  $('saved-button').addEventListener('click', () => { searches(); $('saved').showModal(); });
  $('tag-form').addEventListener('submit', addTag);
  $('file').addEventListener('change', () => { if ($('file').files[0]) drop($('file').files[0]); });
  document.addEventListener('dragover', (event) => { event.preventDefault(); document.body.classList.add('dropping'); });
  document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) document.body.classList.remove('dropping'); });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    const file = event.dataTransfer?.files[0];
    if (file) drop(file);
  });
  for (const dialog of document.querySelectorAll('dialog')) {
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  }
}

/** @param {string} form */
async function save(form) {
  try {
    const { export: made } = await graphql(EXPORT, { index: state.index, ask: askOf(), form });
    if (made.__typename === 'Problem') throw new Error(made.message);
    await download(made.address, made.name);
    tell(`Saved ${made.name}.`);
  } catch (error) {
    tell(/** @type {Error} */ (error).message);
  }
}

/** A line at the foot of the page, and for screen readers. @param {string} text */
export function tell(text) {
  fill($('toast'), text);
  $('toast').hidden = false;
  announce(text);
  setTimeout(() => { $('toast').hidden = true; }, 4000);
}

/** A file from outside: it stays in the server's memory and is no part of the index. @param {File} file */
async function drop(file) {
  tell(`Reading ${file.name} …`);
  try {
    const answer = await upload(`/uploads?name=${encodeURIComponent(file.name)}&index=${encodeURIComponent(state.index)}`, file);
    openUpload(answer.name, answer.frames.length);
    update({ upload: answer.upload, frame: 0, image: '', region: null, like: [], unlike: [], hit: '' }, { keep: true });
    tell(`${answer.name} is kept in memory only: it is not in the index, and a link to it cannot be shared.`);
  } catch (error) {
    tell(/** @type {Error} */ (error).message);
  }
  $('file').value = '';
}

let listed = 0;
async function searches() {
  const mine = ++listed;
  const { searches: found } = await graphql(SEARCHES, { index: state.index });
  if (mine !== listed) return;  // an older list came late
  const row = (/** @type {any} */ search) => h('li', {},
    h('button.link', { type: 'button', onclick: () => { update(read(JSON.parse(search.state).address), { keep: true }); $('saved').close(); } }, search.name),
    h('span.quiet', {}, ` ${search.saved.slice(0, 10)} `),
    h('button.link', { type: 'button', 'aria-label': `Delete ${search.name}`, onclick: async () => { await graphql(DELETE_SEARCH, { index: state.index, id: search.id }); searches(); } }, 'delete'));
  fill($('saved-list'), ...(found.length ? found.map(row) : [h('li.quiet', {}, 'None yet.')]));
}

async function saveSearch() {
  const name = $('search-name').value.trim();
  if (!name) return;
  const { saveSearch: answer } = await graphql(SAVE_SEARCH, { index: state.index, name, state: JSON.stringify({ address: write() }) });
  if (answer.__typename === 'Problem') tell(answer.message);
  else $('search-name').value = '';
  await searches();
}

/** @param {string} image */
export async function tagImage(image) {
  tagged = image;
  const { tags: all } = await graphql(TAGS, { index: state.index });
  /** @type {string[]} */
  const tags = all.filter((/** @type {any} */ tag) => tag.image === image).map((/** @type {any} */ tag) => tag.label);
  fill($('tag-title'), `Tag ${image}`);
  usual = [...new Set([...all.map((/** @type {any} */ tag) => tag.label), ...usual])];
  fill($('tag-list'), ...tags.map((label) => h('li', {}, label, ' ', h('button.link', {
    type: 'button', 'aria-label': `Remove ${label}`, onclick: async () => {
      await graphql(UNTAG, { index: state.index, image, label });
      await tagImage(image);
    },
  }, 'remove'))));
  fill($('tag-usual'), ...usual.map((label) => h('option', { value: label })));
  if (!$('tags').open) $('tags').showModal();
}

/** @param {Event} event */
async function addTag(event) {
  event.preventDefault();
  const label = $('tag-name').value.trim();
  if (!label) return;
  const { tag } = await graphql(TAG, { index: state.index, image: tagged, label });
  if (tag.__typename === 'Problem') {
    tell(tag.message);
    return;
  }
  usual = [...new Set([label, ...usual])];
  $('tag-name').value = '';
  $('tags').close();
  tell(`Tagged as ${label}. Tags are kept in a table beside the index; semblance index --labels takes it.`);
}
