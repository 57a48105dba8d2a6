// The consent page: who asks, what for, where the answer goes. Shown before anybody is sent to sign in.
import { Host } from './host.tsx'
import { documentOf } from './layout.tsx'
import { Mark } from './mark.tsx'
import { serverOf } from './names.tsx'
import { DestinationLine, destinationOf, type Redirect } from './redirect.tsx'
import { initialOf, LONGEST_NAME, shownHost, shownName, shownText } from './shown.ts'

export interface Consent {
  readonly ticket: string
  readonly client: {
    readonly name: string
    readonly id: string
    /** Where the client says it is at home: of `client_uri`, or of the document its id names. */
    readonly host?: string
    /** Its name is published at `host`, or entered by an administrator; not merely its own word. */
    readonly verified: boolean
    /** Every redirect URI of it is on this computer, where any program may answer. */
    readonly loopbackOnly: boolean
  }
  readonly redirect: Redirect
  readonly resource: { readonly url: string; readonly name: string }
  readonly scopes: readonly { readonly name: string; readonly meaning: string }[]
  /** Where the person may sign in; the choice is theirs when there are several. */
  readonly identityProviders: readonly { readonly key: string; readonly name: string; readonly host: string }[]
  /** What the server behind is told about the person, as a reader would say it. */
  readonly learns: readonly string[]
  /** The server wants the person to sign in there as well. */
  readonly leadsToServer?: boolean
}

const NO_NAME = 'An unnamed application'

function needsCaution({ client }: Consent): boolean {
  return !client.verified || client.loopbackOnly
}

function Caution({ client: { verified, host } }: Consent) {
  return (
    <p class="note note-warn" id="caution">
      {verified
        ? `The name belongs to ${host === undefined ? 'a known application' : shownHost(host)}, but any program on this computer could use it. `
        : 'The application chose this name itself and nobody has checked it. '}
      <strong>Allow only if you started this connection yourself, just now.</strong>
    </p>
  )
}

function Standing({ client: { verified, host } }: Consent) {
  if (verified) {
    return (
      <span class="tag tag-ok">{host === undefined ? 'Set up by your administrator' : `Published by ${shownHost(host)}`}</span>
    )
  }
  return (
    <>
      <span class="tag tag-warn">Name not verified</span>
      {host !== undefined && (
        <span class="fine">
          says it is from <Host host={host} />
        </span>
      )}
    </>
  )
}

function Facts(consent: Consent) {
  const { client, redirect, resource, scopes, learns } = consent
  return (
    <dl class="facts">
      <div>
        <dt>Application</dt>
        <dd>
          <strong class="name">
            <bdi>{shownName(client.name, NO_NAME)}</bdi>
          </strong>
          <Standing {...consent} />
        </dd>
      </div>
      <div>
        <dt>Returns you to</dt>
        <dd>
          <DestinationLine redirect={redirect} clientHost={client.host} />
        </dd>
      </div>
      <div>
        <dt>Gets access to</dt>
        <dd>
          <strong class="name">
            <bdi>{shownName(resource.name, 'This MCP server')}</bdi>
          </strong>
          <ServerPlace {...resource} />
          {scopes.length > 0 && (
            <ul class="scopes">
              {scopes.map(({ name, meaning }) => (
                <li>
                  {shownText(meaning) || 'No description'} <code>{shownText(name, LONGEST_NAME)}</code>
                </li>
              ))}
            </ul>
          )}
        </dd>
      </div>
      {learns.length > 0 && (
        <div>
          <dt>The server learns</dt>
          <dd>
            <ul class="tags">
              {learns.map((fact) => (
                <li class="tag">{shownText(fact, LONGEST_NAME)}</li>
              ))}
            </ul>
          </dd>
        </div>
      )}
    </dl>
  )
}

// Some servers go by a title somebody gave them; where they really are stands beside it. A host is not said twice.
function ServerPlace({ url, name }: Consent['resource']) {
  if (URL.parse(url)?.host === name) return null
  return <span class="fine address">{serverOf(url)}</span>
}

