// All that goes to the server: one origin, a token in the header if there is one, and what to do when nobody answers.
/** @import { Parts } from './types.js' */

const KEY = 'semblance-token';

/** The server does not answer; a bar says so until it does again. */
export class Gone extends Error {}
/** What was asked cannot be answered, and the server's sentence that says why. */
export class Problem extends Error {}

/** Tells 'gone', 'back' and 'refused'. */
export const connection = new EventTarget();
let told = 'back';

/** @param {'gone' | 'back' | 'refused'} how the server is, told if it was another way before */
function say(how) {
  if (how !== told) connection.dispatchEvent(new Event(told = how));
}

/** Takes the token out of the address, so that a shared link holds none. */
export function takeToken() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const token = parts.get('token');
  if (token === null) return;
  sessionStorage.setItem(KEY, token);
  parts.delete('token');
  history.replaceState(null, '', `#${parts}`);
}

export const tokenOf = () => sessionStorage.getItem(KEY);

/** @param {string} path @param {RequestInit} [init] */
export async function fetchFrom(path, init = {}) {
  const headers = new Headers(init.headers);
  if (tokenOf()) headers.set('Authorization', `Bearer ${tokenOf()}`);
  try {
    const response = await fetch(path, { ...init, headers });
    say(response.status === 401 ? 'refused' : 'back');
    return response;
  } catch (error) {
    if (/** @type {Error} */ (error).name === 'AbortError') throw error;
    throw lost();
  }
}

/** What the server says, or that it says nothing of use. @param {Response} response @param {string} [message] */
const odd = ({ status }, message = `The server answered ${status}.`) => new Problem(message);

/** What was fetched, unless the server says why it gives none. @param {string} path @param {RequestInit} [init] */
export async function fetchGiven(path, init) {
  const response = await fetchFrom(path, init);
  if (!response.ok) throw odd(response, (await response.json().catch(() => null))?.message);
  return response;
}

/** Says that the server is gone; whatever it answers next says that it is back. */
function lost() {
  say('gone');
  return new Gone('The server does not answer.');
}

/** A part of the page that is fetched when it is first wanted. @template {keyof Parts} N @param {N} name @returns {() => Promise<Parts[N]>} */
export const part = (name) => () => import(`./${name}.js`).catch(() => { throw lost(); });

/** @param {string} query @param {Record<string, any>} variables @param {AbortSignal} [signal] @param {string} [accept] */
const post = (query, variables, signal, accept = 'application/json') => fetchFrom('/graphql', {
  method: 'POST', signal, headers: { 'Content-Type': 'application/json', Accept: accept }, body: JSON.stringify({ query, variables }),
});

/** The one thing that was asked for, unless it is a problem. @param {any} answer */
function only({ data, errors = [], message }) {
  if (errors[0] || !data) throw new Problem(errors[0]?.message ?? message);
  const [found] = Object.values(data);
  if (found?.__typename === 'Problem') throw new Problem(found.message);
  return found;
}

/** @param {string} query @param {Record<string, any>} variables @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function graphql(query, variables, signal) {
  const response = await post(query, variables, signal);
  if (!response.headers.get('content-type')?.includes('json')) throw odd(response);
  return only(await response.json());
}

/**
 * A subscription over server-sent events: read by fetch, since EventSource can send neither a body nor the header.
 * @param {string} query @param {Record<string, any>} variables @param {AbortSignal} signal @returns {AsyncGenerator<any>}
 */
export async function* listen(query, variables, signal) {
  const response = await post(query, variables, signal, 'text/event-stream');
  if (!response.body || !response.ok) throw odd(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read().catch((error) => { throw signal.aborted ? error : lost(); });
    if (done) throw lost();
    const events = (text + value.replaceAll('\r', '')).split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      if (event.startsWith('event: complete')) return;
      const line = event.split('\n').find((one) => one.startsWith('data: {'));
      if (line) yield only(JSON.parse(line.slice(6)));
    }
  }
}
