// A small chart of what a container has used in the last minute.

import { drawing } from "../front.js";

export const SPARKLINE_STYLE = `
.spark { display: block; flex: none; }
.spark path.line { fill: none; stroke: var(--blue); stroke-width: 1.25; stroke-linejoin: round; }
.spark path.area { fill: var(--blue); opacity: .16; }
.spark line { stroke: var(--rule); }
`;
const CHART = { width: 68, height: 22 };
const GAP_SECONDS = 5;

/** A chart of the last minute: `update(points, now, most)`, points being `[seconds, value]`. */
export function sparkline(seconds) {
  const { width, height } = CHART;
  const area = drawing("path", { class: "area" });
  const line = drawing("path", { class: "line" });
  const node = drawing("svg", { class: "spark", width, height, role: "img" },
    drawing("line", { x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 }), area, line);

  function update(points, now, most, label) {
    const place = ([time, value]) => [
      (width * Math.max(0, 1 - (now - time) / seconds)).toFixed(1),
      (height - 1 - (height - 3) * Math.min(1, value / most)).toFixed(1)];
    const runs = [];
    points.forEach((point, index) => {
      if (!index || point[0] - points[index - 1][0] > GAP_SECONDS) runs.push([]);
      runs.at(-1).push(place(point));
    });
    const strokes = runs.map((run) => `M${run.map((each) => each.join(",")).join("L")}`);
    line.setAttribute("d", strokes.join(""));
    area.setAttribute("d", runs.map((run, index) =>
      `${strokes[index]}L${run.at(-1)[0]},${height - 1}L${run[0][0]},${height - 1}Z`).join(""));
    node.setAttribute("aria-label", label);
    node.style.visibility = points.length ? "" : "hidden";
  }
  return { node, update };
}

