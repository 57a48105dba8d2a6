// Servers that want people to sign in there themselves: where somebody is connected, and how that begins and ends.
import { shownHost, shownName, shownText } from './shown.ts'

export interface SignedInServer {
  readonly resource: string
  readonly name: string
  /** The host where the person has signed in; undefined: they are not connected. */
  readonly at: string | undefined
}

interface View {
  readonly servers: readonly SignedInServer[]
  readonly csrf: string
}

export function SignedInServers({ servers, csrf }: View) {
  if (servers.length === 0) return <></>
  return (
    <>
      <h2>Servers you sign in to</h2>
      {servers.map((server) => (
        <article class="card" data-signed-in-server={shownText(server.resource)}>
          <div class="head">
            <div>
              <h3>
                <bdi>{shownName(server.name, 'MCP server')}</bdi>
              </h3>
              <p class="fine">
                {server.at === undefined
                  ? 'You are asked to sign in there when an application connects, or now.'
                  : `The broker keeps what ${shownHost(server.at)} gave it for you, sealed, and uses it for your applications alone.`}
              </p>
            </div>
            <span class={server.at === undefined ? 'state' : 'state state-live'}>
              {server.at === undefined ? 'Not connected' : 'Connected'}
            </span>
          </div>
          {server.at === undefined ? <Change {...server} csrf={csrf} what="connect" /> : <Disconnect {...server} csrf={csrf} />}
        </article>
      ))}
    </>
  )
}

/** Folded away, so that nothing ends by one slip of a finger, and what it would do is read first. */
function Disconnect(server: SignedInServer & Pick<View, 'csrf'>) {
  return (
    <details class="more">
      <summary>Disconnect {shownName(server.name, 'MCP server')}…</summary>
      <p>
        This gives back what the broker keeps for you there, and ends the access of every application that uses this server. To
        use it again you sign in again.
      </p>
      <Change {...server} what="disconnect" />
    </details>
  )
}

function Change({
  resource,
  name,
  csrf,
  what,
}: SignedInServer & Pick<View, 'csrf'> & { readonly what: 'connect' | 'disconnect' }) {
  return (
    <form method="post" action="/account/servers" data-change={what}>
      <input type="hidden" name="csrf" value={csrf} />
      <input type="hidden" name="server" value={resource} />
      <input type="hidden" name="what" value={what} />
      <button class={what === 'connect' ? 'button button-small' : 'button button-danger'} type="submit">
        {what === 'connect' ? 'Connect' : 'Disconnect'} {shownName(name, 'MCP server')}
      </button>
    </form>
  )
}
