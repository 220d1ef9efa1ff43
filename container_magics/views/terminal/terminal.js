// A terminal: xterm.js in the place of the output, its process in a container.

import { closeWithOutput, element, problem, widget } from "../front.js";

export const TERMINAL_STYLE = `
.screen { height: 26em; min-height: 5em; max-height: 90vh; resize: vertical; overflow: hidden;
  border: 1px solid var(--rule); border-radius: 4px; padding: 4px 0 4px 6px;
  background: var(--paper); }
.screen:focus-within { border-color: var(--blue); }
.screen .xterm { height: 100%; }
.screen .xterm .xterm-viewport { background: none; }
.bar { margin: 2px 0 4px; }
.bar .title { font-weight: 600; flex: 1 1 12em; }
.ending { margin: 4px 0 0; min-height: 1.5em; }
`;
const SCROLLBAR = 14;
const ENOUGH_DRAWN = 16384;
const COLOURS = {
  light: {
    black: "#1f2933", red: "#b3261e", green: "#18723d", yellow: "#7a5200", blue: "#1f5fae",
    magenta: "#7a3fb0", cyan: "#0b6b78", white: "#6b7280", brightBlack: "#5f6b76",
    brightRed: "#c62f3a", brightGreen: "#18864b", brightYellow: "#946200", brightBlue: "#2f78d0",
    brightMagenta: "#8a56c2", brightCyan: "#0f7f8f", brightWhite: "#4b5563",
    selectionBackground: "#b9d6f5",
  },
  dark: {
    black: "#5f6b76", red: "#f2757b", green: "#3fb577", yellow: "#d9a03a", blue: "#5b9ee8",
    magenta: "#b08be0", cyan: "#45b8c4", white: "#d5dae0", brightBlack: "#8b96a1",
    brightRed: "#ff9a9e", brightGreen: "#6fd39c", brightYellow: "#ecc06d", brightBlue: "#8bbdf3",
    brightMagenta: "#cbb0f0", brightCyan: "#7dd6df", brightWhite: "#ffffff",
    selectionBackground: "#3a536f",
  },
};

/** xterm.js: asked for once in a page, however many terminals there are. */
function xterm(kernel) {
  const asked = (globalThis.containerMagicsXterm ??= kernel.ask("xterm").then(async (files) => {
    const address = URL.createObjectURL(new Blob([files.script], { type: "text/javascript" }));
    const { Terminal } = await import(address);
    URL.revokeObjectURL(address);
    return { Terminal, style: files.style };
  }));
  asked.catch(() => { globalThis.containerMagicsXterm = undefined; });
  return asked;
}

/**
 * Draw a terminal; `start` is what `TerminalView.start()` gives. With `dismiss` it is a part of
 * another view, which that takes away.
 */
