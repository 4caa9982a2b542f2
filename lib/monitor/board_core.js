// ---- the data, and what every part uses. Text gets into the page by textContent alone. ----

const data = JSON.parse(document.getElementById("data").textContent);
const HOUR = 3600e3, DAY = 24 * HOUR;
const $ = (id) => document.getElementById(id);

const STATES = ["", "held", "blocked", "queued", "starting", "running", "succeeded", "failed", "timeout", "cancelled", "lost"];
const BAD = new Set([7, 8, 10]);

// As board_runs.c writes them.
const runs = data.runs.map((r) => {
  const word = (i) => (i < 0 ? null : data.words[i]);
  const queued = data.made - r[4], started = r[5] < 0 ? null : queued + r[5];
  return {
    id: r[0], job: word(r[1]) ?? "?", host: word(r[2]), state: r[3], queued, started,
    finished: r[6] < 0 ? null : (started ?? queued) + r[6],
    duration: started !== null && r[6] >= 0 ? r[6] : null,
    attempt: r[7], reason: word(r[8]), exit: r[9] < 0 ? null : r[9], signal: r[10], beside: r[11],
    cpu: r[12] ?? 0, memory: r[13] ?? 0, due: r[14] === undefined ? null : data.made - r[14],
  };
});
const runById = new Map(runs.map((run) => [run.id, run]));

// element("p", {class: "x", onclick: f}, "text", child…)
function element(tag, attributes, ...children) {
  const svg = /^(svg|path|rect|line|circle)$/.test(tag);
  const it = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) it.addEventListener(key.slice(2), value);
    else it.setAttribute(key, value === true ? "" : value);
  }
  it.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return it;
}

// ---- times and amounts, in the words of people ----

