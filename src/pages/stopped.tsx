// The end of a request that nobody has allowed anything: where the application wants the person to go is said, and going there is their decision.
//
// Anybody can register an application, and a redirect URI with it. Sent there by itself, a browser would carry people from this address to any
// other one: RFC 9700 section 4.11.2.
import { Reference } from './error.tsx'
import { documentOf } from './layout.tsx'
import { DestinationLine, destinationOf, type Redirect } from './redirect.tsx'
import { shownName, shownText } from './shown.ts'

export interface Stopped {
  readonly client: string
  /** The whole address, with the answer in it. */
  readonly redirect: Redirect
  /** Absent: the person has said no. */
  readonly refusal?: {
    readonly code: string
    readonly message: string
    readonly requestId: string
    readonly docs?: string | undefined
  }
}

export function stoppedPage({ client, redirect, refusal }: Stopped): string {
  const name = shownName(client, 'an application')
  const title = refusal ? 'This request cannot be answered' : 'Nothing was allowed'
  return documentOf({
    title,
    children: (
      <article class="card">
        <h1>{title}</h1>
        {refusal ? (
          <p class="lede">
            <bdi>{name}</bdi> has asked in a way that cannot be answered: {shownText(refusal.message)}. Nothing was allowed.
          </p>
        ) : (
          <p class="lede">
            You did not allow <bdi>{name}</bdi> to connect. You can close this page, or go back to it.
          </p>
        )}
        <dl class="reference">
          <div>
            <dt>It wants you back at</dt>
            <dd>
              <DestinationLine redirect={redirect} />
            </dd>
          </div>
        </dl>
        <p class="actions">
          <a class="button" id="continue" href={redirect.uri} rel="noreferrer">
            <span>Go back to {destinationOf(redirect)}</span>
          </a>
        </p>
        <p class="fine">Do not go on if you did not start this yourself. Nobody has checked this application.</p>
        {refusal && <Reference code={refusal.code} requestId={refusal.requestId} docs={refusal.docs} />}
      </article>
    ),
  })
}
