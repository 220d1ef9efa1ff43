// Images side by side: bars of sizes, the reasons to care, the files of two images.

import { element, humanSeconds, humanSize, problem, widget } from "../front.js";

export const COMPARISON_STYLE = `
.chart { display: grid; grid-template-columns: fit-content(26%) 1fr max-content; gap: 8px 12px;
  margin: 4px 0; }
section { container-type: inline-size; }
@container (max-width: 520px) { .chart { grid-template-columns: 1fr; } }
.name { overflow-wrap: anywhere; }
.plot { position: relative; min-height: 18px; }
.stack { display: flex; height: 18px; border-radius: 2px; overflow: hidden; }
.stack span { min-width: 0; background: var(--blue); box-shadow: inset -1px 0 var(--paper); }
.stack .shared, .key.shared { background: repeating-linear-gradient(45deg, var(--blue) 0 2px,
  transparent 2px 6px); box-shadow: inset 0 0 0 1.5px var(--blue); }
.key { display: inline-block; width: 22px; height: 11px; border-radius: 2px;
  background: var(--blue); }
.book { position: relative; height: 17px; }
.book span { position: absolute; transform: translateX(-.4em); white-space: nowrap; }
.axis { position: relative; height: 1.5em; margin-top: -8px; border-top: 1px solid var(--rule);
  color: var(--faint); font-size: 11px; }
.axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; }
.axis span:first-child { transform: none; } .axis span.end { transform: translateX(-100%); }
.grid { position: absolute; top: -4px; bottom: -8px; width: 1px; background: var(--rule); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 12px; color: var(--faint); }
.legend span { display: inline-flex; gap: 6px; align-items: center; }
input[type="number"] { width: 6.5em; } input:invalid { border: 2px solid var(--red); }
.reasons { width: 100%; margin: 4px 0; }
.reasons th[scope="row"] { font-weight: 400; min-width: 12em; overflow-wrap: anywhere; }
.big { font-weight: 600; font-size: 14px; }
summary { cursor: pointer; }
.long { max-height: 24em; }
.files { width: 100%; }
.files td:nth-child(2) { overflow-wrap: anywhere; }
.files button { border: 0; padding: 0; background: none; color: var(--ink); text-align: left;
  text-decoration: underline; }
.marks { white-space: nowrap; font-weight: 700; letter-spacing: .1em; }
.book, .said { color: var(--orange); font-size: 12px; }
`;

const BANDWIDTHS = { 10: "10 Mbit/s", 100: "100 Mbit/s", 1000: "1 Gbit/s" };

/** Draw a comparison; `start` is what `CompareView.start()` gives. */
export function drawComparison(root, start, kernel) {
  const count = start.images.length;
  root.append(
    element("h3", {}, count > 1 ? `${count} images compared` : "One image"),
    sizes(start),
    reasons(start),
    layers(start),
  );
  if (count === 2) root.append(files(start, kernel));
}

function sizes(start) {
  const most = Math.max(1, ...start.images.flatMap((each) => [each.size, each.reference ?? 0]));
  const span = Math.max(most / start.low, 1.001);
  const round = (steps) => {
    const all = [];
    for (let unit = 1; unit <= most; unit *= 10) all.push(...steps.map((step) => step * unit));
    return all.filter((size) => size <= most);
  };
  const wide = round([1, 2, 5]).filter((size) => size <= most / 2.5).pop() ?? 1;
  const scales = {
    logarithmic: {
      at: (size) => (100 * Math.log(Math.max(size, start.low) / start.low)) / Math.log(span),
      ticks: round(span < 100 ? [1, 2, 5] : [1]).filter((size) => size >= start.low),
      says: start.logarithmic,
    },
    linear: {
      at: (size) => (100 * size) / most,
      ticks: [0, 1, 2, 3, 4, 5].map((n) => n * wide).filter((size) => size <= most),
      says: "Linear: lengths are sizes.",
    },
  };
  const chart = element("div", { class: "chart", role: "list", "aria-label": "Sizes" });
  const note = element("div", { class: "note", role: "status" });
  const buttons = Object.keys(scales).map((name) =>
    element("button", { click: () => show(name) }, name));

  function show(name) {
    const { at, ticks, says } = scales[name];
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.textContent === name));
    }
    note.textContent = says;
    const lines = () => ticks.map((size) =>
      element("div", { class: "grid", style: `left:${at(size)}%` }));
    chart.replaceChildren(
      ...start.images.map((image) => bar(image, at, lines())),
      element("div", { style: "display:contents", "aria-hidden": "true" },
        element("span", {}),
        element("div", { class: "axis" }, ticks.map((size) =>
          element("span", { style: `left:${at(size)}%`, class: at(size) > 95 ? "end" : null },
            humanSize(size)))),
        element("span", {})),
    );
  }

  const legend = (key, text, test) =>
    (start.images.some(test) ? element("span", {}, key, text) : null);
  show("logarithmic");
  return element("section", { "aria-label": "Sizes" },
    element("div", { class: "bar" },
      element("span", { role: "group", "aria-label": "Scale", class: "bar" }, "Scale", buttons),
      element("div", { class: "legend" },
        legend(element("i", { class: "key" }), "layers, lowest first", () => true),
        legend(element("i", { class: "key shared" }), "shared layers",
          (image) => image.segments.some((each) => each.shared)),
        legend(element("b", { class: "said" }, "◇"), "the book", (image) => image.said))),
    chart, note);
}

