// What is kept: exports of an answer, saved searches, tags on images, files dropped on the page.
import { $, fill, h, link, on, quiet, tell } from './dom.js';
import { fetchGiven, Problem } from './api.js';
import { askOf } from './ask.js';
import { mutation, query } from './queries.js';
import { open, read, recall, state, update, write } from './state.js';
import { upload } from './uploads.js';

const exported = mutation('export', 'ask: Ask!, form: String!', 'Export{address name}');
const searches = query('searches', '', '{id name state saved}');
const saveSearch = mutation('saveSearch', 'name: String!, state: String!', 'SavedSearch{id}');
const deleteSearch = mutation('deleteSearch', 'id: ID!', '');
const tags = query('tags', '', '{image label}');
const tag = mutation('tag', 'image: ID!, label: String!', 'Tag{label}');
const untag = mutation('untag', 'image: ID!, label: String!', '');

/** @type {string[]} */
let usual = [];
let tagged = '';
let listed = 0;

on('save-search', 'click', async () => {
  const name = $('search-name').value.trim();
  if (!name) return;
  recall();
  await saveSearch({ name, state: JSON.stringify({ address: write() }) });
  $('search-name').value = '';
  await listSearches();
});
on('tag-form', 'submit', async (event) => {
  event.preventDefault();
  const label = $('tag-name').value.trim();
  if (!label) return;
  await tag({ image: tagged, label });
  usual = [label, ...usual];
  $('tag-name').value = '';
  $('tags').close();
  tell(`Tagged as ${label} in a table beside the index; semblance index --labels takes it.`);
});

/** Saves what the server makes of the answer, under its name. @param {string} form */
export async function save(form) {
  recall();
  const { address, name } = await exported({ ask: askOf(), form });
  const href = URL.createObjectURL(await (await fetchGiven(address)).blob());
  h('a', { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
  tell(`Saved ${name}.`);
}

/** A file from outside, the first of some: it stays in the server's memory and is no part of the index. @param {File[]} files */
export async function drop([file, ...others]) {
  tell(`Reading ${file.name} …`);
  // Of a folder, or a file that has gone, the browser has no bytes, which a request would blame on the server.
  await file.slice(0, 1).arrayBuffer().catch(() => { throw new Problem(`${file.name} cannot be read; drop a file, no folder.`); });
  $('file').value = '';
  const { name, note, upload: id } = await upload(`/uploads?name=${encodeURIComponent(file.name)}&index=${encodeURIComponent(state.index)}`, file);
  open({ upload: id });
  const more = others.length ? ` Only this one of ${others.length + 1} files was taken.` : '';
  tell(`${name} is kept in memory only: a link to it cannot be shared.${more} ${note}`);
}

export async function showSearches() {
  await listSearches();
  $('saved').showModal();
}

async function listSearches() {
  const mine = ++listed;
  /** @type {{ id: string, name: string, state: string, saved: string }[]} */
  const found = await searches();
  if (mine !== listed) return;  // an older list came late
  fill('saved-list', found.map(({ id, name, state: kept, saved }) => h('li',
    link(name, () => { update(read(JSON.parse(kept).address), true); $('saved').close(); }),
    quiet(` ${saved.slice(0, 10)} `),
    link('delete', async () => { await deleteSearch({ id }); listSearches(); }, { 'aria-label': `Delete ${name}` }))));
}

/** Opens the tags of an image. @param {string} image */
export async function showTags(image) {
  tagged = image;
  /** @type {{ image: string, label: string }[]} */
  const found = await tags();
  usual = [...new Set([...found.map(({ label }) => label), ...usual])];
  fill('tag-title', `Tag ${image}`);
  fill('tag-list', found.filter((each) => each.image === image).map(({ label }) => h('li', `${label} `,
    link('remove', async () => { await untag({ image, label }); showTags(image); }, { 'aria-label': `Remove ${label}` }))));
  fill('tag-usual', usual.map((value) => h('option', { value })));
  if (!$('tags').open) $('tags').showModal();
}
