// The open streams of one person at this moment: who asked for what, of which server, since when, and what has passed so far.
import { shownName, shownText } from './shown.ts'
import { confirmPath } from './confirm-path.ts'
import type { ShownGrant } from './grants-table.tsx'
import { Client, clientNameOf, counted, Label, serverOf, sizeOf } from './names.tsx'
import { ACTIONS, Table } from './table.tsx'
import { Lasting } from './when.tsx'

export interface ShownStream {
  readonly id: string
  readonly grantId: string
  readonly kind: 'request' | 'standing' | 'call'
  readonly label: string
  readonly openedAt: number
  /** What the client says it is. */
  readonly software?: { readonly name: string; readonly version: string } | undefined
  /** Absent where whoever carries the stream did not say in time. */
  readonly traffic?:
    | { readonly events: number; readonly bytes: number; readonly lastAt?: number | undefined; readonly waiting: number }
    | undefined
}

const KINDS: Readonly<Record<ShownStream['kind'], string>> = {
  request: 'request in progress',
  call: 'request in progress, replayable',
  standing: 'waits for messages of the server',
}

function What({ label, kind }: ShownStream) {
  return (
    <span class="person">
      <span class="label">
        <Label label={label} />
      </span>
      <span>{KINDS[kind]}</span>
    </span>
  )
}

/** `cursor-vscode 1.4.2`, in the client's own words. */
export function softwareName({ name, version }: NonNullable<ShownStream['software']>): string {
  return shownName(`${name} ${version}`, '')
}

function Passed({ traffic }: ShownStream) {
  if (!traffic) return <span title="Whoever carries this stream did not answer in time">not known</span>
  return (
    <span class="person">
      <span class="label">{counted(traffic.events, 'event')}</span>
      <span>{sizeOf(traffic.bytes)}</span>
    </span>
  )
}

/** What is buffered is what the client has not taken yet. */
function Last({ traffic, now }: ShownStream & { readonly now: number }) {
  if (!traffic) return <>–</>
  const { lastAt, waiting } = traffic
  return (
    <span class="person">
      <span class="label">
        {lastAt === undefined ? (
          'none yet'
        ) : (
          <>
            <Lasting at={lastAt} now={now} /> ago
          </>
        )}
      </span>
      <span>{waiting === 0 ? 'nothing buffered' : `${sizeOf(waiting)} buffered`}</span>
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
    <Table
      id="streams"
      caption={counted(streams.length, 'open stream')}
      columns={['What', 'Client', 'Server', 'Open for', 'Passed', 'Last event', ACTIONS]}
      empty="Nothing is open at this moment."
      rows={streams.map((stream) => {
        const grant = granted.get(stream.grantId)
        return (
          <tr data-stream-id={stream.id} data-grant-id={stream.grantId}>
            <td data-label="What">
              <What {...stream} />
            </td>
            <td data-label="Client">
              <span class="person">
                <span class="label">{grant ? <Client {...grant} /> : '–'}</span>
                {stream.software && (
                  <span>
                    <bdi>{softwareName(stream.software)}</bdi>
                  </span>
                )}
              </span>
            </td>
            <td data-label="Server" class="address">
              {grant ? serverOf(grant.resource) : '–'}
            </td>
            <td data-label="Open for" class="time">
              <Lasting at={stream.openedAt} now={now} />
            </td>
            <td data-label="Passed" class="time">
              <Passed {...stream} />
            </td>
            <td data-label="Last event" class="time">
              <Last {...stream} now={now} />
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
    />
  )
}
