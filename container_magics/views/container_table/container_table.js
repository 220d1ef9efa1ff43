// Containers in a table that lives: a row each, with charts of the last minute and buttons; logs and
// shells in panels below.

import { binarySize, closeWithOutput, drawing, element, problem, widget } from "../front.js";
import { TERMINAL_STYLE } from "../terminal/terminal.js";
import { PANEL_STYLE, logPanel, shellPanel } from "./panels.js";
import { SPARKLINE_STYLE, sparkline } from "./sparkline.js";

const TABLE_STYLE = `
:host { container-type: inline-size; }
.head { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; }
.containers { width: 100%; margin: 2px 0; }
.containers th, .containers td { padding: 5px 16px 5px 0; vertical-align: middle; }
.containers thead th { padding-block: 3px; color: var(--faint); font-weight: 400; font-size: 12px; }
.containers tr > :last-child { padding-right: 0; }
.containers tbody th { max-width: 15em; width: 30%; }
.containers .note-row td { padding-top: 0; border-bottom: 1px solid var(--rule); }
.with-note > * { border-bottom-color: transparent; }
.small { font-size: 12px; font-weight: 400; }
.state, .ports { white-space: nowrap; }
.dot { display: inline-block; width: 8px; height: 8px; border-radius: 50%; margin-right: 7px;
  border: 1.5px solid var(--faint); }
.dot.running { background: var(--green); border-color: var(--green); }
.dot.paused, .dot.restarting { background: var(--orange); border-color: var(--orange); }
.under { padding-left: 15px; font-size: 12px; color: var(--faint); }
.under .unhealthy { color: var(--red); font-weight: 600; }
.under .doing { color: var(--blue); }
.ports { font-size: 12px; }
.ports > * { display: block; }
.ports a { color: var(--blue); }
.meter { display: flex; gap: 8px; align-items: center; justify-content: flex-start; }
.meter .number { min-width: 4.7em; }
.actions { display: flex; gap: 4px; justify-content: flex-end; }
.icon { width: 28px; height: 26px; padding: 0; display: inline-grid; place-items: center; }
.icon svg { width: 16px; height: 16px; fill: none; stroke: currentColor; stroke-width: 1.5;
  stroke-linecap: round; stroke-linejoin: round; }
.icon svg .full { fill: currentColor; stroke: none; }
.icon[aria-pressed="true"] { color: var(--blue); }
.danger { border-color: var(--red); color: var(--red); }
.ask { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; padding: 2px 0 6px; }
.failed { display: flex; gap: 10px; align-items: flex-start; margin-bottom: 6px; }
.failed .problem { flex: 1; margin: 0; }
@container (max-width: 700px) {
  .containers thead { display: none; }
  .containers, .containers tbody, .containers .note-row, .containers .note-row td { display: block; }
  .containers .row { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 14px;
    grid-template-areas: "name actions" "state ports" "cpu memory"; align-items: center;
    padding: 8px 0; border-bottom: 1px solid var(--rule); }
  .containers .with-note { border-bottom-color: transparent; }
  .containers .row > * { padding: 0; border: 0; width: auto; max-width: none;
    min-width: 0; }
  .named { grid-area: name; } .state { grid-area: state; } .ports { grid-area: ports; }
  .cpu { grid-area: cpu; } .memory { grid-area: memory; } .does { grid-area: actions; }
  .cpu::before, .memory::before { content: attr(data-label); display: block;
    color: var(--faint); font-size: 12px; }
  .meter .number { text-align: left; }
  .ports > * { justify-self: end; text-align: right; }
}
`;

