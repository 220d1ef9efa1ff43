// What the front ends of all views share: a view in the place of its static form, questions to the
// kernel, and elements made of text. Nothing that comes from Python is ever read as HTML.

const BASE_STYLE = `
:host { all: initial; display: block; margin: 2px 0 6px; color: var(--ink); font: 13px/1.5
  var(--jp-ui-font-family, system-ui, sans-serif);
  --ink: var(--jp-ui-font-color0, #1f2933); --faint: var(--jp-ui-font-color2, #616161);
  --paper: var(--jp-layout-color0, #fff); --raised: var(--jp-layout-color1, #fff);
  --sunk: var(--jp-layout-color2, #f4f4f4); --rule: var(--jp-border-color1, #bdbdbd);
  --blue: #2f78d0; --green: #18864b; --orange: #a86f00; --red: #d9363e; --violet: #8a56c2;
  --mono: var(--jp-code-font-family, Menlo, Consolas, "DejaVu Sans Mono", monospace); }
:host([dark]) { --blue: #5b9ee8; --green: #3fb577; --orange: #d9a03a; --red: #f2757b;
  --violet: #b08be0; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
h3 { font-size: 14px; margin: 0 0 4px; font-weight: 600; overflow-wrap: anywhere; }
button, select, input { font: inherit; color: var(--ink); background: var(--raised);
  border: 1px solid var(--rule); border-radius: 4px; padding: 2px 8px; }
button { cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--blue); }
button:disabled { opacity: .5; cursor: default; }
button[aria-pressed="true"] { border-color: var(--blue); box-shadow: inset 0 -2px var(--blue); }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 1px; }
label { display: inline-flex; align-items: center; gap: 5px; }
.bar { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; margin: 6px 0; }
.faint { color: var(--faint); }
.mono { font-family: var(--mono); font-size: 12px; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.cut { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.note { color: var(--faint); font-size: 12px; }
.problem { border-left: 3px solid var(--red); padding: 2px 0 2px 8px; margin: 6px 0;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 0 0 8px; }
.facts dt { color: var(--faint); font-size: 12px; margin: 0; }
.facts dd { margin: 0; font-weight: 600; }
pre { font: 12px/1.45 var(--mono); margin: 4px 0; padding: 6px 8px; background: var(--sunk);
  border-radius: 4px; max-height: 20em; overflow: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; color: var(--ink); }
table { border-collapse: collapse; font-size: 12.5px; }
th, td { text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
th { font-weight: 600; }
.scroll { overflow: auto; max-width: 100%; }
.sign { display: inline-block; width: 1.1em; text-align: center; font-weight: 700; }
.added { color: var(--green); } .changed { color: var(--orange); } .removed { color: var(--red); }
`;

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const MEMORY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** The sign, word and class of what a layer did to a path. */
export const CHANGES = { added: "+", changed: "~", removed: "−" };

/** Bytes as Docker prints them: base 1000, three significant digits. */
export function humanSize(bytes) {
  let unit = 0;
  while (bytes >= 1000 && unit < UNITS.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${Number(bytes.toPrecision(3))}${UNITS[unit]}`;
}

/** Bytes of memory as Docker prints them: base 1024; with one decimal, so that they align. */
export function binarySize(bytes) {
  let unit = 0;
  while (bytes >= 1024 && unit < MEMORY_UNITS.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit ? bytes.toFixed(1) : bytes}${MEMORY_UNITS[unit]}`;
}

/** Seconds with one decimal, as BuildKit prints them; minutes and hours where there are many. */
export function humanSeconds(seconds) {
  if (seconds < 120) return `${seconds.toFixed(seconds < 0.095 ? 2 : 1)}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}min`;
  return `${(seconds / 3600).toFixed(1)}h`;
}

/**
 * An element. `properties` are attributes (`class`, `aria-…`, `style`), or listeners where their
 * value is a function; children are elements and texts, and texts stay texts.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  decorate(made, properties);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** The same for SVG. */
export function drawing(name, properties = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  decorate(made, properties);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

function decorate(made, properties) {
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(key, String(value));
    }
  }
}

/** Names and values side by side: a list of `[name, value]`. */
export function facts(pairs) {
  return element(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value)),
    ),
  );
}

/** A message that something failed, said to screen readers as well. */
export function problem(text) {
  return element("div", { class: "problem", role: "alert" }, text);
}

/**
 * Make keys move the focus along items: arrows to the neighbours, Home and End to the ends.
 * `move` is called with the item to go to.
 */
