// The layers of an image: a bar each, and the files of the chosen one, a level at a time.

import { CHANGES, arrowKeys, element, facts, humanSize, problem, widget } from "../front.js";

const STYLE = `
.panes { display: grid; grid-template-columns: minmax(240px, 5fr) minmax(300px, 7fr); gap: 14px; }
@media (max-width: 640px) { .panes { grid-template-columns: 1fr; } }
.layers { list-style: none; margin: 0; padding: 2px; max-height: 30em; overflow: auto; }
.layer { display: block; padding: 4px 8px; border-left: 3px solid transparent; cursor: pointer;
  border-radius: 3px; }
.layer:hover { background: var(--sunk); }
.layer[aria-selected="true"] { border-left-color: var(--blue); background: var(--sunk); }
.layer .line { display: grid; grid-template-columns: 2em 1fr 5.2em; gap: 8px;
  align-items: center; }
.track { height: 10px; border-radius: 2px; }
.fill { height: 10px; min-width: 1px; background: var(--blue); border-radius: 2px; }
.layer .text { font-family: var(--mono); font-size: 12px; margin-left: calc(2em + 8px); }
.layer[aria-selected="true"] .text { white-space: normal; overflow-wrap: anywhere; }
.tree { max-height: 24em; overflow: auto; border-top: 1px solid var(--rule);
  border-bottom: 1px solid var(--rule); }
.row { display: grid; grid-template-columns: 1.3em 1fr 6.5em 5em; gap: 6px; padding: 1px 4px;
  align-items: baseline; cursor: default; }
.row:hover { background: var(--sunk); }
.row[aria-selected="true"] { background: var(--sunk); box-shadow: inset 3px 0 var(--blue); }
.row.removed .path { text-decoration: line-through; }
.path { overflow-wrap: anywhere; font-family: var(--mono); font-size: 12px; }
.twist { display: inline-block; width: 1.2em; color: var(--faint); }
.more { margin: 4px 1.5em; }
`;

const WORDS = { added: "added", changed: "changed", removed: "removed" };

function draw(root, start, kernel) {
  const state = {
    layer: largest(start.layers),
    everything: false,
    text: "",
    kinds: new Set(Object.keys(CHANGES)),
  };
  const files = filesPane(state, kernel);
  const list = layerList(start, state, () => files.show());
  root.append(
    element("h3", {}, `Layers of ${start.name}`),
    facts([
      ["Size", humanSize(start.size)],
      ["Layers", String(start.layers.length)],
      ["Efficiency", `${(100 * start.efficiency).toFixed(2)}%`],
      ["Wasted", humanSize(start.wasted)],
    ]),
  );
  if (start.layers.length === 0) {
    root.append(element("p", { class: "faint" }, "The image has no layers: it holds no files."));
    return;
  }
  root.append(element("div", { class: "panes" }, list, files.node), wasted(start));
  files.show();
}

function largest(layers) {
  return layers.reduce((best, each) => (each.size > best.size ? each : best), layers[0])?.number;
}

function layerList(start, state, chosen) {
  const most = Math.max(1, ...start.layers.map((layer) => layer.size));
  const list = element("div", { class: "layers", role: "listbox", "aria-label": "Layers" });
  const items = () => [...list.children];
  const choose = (item) => {
    state.layer = Number(item.dataset.number);
    for (const each of items()) {
      each.setAttribute("aria-selected", String(each === item));
      each.tabIndex = each === item ? 0 : -1;
    }
    chosen();
  };
  for (const layer of start.layers) {
    const counts = Object.keys(CHANGES)
      .filter((kind) => layer[kind])
      .map((kind) => `${layer[kind].toLocaleString("en")} ${WORDS[kind]}`)
      .join(", ");
    const item = element(
      "div",
      {
        class: "layer",
        role: "option",
        "aria-selected": String(layer.number === state.layer),
        tabindex: layer.number === state.layer ? 0 : -1,
        title: layer.instruction,
        click: () => { choose(item); item.focus(); },
      },
      element(
        "div",
        { class: "line" },
        element("span", { class: "faint number" }, String(layer.number)),
        element("div", { class: "track" },
          element("div", { class: "fill", style: `width:${(100 * layer.size) / most}%` })),
        element("strong", { class: "number" }, humanSize(layer.size)),
      ),
      element("div", { class: "text cut" }, layer.instruction),
      element("div", { class: "text faint" }, counts || "no files"),
    );
    item.dataset.number = layer.number;
    list.append(item);
  }
  arrowKeys(list, items, (item) => { choose(item); item.focus(); });
  return list;
}

