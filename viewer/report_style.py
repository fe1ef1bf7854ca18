"""The style sheet of the report page."""

STYLE = """
:root { --ground: #f7f7f5; --paper: #ffffff; --ink: #1c2024; --quiet: #5c6670; --line: #dcdfe2;
  --accent: #0b5f8a; --bar: #56b4e9; --same: #00694c; --well: #0c0d0e; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #15181b; --paper: #1d2125; --ink: #e8eaec; --quiet: #a2abb3; --line: #343a40;
    --accent: #7cc4ee; --bar: #2f86b8; --same: #5fd3ac; --well: #060707; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 2rem 1.5rem 3rem; background: var(--ground);
  color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
header { margin-bottom: 1.5rem; }
.brand { margin: 0; color: var(--accent); font-weight: 600; letter-spacing: .04em; font-size: .85rem; }
h1 { margin: .1rem 0 .3rem; font-size: 1.6rem; line-height: 1.2; font-weight: 600;
  overflow-wrap: anywhere; }
h2 { margin: 0 0 .6rem; font-size: 1rem; font-weight: 600; }
.lead { margin: .2rem 0; color: var(--quiet); max-width: 75ch; }
section { display: grid; grid-template-columns: 200px minmax(0, 1fr); gap: 1.5rem; padding: 1.25rem;
  margin: 0 0 1.25rem; background: var(--paper); border: 1px solid var(--line); border-radius: 10px; }
article + article { margin-top: 1.1rem; padding-top: 1rem; border-top: 1px solid var(--line); }
figure { margin: 0; }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .9rem;
  grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); }
img, .missing { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--well);
  border-radius: 6px; }
.missing { display: grid; place-items: center; color: #9aa3ab; font-size: .8rem; }
.query img, .query .missing { outline: 3px solid var(--accent); outline-offset: 2px; }
.query figcaption { margin-top: .7rem; }
.bar { height: 3px; margin: 4px 0 5px; background: var(--line); border-radius: 2px; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--bar); }
figcaption { font-size: .82rem; display: flex; flex-wrap: wrap; column-gap: .5rem; align-items: baseline; }
.rank { font-weight: 700; }
.score { margin-left: auto; color: var(--quiet); font-variant-numeric: tabular-nums; }
.role { flex-basis: 100%; color: var(--accent); font-weight: 600; }
.label, .id, .group { flex-basis: 100%; overflow-wrap: anywhere; }
.label { font-weight: 600; }
.same .label { color: var(--same); }
.id, .group { color: var(--quiet); font-size: .76rem; }
.group { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; min-width: 0; }
.empty { color: var(--quiet); margin: 0; }
table { margin: .6rem 0 1.25rem; border-collapse: collapse; background: var(--paper);
  border: 1px solid var(--line); }
th, td { padding: .4rem .9rem; text-align: right; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; }
th:first-child { text-align: left; font-weight: 600; }
thead th { font-weight: 600; color: var(--quiet); font-size: .85rem; }
tbody tr:last-child > * { border-bottom: 0; }
footer { margin-top: 2rem; padding-top: 1.2rem; border-top: 1px solid var(--line); font-size: .82rem;
  color: var(--quiet); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1.2rem;
  margin: 0 0 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 700px) { section { grid-template-columns: 1fr; } .query { max-width: 200px; } }
@media print {
  :root { --ground: #fff; --paper: #fff; --ink: #000; --quiet: #444; --line: #ccc; --accent: #0b5f8a;
    --bar: #56b4e9; --same: #00694c; }
  body { max-width: none; padding: 0; font-size: 11px; }
  section { border: 0; padding: .5rem 0; grid-template-columns: 130px minmax(0, 1fr); }
  ol { grid-template-columns: repeat(auto-fill, minmax(78px, 1fr)); }
  .query img, .query .missing { outline: 0; border: 2px solid var(--accent); }
  article, li, figure, tr { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