export function arrowKeys(list, items, move) {
  list.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(event.target);
    if (at < 0) return;
    const to = {
      ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1,
      Home: 0, End: all.length - 1,
    }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    move(all[to]);
  });
}

/** Questions to the kernel, each with an answer, or an error to show; and what it tells unasked. */
export class Kernel {
  #model;
  #waiting = new Map();
  #told = () => {};
  #next = 1;

  constructor(model) {
    this.#model = model;
    this.#next = Math.floor(Math.random() * 2 ** 40);
    model.on("msg:custom", (message, buffers) => this.#received(message, buffers));
  }

  /** Ask; `onPart` gets what comes before the answer. Rejects with the kernel's own words. */
  ask(question, fields = {}, onPart = () => {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onPart });
      this.#model.send({ ...fields, question, id });
    });
  }

  /** Take what the kernel tells unasked: a message and its buffers, DataViews. */
  listen(told) {
    this.#told = told;
  }

  /** Whether the notebook has the view's output, shown or not; undefined where nobody knows. */
  get kept() {
    const context = this.#model.widget_manager?.context;
    if (!context?.model?.cells || context.isDisposed) return undefined;
    const marker = this.#model.get("marker");
    return [...context.model.cells].some((cell) =>
      (cell.outputs?.toJSON() ?? []).some((output) => {
        const html = output.data?.["text/html"] ?? "";
        return (Array.isArray(html) ? html.join("") : html).includes(marker);
      }),
    );
  }

  #received(message, buffers) {
    const waiting = this.#waiting.get(message.id);
    if (!waiting) {
      if (!("id" in message)) this.#told(message, buffers);
      return;
    }
    if ("part" in message) {
      waiting.onPart(message.part);
      return;
    }
    this.#waiting.delete(message.id);
    if ("error" in message) waiting.reject(new Error(message.error));
    else waiting.resolve(message.answer);
  }
}

/**
 * What a widget is: `draw(root, start, kernel)` fills the place of the static form as long as the
 * kernel lives. The static form is hidden meanwhile and comes back at the end.
 */
export function widget(draw, style = "") {
  return {
    initialize({ model, signal }) {
      const kernel = new Kernel(model);
      const shown = new Map();
      const selector = `.${CSS.escape(model.get("marker"))}`;
      const scan = () => {
        for (const still of document.querySelectorAll(selector)) {
          if (shown.has(still)) continue;
          const host = document.createElement("div");
          shown.set(still, host);
          fill(host, draw, style, model, kernel);
          still.after(host);
          still.hidden = true;
          still.style.display = "none";
        }
      };
      const observer = new MutationObserver(scan);
      observer.observe(document.body, { childList: true, subtree: true });
      // A static form that changes is an output before this one; it is drawn anew at any time.
      const hiding = element("style", {}, `${selector}-still { display: none; }`);
      document.head.append(hiding);
      const end = () => {
        observer.disconnect();
        hiding.remove();
        for (const [still, host] of shown) {
          host.remove();
          still.hidden = false;
          still.style.display = "";
        }
        shown.clear();
      };
      model.on("destroy", end);
      model.on("comm_live_update", end);
      signal?.addEventListener("abort", end);
      scan();
    },
    render({ model, el }) {
      const host = document.createElement("div");
      fill(host, draw, style, model, new Kernel(model));
      el.append(host);
    },
  };
}

function fill(host, draw, style, model, kernel) {
  const root = host.attachShadow({ mode: "open" });
  root.append(element("style", {}, BASE_STYLE + style));
  const body = element("div", { class: "view" });
  root.append(body);
  host.className = "container-magics-live";
  const theme = () => host.toggleAttribute("dark", isDark());
  theme();
  new MutationObserver(theme).observe(document.body, { attributes: true });
  // A key pressed in a view is none for the notebook's own shortcuts.
  host.addEventListener("keydown", (event) => event.stopPropagation());
  draw(body, model.get("start"), kernel);
}

/** Call back when a view's output was deleted: one that is only out of sight stays. */
export function closeWithOutput(host, kernel, closed) {
  let waiting = 0;
  const observer = new MutationObserver(() => {
    if (host.isConnected || waiting) return;
    // It may be on its way to another place.
    waiting = setTimeout(() => {
      waiting = 0;
      if (host.isConnected || (kernel.kept ?? host.closest(".jp-Cell"))) return;
      observer.disconnect();
      closed();
    }, 1000);
  });
  observer.observe(document.body, { childList: true, subtree: true });
}

function isDark() {
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return light === "false";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}
