// ---- the detail of a run or of a day, in a dialog: Escape closes it, the focus goes back ----

const detail = $("detail");

// Output without what only a terminal understands; other controls become visible.
const plain = (text) => text
  .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g, "")
  .replace(/\r\n/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
  .replace(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

function open(title, kind, ...body) {
  $("detail-title").replaceChildren(kind ? markOf(kind) : "", kind ? " " : "", title);
  $("detail-body").replaceChildren(...body.filter(Boolean));
  if (!detail.open) detail.showModal();
  detail.scrollTop = 0;
  $("detail-title").focus();
}
$("detail-close").onclick = () => detail.close();
detail.addEventListener("click", (event) => { if (event.target === detail) detail.close(); });
detail.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));

function facts(pairs) {
  const list = element("dl", { class: "facts" });
  for (const [name, value] of pairs)
    if (value !== null && value !== undefined && value !== "") list.append(element("dt", null, name), element("dd", null, value));
  return list;
}

// ---- a run ----

function outputOf(run, stream, name, flag, ending) {
  const text = words[run.id]?.[stream], copy = run.beside & flag;
  if (!text && !copy) return [];
  const shown = text ? plain(text) : "";
  const heading = element("h3", null, name, copy ? element("a", { href: `output/${run.id}.${ending}.txt`, target: "_blank", rel: "noopener" }, run.beside & 4 ? "the last megabyte" : "all of it") : null);
  return [heading, shown ? element("pre", { tabindex: "0", "data-stream": ending, "aria-label": name }, shown) : element("p", { class: "hint" }, "It stands in its own file, see the link.")];
}
function sameJob(run) {
  const list = runs.filter((other) => other.job === run.job), at = list.indexOf(run), near = list.slice(Math.max(0, at - 14), at + 15).reverse();
  if (near.length < 2) return [];
  return [element("h3", null, `Runs of ${run.job} around it`), element("div", { class: "strip" }, ...near.map((other) =>
    element("button", { type: "button", title: `${other.id}, ${STATES[other.state]}, ${local(other.started ?? other.queued)}`, "aria-current": other === run ? "true" : null, onclick: () => showRun(other) }, markOf(kindOf(other.state)))))];
}
function showRun(run) {
  const cut = words[run.id]?.[2] ? element("p", { class: "hint" }, "Only the end is shown.") : null;
  const outputs = [...outputOf(run, 1, "Standard error", 2, "err"), ...outputOf(run, 0, "Standard output", 1, "out")];
  open(run.job, kindOf(run.state), facts([
    ["Run", String(run.id)],
    ["State", [STATES[run.state], run.exit !== null && `exit code ${run.exit}`, run.signal ? `signal ${run.signal}` : false].filter(Boolean).join(", ")],
    ["Reason", run.reason], ["Host", run.host], ["Attempt", run.attempt > 1 ? String(run.attempt) : null],
    ["Due", run.due && timeOf(run.due)], ["Queued", timeOf(run.queued)],
    ["Started", run.started && element("span", null, timeOf(run.started), run.started - run.queued > 999 ? element("span", { class: "muted" }, `, after ${span(run.started - run.queued)}`) : null)],
    ["Ended", run.finished && timeOf(run.finished)], ["Took", run.duration !== null ? span(run.duration) : null],
    ["Used", [run.cpu && `${span(run.cpu)} of processor`, run.memory && `${bytes(run.memory)} of memory`].filter(Boolean).join(", ")],
  ]), ...outputs, cut,
  outputs.length ? null : element("p", { class: "hint" }, run.attempt ? "It wrote nothing, or nothing that is kept here." : "It has not started."),
  element("p", { class: "hint" }, "On the head: ", element("code", null, `rota logs ${run.id}`)), ...sameJob(run));
  history.replaceState(null, "", `#run=${run.id}`);
  timeline.select(run);
}

// ---- a day of a job ----

function showDay(job, day) {
  const form = { year: "numeric", month: "2-digit", day: "2-digit" };
  let inZone;
  try { inZone = new Intl.DateTimeFormat("en-CA", { timeZone: data.zone, ...form }); }
  catch { inZone = new Intl.DateTimeFormat("en-CA", { timeZone: "UTC", ...form }); } // a zone that the browser does not know
  const wanted = dateOfDay(day).toISOString().slice(0, 10), MOST = 100;
  const those = runs.filter((run) => run.job === job.name && run.finished && Math.abs(run.finished - dateOfDay(day)) < 3 * DAY && inZone.format(run.finished) === wanted)
    .sort((a, b) => BAD.has(b.state) - BAD.has(a.state) || b.finished - a.finished);
  open(`${job.name}, ${dayText(day)}`, job.worst[day] === "none" ? null : job.worst[day],
    element("p", { class: "muted" }, tally(job.days[day]).replace(/\n/g, ", ")),
    those.length ? element("h3", null, "Runs") : element("p", { class: "hint" }, job.days[day] ? "Its runs are older than those on this page: rota status --job shows them." : ""),
    element("ul", { class: "rows" }, ...those.slice(0, MOST).map((run) => runRow(run, secondFormat.format(run.finished)))),
    those.length > MOST ? element("p", { class: "hint" }, `${MOST} of ${count(those.length)}.`) : null);
}
