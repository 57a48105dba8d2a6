// A company's directory for tests: speaks SCIM to the Worker with a credential of its own, and people of its identity provider sign in.
import { env, exports } from 'cloudflare:workers'
import { personName, type Caller } from '../../src/caller.ts'
import { createMachine, type NewMachine } from '../../src/routes/admin/machines.ts'
import { services } from '../../src/services.ts'
import { CHALLENGE, IDENTITY, REDIRECT_URI, type Session } from './person.ts'

export const BASE = 'http://localhost:8788/scim/v2'
export const MCP = 'http://localhost:8788/mcp'
export const TICKETS = 'http://localhost:8788/servers/tickets/mcp'

export type Json = Readonly<Record<string, unknown>>

export interface ScimAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
}

export async function credential(scopes: NewMachine['scopes'], name = 'Okta'): Promise<string> {
  const wired = await services(env)
  const asked = { name, owner: 'IT', scopes, resources: [MCP], expiresAt: wired.now() + 86_400 * 30 }
  const { token } = await createMachine(wired, asked, { actor: 'test', reason: 'a test', waitUntil: () => undefined })
  return token
}

export async function scim(token: string, method: string, path: string, body?: Json | string): Promise<ScimAnswer> {
  const answer = await exports.default.fetch(`${BASE}${path}`, {
    method,
    headers: {
      host: 'localhost:8788',
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/scim+json' }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) }
}

export const idOf = ({ body }: ScimAnswer): string => String(body['id'])

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
export const patch = (...Operations: readonly Json[]): Json => ({ schemas: [PATCH], Operations })

export const createUser = (token: string, subject: string, more: Json = {}): Promise<ScimAnswer> =>
  scim(token, 'POST', '/Users', {
    schemas: [USER],
    userName: `${subject}@example.com`,
    externalId: subject,
    active: true,
    ...more,
  })
export const createGroup = (token: string, displayName: string, members: readonly string[]): Promise<ScimAnswer> =>
  scim(token, 'POST', '/Groups', { displayName, members: members.map((value) => ({ value })) })

let subjects = 0
/** A subject nobody else has. */
export const newSubject = (): string => `subject-${(subjects += 1)}`

export interface Somebody {
  readonly subject: string
  readonly sub: string
  readonly session: Session
}

export async function somebody(subject = newSubject()): Promise<Somebody> {
  const sub = await personName({ issuer: IDENTITY.issuer, subject })
  return { subject, sub, session: env.USER_SESSION.getByName(sub) }
}

/** Comes back from the identity provider, for a client and a server. */
export function signInTo({ session, subject }: Somebody, resource: string, groups: readonly string[] = []) {
  return session.signIn({
    identity: { ...IDENTITY, subject, email: `${subject}@example.com`, groups },
    tokens: { accessToken: 'idp access', idToken: 'said who it is' },
    grant: { clientId: 'client-a', clientName: 'Client', resource, scopes: ['mcp'] },
    redirectUri: REDIRECT_URI,
    codeChallenge: CHALLENGE,
  })
}

/** Signed in, with a code that was redeemed; throws the refusal. */
export async function connected(person: Somebody, resource: string, groups: readonly string[] = []): Promise<Caller> {
  const issued = await signInTo(person, resource, groups)
  if (typeof issued === 'string') throw new Error(issued)
  const { jti, grantId } = issued
  const outcome = await person.session.redeem({ jti, grantId, redirectUri: REDIRECT_URI, codeChallenge: CHALLENGE })
  if (!outcome.granted) throw new Error(outcome.refusal)
  const expiresAt = outcome.facts.endsAt
  return { sub: person.sub, clientId: 'client-a', grantId, generation: 1, resource, scopes: ['mcp'], expiresAt }
}
