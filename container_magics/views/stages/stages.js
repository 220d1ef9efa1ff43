// The stages of a build: boxes in ranks from left to right, arrows for what they take from each
// other, and the chosen one's instructions and copies below. Places come from Python.

import { drawing, element, facts, widget } from "../front.js";

const STYLE = `
.graph { position: relative; }
.frame { overflow: auto; max-height: 36em; border: 1px solid var(--rule); border-radius: 4px;
  background: var(--paper); }
.graph > svg, .graph > div { position: absolute; left: 0; top: 0; }
.arrow { fill: none; stroke: var(--faint); stroke-width: 1.5; }
.arrow.COPY { stroke-dasharray: 6 4; }
.arrow.mount { stroke-dasharray: 1.5 4; stroke-linecap: round; }
.head { fill: var(--faint); }
.unneeded .arrow { stroke: var(--rule); }
.unneeded .head { fill: var(--rule); }
.lit .arrow { stroke: var(--blue); stroke-width: 2.2; }
.lit .head { fill: var(--blue); }
.box { position: absolute; padding: 7px 11px; line-height: 18px; cursor: pointer;
  border: 1px solid var(--faint); border-radius: 6px; background: var(--raised);
  display: flex; flex-direction: column; }
.box.image { border-radius: 23px; padding: 4px 16px; }
.box.target { border: 2px solid var(--blue); padding: 6px 10px; }
.box.unneeded { border: 1px dashed var(--faint); background: var(--paper); color: var(--faint); }
.box:hover { border-color: var(--blue); }
.box[aria-selected="true"] { box-shadow: 0 0 0 3px color-mix(in srgb, var(--blue) 45%, transparent); }
.box .top { display: flex; gap: 8px; justify-content: space-between; }
.box .small { font-size: 12px; color: var(--faint); }
.badge { color: var(--blue); font-size: 12px; font-weight: 600; }
.size { height: 8px; min-width: 3px; margin-top: auto; border: 1px solid var(--faint);
  border-radius: 2px; background: repeating-linear-gradient(135deg, var(--faint) 0 1px,
  transparent 1px 4px) padding-box; }
.goes { height: 100%; background: var(--blue); }
.goes.some { min-width: 2px; }
.label { position: absolute; width: 130px; padding: 1px 4px; text-align: center;
  background: var(--raised); border: 1px solid var(--rule); border-radius: 4px; font-size: 11.5px;
  line-height: 17px; transform: translate(-50%, -50%); }
.label.unneeded { color: var(--faint); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 4px 0; font-size: 12px;
  color: var(--faint); align-items: center; }
.legend > span { display: inline-flex; gap: 6px; align-items: center; }
.legend .size { width: 26px; margin: 0; }
.about { margin-top: 8px; }
.about .tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr));
  gap: 4px 24px; align-items: start; }
.about td.mono { overflow-wrap: anywhere; }
.about td:first-child { min-width: 5em; overflow-wrap: anywhere; }
h4 { font-size: 13px; margin: 6px 0 2px; font-weight: 600; }
`;

const HEAD = 9;

function draw(root, start) {
  const boxes = new Map();
  const arrows = [];
  const about = element("div", { class: "about", role: "region", "aria-label": "Chosen stage" });
  const list = element("div", { role: "listbox", "aria-label": "Stages and the images they take from" });

  const choose = (key) => {
    for (const [other, made] of boxes) {
      made.setAttribute("aria-selected", String(other === key));
      made.tabIndex = other === key ? 0 : -1;
    }
    for (const { node, line } of arrows) {
      node.classList.toggle("lit", line.from === key || line.to === key);
    }
    const box = start.boxes.find((each) => each.key === key);
    about.replaceChildren(...described(box, start.lines));
  };
  const go = (key) => {
    choose(key);
    boxes.get(key).focus();
  };

  for (const box of start.boxes) {
    const made = boxNode(box, start.lines);
    made.addEventListener("click", () => go(box.key));
    boxes.set(box.key, made);
    list.append(made);
  }
  list.addEventListener("keydown", (event) => {
    const here = start.boxes.find((box) => boxes.get(box.key) === event.target);
    const next = here && neighbour(start, here, event.key);
    if (!next) return;
    event.preventDefault();
    go(next.key);
  });

  const labels = element("div", { "aria-hidden": "true" });
  const svg = drawing("svg", { width: start.width, height: start.height, "aria-hidden": "true" });
  for (const line of start.lines) {
    const node = arrow(line);
    arrows.push({ node, line });
    svg.append(node);
    if (line.label) labels.append(labelNode(line));
  }
  root.append(
    element("h3", {}, `Stages of ${start.name}`),
    facts(start.facts),
    ...start.notes.map((note) => element("div", { class: "note" }, note)),
    element("div", { class: "frame" },
      element("div", { class: "graph", style: `width:${start.width}px;height:${start.height}px` },
        svg, labels, list)),
    legend(start),
    about,
  );
  choose((start.boxes.find((box) => box.target) ?? start.boxes[0]).key);
}

