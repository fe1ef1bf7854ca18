// What the page asks the server for, as functions of variables; the index is that of the page. Parts that come later bring their own.
import { graphql, listen } from './api.js';
import { state } from './state.js';

/** @typedef {Record<string, any>} Variables */

/** @param {string} query @returns {(variables?: Variables, signal?: AbortSignal) => Promise<any>} */
export const one = (query) => (variables, signal) => graphql(query, { index: state.index, ...variables }, signal);
/** @param {string} query @returns {(variables: Variables, signal: AbortSignal) => AsyncGenerator<any>} */
export const many = (query) => (variables, signal) => listen(query, { index: state.index, ...variables }, signal);

const IMAGE = 'id key rows cols spacingMm labels groups { name value } fields { name value } table { name value }';
export const PROBLEM = '... on Problem { __typename kind message argument }';
export const PROGRESS = '... on Progress { __typename stage done total }';
export const ANSWER = `__typename by nVerified isRegion canVerify outline notes tookMs commit
  findings { column drawn total verdict isEnough isUnlike isAnotherKind unlike notice
    items { label found drawn labelled total expected times share low high p adjusted isSignificant } }
  references { label kind title text bullets link host image picture }
  hits { rank score box inliers transform quad onSlide { slide outline } image { ${IMAGE} }
    case { column value count images { id key score } } votes { by rank score share } slices { query hit key score } }`;
const INDEX = `id name images commit defaults columns groups window hasReferences archive hasViewer labels { value count }
  representations { name family isLoaded isDefault locates explains meaning }`;

export const indexes = one(`{ indexes { ${INDEX} } }`);
export const news = many(`subscription { state { indexes { ${INDEX} } } }`);
export const images = one(`query ($index: ID!, $where: String, $after: String) {
  images(index: $index, where: $where, first: 60, after: $after) { ... on ImagePage { total next items { ${IMAGE} } } ${PROBLEM} } }`);
export const groups = one(`query ($index: ID!, $by: String!, $where: String, $after: String) {
  groups(index: $index, by: $by, where: $where, first: 40, after: $after) {
    ... on GroupPage { total next items { value count cover { ${IMAGE} } labels { value count } } } ${PROBLEM} } }`);
export const stackOf = one(`query ($index: ID!, $image: ID!) {
  stack(index: $index, image: $image) { ... on Stack { at slideLevels slices { positionMm image { ${IMAGE} } } } ${PROBLEM} } }`);
export const search = many(`subscription ($index: ID!, $ask: Ask!) {
  searching(index: $index, ask: $ask) { ... on Answer { ${ANSWER} } ${PROGRESS} ${PROBLEM} } }`);
export const outline = one(`query ($index: ID!, $ask: Ask!) {
  region(index: $index, ask: $ask) { ... on Outline { polygons pixels areaMm2 } ${PROBLEM} } }`);
