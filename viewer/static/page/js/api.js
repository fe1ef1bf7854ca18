// All that goes to the server: one origin, a token in the header if there is one, and what to do when nobody answers.

const KEY = 'semblance-token';
const RETRY_MS = 1500;

/** Raised when the server does not answer; the bar says so, and `back` resolves when it does again. */
export class Gone extends Error {}

/** @type {EventTarget} tells 'gone' and 'back' */
export const connection = new EventTarget();
let isGone = false;

/** Takes the token out of the address, so that a shared link holds none. */
export function takeToken() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const token = parts.get('token');
  if (token === null) return;
  sessionStorage.setItem(KEY, token);
  parts.delete('token');
  history.replaceState(null, '', `#${parts}`);
}

/** @param {string} path @param {RequestInit} [init] @returns {Promise<Response>} */
export async function fetchFrom(path, init = {}) {
  const headers = new Headers(init.headers);
  const token = sessionStorage.getItem(KEY);
  if (token) headers.set('Authorization', `Bearer ${token}`);
  try {
    const response = await fetch(path, { ...init, headers });
    if (response.status === 401) connection.dispatchEvent(new Event('refused'));
    return response;
  } catch (error) {
    if (/** @type {Error} */ (error).name === 'AbortError') throw error;
    lost();
    throw new Gone('The server does not answer.');
  }
}

function lost() {
  if (isGone) return;
  isGone = true;
  connection.dispatchEvent(new Event('gone'));
  const timer = setInterval(async () => {
    try {
      if (!(await fetch('/static/page/icons.svg', { cache: 'no-store' })).ok) return;
    } catch {
      return;
    }
    clearInterval(timer);
    isGone = false;
    connection.dispatchEvent(new Event('back'));
  }, RETRY_MS);
}

/**
 * One GraphQL operation; the data, or an error with the server's sentence.
 * @param {string} query @param {Record<string, any>} [variables] @param {AbortSignal} [signal] @returns {Promise<any>}
 */
export async function graphql(query, variables = {}, signal) {
  const response = await fetchFrom('/graphql', {
    method: 'POST', signal, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query, variables }),
  });
  if (!response.ok && response.headers.get('content-type')?.includes('json') !== true) {
    throw new Error(`The server answered ${response.status}.`);
  }
  const { data, errors } = await response.json();
  if (errors?.length) throw new Error(errors[0].message);
  return data;
}

/**
 * A subscription over server-sent events: read by fetch, since EventSource can send neither a body nor the header.
 * @param {string} query @param {Record<string, any>} variables @param {AbortSignal} signal
 * @returns {AsyncGenerator<any>}
 */
export async function* listen(query, variables, signal) {
  const response = await fetchFrom('/graphql', {
    method: 'POST', signal, headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify({ query, variables }),
  });
  if (!response.body || !response.ok) throw new Error(`The server answered ${response.status}.`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value.replaceAll('\r', '');
    const events = text.split('\n\n');
    text = /** @type {string} */ (events.pop());
    for (const event of events) {
      if (event.startsWith('event: complete')) return;
      const line = event.split('\n').find((part) => part.startsWith('data: '));
      if (!line || line.length < 8) continue;
      const { data, errors } = JSON.parse(line.slice(6));
      if (errors?.length) throw new Error(errors[0].message);
      yield data;
    }
  }
}

/** @param {string} path @param {Blob} body @returns {Promise<any>} the JSON answered, or an error with its sentence */
export async function upload(path, body) {
  const response = await fetchFrom(path, { method: 'POST', body, headers: { 'Content-Type': 'application/octet-stream' } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

/** Saves what the server made, under its name. @param {string} path @param {string} name */
export async function download(path, name) {
  const response = await fetchFrom(path);
  if (!response.ok) throw new Error((await response.json()).message);
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
