// Every way in which access is taken from somebody; each resolves when it is said to be gone.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import type { AdminProgram } from './administrator.ts'
import { callTool, type BrokerClient, type Tokens } from './broker-client.ts'
import { PEOPLE } from './people.ts'
import type { World } from './world.ts'

interface Outside {
  readonly world: World
  readonly client: BrokerClient
  readonly carol: AdminProgram
}

type Way = readonly [name: string, revoke: (outside: Outside, tokens: Tokens) => Promise<void>]

/** Ordered by an administrator, and over when the receipt says so. */
async function ordered({ carol }: Outside, target: object): Promise<void> {
  const { id } = await carol.revoke(target)
  while ((await carol.receipt(id)).state !== 'done') await sleep(2)
}

/** Not looked up by the portal's ways: who is being looked at has no lease. */
function meant({ accessToken }: Tokens): { readonly sub: string; readonly grantId: string } {
  const { sub = '', gid } = decodeJwt<{ gid: string }>(accessToken)
  return { sub, grantId: gid }
}

export const REVOKED: readonly Way[] = [
  ['of the person', (outside, tokens) => ordered(outside, { what: 'person', sub: meant(tokens).sub })],
  ['of the grant', (outside, tokens) => ordered(outside, { what: 'grant', id: meant(tokens).grantId, sub: meant(tokens).sub })],
  [
    'of the person’s client',
    (outside, tokens) => ordered(outside, { what: 'client', id: outside.client.clientId, sub: meant(tokens).sub }),
  ],
  ['of the client, for everybody', (outside) => ordered(outside, { what: 'client', id: outside.client.clientId })],
  ['of the server, for everybody', (outside) => ordered(outside, { what: 'resource', id: outside.world.mcpUrl })],
  ['of everyone', (outside) => ordered(outside, { what: 'everyone' })],
  ['by the client itself', async ({ client }, { refreshToken }) => void (await client.revoke(refreshToken))],
]

/** What else ends it. */
export const ENDED: readonly Way[] = [
  ['a block of the person', (outside, tokens) => blocked(outside, `/people/${meant(tokens).sub}`)],
  ['a block of the client', (outside) => blocked(outside, `/clients/${outside.client.clientId}`)],
  ['a refresh token that comes back', reused],
  ['a sign-out at the identity provider', signedOut],
]

/** For as long as it takes to be over everywhere; what it has ended stays over when it is lifted again. */
async function blocked({ carol }: Outside, path: string): Promise<void> {
  const { id } = await carol.act(`${path}/block`, { reason: 'a test' })
  while ((await carol.receipt(id)).state !== 'done') await sleep(2)
  const unblock = async (): Promise<void> => void (await carol.act(`${path}/unblock`, { reason: 'a test' }))
  // Where this was the last of a run, nobody is there any more.
  setTimeout(() => void unblock().catch(() => undefined), UNBLOCKED_AFTER_MS)
}

/** Longer than anybody looks at what is answered after a revocation. */
const UNBLOCKED_AFTER_MS = 300

async function reused({ client, world }: Outside, { refreshToken }: Tokens): Promise<void> {
  const refreshed = async (token: string): Promise<{ access_token: string; refresh_token: string }> =>
    JSON.parse((await client.refresh(token)).text)
  const second = await refreshed(refreshToken)
  const third = await refreshed(second.refresh_token)
  // The newest pair is in use, so the first one can only be somebody else's copy.
  await (await callTool(world.mcpUrl, third.access_token)).body?.cancel()
  await client.refresh(refreshToken)
}

async function signedOut({ world }: Outside): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const aud = world.vars['OAUTH_CLIENT_ID'] ?? ''
  const claims = { iss: world.idp.issuer, aud, iat: now, exp: now + 120, jti: randomUUID(), sub: PEOPLE.alice.sub, events }
  const body = new URLSearchParams({ logout_token: await world.idp.signLogoutToken(claims) })
  const { status } = await fetch(`${world.brokerUrl}/backchannel-logout`, { method: 'POST', body })
  if (status !== 200) throw new Error(`the sign-out was answered ${status}`)
}
