// A person's object to try things on: signed in, at a time the test sets, with every row it stores in view.
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { Caller, IdpTokens } from '../../src/caller.ts'
import type { ActionTarget, Receipt } from '../../src/session/contract/receipt.ts'
import type { Presented, TokenFacts, TokenOutcome } from '../../src/session/access/tokens.ts'

/** Far ahead, so that no alarm of a test is due by the clock of the machine. */
export const NOW = 4_000_000_000
export const RESOURCE = 'http://localhost:8788/mcp'
export const REDIRECT_URI = 'http://127.0.0.1:33418/callback'
/** S256 of a `code_verifier` of 43 times `v`. */
export const CHALLENGE = '7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM'
export const IDENTITY = {
  issuer: 'https://idp.example',
  subject: 'person-1001',
  email: 'alice@example.com',
  name: 'Alice Archer',
  groups: ['engineering'],
}

export { at } from './clock.ts'

let people = 0
export const nobody = () => env.USER_SESSION.getByName(`person ${(people += 1)}`)
export type Session = ReturnType<typeof nobody>

/** A stub of an object that was aborted stays broken; the next request has one of its own. */
export const anew = ({ id }: Session): Session => env.USER_SESSION.get(id)

export interface Grant {
  readonly jti: string
  readonly grantId: string
  readonly clientId: string
}

/** With an ID token and without a refresh token of the provider nobody is asked when ours is rotated. */
export async function signIn(
  session: Session,
  {
    clientId = 'client-a',
    tokens = { accessToken: 'idp access', idToken: 'said who it is' },
  }: { clientId?: string; tokens?: IdpTokens } = {},
): Promise<Grant> {
  const issued = await session.signIn({
    identity: IDENTITY,
    tokens,
    grant: { clientId, clientName: 'Client', resource: RESOURCE, scopes: ['mcp'] },
    redirectUri: REDIRECT_URI,
    codeChallenge: CHALLENGE,
  })
  if (typeof issued === 'string') throw new Error(`this person is ${issued}`)
  return { jti: issued.jti, grantId: issued.grantId, clientId }
}

export async function redeem(
  session: Session,
  { jti, grantId }: Grant,
  codeChallenge: string | undefined = CHALLENGE,
): Promise<TokenOutcome> {
  return session.redeem({ jti, grantId, redirectUri: REDIRECT_URI, codeChallenge })
}

/** A grant whose code has been redeemed: generation 1 is current. */
export async function granted(session: Session, options: Parameters<typeof signIn>[1] = {}): Promise<Grant> {
  const grant = await signIn(session, options)
  factsOf(await redeem(session, grant))
  return grant
}

export function factsOf(outcome: TokenOutcome): TokenFacts {
  if (!outcome.granted) throw new Error(`refused: ${outcome.refusal}`)
  return outcome.facts
}

export const presented = ({ grantId, clientId }: Grant, generation: number): Presented => ({ grantId, clientId, generation })

export function caller({ grantId, clientId }: Grant, generation = 1, expiresAt = NOW + 86_400 * 365): Caller {
  return { sub: 'person', clientId, grantId, generation, resource: RESOURCE, scopes: ['mcp'], expiresAt }
}

export const isLive = async (session: Session, grant: Grant): Promise<boolean> => session.isActive(presented(grant, 0), 'access')

/** Every row of every table, as it lies on the disk. */
export async function rowsOf(session: Session): Promise<Readonly<Record<string, readonly Record<string, SqlStorageValue>[]>>> {
  return runInDurableObject(session, (_, { storage: { sql } }) => {
    const tables = sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'")
      .toArray()
    return Object.fromEntries(tables.map(({ name }) => [name, sql.exec(`SELECT * FROM "${name}"`).toArray()]))
  })
}

/** How many rows SQLite has written for this object since it woke, alarms and jobs included. */
export async function writesOf(session: Session): Promise<number> {
  return runInDurableObject(session, (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n)
}

/** As an administrator orders it. */
export async function ordered(
  session: Session,
  action: 'revoke' | 'block' | 'unblock',
  target: ActionTarget = { what: 'person' },
): Promise<Receipt> {
  const order = {
    id: `order ${(orders += 1)}`,
    at: Math.floor(Date.now() / 1000),
    by: 'an administrator',
    why: 'a test',
    action,
    target,
  }
  const receipt = await session.carryOut(order, IDENTITY)
  if (!receipt) throw new Error('an administrator gets a receipt')
  return receipt
}
let orders = 0
