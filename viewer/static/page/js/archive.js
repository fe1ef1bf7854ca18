// The archive: a search is stored in it, and an image opens in its viewer; on a click, and where the server was told.
import { tell } from './dom.js';
import { askOf } from './ask.js';
import { mutation, query } from './queries.js';
import { recall, state } from './state.js';
/** @import { State } from './types.js' */

const sent = mutation('sendToArchive', 'ask: Ask!', 'Sent { objects }');
const linked = query('viewerLink', 'image: ID!', 'Link { address }');
const locate = query('locate', 'study: String, series: String, zMm: Float', 'Located { index image }');

/** Stores the search that is shown; twice pressed is stored once. @param {HTMLButtonElement} button */
export async function send(button) {
  button.disabled = true;
  recall();
  try {
    const { objects } = await sent({ ask: askOf() });
    tell(`Stored in the archive: ${objects} object${objects > 1 ? 's' : ''}.`);
  } finally {
    button.disabled = false;
  }
}

/** Opens the image that is shown in the archive's viewer, which learns nothing of this page. */
export async function openViewer() {
  const { address } = await linked({ image: state.image });
  window.open(address, '_blank', 'noopener,noreferrer');
}

/** Where the study or the series of an address is, as an archive's viewer names them: by UID. @returns {Promise<Partial<State>>} */
export async function located() {
  const { study, series, z } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return locate({ study, series, zMm: z && Number(z) }).catch((error) => {
    tell(error.message);
    return { region: null };
  });
}
