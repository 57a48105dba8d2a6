// The parts pages are put together from: cards, facts, tags, notes, buttons, snippets, forms.
//
// `link-up` shows who is connected to what, at a glance; the words below it say it again.
export const PARTS = `
.card { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); box-shadow: var(--shadow); padding: 28px; }
.card > * + * { margin-top: 16px; }
.card > .eyebrow + h1 { margin-top: 4px; }
.card-list { padding: 4px 28px; }
.card-list > * + * { margin-top: 0; }

.eyebrow { display: block; color: var(--ink-soft); font-size: 0.8125rem; font-weight: 600; }
.lede { color: var(--ink-soft); font-size: 1.0625rem; text-wrap: pretty; }
.fine { color: var(--ink-soft); font-size: 0.875rem; }
.address { font-family: var(--mono); font-size: 0.9375em; }
strong.address, strong.name { display: block; font-family: var(--sans); font-size: 1.0625rem; }
.pick { user-select: all; -webkit-user-select: all; }

.link-up { display: flex; align-items: center; }
.link-up .initial { display: grid; place-items: center; width: 40px; height: 40px; border-radius: 11px; border: 1px solid var(--line); background: var(--sunken); font-weight: 650; }
.link-up .wire { width: 22px; height: 2px; background: var(--line-strong); }

.facts { border: 1px solid var(--line); border-radius: var(--radius-small); }
.facts > div { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: 4px var(--gap); padding: 12px 16px; }
.facts > div + div { border-top: 1px solid var(--line); }
.facts dt { color: var(--ink-soft); font-size: 0.875rem; line-height: 1.6rem; }
.facts dd { min-width: 0; display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; }
.facts dd > strong { flex-basis: 100%; }
.facts dd.address { font-size: 0.8125rem; line-height: 1.6rem; }
.facts-small > div { padding: 8px 14px; }

.scopes { flex-basis: 100%; list-style: none; padding: 0; display: grid; gap: 4px; font-size: 0.9375rem; }
.scopes code { color: var(--ink-soft); white-space: normal; }
.tags { display: flex; flex-wrap: wrap; gap: 6px; list-style: none; padding: 0; }
.tag { display: inline-block; padding: 1px 10px; border-radius: 12px; background: var(--sunken); font-size: 0.8125rem; line-height: 1.5rem; }
.tag-ok { background: var(--ok-soft); color: var(--ok); }
.tag-warn { background: var(--warn-soft); color: var(--warn); }
.tag-danger { background: var(--danger-soft); color: var(--danger); }

.note { padding: 12px 16px; border-radius: var(--radius-small); background: var(--sunken); font-size: 0.9375rem; border: 1px solid transparent; }
.note-warn { background: var(--warn-soft); border-color: var(--warn-line); color: var(--ink); }
.note-danger { background: var(--danger-soft); color: var(--ink); }

.actions { display: flex; flex-wrap: wrap; gap: 12px; }
.actions-even > * { flex: 1 1 8rem; }
.actions-stack { display: grid; gap: 10px; }
.decision > * + * { margin-top: 12px; }
.decision .fine { text-align: center; }

.button {
  display: inline-flex; align-items: center; justify-content: center;
  min-height: 46px; padding: 8px 20px; max-width: 100%;
  border: 1px solid var(--line-strong); border-radius: 10px;
  background: var(--surface); color: var(--ink);
  font: 600 1rem/1.3 var(--sans); text-align: center; text-decoration: none; cursor: pointer;
}
.button:hover { background: var(--sunken); text-decoration: none; }
.button:focus-visible { border-radius: 10px; }
.button-primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.button-primary:hover { background: var(--accent-hover); border-color: var(--accent-hover); }
.button-danger { background: var(--danger); border-color: var(--danger); color: var(--on-danger); }
.button-danger:hover { background: var(--danger); text-decoration: underline; }
.button-small { min-height: 34px; padding: 4px 12px; font-size: 0.875rem; border-radius: 8px; }

.choices { display: grid; gap: 10px; padding: 0; list-style: none; }
.choices .button { width: 100%; flex-wrap: wrap; gap: 0 10px; }
.choices .fine { font-weight: 400; }

.more { border-top: 1px solid var(--line); padding-top: 12px; font-size: 0.9375rem; }
.more + .more { margin-top: 12px; }
.more > * + * { margin-top: 10px; }
summary { display: flex; align-items: center; gap: 12px; list-style: none; cursor: pointer; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; flex: none; width: 8px; height: 8px; border: solid var(--ink-soft); border-width: 0 2px 2px 0; transform: rotate(-45deg); }
[open] > summary::before { transform: rotate(45deg) translate(-2px, -2px); }
.more summary { color: var(--ink-soft); min-height: 28px; }
.more summary:hover { color: var(--ink); }
.steps { padding-left: 1.25rem; display: grid; gap: 8px; }
.steps li::marker { color: var(--ink-soft); }

.endpoint { padding: 20px 28px; margin-top: 24px; }
.endpoint > * + * { margin-top: 4px; }
.endpoint .address { display: block; font-size: 1.0625rem; font-weight: 600; }

.setup { padding: 6px 0; }
.setup + .setup { border-top: 1px solid var(--line); }
.setup > summary { min-height: 44px; font-weight: 600; }
.setup > summary .fine { margin-left: auto; font-weight: 400; white-space: nowrap; }
.setup > :not(summary) { margin-bottom: 14px; }
.snippet { background: var(--sunken); border-radius: var(--radius-small); padding: 12px 16px; font-size: 0.875rem; line-height: 1.5; white-space: pre-wrap; }

.snippet code { font-size: inherit; }
.setup > .actions { display: flex; flex-wrap: wrap; gap: 8px; }
.endpoint > .copy { margin-top: 12px; }

.assurances { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 20px; margin-top: 32px; padding: 0; list-style: none; font-size: 0.9375rem; color: var(--ink-soft); }
.assurances strong { display: block; color: var(--ink); }

.problems { display: grid; gap: 12px; }
.problems > div { border-left: 3px solid var(--danger); padding: 2px 0 2px 14px; }
.problems dt { font-weight: 600; }
.problems .cure { color: var(--ink-soft); }

.reference { display: flex; flex-wrap: wrap; gap: 4px 24px; border-top: 1px solid var(--line); padding-top: 14px; font-size: 0.875rem; }
.reference > div { display: flex; flex-wrap: wrap; gap: 0 8px; }
.reference dt { color: var(--ink-soft); }

.field { display: grid; gap: 6px; }
.field > label { font-size: 0.875rem; font-weight: 600; }
.input { width: 100%; min-height: 42px; padding: 6px 12px; border: 1px solid var(--line-strong); border-radius: var(--radius-small); background: var(--surface); color: var(--ink); font: inherit; }
.toolbar { display: flex; flex-wrap: wrap; align-items: end; gap: 12px; margin-bottom: 16px; }
.toolbar .button { min-height: 42px; }

@media (max-width: 480px) {
  .card { padding: 20px; }
  .card-list { padding: 4px 20px; }
  .facts > div { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dt { line-height: 1.4; }
}

@media (forced-colors: active) {
  .tag, .snippet, .note { border: 1px solid; }
}
`
