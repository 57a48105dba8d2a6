// Clients of the settings, as the Directory answers about them: it keeps only who of them is blocked.
import type { EnteredClient } from '../settings/clients.ts'
import type { ClientRecord, ListedClient } from '../clients/client-record.ts'

type Blocked = (id: string) => ListedClient['blocked']

export function enteredClient(clients: readonly EnteredClient[], id: string, blocked: Blocked): ClientRecord | undefined {
  const found = clients.find(({ record }) => record.id === id)
  return found && { ...found.record, ...(blocked(id) && { isBlocked: true }) }
}

/** Those whose name or id contains the search, as it is for the others. When they were last used is not noted. */
export function enteredClients(clients: readonly EnteredClient[], search: string, blocked: Blocked): readonly ListedClient[] {
  return clients
    .filter(({ record: { id, name = '' } }) => name.toLowerCase().includes(search.toLowerCase()) || id === search)
    .map(({ record }) => {
      const since = blocked(record.id)
      return { ...record, usedAt: undefined, blocked: since, isBlocked: since !== undefined }
    })
}
