// A crowd to act on: people with a session of their own and a row in the index of a Directory, and the Directory let go on until it is done.
import { env, runDurableObjectAlarm } from 'cloudflare:test'
import type { AdminAction, Receipt } from '../../src/session/contract/receipt.ts'
import type { PersonSummary } from '../../src/session/store/outbox.ts'
import { at, NOW, RESOURCE } from './person.ts'

let names = 0
export const freshDirectory = () => env.DIRECTORY.getByName(`crowd ${names++}`)
export type DirectoryStub = ReturnType<typeof freshDirectory>
export const anew = ({ id }: DirectoryStub): DirectoryStub => env.DIRECTORY.get(id)
export const personNamed = (sub: string) => env.USER_SESSION.getByName(sub)

export const EVERYONE: AdminAction = {
  id: 'everyone',
  at: NOW,
  by: 'carol@example.com',
  why: 'a drill',
  action: 'revoke',
  target: { what: 'everyone' },
}

export function summary(sub: string, clientIds: readonly string[], number = 1, resource = RESOURCE): PersonSummary {
  const identity = { issuer: 'https://idp.example', subject: sub, email: `${sub}@example.com`, groups: [] }
  return {
    sub,
    identity,
    blocked: false,
    liveGrants: clientIds.length,
    clientIds,
    resources: [resource],
    links: [],
    lastSeenAt: NOW,
    number,
  }
}

/** A person with a grant for each client, in their own object and in the index. */
export async function connect(
  directory: DirectoryStub,
  sub: string,
  clientIds: readonly string[] = ['client-a'],
  since = NOW - 60,
): Promise<void> {
  const before = Math.floor(Date.now() / 1000)
  at(since)
  for (const clientId of clientIds) {
    await personNamed(sub).enrol(
      {
        identity: summary(sub, clientIds).identity,
        clientId,
        clientName: clientId,
        grants: [{ id: `${sub} ${clientId}`, resource: RESOURCE, scopes: ['mcp'] }],
        createdAt: since,
        endsAt: NOW + 86_400,
      },
      { actor: 'a test' },
    )
  }
  at(before)
  await directory.record({ person: summary(sub, clientIds), events: [], receipts: [] })
}

export const isLive = async (sub: string, clientId = 'client-a'): Promise<boolean> =>
  await personNamed(sub).isActive({ grantId: `${sub} ${clientId}`, clientId, generation: 1 }, 'access')

export async function receiptOf(directory: DirectoryStub, id = 'everyone'): Promise<Receipt> {
  const found = await directory.receipt(id)
  if (!found) throw new Error('there is no such receipt')
  return found.receipt
}

/** Lets the Directory go on until nothing is due. */
export async function goOn(
  directory: DirectoryStub,
  until: (receipt: Receipt) => boolean = ({ state }) => state === 'done',
  id = 'everyone',
) {
  for (let alarms = 0; alarms < 1_000; alarms += 1) {
    const receipt = await receiptOf(directory, id)
    if (until(receipt)) return receipt
    // As long as everything is due at the frozen moment it rings at once.
    if (!(await runDurableObjectAlarm(directory))) break
  }
  throw new Error(`it stopped at ${JSON.stringify(await receiptOf(directory, id))}`)
}
