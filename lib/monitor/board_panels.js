// ---- verdict, figures, alerts, failures, what is next, hosts ----

const words = data.output; // ends of output by run

function fillVerdict() {
  const down = data.hosts.filter((host) => host.state === "down").length, told = [];
  if (data.alerts.length) told.push(plural(data.queue.alerts, "open alert"));
  if (down) told.push(`${plural(down, "host")} down`);
  if (!told.length && data.troubles_bad) told.push(`${plural(data.troubles_bad, "thing")} to mend`);
  if (!told.length && data.day.failed + data.day.timeout + data.day.lost) told.push(`${plural(data.day.failed + data.day.timeout + data.day.lost, "run")} failed in the last day`);
  if (data.queue.missed) told.push(`${count(data.queue.missed)} missed in the last day`);
  $("verdict").textContent = told.length ? told.join(", ") : data.total ? "All is well" : "Nothing has run yet";
  document.title = `${told.length ? "● " : ""}rota on ${data.head}`;
  $("head").textContent = `on ${data.head}`;
}
// As rota monitor says it; open alerts have their own list.
function fillTroubles() {
  const FIRST = 5, shown = data.troubles.slice(0, FIRST), more = data.troubles_all - shown.length;
  const mendOf = (mend) => element("span", { class: "muted" }, " → ", mend.startsWith("rota ") ? element("code", null, mend) : mend);
  $("troubles").replaceChildren(...shown.map((trouble) => element("li", null, markOf(trouble.bad ? "failed" : "missed"), element("span", null, trouble.what, trouble.mend ? mendOf(trouble.mend) : null))),
    more ? element("li", { class: "muted" }, element("span"), element("span", null, `and ${count(more)} more: `, element("code", null, "rota monitor"))) : "");
}

function tile(name, value, note, bad, small) {
  return element("div", { class: "tile" + (bad ? " bad" : "") }, element("dt", null, name),
    element("dd", null, value, small ? element("small", null, ` ${small}`) : null), element("dd", { class: "note" }, note));
}
function fillTiles() {
  const { states, day, queue, hosts, dispatcher } = data;
  const slots = hosts.reduce((sum, host) => sum + (host.state === "down" || host.drained !== null ? 0 : host.slots), 0);
  const used = hosts.reduce((sum, host) => sum + host.used, 0);
  const bad = day.failed + day.timeout + day.lost, all = bad + day.succeeded;
  const waiting = states.queued, up = hosts.filter((host) => host.state === "up").length, down = hosts.filter((host) => host.state === "down").length;
  const parts = [day.failed && `${count(day.failed)} failed`, day.timeout && `${count(day.timeout)} timed out`, day.lost && `${count(day.lost)} lost`, queue.missed && `${count(queue.missed)} missed`].filter(Boolean);
  $("tiles").append(
    tile("Running", count(states.running + states.starting), slots ? `${count(used)} of ${plural(slots, "slot")}` : "no slots known"),
    tile("Queued", count(waiting), [queue.oldest ? `oldest for ${rough(Math.max(0, data.made - queue.oldest))}` : "nothing waits", states.held && `${count(states.held)} held`, states.blocked && `${count(states.blocked)} blocked`].filter(Boolean).join(", ")),
    tile("Succeeded, 24 h", all ? percent(day.succeeded / all) : "–", all ? `${count(day.succeeded)} of ${plural(all, "run")}, ${count(queue.hour)} ended this hour` : "no run ended"),
    tile("Went wrong, 24 h", count(bad + queue.missed), parts.join(", ") || "nothing", bad + queue.missed > 0),
    tile("Hosts", count(up), [down && `${count(down)} down`, dispatcher ? `dispatching since ${clockFormat.format(dispatcher.since)}` : "no dispatcher now"].filter(Boolean).join(", "), down > 0, `of ${count(hosts.length)} up`));
}

// ---- alerts and failures ----

