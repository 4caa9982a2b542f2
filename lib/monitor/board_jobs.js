// ---- jobs: a calendar of outcomes, success by week, durations ----

const DAYS = data.days, WEEKS = Math.ceil(DAYS / 7), CELL = 11, MONTHS = 14; // px; a line with the months stands above
const ORDER = ["ok", "failed", "timeout", "lost", "cancelled", "missed"]; // as board_jobs.c counts
const WORST = ["lost", "failed", "timeout", "missed", "cancelled", "ok"];
const dateOfDay = (day) => new Date((data.today - DAYS + 1 + day) * DAY); // its date is in UTC, by construction
const dayText = (day) => new Intl.DateTimeFormat([], { weekday: "short", day: "numeric", month: "long", timeZone: "UTC" }).format(dateOfDay(day));

const jobs = data.jobs.map((job) => {
  const days = Array.from({ length: DAYS }, () => null);
  for (const [day, ...counts] of job.days)
    days[day] = Object.fromEntries(ORDER.map((kind, i) => [kind, counts[i] ?? 0]));
  const worst = days.map((day) => (day ? WORST.find((kind) => day[kind]) ?? "none" : "none"));
  const sum = (from, to) => {
    let good = 0, all = 0;
    for (const day of days.slice(Math.max(0, from), to))
      if (day) { good += day.ok; all += day.ok + day.failed + day.timeout + day.lost + day.missed; }
    return { good, all, rate: all ? good / all : null };
  };
  const last = job.last.length ? kindOf(job.last.at(-1)[1]) : worst.findLast((kind) => kind !== "none") ?? "none";
  return { ...job, days, worst, sum, kind: last, recent: sum(DAYS - 30, DAYS),
    trouble: worst.slice(-7).filter((kind) => WORST.indexOf(kind) >= 0 && WORST.indexOf(kind) < 4).length };
});
const percent = (rate) => (rate === null ? "–" : rate === 1 ? "100 %" : `${Math.min(99.9, rate * 100).toFixed(rate > 0.9 ? 1 : 0)} %`);
const tally = (day) => (day ? ORDER.filter((kind) => day[kind]).map((kind) => `${count(day[kind])} ${KINDS[kind].label}`).join("\n") : "nothing ran or was due");

// ---- the calendar ----

// Columns are weeks that begin on Monday; the last column holds today.
const weekday = (day) => (dateOfDay(day).getUTCDay() + 6) % 7;
const columnOf = (day) => Math.floor((day + weekday(0)) / 7);
const COLUMNS = columnOf(DAYS - 1) + 1;
const cellOf = (day) => ({ x: columnOf(day) * CELL, y: MONTHS + weekday(day) * CELL });
const FULL = { width: COLUMNS * CELL - 2, height: MONTHS + 7 * CELL - 2 };
const monthFormat = new Intl.DateTimeFormat([], { month: "short", timeZone: "UTC" });

function drawCalendar(canvas, job, focus) {
  const g = sized(canvas, FULL.width, FULL.height);
  g.font = "10px system-ui, sans-serif";
  g.textBaseline = "top";
  for (let day = 0; day < DAYS; day++) {
    const { x, y } = cellOf(day);
    if (dateOfDay(day).getUTCDate() === 1 && x < FULL.width - 20) {
      g.fillStyle = colours.muted;
      g.fillText(monthFormat.format(dateOfDay(day)), x, 0);
    }
    drawMark(g, job.worst[day], x, y, CELL - 2, true);
    if (day === focus) { g.strokeStyle = colours.text; g.lineWidth = 1.5; g.strokeRect(x - 0.25, y - 0.25, CELL - 1.5, CELL - 1.5); }
  }
}
function calendarOf(job) {
  const counts = {};
  for (const kind of job.worst) counts[kind] = (counts[kind] ?? 0) + 1;
  const said = WORST.filter((kind) => counts[kind]).map((kind) => `${plural(counts[kind], "day")} ${KINDS[kind].label}`).join(", ");
  const canvas = element("canvas", { class: "calendar", tabindex: "0", role: "button", "aria-label": `${job.name}, the last ${DAYS} days by their worst outcome: ${said || "nothing ran"}. Arrow keys choose a day, Enter opens it.` });
  let focus = -1, drawn = false;
  const draw = () => { if (drawn) drawCalendar(canvas, job, focus); };
  const choose = (day, x, y) => {
    if (day === focus) return;
    focus = day;
    draw();
    if (day < 0) return hideTip();
    const { left, top } = canvas.getBoundingClientRect(), cell = cellOf(day);
    showTip(x ?? left + cell.x, y ?? top + cell.y, dayText(day), tally(job.days[day]));
    if (x === undefined) $("announce").textContent = `${dayText(day)}: ${tally(job.days[day])}`;
  };
  const dayAt = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    const day = Math.floor((event.clientX - left) / CELL) * 7 + Math.floor((event.clientY - top - MONTHS) / CELL) - weekday(0);
    return event.clientY - top >= MONTHS && day >= 0 && day < DAYS ? day : -1;
  };
  canvas.addEventListener("pointermove", (event) => choose(dayAt(event), event.clientX, event.clientY));
  canvas.addEventListener("pointerleave", () => choose(-1));
  canvas.addEventListener("blur", () => choose(-1));
  canvas.addEventListener("click", (event) => { const day = dayAt(event); if (day >= 0) { hideTip(); showDay(job, day); } });
  const moves = { ArrowLeft: -7, ArrowRight: 7, ArrowUp: -1, ArrowDown: 1 };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); hideTip(); showDay(job, focus < 0 ? DAYS - 1 : focus); }
    if (event.key === "Escape") choose(-1);
    if (!moves[event.key]) return;
    event.preventDefault();
    choose(focus < 0 ? DAYS - 1 : Math.max(0, Math.min(DAYS - 1, focus + moves[event.key])));
  });
  canvas.style.width = FULL.width + "px";
  canvas.style.height = FULL.height + "px";
  canvas.show = () => { drawn = true; draw(); };
  canvas.redraw = draw;
  return canvas;
}
// Only what is near the window is drawn.
const calendars = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { entry.target.show(); watcher.unobserve(entry.target); }
}, { rootMargin: "300px" });
themed.push(() => { for (const canvas of calendars) canvas.redraw(); });

