// ---- how old the page is, and the beginning ----

const STALE = 10 * 60e3;
function tellAge() {
  const age = Date.now() - data.made, old = age > STALE;
  $("age").textContent = age < 60e3 ? "made just now" : `made ${rough(age)} ago`;
  $("age").title = `${local(data.made)}\n${utc(data.made)}`;
  $("age").classList.toggle("old", old);
  $("stale").hidden = !old;
  if (old && $("stale").dataset.said !== rough(age)) {
    $("stale").dataset.said = rough(age);
    $("stale").textContent = `This page is ${rough(age)} old, of ${local(data.made)}: much of it may be over. Reload it; if that does not help, nothing runs rota monitor board any more.`;
  }
}

// The page reloads itself when asked to, each minute, but not under an open detail.
function tellReload() {
  const on = store.get("reload") === "on";
  $("reload").textContent = on ? "↻ 1 min" : "↻ off";
  $("reload").setAttribute("aria-label", "Reload the page each minute");
  $("reload").title = "Reload the page each minute";
  $("reload").setAttribute("aria-pressed", String(on));
}
setInterval(() => { tellAge(); if (store.get("reload") === "on" && !detail.open && !document.hidden && Date.now() - performance.timeOrigin > 60e3) location.reload(); }, 5000);
$("reload").onclick = () => { store.set("reload", store.get("reload") === "on" ? "off" : "on"); tellReload(); };
$("theme").onclick = () => {
  const order = ["auto", "light", "dark"];
  store.set("theme", order[(order.indexOf(store.get("theme") ?? "auto") + 1) % 3]);
  applyTheme();
};
darkQuery.addEventListener("change", applyTheme);

applyTheme();
tellAge();
tellReload();
fillVerdict();
fillTroubles();
fillTiles();
fillAlerts();
fillFailures();
fillLegend("legend-runs", ["ok", "running", "failed", "timeout", "lost", "cancelled"]);
timeline.begin();
fillJobs();
fillNext();
fillHosts();
$("footer").textContent = `${data.total > runs.length ? `The newest ${count(runs.length)} of ${plural(data.total, "run")}` : plural(data.total, "run")} in ${data.catalogue} on ${data.head}. Times are in your zone; point at one for UTC. Made by rota ${data.version}.`;
const asked = /^#run=(\d+)$/.exec(location.hash);
if (asked && runById.has(+asked[1])) showRun(runById.get(+asked[1]));
document.documentElement.dataset.ready = "1";
