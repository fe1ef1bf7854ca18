// A question to the server: made from the state, asked once at a time, shown as it comes.
import { part } from './api.js';
import { turns } from './dom.js';
import { search } from './queries.js';
import { state } from './state.js';
/** @import { Answer, AnswerFindings, HeadToHead, Index, Representation } from './types.js' */

/** @type {{ indexes: Index[] }} */
export const known = { indexes: [] };
export const currentIndex = () => known.indexes.find((index) => index.id === state.index);

/** @param {string} name @returns {Representation | undefined} */
export const representation = (name) => currentIndex()?.representations.find((one) => one.name === name);

/** Names of a family in this index: those of the default if there are any. @param {string} family */
export function namesOf(family) {
  const found = (currentIndex()?.representations ?? []).filter((one) => one.family === family);
  const usual = found.filter((one) => one.isDefault);
  return (usual.length ? usual : found.slice(0, 2)).map((one) => one.name);
}

/** The representations asked for; undefined: the index's default. @returns {string[] | undefined} */
export function chosen() {
  switch (state.by) {
    case 'default': case 'headToHead': return undefined;
    case 'words': case 'deep': return namesOf(state.by);
    case 'both': return ['words', 'deep'].flatMap(namesOf);
    default: return [state.by];
  }
}

/** The input Ask of the schema; what is undefined is left out. */
export function askOf() {
  const { image, upload, frame, region, margin, throughMm, volume, where, notSame, groupBy, fusion, like, unlike, concept, k } = state;
  return {
    ...(upload ? { upload, frame } : { image }), region: region ? { ...region, marginPx: margin } : undefined, throughMm: region ? throughMm : 0, by: chosen(),
    where, notSame, groupBy, volume: volume && !region, fusion, like, unlike, concept, k, findings: true,
  };
}

export const headToHead = part('both');
/** Ends the question under way. */
export const cancel = turns();

/** Asks; a newer question ends this one. Hits come first, their findings behind. @param {(stage: string) => void} progress @returns {AsyncGenerator<Answer | AnswerFindings | HeadToHead>} */
export async function* ask(progress) {
  const signal = cancel();
  try {
    if (state.by === 'headToHead') {
      const both = await (await headToHead()).ask(signal);
      if (!signal.aborted) yield both;
      return;
    }
    for await (const found of search({ ask: askOf() }, signal)) {
      if (signal.aborted) return;
      if (found.__typename === 'Progress') progress(found.stage);
      else yield found;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
