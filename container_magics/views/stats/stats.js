// What containers use over time: two charts with one axis of time, a line for each container.

import { binarySize, closeWithOutput, drawing, element, widget } from "../front.js";

const STATS_STYLE = `
.chart { margin: 6px 0 2px; }
.chart h4 { font-size: 12px; font-weight: 400; color: var(--faint); margin: 0; }
.chart svg { display: block; width: 100%; overflow: visible; }
.chart text { fill: var(--faint); font-size: 11px; font-variant-numeric: tabular-nums; }
.chart .grid { stroke: var(--rule); opacity: .55; shape-rendering: crispEdges; }
.chart .line, .sample { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.chart .alone { fill: var(--blue); opacity: .14; }
.numbers th, .numbers td { padding: 3px 16px 3px 0; }
.numbers thead th { color: var(--faint); font-weight: 400; }
.numbers tbody th { font-weight: 600; overflow-wrap: anywhere; }
.sample { display: inline-block; width: 26px; height: 8px; margin-right: 8px; }
`;
const LINES = [["var(--blue)", ""], ["var(--orange)", "6 3"], ["var(--green)", "2 2"],
  ["var(--violet)", "8 3 2 3"], ["var(--ink)", "1 3"]];
const PLOT = { height: 132, left: 62, right: 8, top: 8, bottom: 20 };
const LEAST_SPAN = { true: 60, false: 1 };
const BREAK_SECONDS = 5;
const MEASURES = [
  { title: "CPU, percent of one processor", at: 1, base: 1, text: (value) => `${value.toFixed(1)}%`,
    tick: (value) => `${Number(value.toPrecision(6))}%` },
  { title: "Memory", at: 2, base: 1024, text: binarySize,
    tick: (value) => binarySize(value).replace(".0", "") },
];
const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300];

/** From 0 to above the most, at most five of them, round in the unit that is a power of base. */
function ticksTo(most, base) {
  const top = Math.max(most, 1);
  const unit = base > 1 ? base ** Math.floor(Math.log(top) / Math.log(base)) : 1;
  const least = top / unit / 4;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = unit * power * [1, 2, 2.5, 5, 10].find((each) => each * power >= least * 0.999999);
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, index) => index * step);
}

function drawStats(root, start, kernel) {
  const { host } = root.getRootNode();
  const who = Math.random().toString(36).slice(2);
  const points = new Map(start.containers.map(({ id }) => [id, []]));
  const lineOf = (index) => LINES[index % LINES.length];
  const failure = element("div", { class: "problem", role: "alert", hidden: true });
  const charts = MEASURES.map((measure) => {
    const picture = drawing("svg", { height: PLOT.height, role: "img" });
    return { measure, picture, node: element("div", { class: "chart" },
      element("h4", {}, measure.title), picture) };
  });
  const rows = start.containers.map(({ name }, index) => {
    const [colour, dashes] = lineOf(index);
    const sample = drawing("svg", { class: "sample", viewBox: "0 0 26 8", "aria-hidden": "true" },
      drawing("line", { x1: 0, x2: 26, y1: 4, y2: 4, stroke: colour, "stroke-dasharray": dashes }));
    const cells = [0, 1, 2, 3].map(() => element("td", { class: "number" }, "–"));
    return { cells, node: element("tr", {},
      element("th", { scope: "row" }, sample, name), cells) };
  });
  const heading = (text) => element("th", { scope: "col", class: "number" }, text);
  root.append(
    element("h3", {}, start.title), failure, ...charts.map((each) => each.node),
    element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Numbers" },
      element("table", { class: "numbers" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Container"),
        heading("CPU"), heading("at most"), heading("Memory"), heading("at most"))),
      element("tbody", {}, rows.map((row) => row.node)))));

  function draw() {
    const all = [...points.values()].flat();
    const now = Math.max(0, ...all.map((point) => point[0]));
    const first = Math.min(now, ...all.map((point) => point[0]));
    const span = Math.max(LEAST_SPAN[start.live], now - first);
    for (const { measure, picture } of charts) chart(measure, picture, all, now, span);
    start.containers.forEach(({ id }, index) => {
      const own = points.get(id);
      if (!own.length) return;
      const said = MEASURES.flatMap(({ at, text }) => [
        text(own.at(-1)[at]), text(Math.max(...own.map((point) => point[at])))]);
      rows[index].cells.forEach((cell, place) => { cell.textContent = said[place]; });
    });
  }

  function chart(measure, picture, all, now, span) {
    const width = Math.max(200, host.clientWidth);
    const { height, left, right, top, bottom } = PLOT;
    const ticks = ticksTo(Math.max(0, ...all.map((point) => point[measure.at])), measure.base);
    const x = (time) => left + (width - left - right) * (1 - (now - time) / span);
    const y = (value) => height - bottom - (height - top - bottom) * value / ticks.at(-1);
    const step = SPANS.find((each) => span / each <= width / 90) ?? SPANS.at(-1);
    const marks = [];
    for (const tick of ticks) {
      marks.push(
        drawing("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
        drawing("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, measure.tick(tick)));
    }
    for (let ago = 0; ago <= span; ago += step) {
      marks.push(drawing("text", { x: x(now - ago), y: height - 4,
        "text-anchor": ago ? "middle" : "end" }, ago ? `−${ago} s` : start.live ? "now" : "end"));
    }
    start.containers.forEach(({ id }, index) => {
      const [colour, dashes] = lineOf(index);
      const runs = [];
      points.get(id).forEach((point, number, own) => {
        if (!number || point[0] - own[number - 1][0] > BREAK_SECONDS) runs.push([]);
        runs.at(-1).push([x(point[0]).toFixed(1), y(point[measure.at]).toFixed(1)]);
      });
      const paths = runs.map((run) => `M${run.map((each) => each.join(",")).join("L")}`);
      if (start.containers.length === 1) {
        marks.push(drawing("path", { class: "alone", d: runs.map((run, number) =>
          `${paths[number]}L${run.at(-1)[0]},${y(0)}L${run[0][0]},${y(0)}Z`).join("") }));
      }
      marks.push(drawing("path", { class: "line", d: paths.join(""), stroke: colour,
        "stroke-dasharray": dashes }));
    });
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("aria-label", `${measure.title} over the last ${Math.round(span)} seconds`);
    picture.replaceChildren(...marks);
  }

  function take(samples) {
    for (const [id, latest] of Object.entries(samples)) {
      const own = points.get(id);
      for (const point of latest) {
        if (!(own.at(-1)?.[0] >= point[0])) own.push(point);
      }
      own.splice(0, own.length - start.keptSamples);
    }
    draw();
  }

  kernel.listen((message) => {
    failure.hidden = !message.failure.length;
    failure.textContent = message.failure.join("\n");
    take(message.samples);
  });
  kernel.ask("samples").then((samples) => {
    for (const own of points.values()) own.length = 0;
    take(samples);
  }, () => {});
  new ResizeObserver(draw).observe(root);
  if (!start.live) return;
  const look = () => kernel.ask("look", { who }).catch(() => {});
  look();
  const looking = setInterval(look, 1000 * start.lookSeconds);
  closeWithOutput(host, kernel, () => {
    clearInterval(looking);
    kernel.ask("leave", { who }).catch(() => {});
  });
}

export default widget(drawStats, STATS_STYLE);
