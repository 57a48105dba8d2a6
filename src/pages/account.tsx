// A person's own page: who they are here, what they have connected, what is open, and how to end each of it or all.
import type { Child } from 'hono/jsx'
import { SignedInServers, type SignedInServer } from './signed-in-servers.tsx'
import { documentOf } from './layout.tsx'
import { Client, clientNameOf, counted, nameOf, serverOf, sizeOf } from './names.tsx'
import type { ShownGrant } from './grants-table.tsx'
import { softwareName, type ShownStream } from './streams-table.tsx'
import { Exact, Lasting } from './when.tsx'
import { shownName, shownText } from './shown.ts'

export interface AccountView {
  readonly sub: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly isAdministrator: boolean
  readonly csrf: string
  /** In how many more the person is signed in to these pages. */
  readonly otherBrowsers: number
  readonly grants: readonly ShownGrant[]
  /** What the servers are called. */
  readonly servers: readonly { readonly url: string; readonly name: string }[]
  readonly streams: readonly ShownStream[]
  /** Servers that want the person to sign in there. */
  readonly signedInTo?: readonly SignedInServer[]
  /** What the person has just ended. */
  readonly ended: { readonly grants: number; readonly streams: number; readonly acknowledgedAt: number | null } | undefined
  /** While an administrator has what passes recorded. */
  readonly recording:
    | { readonly by: string; readonly byName?: string | undefined; readonly bodies: boolean; readonly until: number }
    | undefined
  readonly now: number
}

export function accountPage(account: AccountView): string {
  const { email, isAdministrator, grants, streams, csrf, ended, recording } = account
  const name = nameOf(account)
  return documentOf({
    title: 'Your account',
    width: 'middle',
    links: isAdministrator ? [{ label: 'Administration', href: '/admin' }] : [],
    children: (
      <div class="stack" data-person={account.sub}>
        <div class="head">
          <div>
            <h1>
              <bdi>{name}</bdi>
            </h1>
            {email !== undefined && (
              <p class="fine">
                <bdi>{shownText(email)}</bdi>
              </p>
            )}
          </div>
          <form id="sign-out" method="post" action="/account/sign-out">
            <input type="hidden" name="csrf" value={csrf} />
            <button class="button button-small" id="sign-out-go" type="submit">
              Sign out of this page
            </button>
          </form>
        </div>
        {recording && <Recorded {...recording} />}
        {ended && <Ended {...ended} />}
        <h2>Connected applications</h2>
        {grants.length === 0 && (
          <p class="card empty" id="nothing">
            No application is connected in your name. <a href="/">How to connect one</a>
          </p>
        )}
        {grants.map((grant) => (
          <Connected
            grant={grant}
            server={account.servers.find(({ url }) => url === grant.resource)?.name}
            streams={streams.filter(({ grantId }) => grantId === grant.id)}
            csrf={csrf}
            now={account.now}
          />
        ))}
        {(grants.length > 1 || account.otherBrowsers > 0) && <All {...account} />}
        <SignedInServers servers={account.signedInTo ?? []} csrf={csrf} />
        <p class="fine">
          <a href="/account" id="refresh">
            Refresh
          </a>{' '}
          this page to see what is open now.
        </p>
      </div>
    ),
  })
}

function Ended({ grants, streams, acknowledgedAt }: NonNullable<AccountView['ended']>) {
  return (
    <p class="note note-ok" id="ended" role="status">
      <strong>Done.</strong> Disconnected {counted(grants, 'application')} and closed {counted(streams, 'open stream')}
      {acknowledgedAt !== null && (
        <>
          , acknowledged <Exact at={acknowledgedAt} />
        </>
      )}
      .
    </p>
  )
}

function Recorded({ by, byName, bodies, until }: NonNullable<AccountView['recording']>) {
  return (
    <p class="note note-warn" id="recording">
      <strong>
        <bdi>{shownText(byName ?? by, 80)}</bdi> is recording what your applications do here
      </strong>
      {bodies ? ', with the messages, sealed to the administrators’ key,' : ', without the messages themselves,'} until{' '}
      <Exact at={until} />.
    </p>
  )
}

