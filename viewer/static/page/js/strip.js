// The last questions, as thumbnails: a click brings one back.
import { $, fill, h } from './dom.js';
import { thumbnailOf } from './pixels.js';
import { slices } from './look.js';
import { question, read, state, update, write } from './state.js';

const MOST = 8;
/** @type {{ address: string, index: string, key: string, note: string }[]} */
let last = [];

export function remember() {
  const { image, region } = question;
  const address = write({ ...question, k: 20, hit: '' });
  const key = slices().find((one) => one.image.id === image)?.image.key;
  if (!key || last[0]?.address === address) return;
  const note = `${region ? 'a region of' : state.volume ? 'the volume of' : 'the image'} ${image}`;
  last = [{ address, index: state.index, key, note }, ...last.filter((asked) => asked.address !== address)].slice(0, MOST);
  $('strip').hidden = last.length < 2;
  fill('strip', last.map((asked) => h('button', {
    title: `Ask again with ${asked.note}`,
    onclick: () => update(read(asked.address), true),
  }, thumbnailOf(asked.key, '', asked.index))));
}
