// A question to the server: made from the state, asked once at a time, shown as it comes.
import { Gone, graphql, listen } from './api.js';
import { HEAD_TO_HEAD, SEARCH } from './queries.js';
import { state } from './state.js';

/** @typedef {import('./types.js').Index} Index */
/** @typedef {import('./types.js').Answer} Answer */
/** @typedef {import('./types.js').HeadToHead} HeadToHead */

/** @type {{ indexes: Index[] }} */
export const known = { indexes: [] };
/** @returns {Index | undefined} */
export const currentIndex = () => known.indexes.find((index) => index.id === state.index);

/** Names of a family in this index: those of the default if there are any. @param {string} family */
export function namesOf(family) {
  const all = (currentIndex()?.representations ?? []).filter((r) => r.family === family);
  const usual = all.filter((r) => r.isDefault);
  return (usual.length ? usual : all.slice(0, 2)).map((r) => r.name);
}

/** The representations asked for; undefined: the index's default. @returns {string[] | undefined} */
export function chosen() {
  switch (state.by) {
    case 'default': return undefined;
    case 'words': return namesOf('words');
    case 'deep': return namesOf('deep');
    case 'both': return [...namesOf('words'), ...namesOf('deep')];
    case 'headToHead': return undefined;
    default: return [state.by];
  }
}

/** The input Ask of the schema. @returns {Record<string, any>} */
export function askOf() {
  const by = chosen();
  return {
    ...(state.upload ? { upload: state.upload, frame: state.frame } : { image: state.image }),
    ...(state.region ? { region: { ...state.region, marginPx: state.margin } } : {}),
    ...(by ? { by } : {}),
    ...(state.where ? { where: state.where } : {}), ...(state.notSame ? { notSame: state.notSame } : {}),
    ...(state.groupBy ? { groupBy: state.groupBy } : {}),
    volume: state.volume && !state.region, fusion: state.fusion, like: state.like, unlike: state.unlike,
    k: state.k, findings: true,
  };
}

let running = new AbortController();

/** Ends the question under way. */
export function cancel() {
  running.abort();
  running = new AbortController();
}

/**
 * Asks; a newer question ends this one. Hits come first, and once more with the findings.
 * @param {(progress: { stage: string, done: number, total: number }) => void} progress
 * @returns {AsyncGenerator<Answer | HeadToHead | import('./types.js').Problem>}
 */
export async function* ask(progress) {
  cancel();
  const { signal } = running;
  try {
    if (state.by === 'headToHead') {
      const both = await headToHead(signal);
      if (both) yield both;
      return;
    }
    for await (const { searching } of listen(SEARCH, { index: state.index, ask: askOf() }, signal)) {
      if (signal.aborted) return;
      if (searching.__typename === 'Progress') progress(searching);
      else yield searching;
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof Gone)) throw error;
  }
}

/** @param {AbortSignal} signal */
async function headToHead(signal) {
  const variables = { index: state.index, ask: askOf(), first: namesOf('words'), second: namesOf('deep') };
  const { headToHead: both } = await graphql(HEAD_TO_HEAD, variables, signal);
  return signal.aborted ? null : both;
}
