// Shapes of what the server answers (see viewer/server/schema.graphql) and of the page's own state.
// x and y are pixels of the image from its upper left corner; boxes are [x, y, width, height].

export type XY = [number, number];
export type Box = number[];
export interface Count { value: string; count: number }
export interface Field { name: string; value: string }
export interface Representation {
  name: string; family: string; isLoaded: boolean; isDefault: boolean; locates: boolean; explains: boolean; meaning: string;
}
export interface Index {
  id: string; name: string; images: number; commit: number; representations: Representation[]; defaults: string[];
  columns: string[]; groups: string[]; concepts: string[];
  archive: string | null; hasViewer: boolean;
}
export interface Image {
  id: string; key: string; rows: number; cols: number; spacingMm: number[] | null; labels: string[];
  groups: Field[]; fields: Field[];
}
export interface FoundImage extends Image { table: Field[] }
export interface Slice { image: Image; positionMm: number | null }
export interface Stack { slices: Slice[]; at: number; slideLevels: number }
export interface Vote { by: string; rank: number | null }
export interface CaseImage { id: string; key: string }
export interface Case { column: string; value: string; count: number; images: CaseImage[] }
export interface SliceHit { hit: string }
export interface Hit {
  rank: number; score: number; image: FoundImage; box: Box | null; inliers: number | null; transform: number[] | null;
  quad: XY[] | null; case: Case | null; votes: Vote[]; slices: SliceHit[]; extent: { start: number; end: number } | null; onSlide: { slide: string; outline: XY[] } | null;
}
export interface Finding {
  label: string; found: number; drawn: number; labelled: number; total: number; expected: number; times: number;
  share: number; low: number; high: number; p: number | null; adjusted: number | null; isSignificant: boolean;
}
export interface Findings {
  column: string; drawn: number; total: number; verdict: string; isEnough: boolean; isUnlike: boolean; isAnotherKind: boolean;
  unlike: number | null; notice: string | null; items: Finding[];
}
export interface Reference {
  label: string; kind: string; title: string; text: string; bullets: string[]; link: string | null; host: string | null;
  image: string | null; picture: string | null;
}
export interface Answer {
  __typename: 'Answer'; by: string[]; hits: Hit[]; nVerified: number; isRegion: boolean; canVerify: boolean;
  findings: Findings | null; references: Reference[]; notes: string[]; tookMs: number;
}
export interface AnswerFindings {
  __typename: 'AnswerFindings'; findings: Findings | null; references: Reference[]; notes: string[]; tookMs: number;
}
export interface Problem { __typename: 'Problem'; kind: string; message: string; argument: string | null }
export interface HeadToHead { __typename: 'HeadToHead'; first: Answer; second: Answer; shared: string[]; share: number }
export interface Pair { query: XY; hit: XY; isVerified: boolean }
export interface Explanation {
  __typename: 'Explanation'; by: string; score: number; isFaithful: boolean; sentence: string; heat: string;
  rows: number; cols: number; pairs: Pair[];
}
export interface SliceScore { image: string; key: string; positionMm: number | null; score: number | null }
export interface Place { id: string; key: string; x: number; y: number; label: string }
export interface CollectionMap {
  __typename: 'Map'; by: string; method: string; places: Place[]; isSample: boolean; caution: string;
}
export interface About {
  rows: number; cols: number; channels: number; dtype: 'int16' | 'uint16' | 'uint8'; slope: number; intercept: number;
  unit: string | null; min: number; max: number; window: { low: number; high: number }; inverted: boolean;
  spacing: number[] | null; photometric: string; presets: { name: string; low: number; high: number }[];
}
export interface Pixels { about: About; data: Int16Array | Uint16Array | Uint8Array }
export interface Window { low: number; high: number }
export interface Region { box?: Box; polygon?: XY[]; point?: XY; mask?: string }

/** What the address holds: enough to come back to the same question. */
export interface State {
  index: string; image: string; upload: string; frame: number; region: Region | null; margin: number; throughMm: number; volume: boolean;
  by: string; fusion: string; where: string; notSame: string; groupBy: string; like: string[]; unlike: string[]; concept: string[];
  asked: boolean; window: Window | null; invert: boolean; hit: string; k: number;
}

/** What is fetched when it is first wanted. */
export interface Parts {
  archive: typeof import('./archive.js');
  both: typeof import('./both.js');
  columns: typeof import('./columns.js');
  compare: typeof import('./compare.js');
  concepts: typeof import('./concepts.js');
  keep: typeof import('./keep.js');
  map: typeof import('./map.js');
  slide: typeof import('./slide.js');
  uploads: typeof import('./uploads.js');
}
