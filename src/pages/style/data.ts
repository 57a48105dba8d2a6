// What the account page and the portal add: tables that survive a phone, numbers, states, and charts as inline SVG.
//
// On a phone each row of a table becomes a small card, and `data-label` of a cell carries the name of its column.
// A bar or a line takes its place from SVG attributes and its colour from a class here, because the content security
// policy allows no inline style. It is stretched to its box (preserveAspectRatio="none"), so its labels are HTML below it.
export const DATA = `
.stats { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: var(--gap); padding: 0; list-style: none; }
.stat { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); padding: 16px 20px; }
.stat-value { display: block; font-size: 1.75rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
.stat-label { color: var(--ink-soft); font-size: 0.875rem; }

.table-wrap { overflow-x: auto; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); }
.table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; overflow-wrap: normal; }
.table caption { text-align: left; padding: 14px 16px 6px; font-weight: 650; }
.table th, .table td { padding: 10px 16px; text-align: left; vertical-align: middle; }
.table th { color: var(--ink-soft); font-size: 0.8125rem; font-weight: 600; white-space: nowrap; }
.table tbody tr { border-top: 1px solid var(--line); }
.table tbody tr:hover { background: var(--sunken); }
.table .number { text-align: right; font-variant-numeric: tabular-nums; }
.table .time { white-space: nowrap; color: var(--ink-soft); font-variant-numeric: tabular-nums; }
.table .button-danger, .foot .button-danger { background: transparent; border-color: var(--danger); color: var(--danger); }
.table .button-danger:hover, .foot .button-danger:hover { background: var(--danger-soft); }
.table .action { text-align: right; white-space: nowrap; }
.person { display: grid; }
.table .person, .table .address { min-width: 8rem; overflow-wrap: anywhere; }
.table td.number, .table td.time .label { white-space: nowrap; }
.table summary { min-height: 28px; padding: 4px 0; }
.person > span { color: var(--ink-soft); font-size: 0.8125rem; }

.state { display: inline-flex; align-items: center; gap: 8px; white-space: nowrap; }
.state::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--line-strong); }
.state-live::before { background: var(--ok); }
.state-warn::before { background: var(--warn); }
.state-ended::before { background: transparent; border: 2px solid var(--danger); }

.empty { padding: 40px 20px; text-align: center; color: var(--ink-soft); }
.pager { display: flex; justify-content: space-between; gap: var(--gap); padding: 12px 0; }

.chart { display: block; width: 100%; height: 140px; }
.chart .axis { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.chart .series-1 { --series: var(--series-1); }
.chart .series-2 { --series: var(--series-2); }
.chart .series-3 { --series: var(--series-3); }
.chart .series-4 { --series: var(--series-4); }
.chart .bar { fill: var(--series); }
.chart .curve { fill: none; stroke: var(--series); stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.chart .area { fill: var(--series); opacity: 0.14; }
.chart-labels { display: flex; justify-content: space-between; color: var(--ink-soft); font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; font-size: 0.875rem; color: var(--ink-soft); }
.legend > li::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 8px; background: var(--series, var(--series-1)); }
.legend .series-2 { --series: var(--series-2); }
.legend .series-3 { --series: var(--series-3); }
.legend .series-4 { --series: var(--series-4); }

@media (max-width: 640px) {
  .table .person, .table .address { min-width: 0; }
  .table-stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .table-stack tbody tr { display: block; padding: 10px 0; }
  .table-stack td { display: flex; justify-content: space-between; gap: var(--gap); padding: 4px 16px; text-align: right; overflow-wrap: anywhere; }
  .table-stack td::before { content: attr(data-label); color: var(--ink-soft); flex: none; font-size: 0.8125rem; text-align: left; }
  .table-stack td.action::before { content: none; }
  .table-stack td.action { justify-content: flex-end; }
}
`