interface ConnectedView extends Pick<AccountView, 'csrf' | 'now'> {
  readonly grant: ShownGrant
  /** Undefined where it is not brokered any more. */
  readonly server: string | undefined
  readonly streams: readonly ShownStream[]
}

function Connected({ grant, server, streams, csrf, now }: ConnectedView) {
  const name = clientNameOf(grant)
  const address = serverOf(grant.resource)
  return (
    <article class="card" data-grant-id={grant.id}>
      <div class="head">
        <div>
          <h3>
            <Client {...grant} />
          </h3>
          <p class="fine">
            uses{' '}
            {server !== undefined && !address.startsWith(`${server}/`) && (
              <>
                <bdi>{shownName(server, 'a server')}</bdi> at{' '}
              </>
            )}
            <span class="address">{address}</span>, connected for <Lasting at={grant.createdAt} now={now} />
          </p>
        </div>
        <span class={streams.length > 0 ? 'state state-live' : 'state'}>
          {streams.length === 0 ? 'Nothing open' : counted(streams.length, 'open stream')}
        </span>
      </div>
      {streams.length > 0 && (
        <ul class="open-streams">
          {streams.map((stream) => (
            <li data-stream-id={stream.id}>
              <span>
                <code>{shownText(stream.label, 120)}</code>{' '}
                <span class="fine">
                  open for <Lasting at={stream.openedAt} now={now} />
                  {stream.traffic && `, ${counted(stream.traffic.events, 'event')}, ${sizeOf(stream.traffic.bytes)}`}
                  {stream.software && (
                    <>
                      , by <bdi>{softwareName(stream.software)}</bdi>
                    </>
                  )}
                </span>
              </span>
              <form method="post" action="/account/disconnect" id={`close-form-${stream.id}`}>
                <input type="hidden" name="csrf" value={csrf} />
                <input type="hidden" name="what" value="stream" />
                <input type="hidden" name="id" value={stream.id} />
                <button
                  class="button button-small"
                  id={`close-${stream.id}`}
                  type="submit"
                  aria-label={`Close ${shownText(stream.label, 80)}; ${name} stays connected`}
                >
                  Close
                </button>
              </form>
            </li>
          ))}
        </ul>
      )}
      <Disconnect id={grant.id} label={`Disconnect ${name}…`} what="grant" csrf={csrf} button={`Disconnect ${name}`}>
        This ends {name}’s access at once{streams.length > 0 && <> and closes {counted(streams.length, 'open stream')}</>}. To use
        it again you sign in again.
      </Disconnect>
    </article>
  )
}

function All({ grants, streams, otherBrowsers, csrf }: AccountView) {
  const button = grants.length > 0 ? `Disconnect all ${grants.length}` : 'Sign out elsewhere'
  return (
    <Disconnect id="all" label="Disconnect everything…" what="person" csrf={csrf} button={button}>
      This ends the access of {counted(grants.length, 'application')} at once and closes {counted(streams.length, 'open stream')}.
      To use them again you sign in again.
      {otherBrowsers > 0 &&
        ` You are signed out of these pages in ${counted(otherBrowsers, 'other browser')}, and stay in this one.`}
    </Disconnect>
  )
}

interface DisconnectForm {
  readonly id: string
  readonly label: string
  readonly what: 'grant' | 'person'
  readonly csrf: string
  readonly button: string
  readonly children: Child
}

/** Folded away, so that nothing ends by one slip of a finger, and what it would do is read first. */
function Disconnect({ id, label, what, csrf, button, children }: DisconnectForm) {
  return (
    <details class="more" id={`disconnect-${id}`}>
      <summary>{label}</summary>
      <p>{children}</p>
      <form method="post" action="/account/disconnect" id={`disconnect-form-${id}`}>
        <input type="hidden" name="csrf" value={csrf} />
        <input type="hidden" name="what" value={what} />
        {what === 'grant' && <input type="hidden" name="id" value={id} />}
        <button class="button button-danger" id={`disconnect-go-${id}`} type="submit">
          {button}
        </button>
      </form>
    </details>
  )
}
