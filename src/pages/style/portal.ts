// What only the account page and the portal have: heads with actions, progress, fields in a row, small links of a table row.
export const PORTAL = `
.stack { display: grid; grid-template-columns: minmax(0, 1fr); gap: 20px; }
.stack > h2 { margin: 12px 0 0; }
.head > h2 { margin: 0; }
.card.stack > h2, .card.stack > * + * { margin-top: 0; }
.stack > .toolbar { margin-bottom: 0; }
.stack > h1 + .lede { margin-top: -12px; }
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 12px 24px; }
.head h3 { font-size: 1.0625rem; }
.trail { font-size: 0.875rem; margin-bottom: -12px; }
.trail::before { content: "‹ "; color: var(--ink-soft); }
.trail a { display: inline-block; min-height: 24px; }
.standing { display: flex; flex-wrap: wrap; gap: 2px 18px; align-items: center; margin-top: 6px; }
.live-status { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 0.875rem; color: var(--ink-soft); }
.facts-flat { background: var(--surface); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 20px; align-items: start; }
.panel { padding: 16px 20px 20px; box-shadow: none; }
.stat-value { white-space: nowrap; }
.figure { margin: 0; display: grid; gap: 8px; }
.figure-title { font-weight: 650; }
.figure-title > .fine { font-weight: 400; white-space: nowrap; }
.legend strong { color: var(--ink); font-variant-numeric: tabular-nums; }
.person > .label, .person > .state { color: var(--ink); font-size: inherit; }
.label code { white-space: nowrap; color: var(--ink-soft); }
.column { max-width: 760px; margin: 0 auto; }
.clipped { font-size: 0.75rem; }
.row-actions { display: inline-flex; gap: 8px; justify-content: flex-end; }
.note-ok { background: var(--ok-soft); color: var(--ink); }
.effects { padding-left: 1.25rem; display: grid; gap: 6px; }
.open-streams { list-style: none; padding: 0; display: grid; gap: 6px; }
.open-streams > li { display: flex; align-items: center; justify-content: space-between; gap: 2px 16px; }
.open-streams .button { white-space: nowrap; }
.field-grow { flex: 1 1 16rem; max-width: 32rem; }
.field-name { font-size: 0.875rem; font-weight: 600; }
.kept { display: flex; align-items: center; min-height: 42px; padding: 6px 12px; border-radius: var(--radius-small); background: var(--sunken); }
.exports { display: inline-flex; gap: 18px; align-items: center; min-height: 42px; margin-left: auto; font-size: 0.875rem; }
.checks { display: flex; flex-wrap: wrap; gap: 6px 20px; border: 0; padding: 0; margin: 0; }
.checks legend { padding: 0; font-size: 0.875rem; font-weight: 600; margin-bottom: 6px; }
.checks label { display: inline-flex; gap: 8px; align-items: center; min-height: 28px; }
.checks input { flex: none; width: 18px; height: 18px; accent-color: var(--accent); }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr)); gap: 16px; align-items: end; }

.exchange > * + * { margin-top: 8px; }
.exchange .head { gap: 8px; }
.exchange { max-width: 46rem; text-align: left; }
.table tr:has(.exchange[open]) > td { vertical-align: top; }
.exchange strong { font-size: 0.875rem; }
.message { max-height: 24rem; overflow: auto; }
[data-enough=false] { color: var(--danger); }
[hidden] { display: none !important; }

.progress { display: block; width: 100%; height: 12px; margin-top: 6px; appearance: none; border: 0; border-radius: 6px; background: var(--sunken); overflow: hidden; }
.progress::-webkit-progress-bar { background: var(--sunken); }
.progress::-webkit-progress-value { background: var(--accent); border-radius: 6px; }
.progress::-moz-progress-bar { background: var(--accent); border-radius: 6px; }
@media (max-width: 640px) {
  .table-stack td::before { font-family: var(--sans); }
  .table-stack .person, .table-stack .row-actions { justify-items: end; }
}
@media (max-width: 480px) {
  .stats { grid-template-columns: 1fr 1fr; }
  .stat:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .stat { padding: 12px 14px; }
  .stat-value { font-size: 1.5rem; }
  .nav { gap: 2px 14px; font-size: 0.9375rem; }
  .head > .actions { width: 100%; }
  .head > .actions > .button { flex: 1 1 auto; }
  .exports { margin-left: 0; }
}
@media print {
  body:has(#kit:not([hidden])) main > .column > .stack > :not(#kit), #kit .actions, #kit-confirm { display: none; }
}
`
