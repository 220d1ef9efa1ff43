// What is opened below the table: the log of a container, a shell in it.

import { element } from "../front.js";
import { drawTerminal } from "../terminal/terminal.js";

export const PANEL_STYLE = `
.panel { margin: 10px 0 0; }
.panel .bar { margin: 2px 0 4px; }
.panel .title { font-weight: 600; flex: 1 1 12em; }
.log { font: 12px/1.45 var(--mono); padding: 6px 8px; background: var(--sunk); border-radius: 4px;
  height: 16em; min-height: 4em; overflow: auto; resize: vertical; }
.log div { white-space: pre-wrap; overflow-wrap: anywhere; min-height: 1.45em; }
.log .gap { color: var(--faint); font-style: italic; }
`;
const MOST_LINES = 1000;

/** A log that grows; `receive` takes what `LogFollower` sends, `close` is what its button does. */
export function logPanel(name, close) {
  const title = `docker logs -f ${name}`;
  const box = element("div", { class: "log", tabindex: 0, role: "group", "aria-label": title });
  const status = element("span", { class: "note", role: "status" });
  const open = element("div", {});
  let end = -1;

  function receive(message) {
    const down = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
    if (message.from < end) box.replaceChildren();
    else if (message.from > end && end >= 0) {
      const lines = (message.from - end).toLocaleString("en");
      box.append(element("div", { class: "gap" }, `… ${lines} lines left out …`));
    }
    end = message.from + message.lines.length;
    open.remove();
    box.append(...message.lines.map((line) => element("div", {}, line)));
    while (box.childElementCount > MOST_LINES) box.firstChild.remove();
    if (message.open.length) {
      open.textContent = message.open.join(" ");
      box.append(open);
    }
    if (down) box.scrollTop = box.scrollHeight;
    const how = message.error || (message.ended ? "ended" : "following");
    const said = box.childElementCount ? how : `${how}, nothing written yet`;
    if (status.textContent !== said) status.textContent = said;
  }

  const node = element("section", { class: "panel", "aria-label": title },
    element("div", { class: "bar" }, element("span", { class: "title cut" }, title), status,
      element("button", { click: close }, "Close")),
    box);
  return { node, receive };
}

/** A terminal; `ask(asked, given)` brings its questions to the kernel, `close` closes it. */
export function shellPanel(shell, ask, close) {
  const node = element("section", { class: "panel", "aria-label": shell.title });
  let told = () => {};
  const kernel = { ask, listen: (listener) => { told = listener; } };
  return {
    node,
    receive: (message, buffers) => told(message, buffers),
    async begin() {
      await drawTerminal(node, shell, kernel, close);
      this.focus();
    },
    focus: () => node.querySelector("textarea")?.focus(),
  };
}