function bar(image, at, lines) {
  return element("div", { style: "display:contents", role: "listitem" },
    element("span", { class: "name mono" }, image.name),
    element("div", { class: "plot" },
      lines,
      element("div", { class: "stack", style: `position:relative;width:${at(image.size)}%` },
        image.segments.map((each) => element("span", {
          class: each.shared ? "shared" : null, title: each.text, style: `flex:${each.size} 0 0`,
        }))),
      image.said && element("div", { class: "book", "aria-hidden": "true" },
        element("span", { style: `left:${at(image.reference)}%` }, "◇"))),
    element("div", {},
      element("strong", {}, humanSize(image.size)), " ",
      element("span", { class: "faint" }, image.share),
      image.said && element("div", { class: "said" }, image.said),
      element("div", { class: "note" }, image.parts)),
  );
}

function reasons(start) {
  const state = { bandwidth: start.bandwidth, versions: start.versions, nodes: start.nodes };
  const body = element("tbody", {});
  const heads = [element("th", { scope: "col" }), element("th", { scope: "col" })];

  function show() {
    const { bandwidth, versions, nodes } = state;
    heads[0].textContent = `Performance: at ${bandwidth.toLocaleString("en")} Mbit/s`;
    heads[1].textContent = `Cost: ${plural(versions, "version")} on ${plural(nodes, "node")}`;
    for (const [at, image] of start.images.entries()) {
      const seconds = (image.transfer * 8) / (bandwidth * 1e6);
      const row = body.children[at];
      row.querySelector(".seconds").textContent = humanSeconds(seconds);
      row.querySelector(".cost").textContent =
        humanSize(nodes * (image.baseSize + versions * image.own));
    }
  }

  const fact = ({ name, value, paths }) => paths.length
    ? element("details", {},
        element("summary", {}, element("span", { class: "faint" }, `${name}: `), value),
        element("div", { class: "mono" }, paths.map((path) => element("div", {}, path))))
    : element("div", {}, element("span", { class: "faint" }, `${name}: `), value);
  for (const image of start.images) {
    body.append(element("tr", {},
      element("th", { scope: "row", class: "mono" }, image.name),
      element("td", {},
        element("div", { class: "big seconds" }),
        image.pull),
      element("td", {}, image.facts.map(fact)),
      element("td", {},
        element("div", { class: "big cost" }),
        image.base.map((text) => element("div", {}, text))),
    ));
  }

  const number = (key, title, least) => element("input", {
    type: "number", min: least, max: 1e6, step: key === "bandwidth" ? "any" : 1,
    value: state[key], "aria-label": title,
    input: ({ target }) => {
      const right = target.value !== "" && target.checkValidity();
      target.setAttribute("aria-invalid", String(!right));
      if (!right) return;
      state[key] = target.valueAsNumber;
      show();
    },
  });
  const free = number("bandwidth", "Bandwidth in Mbit/s", 0.01);
  const other = element("label", { hidden: true }, free, "Mbit/s");
  const bandwidth = element("select", { change: (event) => {
    const value = Number(event.target.value);
    other.hidden = value > 0;
    if (value) {
      state.bandwidth = free.value = value;
      show();
    } else free.focus();
  } },
    Object.entries(BANDWIDTHS).map(([value, text]) =>
      element("option", { value, selected: Number(value) === start.bandwidth }, text)),
    element("option", { value: 0 }, "other …"));
  show();
  return element("section", { "aria-label": "Reasons to care" },
    element("div", { class: "bar" },
      element("label", {}, "Bandwidth", bandwidth), other,
      element("label", {}, "Versions N", number("versions", "Versions N", 1)),
      element("label", {}, "Nodes M", number("nodes", "Nodes M", 1))),
    scroll("Performance, security and cost", "scroll", element("table", { class: "reasons" },
      element("thead", {}, element("tr", {},
        element("th", { scope: "col" }, "Image"), heads[0],
        element("th", { scope: "col" }, "Security"), heads[1])),
      body)),
    element("div", {}, `${start.together}.`),
    element("div", { class: "note" }, start.model));
}

