// The open streams of one person, as their object sees them at this moment: who asked for what, of which server, and since when.
import { shownText } from '../shown.ts'
import { confirmPath } from './confirm-path.ts'
import { Client, clientNameOf, counted, serverOf } from './names.tsx'
import { Lasting } from './when.tsx'

export interface ShownStream {
  readonly id: string
  readonly grantId: string
  readonly kind: 'request' | 'standing' | 'call'
  readonly label: string
  readonly openedAt: number
}

export interface ShownGrant {
  readonly id: string
  readonly clientId: string
  readonly clientName: string | undefined
  readonly resource: string
  readonly scopes: readonly string[]
  readonly createdAt: number
  readonly endsAt: number
  readonly mcpSessions: number
}

const KINDS: Readonly<Record<ShownStream['kind'], string>> = {
  request: 'request in progress',
  call: 'request in progress, replayable',
  standing: 'waits for messages of the server',
}

/** `tools/call count` is a method and what it is applied to. */
function What({ label, kind }: ShownStream) {
  const [method = '', ...rest] = shownText(label, 120).split(' ')
  const applied = rest.join(' ')
  return (
    <span class="person">
      <span class="label">
        <code>{method === '' ? 'stream' : method}</code> {applied !== '' && <strong>{applied}</strong>}
      </span>
      <span>{KINDS[kind]}</span>
    </span>
  )
}

interface Streams {
  readonly sub: string
  readonly streams: readonly ShownStream[]
  readonly grants: readonly ShownGrant[]
  readonly now: number
}

export function StreamsTable({ sub, streams, grants, now }: Streams) {
  const granted = new Map(grants.map((grant) => [grant.id, grant]))
  return (
    <div class="table-wrap" id="streams">
      <table class="table table-stack">
        <caption>{counted(streams.length, 'open stream')}</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Client</th>
            <th scope="col">Server</th>
            <th scope="col">Open for</th>
            <th scope="col">
              <span class="visually-hidden">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {streams.map((stream) => {
            const grant = granted.get(stream.grantId)
            return (
              <tr data-stream-id={stream.id} data-grant-id={stream.grantId}>
                <td data-label="What">
                  <What {...stream} />
                </td>
                <td data-label="Client">{grant ? <Client {...grant} /> : '–'}</td>
                <td data-label="Server" class="address">
                  {grant ? serverOf(grant.resource) : '–'}
                </td>
                <td data-label="Open for" class="time">
                  <Lasting at={stream.openedAt} now={now} />
                </td>
                <td class="action">
                  <a
                    class="button button-danger button-small"
                    id={`end-stream-${stream.id}`}
                    href={confirmPath({ action: 'revoke', what: 'stream', id: stream.id, sub })}
                    aria-label={`Close ${shownText(stream.label, 80)} of ${grant ? clientNameOf(grant) : 'this client'}…`}
                  >
                    Close…
                  </a>
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {streams.length === 0 && <p class="empty">Nothing is open at this moment.</p>}
    </div>
  )
}

interface Grants {
  readonly sub: string
  readonly grants: readonly ShownGrant[]
  readonly streams: readonly ShownStream[]
  readonly now: number
}

export function GrantsTable({ sub, grants, streams, now }: Grants) {
  return (
    <div class="table-wrap" id="grants">
      <table class="table table-stack">
        <caption>{counted(grants.length, 'connected client')}</caption>
        <thead>
          <tr>
            <th scope="col">Client</th>
            <th scope="col">Server</th>
            <th scope="col" class="number">
              Streams
            </th>
            <th scope="col" class="number">
              MCP sessions
            </th>
            <th scope="col">Connected for</th>
            <th scope="col">
              <span class="visually-hidden">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {grants.map((grant) => (
            <tr data-grant-id={grant.id} data-client-id={grant.clientId}>
              <td data-label="Client">
                <Client {...grant} />
              </td>
              <td data-label="Server" class="address">
                {serverOf(grant.resource)}
              </td>
              <td data-label="Streams" class="number">
                {streams.filter(({ grantId }) => grantId === grant.id).length}
              </td>
              <td data-label="MCP sessions" class="number">
                {grant.mcpSessions}
              </td>
              <td data-label="Connected for" class="time">
                <Lasting at={grant.createdAt} now={now} />
              </td>
              <td class="action">
                <a
                  class="button button-danger button-small"
                  id={`end-grant-${grant.id}`}
                  href={confirmPath({ action: 'revoke', what: 'grant', id: grant.id, sub })}
                  aria-label={`Disconnect ${clientNameOf(grant)}…`}
                >
                  Disconnect…
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {grants.length === 0 && <p class="empty">No client is connected.</p>}
    </div>
  )
}
