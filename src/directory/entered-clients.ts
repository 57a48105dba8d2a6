// Clients of the settings, and what stands for `/.sts`, as the Directory answers about them: it keeps only who of them is blocked.
import { WEB_IDENTITY_CLIENT, WEB_IDENTITY_NAME, type EnteredClient } from '../settings/clients.ts'
import { type ClientRecord, type ListedClient, UNSAID } from '../clients/client-record.ts'

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

/** Who uses `/.sts` is no client anybody could connect, but is ended and blocked like one; listed once it was used, or is blocked. */
export function webIdentity(search: string, blocked: Blocked, usedAt: number | undefined): readonly ListedClient[] {
  const since = blocked(WEB_IDENTITY_CLIENT)
  const isMeant = WEB_IDENTITY_NAME.toLowerCase().includes(search.toLowerCase()) || search === WEB_IDENTITY_CLIENT
  if (!isMeant || (usedAt === undefined && !since)) return []
  return [{ ...WEB_IDENTITY, usedAt, blocked: since, isBlocked: since !== undefined }]
}

const WEB_IDENTITY: ClientRecord = {
  id: WEB_IDENTITY_CLIENT,
  knownBy: 'sts',
  name: WEB_IDENTITY_NAME,
  redirectUris: [],
  authMethod: 'none',
  grantTypes: [],
  ...UNSAID,
  registeredAt: 0,
}