function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

function layers(start) {
  const cell = (kind, text) => element("td", { class: kind }, text);
  const cells = (each) => [
    cell("mono", each.name), cell("number", String(each.number)),
    cell("number", humanSize(each.size)), cell("mono", each.shared), cell("mono", each.text),
  ];
  return element("details", {},
    element("summary", {}, "Layers, and who shares them"),
    scroll("Layers", "scroll long",
      table(["Image", "#Layer", "#Size", "Shared with", "Made by"], start.layers.map(cells))));
}

function scroll(label, kind, ...content) {
  return element("div", { class: kind, tabindex: 0, role: "region", "aria-label": label }, content);
}

function table(heads, rows, kind = null) {
  return element("table", { class: kind },
    element("thead", {}, element("tr", {}, heads.map((head) =>
      element("th", { scope: "col", class: head.startsWith("#") ? "number" : null },
        head.replace("#", ""))))),
    element("tbody", {}, rows.map((cells) => element("tr", {}, cells))));
}

function files(start, kernel) {
  const names = start.images.map((image) => image.name);
  const place = element("div", {});
  const button = element("button", { click: open }, "Compare the files");
  const section = element("section", { "aria-label": "Files" },
    element("h3", { style: "margin-top:8px" }, "Files"),
    element("div", { class: "bar" }, button,
      element("span", {}, "A is ", element("span", { class: "mono" }, names[0]), ", B is ",
        element("span", { class: "mono" }, names[1]))),
    place);

  async function open() {
    button.disabled = true;
    place.replaceChildren(element("div", { class: "note", role: "status" }, "comparing the files …"));
    try {
      place.replaceChildren(...browser(await kernel.ask("difference"), kernel));
      button.hidden = true;
    } catch (error) {
      button.disabled = false;
      place.replaceChildren(problem(error.message));
    }
  }
  return section;
}

function browser(found, kernel) {
  const state = { key: "", text: "", sides: new Set(Object.keys(found)) };
  const list = scroll("Paths that differ", "scroll long");
  const crumbs = element("nav", { class: "bar mono", "aria-label": "Folder" });
  const note = element("div", { class: "note", role: "status" });
  let asked = 0;

  async function show() {
    const mine = ++asked;
    const sides = [...state.sides];
    try {
      const answer = state.text
        ? await kernel.ask("find", { text: state.text, sides })
        : await kernel.ask("level", { key: state.key, sides });
      if (mine !== asked) return;
      crumbs.replaceChildren(...answer.trail.map(({ name, key }) => key === state.key
        ? element("span", { "aria-current": "true" }, name)
        : element("button", { click: () => enter(key) }, name)));
      note.textContent = answer.note;
      list.replaceChildren(
        table(["", "Path", "Difference", "#In A", "#In B"], answer.rows.map(line), "files"));
      list.scrollTop = 0;
    } catch (error) {
      if (mine === asked) list.replaceChildren(problem(error.message));
    }
  }

  function enter(key) {
    state.key = key;
    show().then(() => (list.querySelector("button") ?? list).focus());
  }

  const line = (row) => [
    element("td", { class: "marks", "aria-hidden": "true" }, row.sign),
    element("td", { class: "mono" }, row.folder
      ? element("button", { click: () => enter(row.key) }, row.name) : row.name),
    element("td", {}, row.what),
    element("td", { class: "number" }, row.a === null ? "" : humanSize(row.a)),
    element("td", { class: "number" }, row.b === null ? "" : humanSize(row.b)),
  ];

  let typing;
  const search = element("input", { type: "search", placeholder: "filter paths", size: 16,
    "aria-label": "Filter paths", input: () => {
      clearTimeout(typing);
      typing = setTimeout(() => { state.text = search.value.trim(); show(); }, 200);
    } });
  const boxes = Object.entries(found).map(([side, { sign, text }]) =>
    element("label", {},
      element("input", { type: "checkbox", checked: true, change: (event) => {
        if (event.target.checked) state.sides.add(side);
        else state.sides.delete(side);
        show();
      } }),
      element("b", { "aria-hidden": "true" }, sign), text));
  show();
  return [element("div", { class: "bar" }, boxes, search), crumbs, note, list];
}

export default widget(drawComparison, COMPARISON_STYLE);