const LEAST_CPU = 10;
const ICONS = {
  start: [["path", { class: "full", d: "M5 3.2v9.6l7.6-4.8z" }]],
  stop: [["rect", { class: "full", x: 4, y: 4, width: 8, height: 8, rx: 1 }]],
  restart: [["path", { d: "M12.8 8a4.8 4.8 0 1 1-1.6-3.6M11.6 1.8v2.9H8.7" }]],
  logs: [["path", { d: "M3 4h10M3 8h10M3 12h6" }]],
  shell: [["path", { d: "M3 4.5 6.5 8 3 11.5M8.5 12H13" }]],
  remove: [["path", { d: "M3.5 4.8h9M6.3 4.8V3.2h3.4v1.6M4.8 4.8l.5 8h5.4l.5-8" }]],
};
const DOING = { start: "starting", stop: "stopping", restart: "restarting", unpause: "going on",
  remove: "removing", shell: "opening a shell" };

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function drawContainers(root, start, kernel) {
  const { host } = root.getRootNode();
  const who = Math.random().toString(36).slice(2);
  const histories = new Map();
  const rows = new Map();
  const panels = new Map();
  let state = start;

  const summary = element("span", { class: "note" });
  const failure = element("div", { class: "problem", role: "alert", hidden: true });
  const body = element("tbody", { role: "rowgroup" });
  const heading = (text) => element("th", { scope: "col", role: "columnheader" }, text);
  const table = element("table", { class: "containers", role: "table", "aria-label": start.title },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" },
      heading("Name"), heading("State and uptime"), heading("Ports"),
      heading("CPU, last minute"), heading("Memory, last minute"), heading("Actions"))),
    body);
  const empty = element("div", { class: "faint" },
    "No containers. %docker run -d IMAGE starts one.");
  const below = element("div", {});
  root.tabIndex = -1;
  root.append(
    element("div", { class: "head" }, element("h3", {}, start.title), summary),
    failure, table, empty, below);

  const ask = (question, fields = {}) => kernel.ask(question, fields);
  const complain = (error) => {
    failure.hidden = false;
    failure.textContent = error.message;
  };

  // --- rows ---

  function act(row, verb, fields = {}) {
    row.asked = verb;
    row.draw();
    ask("act", { container: row.id, verb, ...fields }).catch(complain).finally(() => {
      row.asked = "";
      row.draw();
    });
  }

  function iconButton(kind, label, click) {
    const picture = drawing("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
    const button = element("button", { class: "icon", click }, picture);
    const become = (icon, text) => {
      if (button.title === text) return;
      button.title = text;
      button.setAttribute("aria-label", text);
      picture.replaceChildren(...ICONS[icon].map(([name, given]) => drawing(name, given)));
    };
    become(kind, label);
    return { button, become };
  }

  function makeRow(id) {
    const row = { id, data: null, asked: "", asking: false };
    const name = element("div", { class: "cut" });
    const image = element("div", { class: "cut small faint" });
    const dot = element("span", { class: "dot", "aria-hidden": "true" });
    const said = element("span", {});
    const uptime = element("span", {});
    const health = element("span", {});
    const ports = element("td", { role: "cell", class: "ports mono" });
    const cpu = meter("CPU");
    const memory = meter("Memory");
    const toggle = iconButton("stop", "", () => act(row, toggleVerb()));
    const restart = iconButton("restart", "", () => act(row, "restart"));
    const logs = iconButton("logs", "", () =>
      ask("logs", { container: id, follow: !state.logs.includes(id) }).catch(complain));
    const shell = iconButton("shell", "", () => {
      panels.get(shellKey(id))?.focus();
      act(row, "shell");
    });
    const remove = iconButton("remove", "", () => {
      row.asking = true;
      row.draw();
      note.querySelector(".keep").focus();
    });
    const note = element("td", { colspan: 6, role: "cell" });
    const noteRow = element("tr", { class: "note-row", role: "row", hidden: true }, note);
    const main = element("tr", { class: "row", role: "row" },
      element("th", { scope: "row", role: "rowheader", class: "named" }, name, image),
      element("td", { role: "cell", class: "state" }, dot, said,
        element("div", { class: "under" }, uptime, health)),
      ports, cpu.node, memory.node,
      element("td", { role: "cell", class: "does" }, element("div", { class: "actions" },
        toggle.button, restart.button, logs.button, shell.button, remove.button)));
    let portsAs = "";
    let noteAs = "";

    function toggleVerb() {
      if (row.data.paused) return "unpause";
      return row.data.running ? "stop" : "start";
    }

    row.nodes = [main, noteRow];
    row.draw = () => {
      const { data } = row;
      say(name, data.name);
      name.title = `${data.name} ${id.slice(0, 12)}`;
      say(image, data.image);
      image.title = data.image;
      dot.className = `dot ${data.state}`;
      say(said, data.said);
      const doing = state.doing[id];
      const busy = doing ? `${DOING[doing]} …` : row.asked ? "asking the kernel …" : "";
      say(uptime, busy ? "" : data.uptime);
      health.className = busy ? "doing" : data.health;
      const healthy = data.health === "starting" ? "health: starting" : data.health;
      say(health, busy || (healthy && `, ${healthy}`));
      drawPorts(data.ports);
      const verb = toggleVerb();
      toggle.become(verb === "stop" ? "stop" : "start",
        `${{ stop: "Stop", start: "Start", unpause: "Unpause" }[verb]} ${data.name}`);
      restart.become("restart", `Restart ${data.name}`);
      logs.become("logs", `Logs of ${data.name}`);
      shell.become("shell", `Shell in ${data.name}`);
      remove.become("remove", `Remove ${data.name}`);
      logs.button.setAttribute("aria-pressed", String(state.logs.includes(id)));
      shell.button.setAttribute("aria-pressed", String(id in state.shells));
      for (const each of [toggle, remove]) each.button.disabled = Boolean(busy);
      restart.button.disabled = Boolean(busy) || !data.running;
      shell.button.disabled = Boolean(busy) || !data.running || data.paused;
      drawNote();
    };

    row.chart = (now, most) => {
      const points = histories.get(id) ?? [];
      const runs = row.data.running && points.length;
      const [, percent, bytes] = runs ? points.at(-1) : [0, 0, 0];
      cpu.update(points.map(([time, value]) => [time, value]), now, most.cpu,
        runs ? `${percent.toFixed(1)}%` : "–", (value) => `${value.toFixed(1)}%`);
      memory.update(points.map(([time, , value]) => [time, value]), now, most.memory,
        runs ? binarySize(bytes) : "–", binarySize);
    };

    function drawPorts(pieces) {
      const as = JSON.stringify(pieces);
      if (as === portsAs) return;
      portsAs = as;
      ports.replaceChildren(...pieces.map(([text, title, port]) => (start.proxy && port
        ? element("a", { href: `${start.proxy}proxy/${port}/`, title, target: "_blank",
          rel: "noopener" }, text)
        : element("span", { title }, text))));
    }

    function drawNote() {
      const failed = state.failed[id];
      const as = JSON.stringify([row.asking && row.data.running, row.asking, failed]);
      if (as === noteAs) return;
      noteAs = as;
      const parts = [];
      if (row.asking) parts.push(confirmation());
      if (failed) {
        parts.push(element("div", { class: "failed" }, problem(failed.join("\n")),
          element("button", { click: () => ask("dismiss", { container: id }).catch(complain) },
            "Dismiss")));
      }
      note.replaceChildren(...parts);
      noteRow.hidden = !parts.length;
      main.classList.toggle("with-note", parts.length > 0);
    }

    function confirmation() {
      const force = row.data.running;
      const over = () => {
        row.asking = false;
        row.draw();
        remove.button.focus();
      };
      return element("div", { class: "ask", role: "group", "aria-label": `Remove ${row.data.name}`,
        keydown: (event) => { if (event.key === "Escape") over(); } },
        element("span", {}, force
          ? `${row.data.name} is running. Kill and remove it, with all that it wrote?`
          : `Remove ${row.data.name}, with all that it wrote?`),
        element("button", { class: "danger", click: () => {
          row.asking = false;
          act(row, "remove", { force });
          root.focus();
        } }, "Remove"),
        element("button", { class: "keep", click: over }, "Keep"));
    }

    return row;
  }

  function meter(what) {
    const number = element("span", { class: "number" });
    const chart = sparkline(start.keptSeconds);
    const node = element("td", { role: "cell", class: what.toLowerCase(), "data-label": what },
      element("div", { class: "meter" }, number, chart.node));
    function update(points, now, most, text, words) {
      say(number, text);
      const peak = Math.max(0, ...points.map((point) => point[1]));
      chart.update(points, now, most, points.length
        ? `${what} over the last minute, at most ${words(peak)}` : `${what}: nothing yet`);
    }
    return { node, update };
  }

  // --- state ---

  function take(message) {
    state = message;
    failure.hidden = !state.failure.length;
    failure.textContent = state.failure.join("\n");
    const there = new Set(state.rows.map((each) => each.id));
    for (const [id, row] of rows) {
      if (there.has(id)) continue;
      const inside = row.nodes.some((node) => node.contains(root.getRootNode().activeElement));
      row.nodes.forEach((node) => node.remove());
      rows.delete(id);
      histories.delete(id);
      if (inside) root.focus();
    }
    let last = null;
    for (const data of state.rows) {
      const row = rows.get(data.id) ?? makeRow(data.id);
      rows.set(data.id, row);
      row.data = data;
      remember(data);
      const follows = last ? last.nextSibling : body.firstChild;
      if (follows !== row.nodes[0]) body.insertBefore(row.nodes[0], follows);
      if (row.nodes[0].nextSibling !== row.nodes[1]) row.nodes[0].after(row.nodes[1]);
      last = row.nodes[1];
      row.draw();
    }
    const running = state.rows.filter((each) => each.running).length;
    say(summary, state.rows.length ? `${running} of ${state.rows.length} running` : "");
    table.hidden = !state.rows.length;
    empty.hidden = state.rows.length > 0;
    charts();
    placePanels();
  }

  function remember({ id, sample }) {
    const points = histories.get(id) ?? [];
    histories.set(id, points);
    if (sample && !(points.at(-1)?.[0] >= sample[0])) points.push(sample);
  }

  function charts() {
    const now = Math.max(0, ...[...histories.values()].map((points) => points.at(-1)?.[0] ?? 0));
    const most = { cpu: LEAST_CPU, memory: 1 };
    for (const points of histories.values()) {
      while (points.length && points[0][0] < now - start.keptSeconds) points.shift();
      for (const [, cpu, memory] of points) {
        most.cpu = Math.max(most.cpu, cpu);
        most.memory = Math.max(most.memory, memory);
      }
    }
    for (const row of rows.values()) row.chart(now, most);
  }

  // --- panels ---

  const shellKey = (id) => `shell ${id} ${state.shells[id]?.number}`;

  function placePanels() {
    const wanted = new Map([
      ...state.logs.map((id) => [`log ${id}`, () => logPanel(rows.get(id).data.name,
        () => ask("logs", { container: id, follow: false }).catch(complain))]),
      ...Object.entries(state.shells).map(([id, shell]) => [shellKey(id), () => shellPanel(shell,
        (asked, given = {}) => ask("shell", { container: id, asked, given }),
        () => ask("closeShell", { container: id }).catch(complain))])]);
    for (const [key, panel] of panels) {
      if (wanted.has(key)) continue;
      const inside = panel.node.contains(root.getRootNode().activeElement);
      panel.node.remove();
      panels.delete(key);
      if (inside) root.focus();
    }
    for (const [key, make] of wanted) {
      if (panels.has(key)) continue;
      const panel = make();
      panels.set(key, panel);
      below.append(panel.node);
      panel.begin?.();
    }
  }

  kernel.listen((message, buffers) => {
    if ("log" in message) panels.get(`log ${message.log}`)?.receive(message);
    else if ("shell" in message) {
      panels.get(shellKey(message.shell))?.receive(message.message, buffers);
    } else take(message);
  });

  // --- as long as somebody looks ---

  let onScreen = false;
  let looking = 0;

  const look = () => ask("look", { who }).catch(() => {});

  async function catchUp() {
    const answer = await ask("state");
    for (const [id, points] of Object.entries(answer.history)) histories.set(id, points);
    take(answer);
    for (const message of answer.followed) panels.get(`log ${message.log}`)?.receive(message);
  }

  function attend() {
    const now = onScreen && !document.hidden;
    if (now === Boolean(looking)) return;
    clearInterval(looking);
    looking = 0;
    if (now) {
      look();
      catchUp().catch(() => {});
      looking = setInterval(look, 1000 * start.lookSeconds);
    } else ask("leave", { who }).catch(() => {});
  }

  new IntersectionObserver((entries) => {
    onScreen = entries.at(-1).isIntersecting;
    attend();
  }).observe(host);
  document.addEventListener("visibilitychange", attend);
  closeWithOutput(host, kernel, () => ask("end").catch(() => {}));
  take(start);
}

export default widget(drawContainers, TERMINAL_STYLE + PANEL_STYLE + SPARKLINE_STYLE + TABLE_STYLE);
