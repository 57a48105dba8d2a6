// Where to sign in, when there is a choice: asked every time, and remembered for nobody.
import { Host } from './host.tsx'
import { documentOf } from './layout.tsx'
import { shownHost, shownName } from './shown.ts'

export interface SignInChoice {
  readonly name: string
  readonly host: string
  readonly href: string
}

export function signInPage(choices: readonly SignInChoice[]): string {
  return documentOf({
    title: 'Sign in',
    children: (
      <article class="card">
        <h1>Sign in</h1>
        <p class="lede">Choose where you have your account. Your password stays there.</p>
        <ul class="choices">
          {choices.map((choice) => (
            <Choice {...choice} />
          ))}
        </ul>
        <p class="fine">Accounts at different places are different people here, also with the same e-mail address.</p>
      </article>
    ),
  })
}

function Choice({ name, host, href }: SignInChoice) {
  const shown = shownName(name, 'your identity provider')
  return (
    <li>
      <a class="button" href={href}>
        <bdi>{shown}</bdi>
        {shown !== shownHost(host) && (
          <span class="fine">
            <Host host={host} />
          </span>
        )}
      </a>
    </li>
  )
}