// Deny comes first: it is what the form does by default, and what the keyboard reaches first. Nothing has autofocus.
function Decision(consent: Consent) {
  const { ticket, identityProviders } = consent
  const [only, ...others] = identityProviders
  const caution = needsCaution(consent) ? { 'aria-describedby': 'caution' } : {}
  return (
    <form id="consent" method="post" action="/authorize" class="decision">
      <input type="hidden" name="ticket" value={ticket} />
      <div class={others.length === 0 ? 'actions actions-even' : 'actions-stack'}>
        <button class="button" id="deny" type="submit" name="decision" value="deny">
          Deny
        </button>
        {others.length === 0 ? (
          <button class="button button-primary" id="allow" type="submit" name="decision" value="allow" {...caution}>
            Allow
          </button>
        ) : (
          identityProviders.map(({ key, name }) => (
            <button class="button button-primary" id={`allow-${key}`} type="submit" name="provider" value={key} {...caution}>
              Allow with {shownName(name, 'your identity provider')}
            </button>
          ))
        )}
      </div>
      {only && others.length === 0 ? <SignInPlace {...only} /> : <SignInPlaces {...consent} />}
    </form>
  )
}

// A provider without a name of its own goes by its host, which need not be said twice.
function SignInPlace({ name, host }: Consent['identityProviders'][number]) {
  const provider = shownName(name, 'your identity provider')
  if (provider === shownHost(host)) {
    return (
      <p class="fine">
        Allow takes you to <Host host={host} /> to sign in.
      </p>
    )
  }
  return (
    <p class="fine">
      Allow takes you to {provider} (
      <span class="address">
        <Host host={host} />
      </span>
      ) to sign in.
    </p>
  )
}

function SignInPlaces({ identityProviders }: Consent) {
  return (
    <p class="fine">
      Allow takes you to the place you choose to sign in:
      {identityProviders.map(({ host }, index) => (
        <>
          {index === 0 ? ' ' : ', '}
          <Host host={host} />
        </>
      ))}
      .
    </p>
  )
}

export function consentPage(consent: Consent): string {
  const { client, resource, redirect, identityProviders } = consent
  const [place, ...others] = identityProviders
  const name = shownName(client.name, NO_NAME)
  const server = shownName(resource.name, 'this MCP server')
  return documentOf({
    title: `Allow ${name}?`,
    children: (
      <article class="card">
        <div class="link-up" aria-hidden="true">
          <span class="initial">{initialOf(name)}</span>
          <span class="wire" />
          <Mark size={32} />
          <span class="wire" />
          <span class="initial">{initialOf(server)}</span>
        </div>
        <h1>
          Allow <bdi>{name}</bdi> to use <bdi>{server}</bdi>?
        </h1>
        {needsCaution(consent) && <Caution {...consent} />}
        <Facts {...consent} />
        <Decision {...consent} />
        <details class="more">
          <summary>What happens next, and how to undo it</summary>
          <ol class="steps">
            <li>
              You sign in at{' '}
              {others.length > 0 ? 'the identity provider you choose' : shownName(place?.name ?? '', 'your identity provider')}.
              Your password stays there; neither the application nor the server sees it.
            </li>
            {consent.leadsToServer === true && (
              <li>
                {server} has a sign-in of its own: unless you are connected to it already, you are asked there as well. The broker
                keeps what it is given for you, sealed; the application never sees it.
              </li>
            )}
            <li>Your browser returns to {destinationOf(redirect)}, and the application is connected in your name.</li>
            <li>
              You can disconnect it in your account, and an administrator can end its access at any time. Open connections close
              at once.
            </li>
          </ol>
        </details>
        <details class="more">
          <summary>Technical details</summary>
          <dl class="facts facts-small">
            <div>
              <dt>Client ID</dt>
              <dd class="address">{shownText(client.id)}</dd>
            </div>
            <div>
              <dt>Redirect URI</dt>
              <dd class="address">{shownText(redirect.uri)}</dd>
            </div>
            <div>
              <dt>MCP server</dt>
              <dd class="address">{shownText(resource.url)}</dd>
            </div>
          </dl>
        </details>
      </article>
    ),
  })
}
