// Colours, sizes and type as custom properties: light, dark, and for people who ask for more contrast.
//
// Every pair that carries text reaches 4.5:1 (WCAG 2.2 AA) in both schemes; lines of controls reach 3:1.
export const TOKENS = `
:root {
  color-scheme: light dark;

  --paper: #f6f8f7;
  --surface: #ffffff;
  --sunken: #eff3f1;
  --ink: #14201c;
  --ink-soft: #51615b;
  --line: #dde4e1;
  --line-strong: #7d8d86;

  --accent: #0b5d4e;
  --accent-hover: #084a3e;
  --on-accent: #ffffff;
  --link: #0b5d4e;
  --focus: #0a6fd6;

  --ok: #14663b;
  --ok-soft: #e3f4e9;
  --warn: #7a4b00;
  --warn-soft: #fdf3dc;
  --warn-line: #e6c98a;
  --danger: #a61b1b;
  --danger-soft: #fdeaea;
  --on-danger: #ffffff;

  --series-1: #0b6b58;
  --series-2: #3563c9;
  --series-3: #b05a00;
  --series-4: #8a3fb0;

  --shadow: 0 1px 2px rgb(20 32 28 / 5%), 0 8px 24px rgb(20 32 28 / 6%);
  --radius: 14px;
  --radius-small: 8px;
  --gap: 16px;

  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}

@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0e1412;
    --surface: #161e1b;
    --sunken: #1e2824;
    --ink: #e9efec;
    --ink-soft: #a3b3ac;
    --line: #2b3833;
    --line-strong: #71827b;

    --accent: #6fd6b8;
    --accent-hover: #8fe3ca;
    --on-accent: #06231c;
    --link: #7fdcc0;
    --focus: #7db8ff;

    --ok: #8adba8;
    --ok-soft: #17321f;
    --warn: #f0c777;
    --warn-soft: #2c2413;
    --warn-line: #5c4a1f;
    --danger: #ff9d94;
    --danger-soft: #38191a;
    --on-danger: #2b0606;

    --series-1: #5cc9aa;
    --series-2: #85a9ff;
    --series-3: #eda45c;
    --series-4: #cf9bf0;

    --shadow: none;
  }
}

@media (prefers-contrast: more) {
  :root { --ink-soft: var(--ink); --line: var(--line-strong); }
}
`
