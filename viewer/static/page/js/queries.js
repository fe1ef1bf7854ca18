// What the page asks the server, in GraphQL (viewer/server/schema.graphql).
import { graphql, listen } from './api.js';
import { state } from './state.js';

/** @typedef {Record<string, any>} Variables */

/** Fields of all indexes together. */
const OF_ALL = ['indexes', 'locate'];

/**
 * A document that asks for one field: query('stack', 'image: ID!', 'Stack { at }').
 * @param {string} kind query, mutation or subscription @param {string} name of the field
 * @param {string} takes its arguments and their types, beside the index @param {string} gives the type and the fields of it, or the fields alone
 */
function documentOf(kind, name, takes, gives) {
  const all = OF_ALL.includes(name) ? takes : `index: ID! ${takes}`;
  const declared = all && `(${all.replace(/\w+:/g, '$$$&')})`;
  const given = all && `(${all.replace(/(\w+): [\w!\[\]]+/g, '$1: $$$1')})`;
  // What may go wrong is a type of its own beside the one that is wanted.
  const fields = /^\w/.test(gives) ? `{... on ${gives} ... on Problem{__typename message}}` : gives;
  return `${kind} ${declared}{${name}${given} ${fields}}`;
}

/** @param {string} kind @returns {(name: string, takes: string, gives: string) => (variables?: Variables, signal?: AbortSignal) => Promise<any>} */
const one = (kind) => (name, takes, gives) => (variables, signal) => graphql(documentOf(kind, name, takes, gives), { index: state.index, ...variables }, signal);
export const query = one('query');
export const mutation = one('mutation');
/** @param {string} name @param {string} takes @param {string} gives @returns {(variables: Variables, signal: AbortSignal) => AsyncGenerator<any>} */
export const subscription = (name, takes, gives) => (variables, signal) => listen(documentOf('subscription', name, takes, gives), { index: state.index, ...variables }, signal);

const LISTED = 'id key labels';
const SLICE = `${LISTED} rows cols spacingMm groups(only: ["slide"]){name value} fields(only: ["x", "y", "width", "height"]){name value}`;
// Of the header what tells cases apart at a glance: each field of each hit takes time.
const FOUND = `${LISTED} rows cols fields(only: ["modality", "body_part", "age", "sex"]){name value} table{name value}`;
export const PROGRESS = '... on Progress{__typename stage done total}';
const COUNTED = `__typename notes tookMs
  findings{drawn total verdict isEnough isUnlike isAnotherKind notice
    items{label found drawn expected times share low high adjusted isSignificant}}
  references{label kind title text bullets link host image picture}`;
export const ANSWER = `by nVerified isRegion canVerify ${COUNTED}
  hits{rank score box inliers transform quad onSlide{slide outline} image{${FOUND}}
    case{column value count images{id key}} votes{by rank} slices{hit} extent{start end}}`;
const INDEX = `id name images commit defaults columns groups concepts archive hasViewer
  representations{name family isLoaded isDefault explains meaning}`;

export const indexes = query('indexes', '', `{${INDEX}}`);
const PAGE = 'where: String, first: Int!, after: String';
export const images = query('images', PAGE, `ImagePage{total next items{${LISTED}}}`);
export const groups = query('groups', `by: String! ${PAGE}`,
  `GroupPage{total next items{value count cover{${LISTED}} labels{value count}}}`);
export const stackOf = query('stack', 'image: ID!', `Stack{at slideLevels slices{positionMm image{${SLICE}}}}`);
export const search = subscription('searching', 'ask: Ask!', `Answer{${ANSWER}} ... on AnswerFindings{${COUNTED}} ${PROGRESS}`);
export const outline = query('region', 'ask: Ask!', 'Outline{polygons pixels areaMm2}');
