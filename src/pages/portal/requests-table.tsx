// The last requests of one person: what they asked for through which client, and whether it was let through.
import { Client, Label, serverOf } from '../names.tsx'
import { Table } from '../table.tsx'
import { Ago } from '../when.tsx'
import { reasonFor } from './words.ts'

export interface ShownRequest {
  readonly at: number
  readonly clientId: string
  readonly clientName?: string | undefined
  readonly resource: string
  readonly label: string
  readonly refused?: string | undefined
}

export function RequestsTable({ requests, now }: { readonly requests: readonly ShownRequest[]; readonly now: number }) {
  return (
    <Table
      id="requests"
      caption="Recent requests"
      columns={['What', 'Client', 'Server', 'Outcome', 'When']}
      empty="Nothing was asked for lately."
      rows={requests.map(({ at, label, refused, resource, clientId, clientName }) => (
        <tr>
          <td data-label="What">
            <Label label={label} />
          </td>
          <td data-label="Client">
            <Client clientId={clientId} clientName={clientName} />
          </td>
          <td data-label="Server" class="address">
            {serverOf(resource)}
          </td>
          <td data-label="Outcome">{refused === undefined ? 'let through' : `refused: ${reasonFor(refused)}`}</td>
          <td data-label="When" class="time">
            <Ago at={at} now={now} />
          </td>
        </tr>
      ))}
    />
  )
}