export async function drawTerminal(root, start, kernel, dismiss = null) {
  const host = root.getRootNode().host;
  const hint = "Shift+F6 leaves the terminal";
  const close = element("button", { click: dismiss ?? (() => ask("close")) }, "Close");
  const screen = element("div", { class: "screen" });
  const ending = element("div", { class: "ending faint", role: "status" });
  root.append(
    element("div", { class: "bar" },
      element("span", { class: "title cut" }, start.title),
      element("span", { class: "note" }, hint), close),
    screen, ending);

  function ask(question, fields) {
    return kernel.ask(question, fields).catch((error) => root.append(problem(error.message)));
  }

  let library;
  try {
    library = await xterm(kernel);
  } catch (error) {
    root.append(problem(error.message));
    return;
  }
  root.append(element("style", {}, library.style));
  const term = new library.Terminal({
    allowTransparency: false, fontSize: 12, lineHeight: 1.2, minimumContrastRatio: 4.5,
    fontFamily: getComputedStyle(host).getPropertyValue("--mono"), theme: theme(host),
  });
  term.open(screen);
  term.textarea.setAttribute("aria-label", `Terminal: ${start.title}. ${hint}.`);

  // --- output: everything before `position` was given to xterm.js ---

  let position = null;
  let told = 0;
  let early = [];
  let ended = false;
  let replaying = false;

  async function attach() {
    position = null;
    const answer = await ask("attach");
    if (!answer) return;
    // What a program asked the terminal then, it was answered then.
    replaying = true;
    term.reset();
    position = told = answer.position;
    write(Uint8Array.from(atob(answer.data), (each) => each.charCodeAt(0)));
    term.write("", () => { replaying = false; });
    const missed = early;
    early = [];
    for (const [message, buffers] of missed) received(message, buffers);
    if (answer.ending) end(answer.ending);
  }

  function received(message, buffers) {
    if (position === null) early.push([message, buffers]);
    else if ("ending" in message) end(message.ending);
    else if (message.position > position) attach();
    else {
      const { buffer, byteOffset, byteLength } = buffers[0];
      const known = position - message.position;
      if (known < byteLength) write(new Uint8Array(buffer, byteOffset + known, byteLength - known));
    }
  }

  function write(bytes) {
    const upTo = (position += bytes.length);
    term.write(bytes, () => {
      if (upTo - told < ENOUGH_DRAWN) return;
      told = upTo;
      ask("drawn", { position: upTo }).then((behind) => { if (behind && position !== null) attach(); });
    });
  }

  function end(how) {
    ended = true;
    ending.textContent = how;
    close.disabled = !dismiss;
    term.options.disableStdin = true;
    term.write("\x1b[?25l");
  }

  // --- input ---

  const type = (text, binary) => {
    if (!replaying && !ended) ask("type", binary ? { text, binary } : { text });
  };
  term.onData((text) => type(text));
  term.onBinary((text) => type(text, true));
  term.attachCustomKeyEventHandler((event) => {
    if (event.shiftKey && event.key === "F6") {
      event.preventDefault();
      if (event.type === "keydown") (close.disabled ? host : close).focus();
      return false;
    }
    // As in JupyterLab's own terminal: the browser copies what is selected, and pastes.
    const plain = event.ctrlKey && !event.shiftKey && !event.altKey;
    return !(plain && ((event.key === "c" && term.hasSelection()) || event.key === "v"));
  });

  // A notebook leaves the focus with an output until another editor takes it; then what is typed
  // for the notebook would be typed into a shell.
  const leave = (event) => event.composedPath().includes(host) || term.blur();
  term.textarea.addEventListener("focus", () => document.addEventListener("mousedown", leave, true));
  term.textarea.addEventListener("blur", () => document.removeEventListener("mousedown", leave, true));

  // --- size and colours ---

  let fitted = "";
  function fit() {
    const cells = screen.querySelector(".xterm-screen").getBoundingClientRect();
    if (!cells.width || !screen.clientWidth) return;
    const style = getComputedStyle(screen);
    const width = screen.clientWidth - parseFloat(style.paddingLeft) - SCROLLBAR;
    const height = screen.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const columns = Math.max(20, Math.floor(width / (cells.width / term.cols)));
    const rows = Math.max(3, Math.floor(height / (cells.height / term.rows)));
    if (fitted === `${columns} ${rows}`) return;
    fitted = `${columns} ${rows}`;
    term.resize(columns, rows);
    if (!ended) kernel.ask("resize", { rows, columns }).catch(() => {});
  }
  let waiting = 0;
  new ResizeObserver(() => {
    clearTimeout(waiting);
    waiting = setTimeout(fit, 100);
  }).observe(screen);
  new MutationObserver(() => { term.options.theme = theme(host); }).observe(host, {
    attributes: true, attributeFilter: ["dark"],
  });

  kernel.listen(received);
  fit();
  await attach();
}

function theme(host) {
  const style = getComputedStyle(host);
  const foreground = style.getPropertyValue("--ink").trim();
  const background = style.getPropertyValue("--paper").trim();
  return {
    ...COLOURS[host.hasAttribute("dark") ? "dark" : "light"],
    foreground, background, cursor: foreground, cursorAccent: background,
  };
}

async function drawAlone(root, start, kernel) {
  const { host } = root.getRootNode();
  closeWithOutput(host, kernel, () => kernel.ask("close").catch(() => {}));
  await drawTerminal(root, start, kernel);
}

export default widget(drawAlone, TERMINAL_STYLE);
