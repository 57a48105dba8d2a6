// Orders of administrators about many people, carried out by the one Directory everybody's object asks, and a server with a sign-in of its own.
import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import type { Link } from '../../src/session/contract/link-client.ts'
import type { ActionTarget, AdminAction } from '../../src/session/contract/receipt.ts'
import { EVERYONE } from './crowd.ts'
import { CHALLENGE, IDENTITY, REDIRECT_URI, type Session } from './person.ts'

export const NOTES = 'http://localhost:8788/servers/notes/mcp'
export const LINK: Link = {
  issuer: 'https://idp.example',
  tokenEndpoint: 'https://idp.example/token',
  client: { id: 'broker', method: 'none' },
  resource: 'http://127.0.0.1:9/notes',
  scopes: [],
  accessToken: 'at the server',
}

/** The one everybody's object asks. */
export const directory = () => env.DIRECTORY.getByName('directory')

let orders = 0
export const order = (target: ActionTarget, action: AdminAction['action'] = 'revoke'): AdminAction => ({
  ...EVERYONE,
  id: `taken back ${(orders += 1)}`,
  at: Math.floor(Date.now() / 1000),
  action,
  target,
})

/** An action on many people, until all have answered. */
export async function carriedOut(asked: AdminAction): Promise<void> {
  const begun = await directory().begin(asked)
  expect(begun.state).toBe('running')
  for (let alarms = 0; alarms < 50; alarms += 1) {
    const { receipt } = (await directory().receipt(asked.id)) ?? {}
    if (receipt?.state === 'done') break
    await runDurableObjectAlarm(directory())
  }
  expect((await directory().receipt(asked.id))?.receipt.state).toBe('done')
}

/** Signed in, and not yet with a code. */
export const signedIn = async (session: Session) => {
  const issued = await session.signIn({
    identity: IDENTITY,
    tokens: { accessToken: 'idp access' },
    grant: { clientId: 'client-a', clientName: 'Client', resource: NOTES, scopes: ['mcp'] },
    redirectUri: REDIRECT_URI,
    codeChallenge: CHALLENGE,
  })
  if (typeof issued === 'string') throw new Error(issued)
  return issued
}

/** Signed in, and sent on to the sign-in of the server. */
export const waiting = async (session: Session) => {
  const { jti, grantId } = await signedIn(session)
  return { jti, grantId, clientId: 'client-a' }
}
