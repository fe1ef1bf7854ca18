/* A stage for the script of the map: a page without a browser, and what happens to it. */
const fs = require("fs"), text = fs.readFileSync(0, "utf8"), parts = {}, frames = [], drawn = [];
const pen = new Proxy({}, { get: (own, name) => name in own ? own[name] : () => drawn.push(name),
  set: (own, name, value) => { own[name] = value; return true; } });
const element = () => ({ style: { setProperty() {} }, on: {}, clientWidth: 800, clientHeight: 600, parts: {},
  addEventListener(name, act) { this.on[name] = act; }, setPointerCapture() {}, getContext: () => pen,
  querySelector(name) { return this.parts[name] ||= element(); } });
const { data, script } = JSON.parse(text), boxes = data.kinds.map(element);
parts.data = { textContent: JSON.stringify(data) };
globalThis.document = { documentElement: {}, getElementById: (id) => parts[id] ||= element(),
  querySelectorAll: (q) => q === "img.sheet" ? [{ complete: true, addEventListener() {} }] : boxes };
globalThis.window = { devicePixelRatio: 2, matchMedia: element };
globalThis.getComputedStyle = () => ({ getPropertyValue: () => "#000" });
globalThis.requestAnimationFrame = (act) => frames.push(act);
globalThis.ResizeObserver = class { constructor(act) { this.act = act; } observe() { this.act(); } };
const tell = "; globalThis.now = () => ({ zoom, midX, current, shown: [...shown], " +
  "x: spots.map((s) => atX(s.x)), y: spots.map((s) => atY(s.y)) });";
eval(script + tell);
const plane = parts.plane, log = [];
const act = (name, event) => { plane.on[name]({ preventDefault() {}, pointerId: 1, deltaMode: 0, ...event });
  while (frames.length) frames.shift()(); };
const key = (name) => act("keydown", { key: name });
while (frames.length) frames.shift()();
const note = (name) => log.push([name, { ...now(), id: parts.card.querySelector(".id").textContent,
  hidden: parts.card.hidden, announced: parts.announced.textContent, drawn: drawn.splice(0).length }]);
note("start");
act("pointermove", { offsetX: now().x[1], offsetY: now().y[1] }); note("hover");
act("wheel", { deltaY: -240, offsetX: now().x[1], offsetY: now().y[1] }); note("wheel");
key("n"); note("next"); key("p"); note("previous"); key("0"); note("whole"); key("+"); note("plus");
key("0"); key("ArrowLeft"); note("left"); key("Escape"); note("escape");
boxes[0].checked = false; boxes[0].on.change(); key("n"); note("hide"); key("n"); key("n"); note("skip");
parts.none.on.click(); key("n"); note("none"); parts.all.on.click(); key("n"); note("all");
act("pointerdown", { offsetX: 0, offsetY: 0 }); key("0"); act("pointermove", { offsetX: 100, offsetY: 0 });
act("pointerup", { offsetX: 100, offsetY: 0 }); note("drag");
console.log(JSON.stringify(Object.fromEntries(log)));
