#pragma once

#include <string_view>

// What a report looks like, and the one thing that needs a script: sorting the table by a click.
namespace workflow::client {

inline constexpr std::string_view report_style = R"(
:root { --ink: #1c2126; --dim: #69727c; --line: #d9dee3; --paper: #fff; --soft: #f5f7f8;
  --bad: #b3261e; --good: #1a7f4b; --light: 42%; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --dim: #98a2ac; --line: #343b42;
  --paper: #14181c; --soft: #1c2126; --bad: #ff8a80; --good: #6bd39a; --light: 66%; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 90rem; color: var(--ink);
  background: var(--paper); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
header p { margin: .25rem 0 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt, .left, .names, figcaption + svg text { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr));
  gap: 1.5rem; }
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 11px; fill: var(--dim); }
.grid { stroke: var(--line); fill: none; }
.curve { stroke: hsl(var(--h) 65% var(--light)); stroke-width: 1.4; fill: none; opacity: .85; }
.curve.bad { stroke-dasharray: 4 3; }
.curve:hover { stroke-width: 3; opacity: 1; }
.names { font-size: .8rem; margin: .25rem 0 0; }
.names span { white-space: nowrap; color: hsl(var(--h) 65% var(--light)); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { position: sticky; top: 0; background: var(--soft); font-weight: 600; cursor: pointer;
  white-space: nowrap; }
td { border-top: 1px solid var(--line); }
.number, .run, .state { white-space: nowrap; }
.number { text-align: right; }
.why { min-width: 16rem; overflow-wrap: anywhere; }
tr.success .state { color: var(--good); }
tr.failed .state, tr.timed_out .state, tr.lost .state, tr.stopped .state,
tr.cancelled .state { color: var(--bad); }
tr.pending { color: var(--dim); }
)";

inline constexpr std::string_view report_script = R"(
(() => {
  const table = document.getElementById("rows");
  const body = table.tBodies[0];
  let by = -1, down = false;
  const value = (row, i) => {
    const cell = row.cells[i], text = cell.dataset.value ?? cell.textContent;
    const number = text === "" ? NaN : Number(text);
    return Number.isNaN(number) ? text : number;
  };
  const before = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0)
    : typeof a === "number" ? -1 : 1;
  [...table.tHead.rows[0].cells].forEach((head, i) => head.addEventListener("click", () => {
    down = by === i && !down;
    by = i;
    const rows = [...body.rows].map((row) => [value(row, i), row]);
    rows.sort((a, b) => before(a[0], b[0]) * (down ? -1 : 1));
    body.append(...rows.map((entry) => entry[1]));
  }));
})();
)";

}  // namespace workflow::client
