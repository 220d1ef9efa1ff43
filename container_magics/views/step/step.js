// A Dockerfile, walked instruction by instruction: the text on the left, the state on the right.

import { CHANGES, element, facts, humanSeconds, humanSize, problem, widget } from "../front.js";

const STYLE = `
.view:focus { outline: none; }
.panes { display: grid; grid-template-columns: minmax(260px, 1fr) minmax(320px, 1fr); gap: 18px;
  align-items: start; }
@media (max-width: 700px) { .panes { grid-template-columns: 1fr; } }
.panes > div { min-width: 0; }
input[type=range] { flex: 1 1 8em; min-width: 6em; accent-color: var(--blue); padding: 0; }
.code { border: 1px solid var(--rule); border-radius: 4px; max-height: 34em; overflow: auto;
  font: 12px/1.6 var(--mono); padding: 3px 0; }
.code button { border: 0; background: none; font: inherit; padding: 0; border-radius: 0; }
.row { display: grid; grid-template-columns: 22px 1fr; }
.code .step, .rest { display: grid; grid-template-columns: 1.4em 2.4em 1fr; text-align: left;
  border-left: 3px solid transparent; }
.rest { margin-left: 22px; color: var(--faint); }
.text { white-space: pre-wrap; overflow-wrap: anywhere; padding-right: 6px; }
.code .step:hover { background: var(--sunk); }
.code .step[aria-current] { background: var(--sunk); border-left-color: var(--blue); }
.away .text { color: var(--faint); font-style: italic; }
.no { color: var(--faint); text-align: right; padding-right: .9em; user-select: none; }
.mark { text-align: center; font-weight: 700; }
.done .mark { color: var(--green); } .failed .mark { color: var(--red); }
.next .mark, .here .mark { color: var(--blue); }
.code .stop { color: transparent; font-size: 13px; line-height: 18px; align-self: start; }
.code .stop:hover, .stop:focus-visible { color: var(--rule); }
.code .stop[aria-pressed=true] { color: var(--red); box-shadow: none; }
h4 { font-size: 13px; margin: 0 0 2px; font-weight: 600; }
.said { overflow-wrap: anywhere; margin-bottom: 6px; }
.tree { max-height: 15em; overflow: auto; border-block: 1px solid var(--rule); margin: 2px 0 6px; }
.tree details .file { padding-left: 16px; }
.tree details details { padding-left: 16px; }
summary { cursor: pointer; }
.tree summary { display: block; }
.file { display: grid; grid-template-columns: 1.3em 1fr 5em; gap: 4px; padding: 0 4px; }
.file:hover { background: var(--sunk); }
.tree summary .mono::before { content: "▸ "; }
.tree details[open] > summary .mono::before { content: "▾ "; }
.file .mono, .env { overflow-wrap: anywhere; }
.removed .mono { text-decoration: line-through; }
form { display: flex; gap: 6px; align-items: center; margin: 8px 0 4px; }
form input { flex: 1; min-width: 0; }
.build { border-left: 3px solid var(--blue); padding: 2px 0 2px 8px; }
.build:empty { display: none; }
`;

const SIGNS = { done: ["✓", "done"], here: ["▶", "done, you are here"], failed: ["✗", "failed"],
  next: ["▷", "stopped before it"], away: ["·", "not reached"] };
const span = (kind, ...children) => element("span", { class: kind }, ...children);
const part = (kind, ...children) => element("div", { class: kind }, ...children);
const sign = (how) => element("span", { class: `sign ${how}`, role: "img", "aria-label": how },
  CHANGES[how]);
const STOP = "… (interrupt the kernel to stop it)";