// ---- sparklines ----

function rateSpark(job) {
  const svg = element("svg", { viewBox: `0 0 ${WEEKS * 6 - 2} 18`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (let week = 0; week < WEEKS; week++) {
    const to = DAYS - (WEEKS - 1 - week) * 7, { rate } = job.sum(to - 7, to), bad = rate === null ? 0 : 18 * (1 - rate), x = week * 6;
    if (rate === null) { svg.append(element("rect", { class: "bar-none", x, y: 16, width: 4, height: 2 })); continue; }
    const low = rate < 1 ? Math.max(3, bad) : 0; // the least failure is still seen
    svg.append(element("rect", { class: "bar-ok", x, y: 0, width: 4, height: 18 - low }));
    if (low) svg.append(element("rect", { class: "bar-bad", x, y: 18 - low + 1, width: 4, height: low - 1 }));
  }
  return svg;
}
function durationSpark(job) {
  const all = job.last.map(([ms]) => ms), top = Math.max(...all, 1), n = Math.max(1, all.length - 1);
  const at = (i) => `${(100 * i) / n} ${(17 - 15 * (all[i] / top)).toFixed(2)}`;
  const svg = element("svg", { viewBox: "0 0 100 18", preserveAspectRatio: "none", "aria-hidden": "true" });
  if (all.length < 2) return svg;
  const line = all.map((_, i) => (i ? "L" : "M") + at(i)).join("");
  svg.append(element("path", { class: "area", d: `${line}L100 18L0 18Z` }), element("path", { class: "stroke", d: line }));
  job.last.forEach(([, state], i) => { if (BAD.has(state)) svg.append(element("path", { class: "dot", d: `M${at(i)}h0.01` })); });
  return svg;
}
function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted.length ? sorted[sorted.length >> 1] : null;
}

// ---- the cards ----

function dueText(job) {
  if (job.aside !== undefined) return `takes no part: ${job.aside}`;
  if (job.paused !== undefined) return `paused${job.paused ? `: ${job.paused}` : ""}`;
  if (job.next?.length) return `due in ${rough(job.next[0] * 1000)} · ${job.rule}`;
  if (job.after) return `due ${dayFormat.format(job.after)} · ${job.rule}`;
  return job.rule ? `not due any more · ${job.rule}` : job.registered ? "runs when asked for" : "not registered";
}
function jobCard(job) {
  const calendar = calendarOf(job), middle = median(job.last.map(([ms]) => ms));
  calendars.add(calendar);
  watcher.observe(calendar);
  return element("article", { class: "card", "data-job": job.name },
    element("div", { class: "card-head" }, markOf(job.kind), element("h3", { title: job.name }, job.name),
      job.paused !== undefined ? element("span", { class: "tag warn" }, "paused") : null,
      job.aside !== undefined ? element("span", { class: "tag bad" }, "set aside") : null),
    element("div", { class: "job" }, calendar, element("div", { class: "sparks" },
      element("div", { class: "spark", title: "Success of each week; red is what failed or was missed" },
        element("p", null, "Success, 30 d", element("b", null, percent(job.recent.rate))), rateSpark(job)),
      element("div", { class: "spark", title: `The last ${plural(job.last.length, "duration")}, oldest first` },
        element("p", null, "Duration", element("b", null, middle === null ? "–" : span(middle))), durationSpark(job)))),
    element("p", { class: "card-foot" + (job.aside !== undefined ? " wrap" : ""), title: job.zone ? `${dueText(job)} (${job.zone})` : null }, dueText(job)));
}
function fillJobs() {
  const FIRST = 12;
  let all = false;
  const sorted = [...jobs].sort((a, b) => b.trouble - a.trouble || b.registered - a.registered || a.name.localeCompare(b.name));
  const fill = () => {
    const wanted = $("filter").value.trim().toLowerCase(), match = sorted.filter((job) => job.name.toLowerCase().includes(wanted));
    const shown = all ? match : match.slice(0, FIRST);
    for (const canvas of calendars) watcher.unobserve(canvas);
    calendars.clear();
    $("jobs").replaceChildren(...shown.map(jobCard));
    if (!shown.length) $("jobs").append(element("p", { class: "empty" }, jobs.length ? "No job has such a name." : "No job is registered yet, and none has run: rota schedule add FILE, or rota submit FILE."));
    showAll($("jobs-more"), match.length > shown.length && `Show all ${count(match.length)}`);
  };
  $("jobs-note").textContent = jobs.length ? `${DAYS} days in ${data.zone}${data.jobs_all > jobs.length ? `, ${count(jobs.length)} of ${count(data.jobs_all)}` : ""}` : "";
  $("filter").addEventListener("input", fill);
  $("filter").hidden = jobs.length < 2;
  $("jobs-more").onclick = () => { all = true; fill(); };
  fill();
  if (jobs.length) fillLegend("legend-days", ["ok", "failed", "timeout", "lost", "missed", "cancelled", "none"]);
}
