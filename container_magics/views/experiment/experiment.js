// An experiment: whether its variants do the same, what each took, and their images compared.

import { COMPARISON_STYLE, drawComparison } from "../compare/compare.js";
import { element, humanSeconds, humanSize, widget } from "../front.js";

const EXPERIMENT_STYLE = `
.verdict { font-weight: 600; font-size: 14px; margin: 2px 0; }
.verdict.same::first-letter { color: var(--green); }
.verdict.wrong { color: var(--red); }
.trials { width: 100%; margin: 4px 0 10px; }
.trials th[scope="row"] button { border: 0; background: none; padding: 0; font-weight: 600;
  text-align: left; text-decoration: underline dotted; }
.time { height: 7px; min-width: 1px; border-radius: 2px; background: var(--blue); }
.time.warm { background: repeating-linear-gradient(45deg, var(--orange) 0 3px, transparent 3px 5px);
  box-shadow: inset 0 0 0 1px var(--orange); }
.panel td { background: var(--sunk); }
`;

function drawExperiment(root, start, kernel) {
  root.append(
    ...start.verdict.map((line) =>
      element("div", { class: `verdict ${start.same ? "same" : "wrong"}`, role: "status" }, line)),
    trials(start),
  );
  const below = element("div", {});
  root.append(below);
  drawComparison(below, start.comparison, kernel);
}

function trials(start) {
  const slowest = Math.max(0.001, ...start.trials.map((trial) => trial.cold));
  const bar = (kind, seconds) => element("div", {
    class: `time ${kind}`, style: `width:${(100 * seconds) / slowest}%`,
  });
  const rows = start.trials.flatMap((trial, index) => {
    const panel = element("tr", { class: "panel", id: `variant-${index}`, hidden: true },
      element("td", { colspan: 5 },
        element("div", { class: "faint" }, "Dockerfile"), element("pre", { tabindex: 0 }, trial.dockerfile.trim()),
        element("div", { class: "faint" }, `Output (exit status ${trial.returncode})`),
        element("pre", { tabindex: 0 }, trial.output.trim() || "(none)")));
    const toggle = element("button", {
      "aria-expanded": "false", "aria-controls": `variant-${index}`,
      click: () => {
        panel.hidden = !panel.hidden;
        toggle.setAttribute("aria-expanded", String(!panel.hidden));
      },
    }, trial.name);
    const notes = [
      trial.standIn && `stand-in for ${trial.standIn}`,
      trial.again && "measured earlier: nothing has changed since",
    ].filter(Boolean);
    return [
      element("tr", {},
        element("th", { scope: "row" }, toggle,
          notes.map((note) => element("div", { class: "note" }, note))),
        element("td", { class: "number" }, element("strong", {}, humanSize(trial.size))),
        element("td", { class: "number" }, String(trial.layers)),
        element("td", { style: "width:32%" },
          bar("cold", trial.cold), bar("warm", trial.warm),
          element("span", { class: "note" },
            `${humanSeconds(trial.cold)} cold, ${humanSeconds(trial.warm)} warm`)),
        element("td", {}, element("span", { class: `sign ${trial.wrong ? "removed" : "added"}` },
          trial.wrong ? "✗" : "✓"), trial.wrong || "the same output")),
      panel,
    ];
  });
  return element("div", { class: "scroll" },
    element("table", { class: "trials" },
      element("thead", {}, element("tr", {},
        element("th", { scope: "col" }, "Variant"), element("th", { scope: "col", class: "number" }, "Size"),
        element("th", { scope: "col", class: "number" }, "Layers"), element("th", { scope: "col" }, "Build"),
        element("th", { scope: "col" }, "Runs"))),
      element("tbody", {}, rows)));
}

export default widget(drawExperiment, COMPARISON_STYLE + EXPERIMENT_STYLE);