function draw(root, start, kernel) {
  let data = start;
  let at = start.position;
  let busy = false;
  const levels = new Map();
  const staged = start.steps.filter((step) => step.base).length > 1;
  const reachable = () => (data.failure ? data.failure.number : data.reached);
  const ended = () => data.failure || data.reached === data.steps.length;

  const button = (text, key, act) => element("button", { title: key, click: act }, text);
  const first = button("⇤ Start", "Home", () => go(1));
  const back = button("◀ Back", "← or p", () => go(at - 1));
  const forward = button("Forward ▶", "→ or n", () => onward(false));
  const last = button("End ⇥", "End", () => go(reachable()));
  const proceed = button("Continue ▶▶", "c", () => onward(true));
  const slider = element("input", { type: "range", min: 1, step: 1, "aria-label": "Step",
    input: () => go(Number(slider.value)) });
  const where = element("span", { class: "note", role: "status" });
  const build = element("div", { class: "build", role: "status" });
  const about = part("");
  const code = element("div", { class: "code", role: "group", "aria-label": "Dockerfile" });
  const runner = runField();
  const title = element("h3", {});
  root.tabIndex = -1;
  root.append(title,
    part("bar", first, back, forward, last, proceed, slider, where), build,
    part("panes", code, part("", about, runner.node)),
    part("note", "✓ done · ▶ here · ✗ failed · ▷ stopped before it · ● breakpoint ",
      "(click the margin). Keys: ← → or p n, Home, End, b breakpoint, c continue."));

  const complain = (error) => build.replaceChildren(problem(error.message));

  // --- going ---
  function go(number) {
    at = Math.max(Math.min(1, reachable()), Math.min(number, reachable()));
    show();
  }

  async function onward(far) {
    if (busy) return;
    const stops = data.breakpoints.filter((each) => each > at + 1).map((each) => each - 1);
    const to = far ? Math.min(...stops, data.steps.length) : at + 1;
    if (to <= reachable() || ended()) {
      go(to);
      return;
    }
    busy = true;
    controls();
    build.textContent = `building ${STOP}`;
    try {
      take(await kernel.ask("advance", { position: at, far }, ({ step, log }) => {
        build.replaceChildren(`building … ${step}`,
          log.length ? element("pre", {}, log.join("\n")) : "");
      }));
      build.replaceChildren();
    } catch (error) {
      complain(error);
    }
    busy = false;
    controls();
  }

  function toggle(number) {
    kernel.ask("toggle", { number }).then((answer) => {
      data.breakpoints = answer.breakpoints;
      mark();
    }, complain);
  }

  function take(answer) {
    data = answer;
    at = data.position;
    write();
    show();
  }

  // --- the Dockerfile ---
  function write() {
    const rows = [];
    let line = 1;
    const rest = (end) => {
      for (; line < end; line += 1) {
        rows.push(part("rest", span(""),
          span("no", line),
          span("text", data.lines[line - 1])));
      }
    };
    for (const step of data.steps) {
      rest(Math.min(step.line, data.lines.length + 1));
      const texts = [];
      for (; line <= step.end && line <= data.lines.length; line += 1) {
        texts.push(span(texts.length ? "" : "mark"),
          span("no", line),
          span("text", data.lines[line - 1]));
      }
      const row = part("row",
        element("button", { class: "stop", tabindex: -1, click: () => toggle(step.number),
          "aria-label": `Breakpoint before line ${step.line}`, title: "Breakpoint (b)" }, "●"),
        element("button", { class: "step", tabindex: -1, click: () => {
          if (step.number <= reachable()) go(step.number);
        } }, texts));
      row.step = step;
      rows.push(row);
    }
    rest(data.lines.length + 1);
    code.replaceChildren(...rows);
  }

  function mark() {
    for (const row of code.querySelectorAll(".row")) {
      const { number, line, text } = row.step;
      const [stop, step] = row.children;
      let kind = "done";
      if (number === data.failure?.number) kind = "failed";
      else if (number === at) kind = "here";
      else if (number === data.reached + 1 && !data.failure) kind = "next";
      else if (number > data.reached) kind = "away";
      row.className = `row ${kind}`;
      const first = step.firstChild;
      [first.textContent, first.title] = SIGNS[kind];
      step.setAttribute("aria-label", `Step ${number}, line ${line}, ${first.title}: ${text}`);
      step.tabIndex = number === Math.max(1, at) ? 0 : -1;
      if (number === at) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
      stop.setAttribute("aria-pressed", String(data.breakpoints.includes(number)));
    }
  }

  // --- the state ---
  function controls() {
    first.disabled = back.disabled = at <= 1;
    last.disabled = at >= reachable();
    forward.disabled = proceed.disabled = busy || (ended() && at >= reachable());
    runner.enable();
  }

  function show() {
    const step = data.steps[at - 1];
    const failed = data.failure && at === data.failure.number;
    title.textContent = data.failure
      ? `The Dockerfile fails at step ${data.failure.number} of ${data.steps.length}`
      : "The Dockerfile, step by step";
    slider.max = Math.max(1, reachable());
    slider.value = at;
    where.textContent = `step ${at} of ${data.steps.length}`;
    slider.setAttribute("aria-valuetext", step ? `${where.textContent}: ${step.text}` : "before all");
    mark();
    code.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    const inside = about.contains(root.getRootNode().activeElement);
    about.replaceChildren(...(step ? described(step, failed, changes(at))
      : ["Nothing is built yet: the build stopped before the first step."]));
    if (inside) root.focus();
    runner.show(failed ? data.steps[at - 2] : step);
    controls();
  }

  /** What a step changed. The kernel hears of every step: its own position follows. */
  function changes(number) {
    const told = kernel.ask("go", { number });
    told.then(() => levels.set(number, told), () => {});
    return levels.get(number) ?? told;
  }

  function described(step, failed, answer) {
    const parts = [
      element("h4", {}, `Step ${step.number}, line ${step.line}${staged ? `, stage ${step.stage}` : ""}`),
      part("said mono", step.text)];
    let state = step.state;
    if (failed) {
      state = data.steps[at - 2].state;
      parts.push(problem(data.failure.text));
      if (data.failure.tail.length) {
        parts.push(element("pre", { tabindex: 0, "aria-label": "Its last output" },
          data.failure.tail.join("\n")));
      }
      parts.push(element("h4", {}, `The state before it, of step ${at - 1}`));
    }
    const now = (text, changed) => (changed && !failed ? span("changed", `~ ${text}`) : text);
    const layer = state.layerSize === null ? "none" : humanSize(state.layerSize);
    const time = state.cached ? "cached" : humanSeconds(state.seconds ?? 0);
    parts.push(facts([
      failed || [step.base ? "Base" : "This layer", layer],
      ["Size so far", humanSize(state.size)],
      ["Working directory", now(state.workdir, state.workdirChanged)],
      ["User", now(state.user, state.userChanged)],
      failed || state.cached === null || ["Time", time]].filter(Array.isArray)));
    if (!failed) {
      for (const [key, value] of state.settings) {
        parts.push(part("", span("changed", "~ "), `sets ${key} `, span("mono", value)));
      }
      parts.push(...files(step, state, answer));
    }
    parts.push(environment(state, failed));
    return parts;
  }

  function files(step, state, answer) {
    if (step.base) {
      const layers = state.layers === 1 ? "1 layer" : `${state.layers} layers`;
      return [part("", `Starts from ${step.base}: ${layers}, `,
        `${state.files.toLocaleString("en")} files and folders.`)];
    }
    const counts = Object.keys(CHANGES).filter((kind) => state[kind])
      .map((kind) => span(kind,
        `${CHANGES[kind]} ${state[kind].toLocaleString("en")} ${kind} `));
    if (!counts.length) {
      return [part("faint", state.layerSize === null
        ? "It makes no layer." : "Its layer changes no files.")];
    }
    const tree = element("div", { class: "tree", role: "group", tabindex: 0,
      "aria-label": "Changed files" }, part("note", "asking the kernel …"));
    answer.then((level) => {
      tree.replaceChildren();
      fillTree(tree, level, step.number);
    }, (error) => tree.replaceWith(problem(error.message)));
    return [element("h4", {}, "Files: ", counts), tree];
  }

  function fillTree(parent, answer, number) {
    for (const row of answer.rows) {
      const open = row.rows.length > 0;
      const folder = row.folder && (open || row.files > (row.change ? 1 : 0));
      const line = [
        row.change ? sign(row.change) : span(""),
        span("mono", row.name, row.folder ? "/" : "",
          row.link ? ` → ${row.link}` : ""),
        span("number", humanSize(row.size))];
      if (!folder) {
        parent.append(part(`file ${row.change}`, line));
        continue;
      }
      const made = element("details", { open }, element("summary", {},
        span(`file ${row.change}`, line)));
      if (open) fillTree(made, { rows: row.rows, total: 0 }, number);
      else {
        made.addEventListener("toggle", () => kernel.ask("level", { number, key: row.key }).then(
          (more) => fillTree(made, more, number), (error) => made.append(problem(error.message)),
        ), { once: true });
      }
      parent.append(made);
    }
    const left = answer.total - answer.rows.length;
    if (left > 0) parent.append(part("note", `${left.toLocaleString("en")} more are not shown`));
  }

  function environment(state, failed) {
    const marked = failed ? [] : state.env.filter((each) => each[2]);
    const said = marked.length ? `, ${marked.length} set here` : "";
    return element("details", { open: marked.length > 0 },
      element("summary", {}, `Environment: ${state.env.length}${said}`),
      state.env.map(([name, value, how]) => part("mono env",
        failed || !how ? span("sign") : sign(how), element("b", {}, name), `=${value}`)));
  }

  // --- the run field ---
  function runField() {
    let number = 0;
    const label = element("label", { for: "run" }, "Run");
    const input = element("input", { id: "run", type: "text", spellcheck: "false",
      autocomplete: "off", placeholder: "ls -l" });
    const start = element("button", { type: "submit" }, "Run");
    const output = part("");
    const form = element("form", { submit: (event) => { event.preventDefault(); run(); } },
      label, input, start);

    async function run() {
      const text = input.value.trim();
      if (busy || !text || !number) return;
      const pre = element("pre", { tabindex: 0, "aria-label": "Output", hidden: true });
      const end = element("div", { class: "note", role: "status" },
        `running ${STOP}`);
      output.replaceChildren(part("mono", `step ${number} $ ${text}`), pre, end);
      busy = true;
      controls();
      try {
        const answer = await kernel.ask("run", { number, text }, (lines) => {
          pre.hidden = false;
          pre.append(`${lines.join("\n")}\n`);
        });
        end.textContent = `${answer.interrupted ? "interrupted"
          : `exit status ${answer.returncode}, ${humanSeconds(answer.seconds)}`}; the copy is gone`;
      } catch (error) {
        end.replaceWith(problem(error.message));
      }
      busy = false;
      controls();
    }

    return {
      node: part("", form, output),
      enable() {
        start.disabled = busy || !number;
      },
      show(step) {
        number = step?.number ?? 0;
        const shell = step?.state?.shell ? "sh" : "no shell here: a program and its words";
        label.textContent = `Run after step ${number} (${shell})`;
      },
    };
  }

  root.addEventListener("keydown", (event) => {
    const target = event.target;
    if (target.type === "text" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (target === slider && event.key.length > 1) return;
    const act = {
      ArrowLeft: () => go(at - 1), p: () => go(at - 1),
      ArrowRight: () => onward(false), n: () => onward(false),
      Home: () => go(1), End: () => go(reachable()),
      b: () => at && toggle(at), c: () => onward(true),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  kernel.ask("state").then((answer) => {
    if (answer.reached !== data.reached) take(answer);
  }, () => {});
  write();
  show();
}

export default widget(draw, STYLE);
