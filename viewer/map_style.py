"""The style sheet of the map, on top of the report page's."""

STYLE = """
body { max-width: none; padding: 1.1rem 1.4rem 1.6rem; }
header { margin-bottom: .8rem; }
.lead { max-width: none; }
:root { --well: #eceef0; }
@media (prefers-color-scheme: dark) { :root { --well: #0b0c0e; } }
main { display: grid; grid-template-columns: minmax(0, 1fr) 232px; gap: 1rem;
  height: max(420px, calc(100vh - 10.5rem)); }
.stage { position: relative; min-width: 0; border: 1px solid var(--line); border-radius: 10px;
  overflow: hidden; background: var(--well); }
#plane { display: block; width: 100%; height: 100%; touch-action: none; cursor: grab; }
#plane:active { cursor: grabbing; }
#plane:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
#card { position: absolute; top: 12px; width: 244px; padding: 10px; background: var(--paper);
  border: 1px solid var(--line); border-top: 5px solid var(--mark, var(--line)); border-radius: 8px;
  pointer-events: none; box-shadow: 0 6px 22px rgb(0 0 0 / .28); }
#card canvas { display: block; max-width: 100%; margin: 0 auto .5rem; border-radius: 4px; }
#card figcaption { display: block; }
#card .label, #card .id { display: block; }
aside { display: flex; flex-direction: column; min-height: 0; background: var(--paper);
  border: 1px solid var(--line); border-radius: 10px; padding: .8rem .9rem; }
aside h2 { margin-bottom: .4rem; overflow-wrap: anywhere; }
#legend { flex: 1 1 auto; overflow: auto; min-height: 3rem; display: block; }
#legend li { margin: 0; }
#legend label { display: grid; grid-template-columns: auto auto minmax(0, 1fr) auto; gap: .5rem;
  align-items: center; padding: .22rem .15rem; cursor: pointer; font-size: .86rem; }
#legend input { margin: 0; accent-color: var(--accent); }
#legend svg { width: 14px; height: 14px; border-radius: 4px; display: block; }
#legend .name { overflow-wrap: anywhere; }
#legend .count { color: var(--quiet); font-variant-numeric: tabular-nums; }
.buttons { display: flex; gap: .4rem; margin: .6rem 0 0; }
button { flex: 1; font: inherit; font-size: .82rem; padding: .3rem .4rem; color: var(--ink);
  background: var(--ground); border: 1px solid var(--line); border-radius: 6px; cursor: pointer; }
button:hover { border-color: var(--accent); }
button:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.keys { margin: .6rem 0 0; color: var(--quiet); font-size: .76rem; line-height: 1.5; }
kbd { font: inherit; padding: 0 .3em; border: 1px solid var(--line); border-radius: 4px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
img.sheet { display: none; }
@media (max-width: 760px) { main { grid-template-columns: 1fr; height: auto; }
  .stage { height: 62vh; } aside { max-height: 45vh; } }
"""
