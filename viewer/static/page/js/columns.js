// The filter by clicks: the columns of the catalogue and their commonest values; a click adds to the filter.
import { fill, h, quiet, short } from './dom.js';
import { query } from './queries.js';
import { state, update } from './state.js';
/** @import { Count } from './types.js' */

const columns = query('columns', 'where: String', 'ColumnList { columns { name distinct values { value count } } }');

export async function show() {
  /** @type {{ columns: { name: string, distinct: number, values: Count[] }[] } | null} */
  const found = await columns({ where: state.where || null }).catch(() => null);  // the list says what is wrong
  if (found) fill('columns', found.columns.filter(({ distinct }) => distinct > 1 || state.where).map(({ name, distinct, values }) => h('details',
    h('summary', name, quiet(` ${distinct}`)),
    h('ul', values.map(({ value, count }) => h('li', h('button.value', { onclick: () => narrow(name, value) },
      h('span', short(value)), quiet(count))))))));
}

/** @param {string} column @param {string} value */
function narrow(column, value) {
  const term = `"${column.replaceAll('"', '""')}" = '${value.replaceAll("'", "''")}'`;
  if (!state.where.includes(term)) update({ where: state.where ? `(${state.where}) and ${term}` : term });
}
