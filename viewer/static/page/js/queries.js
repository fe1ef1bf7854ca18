// The GraphQL documents of the page.

const IMAGE = 'id key rows cols spacingMm labels groups { name value } fields { name value } table { name value }';
const PROBLEM = '... on Problem { __typename kind message argument }';
const FINDINGS = `findings { column drawn total verdict isEnough isUnlike unlike notice
  items { label found drawn labelled total expected times share low high p adjusted isSignificant } }`;
const ANSWER = `__typename by nVerified isRegion canVerify outline notes tookMs commit ${FINDINGS}
  references { label kind title text bullets link host picture }
  hits { rank score box inliers transform quad image { ${IMAGE} }
    case { column value count images { id key score } } votes { by rank score share } slices { query hit key score } }`;

const INDEX = `id name images commit defaults columns groups window hasReferences labels { value count }
  representations { name family isLoaded isDefault locates explains meaning }`;

export const STATE = `subscription { state { indexes { ${INDEX} } } }`;
export const INDEXES = `{ indexes { ${INDEX} } }`;
export const IMAGES = `query ($index: ID!, $where: String, $after: String) {
  images(index: $index, where: $where, first: 60, after: $after) { ... on ImagePage { total next items { ${IMAGE} } } ${PROBLEM} } }`;
export const GROUPS = `query ($index: ID!, $by: String!, $where: String, $after: String) {
  groups(index: $index, by: $by, where: $where, first: 40, after: $after) {
    ... on GroupPage { total next items { value count cover { ${IMAGE} } labels { value count } } } ${PROBLEM} } }`;
export const COLUMNS = `query ($index: ID!, $where: String) {
  columns(index: $index, where: $where) { ... on ColumnList { columns { name distinct values { value count } } } ${PROBLEM} } }`;
export const STACK = `query ($index: ID!, $image: ID!) {
  stack(index: $index, image: $image) { ... on Stack { at slices { positionMm image { ${IMAGE} } } } ${PROBLEM} } }`;
export const LOCATE = `query ($study: String, $series: String, $zMm: Float) {
  locate(study: $study, series: $series, zMm: $zMm) { ... on Located { index image } ... on Problem { message } } }`;
export const SEARCH = `subscription ($index: ID!, $ask: Ask!) {
  searching(index: $index, ask: $ask) { ... on Answer { ${ANSWER} } ... on Progress { __typename stage done total } ${PROBLEM} } }`;
export const HEAD_TO_HEAD = `query ($index: ID!, $ask: Ask!, $first: [String!]!, $second: [String!]!) {
  headToHead(index: $index, ask: $ask, first: $first, second: $second) {
    ... on HeadToHead { __typename shared share first { ${ANSWER} } second { ${ANSWER} } } ${PROBLEM} } }`;
export const EXPLAIN = `query ($index: ID!, $ask: Ask!, $hit: ID!, $by: String) {
  explain(index: $index, ask: $ask, hit: $hit, by: $by) {
    ... on Explanation { __typename by score isFaithful sentence heat rows cols pairs { query hit isVerified } } ${PROBLEM} } }`;
export const SLICE_MATCH = `query ($index: ID!, $ask: Ask!, $hit: ID!) {
  sliceMatch(index: $index, ask: $ask, hit: $hit) {
    ... on SliceMatch { __typename best slices { image key positionMm score } } ${PROBLEM} } }`;
export const OUTLINE = `query ($index: ID!, $ask: Ask!) {
  region(index: $index, ask: $ask) { ... on Outline { __typename polygons pixels areaMm2 } ${PROBLEM} } }`;
export const MAP = `subscription ($index: ID!, $by: String, $method: String, $where: String) {
  mapping(index: $index, by: $by, method: $method, where: $where) {
    ... on Map { __typename by method isSample caution places { id key x y label } } ... on Progress { __typename stage done total } ${PROBLEM} } }`;
export const TAGS = 'query ($index: ID!) { tags(index: $index) { image label } }';
export const EXPORT = `mutation ($index: ID!, $ask: Ask!, $form: String!) {
  export(index: $index, ask: $ask, form: $form) { ... on Export { __typename address name } ${PROBLEM} } }`;
export const SEARCHES = 'query ($index: ID!) { searches(index: $index) { id name state saved } }';
export const SAVE_SEARCH = `mutation ($index: ID!, $name: String!, $state: String!) {
  saveSearch(index: $index, name: $name, state: $state) { ... on SavedSearch { __typename id } ${PROBLEM} } }`;
export const DELETE_SEARCH = 'mutation ($index: ID!, $id: ID!) { deleteSearch(index: $index, id: $id) }';
export const TAG = `mutation ($index: ID!, $image: ID!, $label: String!) {
  tag(index: $index, image: $image, label: $label) { ... on Tag { __typename image label } ${PROBLEM} } }`;
export const UNTAG = 'mutation ($index: ID!, $image: ID!, $label: String!) { untag(index: $index, image: $image, label: $label) }';