function fillAlerts() {
  const marksOf = { failed: "failed", missed: "missed", late: "timeout", lost: "lost", "host-down": "lost", "queue-age": "waiting" };
  $("alerts").replaceChildren(...data.alerts.map((alert) => {
    const run = runById.get(alert.run), kind = marksOf[alert.rule] ?? "failed";
    const inside = [markOf(kind), element("span", { class: "name" }, alert.subject || alert.rule),
      element("span", { class: "when" }, agoOf(alert.opened)),
      element("span", { class: "what" }, [alert.subject && alert.rule, alert.detail, alert.parts && `and ${count(alert.parts)} more with it`].filter(Boolean).join(" · "))];
    return element("li", null, run ? element("button", { class: "row", type: "button", onclick: () => showRun(run) }, ...inside) : element("div", { class: "row" }, ...inside));
  }));
  $("alerts-note").textContent = data.queue.checked ? `checked ${ago(data.queue.checked)}` : "";
  if (!data.alerts.length) $("alerts").replaceWith(element("p", { class: "empty" }, data.queue.checked ? "None." : "None: rota monitor check has not run yet."));
}

// What it said last: the last line with something in it, of standard error when there is one.
const lastLine = (run) => {
  const said = words[run.id];
  if (!said) return null;
  const lines = plain(said[1] || said[0]).trimEnd().split("\n");
  return lines[lines.length - 1].trim().slice(0, 200) || null;
};
function endText(run) {
  if (run.state === 6) return "succeeded";
  if (run.state === 8) return "timed out";
  if (run.signal) return `signal ${run.signal}`;
  if (run.exit !== null) return `exit code ${run.exit}`;
  return STATES[run.state];
}
function runRow(run, when) {
  return element("li", null, element("button", { class: "row", type: "button", "data-run": run.id, onclick: () => showRun(run) },
    markOf(kindOf(run.state)), element("span", { class: "name" }, when ? `Run ${run.id}` : run.job), element("span", { class: "when" }, when ?? agoOf(run.finished ?? run.queued)),
    element("span", { class: "what" }, [endText(run), run.host && `on ${run.host}`, run.duration !== null && `after ${span(run.duration)}`, run.reason].filter(Boolean).join(" · ")),
    BAD.has(run.state) && lastLine(run) ? element("span", { class: "what said" }, lastLine(run)) : null));
}
function fillFailures() {
  const bad = runs.filter((run) => BAD.has(run.state)).sort((a, b) => b.finished - a.finished);
  $("failures").replaceChildren(...bad.slice(0, 5).map((run) => runRow(run)));
  $("failures-note").textContent = bad.length > 5 ? `5 of ${count(bad.length)}` : "";
  if (!bad.length) $("failures").replaceWith(element("p", { class: "empty" }, runs.length ? `None among the last ${plural(runs.length, "run")}.` : "None."));
}

// ---- the next day ----

function lane(job) {
  const dense = job.next.length > 30, path = job.next.map((s) => `M${(s / 60).toFixed(1)} 3V15`).join("");
  const svg = element("svg", { viewBox: "0 0 1440 18", preserveAspectRatio: "none", role: "img", "aria-label": `${job.next.length}${job.more ? " or more" : ""} times within 24 hours` },
    element("line", { class: "rail", x1: 0, x2: 1440, y1: 9, y2: 9 }), job.more ? element("rect", { class: "band", x: job.next.at(-1) / 60, width: 1440 - job.next.at(-1) / 60, y: 3, height: 12 }) : "", element("path", { class: "ticks" + (dense ? " dense" : ""), d: path }));
  const listed = job.next.slice(0, 8).map((s) => clockFormat.format(data.made + s * 1000)).join(", ");
  const title = `${listed}${job.next.length > 8 ? ` … (${job.next.length}${job.more ? "+" : ""})` : ""}\n${job.rule} in ${job.zone}`;
  const first = data.made + job.next[0] * 1000;
  return element("div", { class: "lane", title }, element("span", { class: "job-name", title: job.name }, job.name), element("div", { class: "track" }, svg),
    element("time", { class: "when", datetime: new Date(first).toISOString(), title: utc(first) }, clockFormat.format(first)));
}
function fillNext() {
  const due = jobs.filter((job) => job.next?.length && job.paused === undefined && job.aside === undefined).sort((a, b) => a.next[0] - b.next[0]);
  const paused = jobs.filter((job) => job.paused !== undefined).length, FIRST = 12;
  $("next-note").textContent = [due.length && plural(due.length, "job"), paused && `${count(paused)} paused`].filter(Boolean).join(", ");
  if (!due.length) return $("next").replaceChildren(element("p", { class: "empty" }, "No job is due within the next day."));
  const hours = element("div", { class: "hours", "aria-hidden": "true" }), narrow = innerWidth < 560, every = narrow ? 6 : 3;
  for (let i = 0, at = new Date(data.made).setMinutes(0, 0, 0) + HOUR; at < data.made + DAY; at += HOUR, i++) {
    if (new Date(at).getHours() % every) continue;
    const label = element("span", null, clockFormat.format(at));
    const part = (at - data.made) / DAY;
    if (part < 0.03 || part > 0.97) continue;
    label.style.left = `${100 * part}%`;
    label.style.transform = "translateX(-50%)";
    hours.append(label);
  }
  const fill = (n) => {
    $("next").replaceChildren(element("div", { class: "lanes" },
      element("div", { class: "lane axis" }, element("span", null, "Job"), element("div", { class: "track" }, hours), element("span", { class: "when" }, "First")), ...due.slice(0, n).map(lane)));
    showAll($("next-more"), due.length > n && `Show all ${count(due.length)}`);
  };
  $("next-more").onclick = () => fill(Infinity);
  fill(FIRST);
}