function boxNode(box, lines) {
  const [x, y, width, height] = box.at;
  const stage = box.base !== undefined;
  const taking = lines.filter((line) => line.to === box.key && line.kind !== "FROM")
    .map((line) => `takes ${line.what} out of ${line.source}`);
  return element(
    "div",
    {
      class: ["box", stage ? "stage" : "image", box.target && "target", !box.needed && "unneeded"]
        .filter(Boolean).join(" "),
      role: "option", "aria-selected": "false", tabindex: -1,
      "aria-label": [
        box.heading, box.target && "the target", box.base,
        ...box.words, ...taking,
      ].filter(Boolean).join(", "),
      title: [box.name, box.base, ...box.words].filter(Boolean).join("\n"),
      style: `left:${x}px;top:${y}px;width:${width}px;height:${height}px`,
    },
    element("div", { class: "top" },
      element("strong", { class: "cut" }, box.name),
      box.target ? element("span", { class: "badge" }, "target") : null),
    stage ? element("div", { class: "cut small mono" }, box.base) : null,
    box.words.map((words, at) =>
      element("div", { class: stage && at === 0 ? "cut" : "cut small" }, words)),
    box.share ? sizeBar(`${100 * box.share}%`, box.goes) : null,
  );
}

function sizeBar(width, goes) {
  return element("div", { class: "size", style: `width:${width}` },
    element("div", { class: goes ? "goes some" : "goes", style: `width:${100 * goes}%` }));
}

function arrow(line) {
  const points = line.points.slice();
  const [x, y] = points.pop();
  points.push([x - HEAD, y]);
  let path = `M${points[0]}`;
  for (let at = 1; at < points.length; at += 1) {
    const [from, to] = [points[at - 1], points[at]];
    const middle = (from[0] + to[0]) / 2;
    path += at % 2 ? `C${middle},${from[1]} ${middle},${to[1]} ${to}` : `L${to}`;
  }
  const half = HEAD / 2;
  return drawing("g", { class: line.needed ? "" : "unneeded" },
    drawing("path", { class: `arrow ${line.kind}`, d: path }),
    drawing("path", { class: "head", d: `M${x},${y}l${-HEAD},${-half}v${HEAD}z` }));
}

function labelNode(line) {
  const title = line.takes.map((each) => [each.what, each.size].filter(Boolean).join(", "));
  return element("div",
    {
      class: line.needed ? "label" : "label unneeded", title: title.join("\n"),
      style: `left:${line.label[0]}px;top:${line.label[1]}px`,
    },
    element("div", { class: "cut mono" }, line.what),
    element("div", { class: "cut faint" }, line.detail));
}

/** Where an arrow key leads: along a rank, or to the nearest box of the next or last one. */
function neighbour(start, here, key) {
  const centre = (box) => box.at[1] + box.at[3] / 2;
  const rank = start.boxes.filter((box) => box.rank === here.rank);
  const at = rank.indexOf(here);
  if (key === "ArrowDown") return rank[at + 1];
  if (key === "ArrowUp") return rank[at - 1];
  if (key === "Home") return start.boxes[0];
  if (key === "End") return start.boxes[start.boxes.length - 1];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (!step) return undefined;
  const joined = (box) => start.lines.some((line) =>
    step > 0 ? line.from === here.key && line.to === box.key
      : line.to === here.key && line.from === box.key);
  const further = start.boxes.filter((box) => (box.rank - here.rank) * step > 0);
  const near = (box) => [joined(box) ? 0 : 1, Math.abs(box.rank - here.rank),
    Math.abs(centre(box) - centre(here))];
  return further.sort((one, two) => {
    const [a, b] = [near(one), near(two)];
    return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  })[0];
}

function legend(start) {
  const sample = (kind) => drawing("svg", { width: 40, height: 10, "aria-hidden": "true" },
    arrow({ kind, needed: true, points: [[0, 5], [15, 5], [20, 5], [40, 5]] }));
  return element("div", { class: "legend", title: start.legend },
    start.kinds.map(([kind, words]) => element("span", {}, sample(kind), words)),
    element("span", {}, sizeBar("26px", 1), "goes on"),
    element("span", {}, sizeBar("26px", 0), "left behind"),
    element("span", {}, start.legend));
}

function described(box, lines) {
  const into = lines.filter((line) => line.to === box.key);
  const outOf = lines.filter((line) => line.from === box.key);
  const stage = box.base !== undefined;
  return [
    element("h3", {}, box.heading),
    facts(box.facts),
    element("div", { class: "tables" },
      stage ? table("Its instructions", ["Line", "Instruction", "Time", "Layer"],
        box.steps.map((step) => [step.line, step.text, step.time, step.size])) : null,
      element("div", {},
        table("It takes", ["Out of", "What", "Line", "Bytes"], takes(into, "source")),
        table("Others take from it", ["Into", "What", "Line", "Bytes"], takes(outOf, "target")))),
  ];
}

function takes(lines, other) {
  return lines.flatMap((line) => line.takes.map((each) =>
    [line[other], line.kind === "FROM" ? "FROM: all of it" : each.what, each.line, each.size]));
}

function table(title, heads, rows) {
  if (!rows.length) return null;
  const sort = (head) => ({ Line: "number", Time: "number", Layer: "number", Bytes: "number",
    Instruction: "mono", What: "mono" })[head];
  return element("div", {},
    element("h4", {}, title),
    element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title },
      element("table", {},
        element("thead", {}, element("tr", {}, heads.map((head) =>
          element("th", { scope: "col", class: sort(head) === "number" ? "number" : null }, head)))),
        element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell, at) =>
          element("td", { class: sort(heads[at]) }, String(cell)))))))));
}

export default widget(draw, STYLE);
