// The ground every page stands on: type, links, focus, and the frame of masthead, main column and footer.
//
// A narrow page, a single decision, has room above it on a large screen; none is wasted on a phone.
export const BASE = `
*, *::before, *::after { box-sizing: border-box; }

html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }

body {
  margin: 0;
  min-height: 100vh;
  min-height: 100dvh;
  background: var(--paper);
  color: var(--ink);
  font: 16px/1.5 var(--sans);
  overflow-wrap: anywhere;
}

h1, h2, h3 { margin: 0; line-height: 1.25; letter-spacing: -0.011em; text-wrap: balance; font-weight: 650; }
h1 { font-size: clamp(1.375rem, 1.15rem + 1vw, 1.75rem); }
h2 { font-size: 1.125rem; margin-top: 32px; margin-bottom: 12px; }
h3 { font-size: 1rem; }
p, ul, ol, dl, dd, pre { margin: 0; }
h1 + .lede { margin-top: 8px; }
strong { font-weight: 650; }
code, pre { font-family: var(--mono); font-size: 0.9em; }

a { color: var(--link); text-underline-offset: 0.2em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }

:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }

.page { display: flex; flex-direction: column; align-items: center; padding: 0 20px; }
.page > header, .page > main, .page > footer { width: 100%; max-width: var(--column); }
.page-narrow { --column: 560px; }
.page-middle { --column: 760px; }
.page-wide { --column: 1160px; }

.masthead { display: flex; flex-wrap: wrap; align-items: center; gap: 8px var(--gap); padding: 20px 0; }
.brand { display: inline-flex; align-items: center; gap: 10px; font-weight: 650; color: var(--ink); text-decoration: none; min-height: 32px; }
.brand:hover span { text-decoration: underline; }
.mark { display: block; flex: none; }
.nav { display: flex; flex-wrap: wrap; gap: 4px 20px; margin-left: auto; }
.nav a { display: inline-flex; align-items: center; min-height: 32px; color: var(--ink-soft); text-decoration: none; }
.nav a:hover { color: var(--ink); text-decoration: underline; }
.nav a[aria-current] { color: var(--ink); font-weight: 650; }

.page > main { flex: 1 0 auto; padding: 12px 0 32px; }
.colophon { padding: 16px 0 24px; color: var(--ink-soft); font-size: 0.8125rem; text-align: center; }

.skip { position: absolute; left: -9999px; }
.skip:focus { left: 12px; top: 12px; z-index: 1; background: var(--surface); padding: 10px 14px; }

.whole { white-space: nowrap; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@media (min-width: 700px) and (min-height: 700px) {
  .page-narrow > main { padding-top: 3vh; }
}

@media (max-width: 480px) {
  .page { padding: 0 16px; }
  .masthead { padding: 14px 0; }
  .page > main { padding-top: 4px; }
  .nav { width: 100%; margin-left: 0; }
}

@media print {
  .masthead .nav, .colophon, .actions { display: none; }
}
`