function filesPane(state, kernel) {
  const tree = element("div", { class: "tree", role: "tree", "aria-label": "Files of the layer" });
  const about = element("div", { class: "about" });
  const count = element("div", { class: "note", role: "status" });
  let asked = 0;

  async function show() {
    const mine = ++asked;
    about.replaceChildren();
    const searching = state.text !== "" || state.kinds.size < Object.keys(CHANGES).length;
    try {
      const answer = searching
        ? await kernel.ask("find", {
            layer: state.layer, text: state.text, everything: state.everything,
            kinds: state.kinds.size < Object.keys(CHANGES).length ? [...state.kinds] : [],
          })
        : await kernel.ask("level", { layer: state.layer, key: "", everything: state.everything });
      if (mine !== asked) return;
      tree.replaceChildren();
      fill(tree, answer, "", 1, searching);
      const things = answer.total.toLocaleString("en");
      count.textContent = searching
        ? `${things} found${answer.total > answer.rows.length ? `, the largest ${answer.rows.length} are shown` : ""}`
        : answer.total ? "" : "This layer changes no files.";
      const first = tree.querySelector("[role=treeitem]");
      if (first) first.tabIndex = 0;
    } catch (error) {
      if (mine === asked) tree.replaceChildren(problem(error.message));
    }
  }

  function fill(parent, answer, key, depth, flat) {
    for (const row of answer.rows) parent.append(...item(row, depth, flat));
    const left = answer.total - answer.rows.length;
    if (!flat && left > 0) {
      const shown = parent.querySelectorAll(":scope > .row").length;
      const more = element("button", { class: "more", click: async () => {
        try {
          const next = await kernel.ask("level", {
            layer: state.layer, key, everything: state.everything, skip: shown,
          });
          more.remove();
          fill(parent, { rows: next.rows, total: next.total - shown }, key, depth, flat);
        } catch (error) {
          more.replaceWith(problem(error.message));
        }
      } }, `${left.toLocaleString("en")} more`);
      parent.append(more);
    }
  }

  function item(row, depth, flat) {
    const folder = row.kind === "directory" && !flat && row.files > 0;
    const below = element("div", { role: "group", hidden: true });
    const twist = element("span", { class: "twist", "aria-hidden": "true" }, folder ? "▸" : "");
    const link = row.link ? ` → ${row.link}` : "";
    const made = element(
      "div",
      {
        class: `row ${row.change}`, role: "treeitem", tabindex: -1, "aria-level": depth,
        "aria-selected": "false", "aria-expanded": folder ? "false" : null,
        "aria-label": [row.name, row.kind, WORDS[row.change] ?? "", humanSize(row.size)]
          .filter(Boolean).join(", "),
        style: `padding-left:${(depth - 1) * 1.1}em`,
        click: () => { select(made, row); toggle(); },
      },
      element("span", { class: `sign ${row.change}`, title: WORDS[row.change] ?? "" },
        CHANGES[row.change] ?? ""),
      element("span", { class: "path" }, twist, row.name + (row.kind === "directory" ? "/" : link)),
      element("span", { class: "mono faint" }, row.mode),
      element("span", { class: "number" }, humanSize(row.size)),
    );
    made.toggle = toggle;
    let filled = false;

    async function toggle(open = below.hidden) {
      if (!folder) return;
      below.hidden = !open;
      made.setAttribute("aria-expanded", String(open));
      twist.textContent = open ? "▾" : "▸";
      if (!open || filled) return;
      filled = true;
      try {
        const answer = await kernel.ask("level", {
          layer: state.layer, key: row.key, everything: state.everything,
        });
        fill(below, answer, row.key, depth + 1, false);
      } catch (error) {
        below.append(problem(error.message));
      }
    }
    return [made, below];
  }

  function select(made, row) {
    for (const each of tree.querySelectorAll('[aria-selected="true"]')) {
      each.setAttribute("aria-selected", "false");
      each.tabIndex = -1;
    }
    made.setAttribute("aria-selected", "true");
    made.tabIndex = 0;
    made.focus();
    describe(row);
  }

  function describe(row) {
    const where = element("span", { class: "mono" }, `/${decodeURIComponentSafely(row.key)}`);
    const details = [row.kind, row.mode, row.owner && `owner ${row.owner}`, humanSize(row.size)].filter(Boolean);
    const parts = [element("div", {}, where, " ", element("span", { class: "faint" }, details.join(" · ")))];
    if (row.kind === "file" && row.change !== "removed") {
      const output = element("div", {});
      const act = async (question, show) => {
        output.replaceChildren(element("span", { class: "note" }, "asking the kernel …"));
        try {
          output.replaceChildren(...show(await kernel.ask(question, { layer: state.layer, key: row.key })));
        } catch (error) {
          output.replaceChildren(problem(error.message));
        }
      };
      parts.push(
        element("div", { class: "bar" },
          element("button", { click: () => act("view", (answer) => [
            element("pre", { tabindex: 0, "aria-label": "Content" }, answer.text || "(empty)"),
            answer.whole ? null : element("div", { class: "note" }, "Only its beginning is shown; extract it for the rest."),
          ].filter(Boolean)) }, "View"),
          element("button", { click: () => act("extract", (answer) => [
            element("div", { role: "status" }, "Written to ", element("span", { class: "mono" }, answer.path)),
          ]) }, "Extract"),
        ),
        output,
      );
    }
    about.replaceChildren(...parts);
  }

  tree.addEventListener("keydown", (event) => {
    const here = event.target;
    if (!here.matches?.("[role=treeitem]")) return;
    const open = here.getAttribute("aria-expanded");
    if (event.key === "ArrowRight" && open === "false") here.toggle(true);
    else if (event.key === "ArrowLeft" && open === "true") here.toggle(false);
    else if (event.key === "ArrowLeft") here.parentElement.previousElementSibling?.focus?.();
    else if (event.key === "Enter" || event.key === " ") here.click();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  arrowKeys(
    tree,
    () => [...tree.querySelectorAll("[role=treeitem]")].filter((each) => each.offsetParent),
    (next) => next.focus(),
  );

  let typing;
  const search = element("input", {
    type: "search", placeholder: "search paths", "aria-label": "Search paths", size: 16,
    input: () => {
      clearTimeout(typing);
      typing = setTimeout(() => { state.text = search.value.trim(); show(); }, 200);
    },
  });
  const boxes = Object.keys(CHANGES).map((kind) =>
    element("label", {},
      element("input", { type: "checkbox", checked: true, change: (event) => {
        if (event.target.checked) state.kinds.add(kind);
        else state.kinds.delete(kind);
        show();
      } }),
      element("span", { class: kind }, `${CHANGES[kind]} ${WORDS[kind]}`)),
  );
  const what = element("select", { "aria-label": "Which files", change: (event) => {
    state.everything = event.target.value === "all";
    show();
  } },
    element("option", { value: "layer" }, "what this layer changes"),
    element("option", { value: "all" }, "all files up to here"),
  );
  const node = element("div", {},
    element("div", { class: "bar" }, what, search, boxes), count, tree, about);
  return { node, show };
}

function decodeURIComponentSafely(key) {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function wasted(start) {
  if (!start.wastedPaths.length) return "";
  return element("details", {},
    element("summary", {}, `${humanSize(start.wasted)} wasted: files that more than one layer has`),
    element("div", { class: "scroll", tabindex: 0, "aria-label": "Files that waste bytes" },
      element("table", {},
        element("thead", {}, element("tr", {},
          element("th", { class: "number" }, "Wasted"), element("th", { class: "number" }, "Layers"),
          element("th", {}, "Path"))),
        element("tbody", {}, start.wastedPaths.map((each) =>
          element("tr", {},
            element("td", { class: "number" }, humanSize(each.size)),
            element("td", { class: "number" }, String(each.count)),
            element("td", { class: "mono" }, each.path)))),
      )),
  );
}

export default widget(draw, STYLE);