// ---- hosts ----

function meter(part, label, calm) {
  const fill = element("i");
  fill.style.width = `${Math.round(100 * Math.min(1, Math.max(0, part)))}%`;
  return element("div", { class: "meter" + (part > 0.92 ? " full" : calm ? " calm" : ""), role: "img", "aria-label": label }, fill);
}
function slotsOf(host) {
  const label = `${host.used} of ${plural(host.slots, "slot")} used`;
  if (!host.slots || host.slots > 16) return meter(host.slots ? host.used / host.slots : 0, label);
  return element("div", { class: "blocks", role: "img", "aria-label": label }, ...Array.from({ length: host.slots }, (_, i) => element("i", { class: i < host.used ? "used" : null })));
}
function hostCard(host) {
  const state = host.state === "down" ? ["▲ down", "bad"] : host.drained !== null ? ["◆ drained", "warn"] : host.state === "up" ? ["● up", "good"] : ["○ not seen yet", ""];
  const facts = element("dl", null, element("dt", null, "Slots"), element("dd", null, host.slots ? `${host.used} / ${host.slots}` : "unknown"), slotsOf(host));
  const fact = (name, value, title) => facts.append(element("dt", null, name), element("dd", { title }, value));
  if (host.cpus) {
    fact("Load", `${(host.load / 100).toFixed(2)} on ${plural(host.cpus, "core")}`);
    facts.append(meter(host.load / 100 / host.cpus, "load", true));
  }
  if (host.memory) {
    fact("Memory", `${bytes(host.memory - host.free)} of ${bytes(host.memory)}`);
    facts.append(meter(1 - host.free / host.memory, "memory used", true));
  }
  if (host.disk) fact("Disk free", bytes(host.disk));
  if (Math.abs(host.skew) > 1000) fact("Clock", `${span(host.skew)} ${host.skew > 0 ? "ahead" : "behind"}`);
  if (host.seen) fact("Last seen", ago(host.seen), `${local(host.seen)}\n${utc(host.seen)}`);
  const why = host.state === "down" ? host.reason : host.drained;
  return element("article", { class: "card host" }, element("div", { class: "card-head" }, element("h3", { title: host.name }, host.name), element("span", { class: `tag ${state[1]}` }, state[0])),
    facts, why ? element("p", { class: "card-foot wrap" }, why) : null);
}
function fillHosts() {
  const rank = (host) => (host.state === "down" ? 0 : host.drained !== null ? 1 : 2), FIRST = 24;
  const sorted = data.hosts.map((host, i) => [rank(host), i, host]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((it) => it[2]);
  const fill = (n) => {
    $("hosts").replaceChildren(...sorted.slice(0, n).map(hostCard));
    showAll($("hosts-more"), sorted.length > n && `Show all ${count(sorted.length)}`);
  };
  $("hosts-note").textContent = plural(sorted.length, "host");
  $("hosts-more").onclick = () => fill(Infinity);
  fill(FIRST);
  if (!sorted.length) $("hosts").append(element("p", { class: "empty" }, "No host is configured."));
}
