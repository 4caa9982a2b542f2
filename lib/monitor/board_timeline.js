// ---- the timeline: a canvas that shows the part of time and hosts that is in view ----

const timeline = (() => {
  const ZOOMS = [[HOUR, "1 h"], [6 * HOUR, "6 h"], [DAY, "24 h"], [7 * DAY, "7 d"]];
  const AXIS = 28, PAD = 7;
  const box = $("timeline"), canvas = $("timeline-canvas"), room = $("timeline-room");
  let gutter = 140, width = 0, height = 0, g = null, pending = false;
  let length = DAY, end = 0, selected = null, hovered = null;

  // Hosts in the order of the configuration, then those that only runs know.
  const names = [...new Set([...data.hosts.map((host) => host.name), ...runs.filter((r) => r.host && r.started !== null).map((r) => r.host)])];
  const rows = names.map((name) => ({ name, runs: [], lanes: 1, top: 0, height: 0, lane: 0 }));
  const rowOf = new Map(rows.map((row) => [row.name, row]));
  const endOf = (run) => run.finished ?? data.made;
  for (const run of runs) if (run.host && run.started !== null) rowOf.get(run.host).runs.push(run);
  for (const row of rows) { // runs at the same time lie below each other
    row.runs.sort((a, b) => a.started - b.started || a.id - b.id);
    const free = [];
    for (const run of row.runs) {
      let lane = free.findIndex((at) => at <= run.started);
      if (lane < 0) lane = free.length;
      free[lane] = endOf(run);
      run.lane = lane;
      run.row = row;
    }
    row.lanes = Math.max(1, free.length);
    row.lane = row.lanes <= 3 ? 16 : Math.max(3, Math.min(16, Math.floor(72 / row.lanes)));
  }
  let total = AXIS;
  for (const row of rows) {
    row.top = total;
    row.height = row.lanes * row.lane + 2 * PAD;
    total += row.height;
  }
  total += 1;

  const start = () => end - length;
  const xOf = (at) => gutter + ((at - start()) / length) * (width - gutter);
  const atOf = (x) => start() + ((x - gutter) / (width - gutter)) * length;
  const later = () => { if (!pending) { pending = true; requestAnimationFrame(draw); } };

  // ---- drawing ----

  const STEPS = [60e3, 5 * 60e3, 10 * 60e3, 15 * 60e3, 30 * 60e3, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY];
  function ticks() {
    const step = STEPS.find((s) => (s / length) * (width - gutter) >= (s >= DAY ? 76 : 56)) ?? 2 * DAY;
    const shiftAt = (t) => new Date(t).getTimezoneOffset() * 60e3, shift = shiftAt(end), at = [];
    const more = step > HOUR ? step : 0; // where the clock changes within, the hour on the wall is kept
    for (let t = Math.ceil((start() - shift) / step) * step + shift - more; t <= end + more; t += step) {
      const there = more ? t + shiftAt(t) - shift : t;
      if (there >= start() && there <= end) at.push(there);
    }
    return [at, step];
  }
  function drawGrid(scroll) {
    const [at, step] = ticks();
    g.lineWidth = 1;
    for (const t of at) {
      const x = Math.round(xOf(t)) + 0.5;
      g.strokeStyle = colours.line;
      g.beginPath(); g.moveTo(x, AXIS); g.lineTo(x, height); g.stroke();
    }
    const now = Math.round(xOf(data.made)) + 0.5;
    rows.forEach((row, i) => {
      const y = row.top - scroll;
      if (i === 0 || y > height || y < 0) return;
      g.strokeStyle = colours.line;
      g.beginPath(); g.moveTo(0, Math.round(y) + 0.5); g.lineTo(width, Math.round(y) + 0.5); g.stroke();
    });
    return { at, step, now };
  }
  function drawAxis({ at, step, now }) {
    g.fillStyle = colours.surface;
    g.fillRect(0, 0, width, AXIS);
    g.strokeStyle = colours.line;
    g.beginPath(); g.moveTo(0, AXIS - 0.5); g.lineTo(width, AXIS - 0.5); g.stroke();
    g.font = "12px system-ui, sans-serif";
    g.textAlign = "center"; g.textBaseline = "middle"; g.fillStyle = colours.muted;
    let last = -1e9;
    for (const t of at) {
      const date = new Date(t), midnight = date.getHours() === 0 && date.getMinutes() === 0;
      const label = step >= DAY || midnight ? dayFormat.format(t) : clockFormat.format(t);
      const x = xOf(t), half = g.measureText(label).width / 2;
      if (x - half < Math.max(last + 8, gutter - 20) || x + half > width - 2) continue;
      g.fillStyle = midnight ? colours.text : colours.muted;
      g.fillText(label, x, AXIS / 2);
      last = x + half;
    }
    if (now > gutter && now <= width) {
      g.strokeStyle = colours.accent;
      g.setLineDash([3, 3]);
      g.beginPath(); g.moveTo(now, AXIS); g.lineTo(now, height); g.stroke();
      g.setLineDash([]);
    }
  }
  function drawNames(scroll) {
    g.fillStyle = colours.surface;
    g.fillRect(0, AXIS, gutter - 1, height);
    g.textAlign = "left"; g.textBaseline = "middle";
    for (const row of rows) {
      const y = row.top - scroll;
      if (y > height || y + row.height < AXIS) continue;
      const host = data.hosts.find((h) => h.name === row.name);
      const out = !host || host.state === "down" || host.drained !== null;
      g.font = "500 13px system-ui, sans-serif";
      g.fillStyle = out ? colours.muted : colours.text;
      let name = (host && host.state === "down" ? "▲ " : host && host.drained !== null ? "◆ " : "") + row.name;
      while (name.length > 3 && g.measureText(name).width > gutter - 28) name = name.slice(0, -2) + "…";
      g.fillText(name, 16, y + row.height / 2);
    }
    g.strokeStyle = colours.line;
    g.beginPath(); g.moveTo(gutter - 0.5, 0); g.lineTo(gutter - 0.5, height); g.stroke();
  }
  const placeOf = (run, scroll) => {
    const lane = run.row.lane, x = xOf(run.started), kind = kindOf(run.state);
    const w = Math.max(BAD.has(run.state) ? 3 : 1.5, xOf(endOf(run)) - x);
    return { x, w, y: run.row.top + PAD + run.lane * lane - scroll, h: lane - (lane > 6 ? 2 : 1), kind };
  };
  function drawRun(run, scroll) {
    const { x, w, y, h, kind } = placeOf(run, scroll), from = Math.max(x, gutter - 4);
    const wide = x + w - from, r = Math.min(3, wide / 3, h / 3), loud = kind !== "ok" && kind !== "cancelled" && kind !== "running";
    const colour = colours[KINDS[kind].colour];
    g.fillStyle = loud || wide < 3 ? colour : kind === "ok" ? colours["ok-soft"] : kind === "running" ? colours["running-soft"] : colours.none;
    g.beginPath(); g.roundRect(from, y, wide, h, r); g.fill();
    if (!loud && wide >= 3) { // quiet: a soft body behind a firm edge
      g.fillStyle = colour;
      g.beginPath(); g.roundRect(from, y, Math.min(3, wide), h, [r, 0, 0, r]); g.fill();
      if (kind === "cancelled" && h > 5) { g.fillRect(from, y + h / 2 - 1, wide, 2); }
      if (kind === "running") { g.setLineDash([4, 2]); g.strokeStyle = colour; g.lineWidth = 1; g.strokeRect(from + 0.5, y + 0.5, wide - 1, h - 1); g.setLineDash([]); }
    }
    const big = h >= 12 && wide >= 18;
    if (loud && h >= 12 && wide >= 14) drawMark(g, kind, from + 2, y + 2, h - 4);
    else if (loud) { // too narrow for its mark: a flag above it
      g.fillStyle = colour;
      g.beginPath(); const m = from + wide / 2; g.moveTo(m - 4, y - 5); g.lineTo(m + 4, y - 5); g.lineTo(m, y); g.fill();
    }
    if (big && wide > 58 && kind !== "cancelled") {
      g.save();
      g.beginPath(); g.rect(from, y, wide - 4, h); g.clip();
      g.font = "11px system-ui, sans-serif"; g.textAlign = "left"; g.textBaseline = "middle";
      g.fillStyle = loud ? colours.on : colours.text;
      g.fillText(run.job, from + (loud ? h + 3 : 8), y + h / 2 + 0.5);
      g.restore();
    }
  }
  function drawFocus(run, scroll, colour) {
    if (!run || !run.row) return;
    const { x, w, y, h } = placeOf(run, scroll);
    g.strokeStyle = colour; g.lineWidth = 2;
    g.beginPath(); g.roundRect(x - 2.5, y - 2.5, w + 5, h + 5, 4); g.stroke();
  }
  function drawNothing() {
    const text = "No run has started yet", x = (width + gutter) / 2, y = (height + AXIS) / 2;
    g.font = "13px system-ui, sans-serif"; g.textAlign = "center"; g.textBaseline = "middle";
    const half = g.measureText(text).width / 2 + 10;
    g.fillStyle = colours.surface;
    g.fillRect(x - half, y - 10, 2 * half, 20);
    g.fillStyle = colours.muted;
    g.fillText(text, x, y);
  }
  function draw() {
    pending = false;
    const scroll = box.scrollTop;
    g.clearRect(0, 0, width, height);
    const grid = drawGrid(scroll), bad = [];
    g.save();
    g.beginPath(); g.rect(gutter, AXIS, width - gutter, height); g.clip();
    for (const row of rows) {
      if (row.top - scroll > height || row.top + row.height - scroll < AXIS) continue;
      for (const run of row.runs) {
        if (run.started > end || endOf(run) < start()) continue;
        BAD.has(run.state) ? bad.push(run) : drawRun(run, scroll);
      }
    }
    for (const run of bad) drawRun(run, scroll);
    drawFocus(hovered, scroll, colours.muted);
    drawFocus(selected, scroll, colours.focus);
    g.restore();
    drawAxis(grid);
    drawNames(scroll);
    if (!rows.some((row) => row.runs.length)) drawNothing();
  }
  function fit() {
    width = box.clientWidth;
    gutter = width < 560 ? 92 : 140;
    height = Math.min(total, 460);
    room.style.height = total + "px";
    g = sized(canvas, width, height);
    later();
  }

  // ---- where one looks ----

  function announce() {
    const shown = runs.filter((r) => r.row && r.started <= end && endOf(r) >= start()).length;
    $("h-timeline").title = `${plural(shown, "run")} from ${local(start())} to ${local(end)}`;
    for (const button of $("zoom").children) button.setAttribute("aria-pressed", String(+button.dataset.length === length));
  }
  function look(newEnd, newLength = length) {
    const oldest = runs.length ? runs[runs.length - 1].queued : data.made;
    length = newLength;
    const margin = length * 0.03;
    end = Math.max(Math.min(newEnd, data.made + margin), Math.min(oldest + length, data.made + margin));
    announce();
    later();
  }
  function zoomTo(newLength) {
    const anchor = selected && selected.row ? selected.started : null;
    if (anchor !== null && anchor > start() && anchor < end) look(anchor + newLength * ((end - anchor) / length), newLength);
    else look(end >= data.made ? data.made + newLength : end, newLength);
  }
  function zoomBy(step) {
    const at = ZOOMS.findIndex(([ms]) => ms === length) + step;
    if (ZOOMS[at]) zoomTo(ZOOMS[at][0]);
  }
  for (const [ms, label] of ZOOMS)
    $("zoom").append(element("button", { type: "button", "data-length": ms, onclick: () => zoomTo(ms) }, label));
  $("back").onclick = () => look(end - length / 2);
  $("forth").onclick = () => look(end + length / 2);
  $("now").onclick = () => look(Infinity);

  // ---- the pointer ----

  const say = (run) => [`${run.job} · ${STATES[run.state]}`,
    `run ${run.id} on ${run.host}`,
    `${local(run.started)} (${utc(run.started)})`,
    run.duration !== null ? `took ${span(run.duration)}` : `for ${span(data.made - run.started)} so far`,
    run.exit ? `exit code ${run.exit}` : run.signal ? `signal ${run.signal}` : "", run.reason ?? ""];
  function runAt(x, y) {
    const scroll = box.scrollTop, row = rows.find((r) => y + scroll >= r.top && y + scroll < r.top + r.height);
    if (!row || x < gutter || y < AXIS) return null;
    let best = null, nearest = 7;
    for (const run of row.runs) {
      if (run.started > atOf(x + 8) || endOf(run) < atOf(x - 8)) continue;
      const p = placeOf(run, scroll), dx = Math.max(p.x - x, x - p.x - p.w, 0), dy = Math.max(p.y - y, y - p.y - p.h, 0);
      const far = Math.hypot(dx, dy) - (BAD.has(run.state) ? 1 : 0);
      if (far < nearest) { nearest = far; best = run; }
    }
    return best;
  }
  let drag = null;
  canvas.addEventListener("pointermove", (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    if (drag) {
      if (Math.abs(event.clientX - drag.x) > 4) drag.moved = true;
      if (drag.moved) look(drag.end - ((event.clientX - drag.x) / (width - gutter)) * length);
      return;
    }
    const run = runAt(event.clientX - left, event.clientY - top);
    if (run !== hovered) { hovered = run; later(); }
    canvas.style.cursor = run ? "pointer" : "";
    run ? showTip(event.clientX, event.clientY, ...say(run)) : hideTip();
  });
  canvas.addEventListener("pointerleave", () => { hovered = null; hideTip(); later(); });
  canvas.addEventListener("pointerdown", (event) => { if (event.button === 0) drag = { x: event.clientX, end, moved: false }; });
  addEventListener("pointerup", () => { const was = drag; drag = null; if (was?.moved) canvas.dataset.dragged = "1"; });
  addEventListener("pointercancel", () => { drag = null; });
  canvas.addEventListener("click", (event) => {
    if (canvas.dataset.dragged) { delete canvas.dataset.dragged; return; }
    const { left, top } = canvas.getBoundingClientRect(), run = runAt(event.clientX - left, event.clientY - top);
    if (run) { hideTip(); selected = run; showRun(run); later(); }
  });
  box.addEventListener("wheel", (event) => {
    if (Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    look(end + (event.deltaX / (width - gutter)) * length);
  }, { passive: false });
  box.addEventListener("scroll", later, { passive: true });

  // ---- the keyboard ----

  function select(run) {
    if (!run) return;
    selected = run;
    if (run.started < start() || run.started > end) look(run.started + length / 2);
    if (run.row.top - box.scrollTop < AXIS) box.scrollTop = run.row.top - AXIS;
    if (run.row.top + run.row.height - box.scrollTop > height) box.scrollTop = run.row.top + run.row.height - height;
    $("announce").textContent = say(run).filter(Boolean).join(", ");
    later();
    const { left, top } = canvas.getBoundingClientRect(), p = placeOf(run, box.scrollTop);
    showTip(left + Math.max(gutter, p.x), top + p.y + p.h, ...say(run));
    box.dataset.run = run.id; // for scripts: which it is and where, in px of the canvas
    box.dataset.at = `${Math.round(Math.max(gutter, p.x) + Math.min(p.w / 2, 20))} ${Math.round(p.y + p.h / 2)}`;
  }
  const newest = () => rows.flatMap((row) => row.runs.slice(-1)).sort((a, b) => b.started - a.started)[0];
  const along = (step) => { const list = selected.row.runs; return list[list.indexOf(selected) + step]; };
  function across(step) {
    const with_ = rows.filter((row) => row.runs.length), row = with_[with_.indexOf(selected.row) + step];
    return row && row.runs.reduce((a, b) => (Math.abs(a.started - selected.started) <= Math.abs(b.started - selected.started) ? a : b));
  }
  const keys = {
    ArrowLeft: () => select(selected ? along(-1) : newest()), ArrowRight: () => select(selected ? along(1) : newest()),
    ArrowUp: () => select(selected ? across(-1) : newest()), ArrowDown: () => select(selected ? across(1) : newest()),
    Home: () => select((selected ?? newest())?.row.runs[0]), End: () => select((selected ?? newest())?.row.runs.at(-1)),
    PageUp: () => look(end - length / 2), PageDown: () => look(end + length / 2),
    "+": () => zoomBy(-1), "=": () => zoomBy(-1), "-": () => zoomBy(1),
    Enter: () => selected && showRun(selected), " ": () => selected && showRun(selected), Escape: () => { selected = null; hideTip(); later(); },
  };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  box.addEventListener("blur", hideTip);

  function begin() {
    const first = runs.filter((r) => r.row), fresh = first.filter((r) => endOf(r) > data.made - HOUR).length;
    new ResizeObserver(fit).observe(box);
    themed.push(() => g && later());
    fit();
    look(Infinity, fresh > 400 ? HOUR : first.length && data.made - Math.max(...first.map(endOf)) > DAY ? 7 * DAY : DAY);
  }
  return { begin, select: (run) => { if (run.row) { selected = run; later(); } } };
})();
