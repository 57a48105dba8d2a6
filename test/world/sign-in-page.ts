// What a person sees at the demo identity provider: pick who you are, or cancel. One plain form, no script.
import { PEOPLE, PERSON_KEYS } from './people.ts'

/** `client` is shown so that nobody wonders who asked. */
export function signInPage(client: string, action: string): string {
  const people = PERSON_KEYS.map((key) => {
    const { name, email, about } = PEOPLE[key]
    return `<button id="sign-in-${key}" name="person" value="${key}">
        <span class="face" aria-hidden="true">${escaped(name.slice(0, 1))}</span>
        <span class="who"><b>${escaped(name)}</b><span>${escaped(email)}</span></span>
        <span class="tag">${escaped(about)}</span>
      </button>`
  })
  return page(
    'Sign in · Demo identity provider',
    `<p class="label">Demo identity provider</p>
    <h1>Who would you like to be?</h1>
    <p class="lead">Signing in to <b>${escaped(client)}</b>. In real life this is your company’s own sign-in page; here nobody needs a password.</p>
    <form id="sign-in" method="post" action="${escaped(action)}">
      ${people.join('\n      ')}
      <button id="sign-in-cancel" class="quiet" name="cancel" value="yes">Cancel</button>
    </form>`,
  )
}

export function problemPage(title: string, sentence: string): string {
  return page(
    `${title} · Demo identity provider`,
    `<p class="label">Demo identity provider</p><h1>${escaped(title)}</h1><p class="lead">${escaped(sentence)}</p>`,
  )
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${escaped(title)}</title>
  <style>${STYLE}</style>
</head>
<body>
  <main>
    ${body}
  </main>
</body>
</html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const STYLE = `
  :root { color-scheme: light dark; --ink: light-dark(#1c1c1f, #f1f1f3); --soft: light-dark(#5f6068, #a3a4ad);
    --line: light-dark(#e2e2e7, #34353b); --card: light-dark(#fff, #1d1e22); --ground: light-dark(#f5f5f7, #131417);
    --hover: light-dark(#f7f7fa, #26272c); --accent: light-dark(#b45309, #fbbf24); }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 1.25rem; background: var(--ground); color: var(--ink);
    font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
  main { width: 100%; max-width: 25rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; padding: 2rem 1.75rem 1.5rem; }
  .label { display: inline-block; margin: 0 0 1.25rem; padding: .15rem .65rem; border: 1px dashed var(--accent); border-radius: 99rem;
    color: var(--accent); font-size: .8125rem; }
  h1 { margin: 0 0 .35rem; font-size: 1.375rem; font-weight: 600; line-height: 1.25; letter-spacing: -.01em; text-wrap: balance; }
  .lead { margin: 0 0 1.5rem; color: var(--soft); font-size: .9375rem; overflow-wrap: anywhere; }
  .lead b { color: var(--ink); font-weight: 500; }
  form { display: grid; gap: .6rem; }
  button { display: grid; grid-template-columns: auto 1fr auto; align-items: center; column-gap: .85rem; width: 100%; min-height: 3.75rem; padding: .6rem .85rem; text-align: left; font: inherit;
    color: inherit; background: none; border: 1px solid var(--line); border-radius: .75rem; cursor: pointer; transition: background .12s; }
  button:hover { background: var(--hover); }
  button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
  .face { display: grid; place-items: center; width: 2.25rem; height: 2.25rem; border-radius: 50%; background: var(--hover);
    border: 1px solid var(--line); font-weight: 600; font-size: .9375rem; }
  .who { min-width: 0; display: grid; line-height: 1.35; }
  .who b { font-weight: 500; }
  .who span, .tag { color: var(--soft); font-size: .8125rem; overflow-wrap: anywhere; }
  .quiet { grid-template-columns: auto; justify-content: center; min-height: 2.75rem; margin-top: .35rem; border-color: transparent; color: var(--soft); font-size: .9375rem; }
  @media (max-width: 26rem) { main { padding: 1.5rem 1.1rem 1rem; } .tag { grid-column: 2; } .face { grid-row: 1 / 3; } }
  @media (prefers-reduced-motion: reduce) { button { transition: none; } }
`
