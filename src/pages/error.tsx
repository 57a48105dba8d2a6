// Every refusal a person can run into, and the page for an operator whose settings are wrong.
import { documentOf, type PageLink } from './layout.tsx'
import { shownText } from './shown.ts'

export interface Refusal {
  readonly status: number
  /** The stable code, as the logs have it. */
  readonly code: string
  readonly title: string
  readonly message: string
  /** What the reader can do about it. */
  readonly hint?: string
  readonly requestId: string
  /** Where the code is explained. */
  readonly docs?: string | undefined
  readonly retry?: PageLink
}

export interface SettingsMistakes {
  readonly problems: readonly { readonly variable: string; readonly problem: string; readonly cure: string }[]
  readonly requestId: string
}

// A link leads into this site or to a website. What `javascript:` or an app's own scheme would do is no retry.
function leadsSomewhere(href: string): boolean {
  return /^\/(?![/\\])/.test(href) || /^https?:\/\//i.test(href)
}

export function errorPage({ status, code, title, message, hint, requestId, docs, retry }: Refusal): string {
  const heading = shownText(title)
  return documentOf({
    title: heading,
    children: (
      <article class="card">
        <p class="eyebrow">Error {status}</p>
        <h1>{heading}</h1>
        <p class="lede">{shownText(message)}</p>
        {hint !== undefined && (
          <p class="note">
            <strong>What you can do:</strong> {shownText(hint)}
          </p>
        )}
        {retry !== undefined && leadsSomewhere(retry.href) && (
          <p class="actions">
            <a class="button button-primary" href={retry.href}>
              {shownText(retry.label)}
            </a>
          </p>
        )}
        <Reference code={code} requestId={requestId} docs={docs} />
      </article>
    ),
  })
}

export function settingsErrorPage({ problems, requestId }: SettingsMistakes): string {
  return documentOf({
    title: 'Settings need attention',
    width: 'middle',
    children: (
      <article class="card">
        <p class="eyebrow">Not ready</p>
        <h1>Settings need attention</h1>
        <p class="lede">
          This broker does not start with settings it cannot trust. Correct{' '}
          {problems.length === 1 ? 'this one' : `these ${problems.length}`} and deploy again.
        </p>
        <dl class="problems">
          {problems.map(({ variable, problem, cure }) => (
            <div>
              <dt>
                <code>{shownText(variable)}</code>
              </dt>
              <dd>{shownText(problem)}</dd>
              <dd class="cure">{shownText(cure)}</dd>
            </div>
          ))}
        </dl>
        <Reference code="misconfigured" requestId={requestId} />
      </article>
    ),
  })
}

export function Reference({ code, requestId, docs }: Pick<Refusal, 'code' | 'requestId' | 'docs'>) {
  return (
    <dl class="reference">
      <div>
        <dt>Code</dt>
        <dd>
          <code class="pick">{shownText(code)}</code> {docs !== undefined && <a href={docs}>What it means</a>}
        </dd>
      </div>
      <div>
        <dt>Request ID</dt>
        <dd>
          <code class="pick">{shownText(requestId)}</code>
        </dd>
      </div>
    </dl>
  )
}
