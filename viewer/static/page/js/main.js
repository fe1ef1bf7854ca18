// The start of the page: token, indexes, panes, and what is said when the server is gone or has more images.
import { $, all, announce, fill, h, on, onNumbers, tell } from './dom.js';
import { connection, fetchGiven, Gone, part, Problem, takeToken } from './api.js';
import { currentIndex, known, namesOf } from './ask.js';
import * as answer from './answer.js';
import * as browse from './browse.js';
import * as keys from './keys.js';
import * as look from './look.js';
import { indexes } from './queries.js';
import { fromAddress, open, read, state, undo, update, watch } from './state.js';
/** @import { Hit } from './types.js' */

const CHOICES = [['words', 'visual words'], ['deep', 'deep'], ['both', 'words and deep'], ['headToHead', 'head to head']];
const archive = part('archive');
const compare = part('compare');
const concepts = part('concepts');
const keep = part('keep');
const map = part('map');

/** Whether somebody else wrote the address: an archive's viewer, or the server with its token. */
const isLink = () => location.hash.match(/[#&](study|series|token)=/);

function start() {
  takeToken();
  bars();
  look.start();
  answer.start({ open: openHit, answered });
  browse.start();
  keys.start();
  controls();
  buttons();
}

/** Opens what the address names. */
async function begin() {
  known.indexes = await indexes();
  // In one step, so that a question in the address is asked once.
  const wanted = { ...read(location.hash.slice(1)), ...isLink() && await (await archive()).located() };
  const index = known.indexes.find(({ id }) => id === wanted.index) ?? known.indexes[0];
  update({ ...wanted, index: index?.id ?? '' });
}

/** Where there is room for one pane only, the answer comes to the front. */
function answered() {
  if (matchMedia('(max-width: 899px)').matches) keys.tab('answer');
}

/** @param {Hit} hit @param {'compare' | 'why' | 'tag' | 'select'} how */
async function openHit(hit, how) {
  if (how === 'select') update({ hit: hit.image.id });
  else if (how === 'tag') (await keep()).showTags(hit.image.id);
  else {
    keys.tab('look');
    await (await compare())[how === 'why' ? 'why' : 'open'](hit);
  }
}

function bars() {
  on(connection, 'gone back refused', ({ type }) => {
    for (const bar of ['gone', 'refused']) $(bar).hidden = bar !== type;
    announce($(type)?.textContent ?? 'The server is back.');
  });
  on(window, 'popstate', () => (isLink() ? location.reload() : fromAddress()));
  on(window, 'unhandledrejection', (event) => {
    const { reason } = event;
    // What the server says is for the user; all else is a fault of the page, and stays in the console too.
    if (reason instanceof Gone || reason instanceof Problem) event.preventDefault();
    if (!(reason instanceof Gone)) tell(reason?.message ?? String(reason));
  });
}

/** Fields of the page that are fields of the state. */
const fields = all('[data-state]');

function showState() {
  for (const node of fields) node[node.type === 'checkbox' ? 'checked' : 'value'] = /** @type {any} */ (state)[node.dataset.state];
}

function controls() {
  for (const node of fields) {
    on(node, 'change', () => update({ [node.dataset.state]: node.type === 'checkbox' ? node.checked : node.type === 'number' ? Number(node.value) : node.value }, true));
  }
  on('index', 'change', () => openIndex($('index').value));
  watch((changed) => {
    if (changed('index')) choices();
    showState();
    if (changed('image', 'upload')) keys.tab('look');
    $('ask-whole').disabled = !look.isOpen();
    // A mark is a part of one slice.
    $('volume').disabled = state.region;
    // Head to head there are two answers, of which neither is the one that would be kept.
    $('kept').disabled = state.by === 'headToHead';
    // A file that was dropped belongs to no study of the archive.
    for (const id of ['send', 'open-viewer']) $(id).disabled = !state.image;
  });
}

/** @param {string} index */
const openIndex = (index) => open({ index, where: '', by: 'default', groupBy: '', notSame: '' });

function buttons() {
  const root = document.documentElement;
  root.dataset.theme = localStorage.getItem('semblance-theme') ?? '';
  /** @type {Record<string, () => unknown>} */
  const clicks = {
    reset: () => { update({ window: null, invert: false }); look.view.fit(); },
    invert: () => update({ invert: !state.invert }),
    undo,
    'help-button': () => $('help').showModal(),
    take: () => { $('fresh').hidden = true; browse.list(); answer.again(); },
    'map-button': async () => (await map()).show(),
    'saved-button': async () => (await keep()).showSearches(),
    send: async () => (await archive()).send($('send')),
    'open-viewer': async () => (await archive()).openViewer(),
    theme: () => {
      root.dataset.theme = getComputedStyle(root).colorScheme === 'light' ? 'dark' : 'light';
      localStorage.setItem('semblance-theme', root.dataset.theme);
    },
  };
  for (const [id, act] of Object.entries(clicks)) on(id, 'click', act);
  for (const button of all('[data-export]')) on(button, 'click', async () => (await keep()).save(button.dataset.export));
  onNumbers('box', ['x', 'y', 'w', 'h'], (box) => update({ region: { box } }, true));
  files();
}

function files() {
  const take = async (/** @type {FileList} */ given) => { if (given.length) (await keep()).drop([...given]); };
  on('file', 'change', () => take($('file').files));
  on(document, 'dragover drop', (event) => event.preventDefault());
  on(document, 'dragover dragleave drop', (event) => document.body.classList.toggle('dropping', event.type === 'dragover' || event.relatedTarget));
  on(document, 'drop', (event) => take(event.dataTransfer.files));
}

/** What this index can be asked by. */
function choices() {
  const option = (/** @type {string} */ value, text = value) => h('option', { value }, text);
  fill('index', known.indexes.map(({ id, name, images }) => option(id, `${name} (${images.toLocaleString('en')})`))).value = state.index;
  const index = currentIndex();
  if (!index) return;
  const can = ['words', 'deep'].filter((family) => namesOf(family).length);
  fill('by', option('default', `default: ${index.defaults.join(' + ')}`), CHOICES.filter(([name]) => can.includes(name) || can.length > 1).map(([name, text]) => option(name, text)),
    h('optgroup', { label: 'one representation' }, index.representations.map(({ name, isLoaded }) => option(name, isLoaded ? name : `${name} (loading)`))));
  for (const id of ['group-by', 'not-same']) fill(id, $(id).options[0], index.columns.map((name) => option(name)));
  showState();
  if (index.concepts.length || $('concepts').firstChild) concepts().then((module) => module.show(index.concepts));
  $('empty-index').hidden = index.images > 0;
  $('send').hidden = !index.archive;
  $('send').title = index.archive ?? '';
  $('open-viewer').hidden = !index.hasViewer;
  const slow = index.representations.filter((one) => !one.isLoaded).map((one) => one.name);
  fill('loading', slow.length > 0 && `${slow.join(', ')} loading …`);
}

let served = '';
/** Follows commits of the indexes, the loading of networks, and whether the server is there. */
async function follow() {
  try {
    // Asked, and not listened to: a browser has six connections to a server, for all of its tabs together. Those that
    // nobody sees ask nothing.
    const now = document.hidden ? served : await (await fetchGiven('/state')).text();
    if (now !== served) await (state.index ? renew() : begin());
    served = now;
  } catch { /* A bar says so. */ }
  setTimeout(follow, 1000);
}

/** Images when there was nothing to be taken. */
let taken = 0;

async function renew() {
  const before = currentIndex();
  known.indexes = await indexes();
  const after = currentIndex();
  choices();
  if (before && !after) {
    tell(`${before.name} is gone.`);
    openIndex(known.indexes[0].id);
  }
  if (!before || !after || before.commit === after.commit) return;
  if ($('fresh').hidden) taken = before.images;
  const more = after.images - taken;
  fill('fresh-text', more > 0 ? `${more} new image${more > 1 ? 's' : ''}.` : 'The index has changed.');
  $('fresh').hidden = false;
}

start();
begin().finally(follow);
