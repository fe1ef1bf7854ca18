/* The map: zoom, pan, hover, keys and legend, on one canvas. No library, no network. */
"use strict";
const { spots, kinds } = JSON.parse(document.getElementById("data").textContent);
const sheets = [...document.querySelectorAll("img.sheet")];
const plane = document.getElementById("plane"), pen = plane.getContext("2d");
const card = document.getElementById("card"), large = card.querySelector("canvas");
const announced = document.getElementById("announced"), boxes = [...document.querySelectorAll("#legend input")];
const shown = kinds.map(() => true), touches = new Map();
let zoom = 1, midX = 0, midY = 0, width = 1, height = 1, current = -1, waiting = false, moved = false;

const unit = () => 0.46 * Math.min(width, height) * zoom;
const atX = (x) => width / 2 + (x - midX) * unit();
const atY = (y) => height / 2 + (y - midY) * unit();
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const side = () => clamp(Math.sqrt(0.3 * width * height / spots.length), 7, 72) * Math.pow(zoom, 0.7);

function draw() {
  waiting = false;
  const ratio = window.devicePixelRatio || 1, style = getComputedStyle(document.documentElement);
  if (plane.width !== Math.round(width * ratio) || plane.height !== Math.round(height * ratio)) {
    plane.width = Math.round(width * ratio);
    plane.height = Math.round(height * ratio);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = style.getPropertyValue("--ground");
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  spots.forEach((spot, i) => { if (i !== current) paint(spot, false); });
  if (current >= 0 && shown[spots[current].kind]) paint(spots[current], true);
}

function paint(spot, chosen) {
  const size = Math.min(side(), 192) * (chosen ? 1.25 : 1), x = atX(spot.x), y = atY(spot.y);
  if (!shown[spot.kind] || x < -size || y < -size || x > width + size || y > height + size) return;
  const scale = size / Math.max(spot.w, spot.h), w = spot.w * scale, h = spot.h * scale;
  const edge = clamp(size / 14, 1.5, 5) + (chosen ? 2 : 0), colour = kinds[spot.kind].colour;
  if (size < 13) {
    pen.beginPath();
    pen.arc(x, y, size / 2, 0, 7);
    pen.fillStyle = colour;
    pen.fill();
    return;
  }
  pen.fillStyle = colour;
  pen.fillRect(x - w / 2 - edge, y - h / 2 - edge, w + 2 * edge, h + 2 * edge);
  const sheet = sheets[spot.sheet];
  if (sheet.complete) pen.drawImage(sheet, spot.left, spot.top, spot.w, spot.h, x - w / 2, y - h / 2, w, h);
}

function redraw() {
  if (!waiting) { waiting = true; requestAnimationFrame(draw); }
}

function zoomBy(factor, x, y) {
  const next = clamp(zoom * factor, 0.5, 400), real = next / zoom;
  midX += (x - width / 2) / unit() * (1 - 1 / real);
  midY += (y - height / 2) / unit() * (1 - 1 / real);
  zoom = next;
  redraw();
}

function panBy(dx, dy) {
  midX = clamp(midX - dx / unit(), -1.5, 1.5);
  midY = clamp(midY - dy / unit(), -1.5, 1.5);
  redraw();
}

function nearest(x, y) {
  const reach = Math.max(Math.min(side(), 192) / 2 + 3, 8);
  let best = -1, least = reach * reach;
  spots.forEach((spot, i) => {
    if (!shown[spot.kind]) return;
    const distance = (atX(spot.x) - x) ** 2 + (atY(spot.y) - y) ** 2;
    if (distance <= least) { least = distance; best = i; }
  });
  return best;
}

function choose(i, aloud) {
  if (i === current) return;
  current = i;
  card.hidden = i < 0;
  if (i >= 0) describe(spots[i], aloud);
  redraw();
}

function describe(spot, aloud) {
  const kind = kinds[spot.kind].name;
  card.querySelector(".id").textContent = spot.id;
  card.querySelector(".label").textContent = kind;
  card.style.setProperty("--mark", kinds[spot.kind].colour);
  const scale = 224 / Math.max(spot.w, spot.h), brush = large.getContext("2d");
  large.width = Math.round(spot.w * scale);
  large.height = Math.round(spot.h * scale);
  brush.imageSmoothingQuality = "high";
  const sheet = sheets[spot.sheet];
  brush.drawImage(sheet, spot.left, spot.top, spot.w, spot.h, 0, 0, large.width, large.height);
  const isLeft = atX(spot.x) > width / 2;
  card.style.left = isLeft ? "12px" : "auto";
  card.style.right = isLeft ? "auto" : "12px";
  if (aloud) announced.textContent = `${spot.id}, ${kind}`;
}

function step(by) {
  for (let n = 1; n <= spots.length; n += 1) {
    const from = current < 0 ? (by > 0 ? -1 : 0) : current;
    const i = (from + by * n + n * spots.length) % spots.length;
    if (!shown[spots[i].kind]) continue;
    const x = atX(spots[i].x), y = atY(spots[i].y);
    if (x < 0 || y < 0 || x > width || y > height) { midX = spots[i].x; midY = spots[i].y; }
    choose(i, true);
    return;
  }
}

function whole() { zoom = 1; midX = 0; midY = 0; redraw(); }

function show(k, on) {
  shown[k] = on;
  boxes[k].checked = on;
  if (current >= 0 && !shown[spots[current].kind]) choose(-1);
  redraw();
}

const keys = {
  "+": () => zoomBy(1.3, width / 2, height / 2), "=": () => zoomBy(1.3, width / 2, height / 2),
  "-": () => zoomBy(1 / 1.3, width / 2, height / 2), "0": whole, "n": () => step(1), "p": () => step(-1),
  "ArrowLeft": () => panBy(60, 0), "ArrowRight": () => panBy(-60, 0), "Escape": () => choose(-1),
  "ArrowUp": () => panBy(0, 60), "ArrowDown": () => panBy(0, -60),
};
plane.addEventListener("keydown", (event) => {
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
});
plane.addEventListener("wheel", (event) => {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 20 : 1;
  zoomBy(Math.exp(-clamp(event.deltaY * lines, -240, 240) / 400), event.offsetX, event.offsetY);
}, { passive: false });
plane.addEventListener("pointerdown", (event) => {
  plane.setPointerCapture(event.pointerId);
  touches.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved = false;
});
plane.addEventListener("pointermove", (event) => {
  const here = [event.offsetX, event.offsetY], before = touches.get(event.pointerId);
  if (!before) { choose(nearest(...here)); return; }
  const other = [...touches].find(([id]) => id !== event.pointerId);
  touches.set(event.pointerId, here);
  moved = moved || Math.hypot(here[0] - before[0], here[1] - before[1]) > 1;
  if (!other) { panBy(here[0] - before[0], here[1] - before[1]); return; }
  const far = (a) => Math.max(Math.hypot(a[0] - other[1][0], a[1] - other[1][1]), 1);
  zoomBy(far(here) / far(before), (here[0] + other[1][0]) / 2, (here[1] + other[1][1]) / 2);
});
for (const end of ["pointerup", "pointercancel"]) {
  plane.addEventListener(end, (event) => {
    touches.delete(event.pointerId);
    if (!moved) choose(nearest(event.offsetX, event.offsetY), true);
  });
}
plane.addEventListener("pointerleave", () => { if (!touches.size) choose(-1); });
boxes.forEach((box, k) => box.addEventListener("change", () => show(k, box.checked)));
document.getElementById("all").addEventListener("click", () => kinds.forEach((_, k) => show(k, true)));
document.getElementById("none").addEventListener("click", () => kinds.forEach((_, k) => show(k, false)));
document.getElementById("whole").addEventListener("click", whole);
sheets.forEach((sheet) => sheet.addEventListener("load", redraw));
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new ResizeObserver(() => {
  width = Math.max(plane.clientWidth, 1);
  height = Math.max(plane.clientHeight, 1);
  redraw();
}).observe(plane);