const clockFormat = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const secondFormat = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayFormat = new Intl.DateTimeFormat([], { weekday: "short", day: "numeric", month: "short" });
const dateFormat = new Intl.DateTimeFormat([], { weekday: "short", day: "numeric", month: "short", year: "numeric" });
const countFormat = new Intl.NumberFormat();
const count = (n) => countFormat.format(n);
const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many ?? one + "s"}`;
const utc = (at) => new Date(at).toISOString().replace("T", " ").replace(/\.\d+Z/, " UTC");
const local = (at) => `${dayFormat.format(at)}, ${secondFormat.format(at)}`;
const timeOf = (at) => element("time", { datetime: new Date(at).toISOString(), title: utc(at) }, local(at));

const span = (ms) => spaced(ms).replace(/ /g, "\u00a0"); // not broken between number and unit
function spaced(ms) {
  const s = Math.abs(ms) / 1000;
  if (s < 1) return `${Math.round(Math.abs(ms))} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s < 600 && Math.floor(s % 60) ? ` ${Math.floor(s % 60)} s` : ""}`;
  if (s < 86400) return `${Math.floor(s / 3600)} h${Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : ""}`;
  return `${Math.floor(s / 86400)} d${Math.floor((s % 86400) / 3600) ? ` ${Math.floor((s % 86400) / 3600)} h` : ""}`;
}
// One unit is enough for how long ago something was.
const rough = (ms) => (ms < 1000 ? "now" : span(ms < 60e3 ? Math.floor(ms / 1e3) * 1e3 : ms < HOUR ? Math.floor(ms / 60e3) * 60e3 : ms < DAY ? Math.floor(ms / HOUR) * HOUR : Math.floor(ms / DAY) * DAY).replace(".0", ""));
const ago = (at) => (data.made - at < 1000 ? "just now" : `${rough(data.made - at)} ago`);
const agoOf = (at) => element("time", { datetime: new Date(at).toISOString(), title: `${local(at)}\n${utc(at)}` }, ago(at));
function bytes(kb) {
  const units = ["KB", "MB", "GB", "TB"];
  let n = kb, unit = 0;
  while (n >= 1000 && unit < 3) { n /= 1024; unit++; }
  return `${n < 10 && unit ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

// ---- colours: canvases follow the theme ----

let colours = {};
const themed = []; // what is drawn again when the theme changes
function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours = new Proxy({}, { get: (cache, name) => (cache[name] ??= style.getPropertyValue("--" + name).trim()) });
}
const store = { get(key) { try { return localStorage.getItem("rota-" + key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem("rota-" + key, value); } catch { /* private mode */ } } };
const darkQuery = matchMedia("(prefers-color-scheme: dark)");
function applyTheme() {
  const chosen = store.get("theme") ?? "auto";
  document.documentElement.dataset.theme = chosen === "auto" ? (darkQuery.matches ? "dark" : "light") : chosen;
  $("theme").textContent = `◐ ${chosen}`;
  $("theme").setAttribute("aria-label", `Theme: ${chosen}`);
  readColours();
  for (const draw of themed) draw();
}

// ---- marks: each outcome has a shape of its own, not only a colour ----

const KINDS = { // in the order of badness
  lost: { colour: "lost", label: "lost" }, failed: { colour: "failed", label: "failed" },
  timeout: { colour: "timeout", label: "timed out" }, missed: { colour: "missed", label: "missed" },
  cancelled: { colour: "cancelled", label: "cancelled" }, running: { colour: "running", label: "running" },
  waiting: { colour: "waiting", label: "waiting" }, ok: { colour: "ok", label: "succeeded" }, none: { colour: "none", label: "none" },
};
const kindOf = (state) => ["none", "waiting", "waiting", "waiting", "running", "running", "ok", "failed", "timeout", "cancelled", "lost"][state];

// Draws the mark of a kind into a square; quiet: success steps back, so that trouble is seen.
function drawMark(g, kind, x, y, size, quiet = false) {
  const colour = colours[quiet && kind === "ok" ? "calm" : KINDS[kind].colour], r = Math.max(1.5, size / 5), m = size / 2;
  g.fillStyle = g.strokeStyle = colour;
  g.lineWidth = Math.max(1.4, size / 8);
  g.beginPath();
  if (kind === "missed" || kind === "waiting") { // hollow
    g.roundRect(x + g.lineWidth / 2, y + g.lineWidth / 2, size - g.lineWidth, size - g.lineWidth, r);
    g.stroke();
    return;
  }
  if (kind === "cancelled") { // a dash
    g.roundRect(x, y + size * 0.34, size, size * 0.32, 1);
    g.fill();
    return;
  }
  if (kind === "none") { // small, so that the empty differs in shape too
    g.roundRect(x + size * 0.22, y + size * 0.22, size * 0.56, size * 0.56, r * 0.6);
    g.fill();
    return;
  }
  g.roundRect(x, y, size, size, r);
  g.fill();
  g.strokeStyle = g.fillStyle = colours.on;
  const a = size * 0.29, b = size - a;
  g.beginPath();
  if (kind === "failed") { g.moveTo(x + a, y + a); g.lineTo(x + b, y + b); g.moveTo(x + b, y + a); g.lineTo(x + a, y + b); g.stroke(); }
  if (kind === "timeout") { g.moveTo(x + m, y + size * 0.22); g.lineTo(x + m, y + m); g.lineTo(x + size * 0.74, y + m); g.stroke(); }
  if (kind === "lost") { g.arc(x + m, y + m, size * 0.2, 0, 7); g.fill(); }
  if (kind === "running") { g.moveTo(x + size * 0.36, y + a); g.lineTo(x + size * 0.74, y + m); g.lineTo(x + size * 0.36, y + b); g.fill(); }
}

// A canvas of css pixels, sharp on every screen.
function sized(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  return g;
}

// The mark as an element; redrawn by the theme as long as it is in the page.
const marks = new Set();
function markOf(kind) {
  const canvas = element("canvas", { class: "mark", role: "img", "aria-label": KINDS[kind].label });
  const draw = () => drawMark(sized(canvas, 14, 14), kind, 1, 1, 12);
  draw();
  marks.add([new WeakRef(canvas), draw]);
  return canvas;
}
themed.push(() => { for (const mark of marks) mark[0].deref() ? mark[1]() : marks.delete(mark); });

function fillLegend(id, kinds) {
  $(id).replaceChildren(...kinds.map((kind) => element("li", null, markOf(kind), kind === "none" ? "nothing due" : KINDS[kind].label)));
}

// ---- the tip beside the pointer or what has the focus ----

function showTip(x, y, title, ...lines) {
  const tip = $("tip");
  tip.replaceChildren(element("b", null, title), lines.filter(Boolean).join("\n"));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(x + 12, innerWidth - width - 8));
  const top = y + 16 + height > innerHeight ? y - height - 10 : y + 16;
  tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(4, top))}px)`;
}
const hideTip = () => { $("tip").hidden = true; };
const showAll = (button, more) => { // a button that appears when there is more
  button.hidden = !more;
  if (more) button.textContent = more;
};
