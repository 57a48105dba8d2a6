// The clients one person has connected: for which server, since when, and how to disconnect each.
import { confirmPath } from './confirm-path.ts'
import { Client, clientNameOf, counted, serverOf } from './names.tsx'
import { ACTIONS, numbers, Table } from './table.tsx'
import { Lasting } from './when.tsx'

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

interface Grants {
  readonly sub: string
  readonly grants: readonly ShownGrant[]
  readonly streams: readonly { readonly grantId: string }[]
  readonly now: number
}

export function GrantsTable({ sub, grants, streams, now }: Grants) {
  return (
    <Table
      id="grants"
      caption={counted(grants.length, 'connected client')}
      columns={['Client', 'Server', numbers('Streams'), numbers('MCP sessions'), 'Connected for', ACTIONS]}
      empty="No client is connected."
      rows={grants.map((grant) => (
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
    />
  )
}
