// Cloudflare Access in front of the broker, as its documentation describes it: an assertion with every request, identity by cookie.
import { identityProviderFor } from '../../../../src/identity/identity-providers.ts'
import type { IdentityProvider } from '../../../../src/identity/provider.ts'
import { PEOPLE } from '../../../world/people.ts'
import type { ProviderWorld } from '../contract.ts'
import { settingsFor } from '../logins.ts'
import { newSigner, NOT_FOUND, People, StandIn, type Answer, type PersonKey } from './stand-in.ts'

export const AUDIENCE = '32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228'
const SUBJECTS: Readonly<Record<PersonKey, string>> = {
  alice: '7335d417-61da-459d-899c-0a01c76a2f94',
  bob: '1f0b9a6c-6d54-4e8b-9c51-6e7b54a1f0aa',
}

export interface AccessWorld extends ProviderWorld {
  readonly server: StandIn
  /** What Access adds to a request of that person; changes are to its claims. */
  assertion(person: PersonKey, changes?: object): Promise<string>
  /** Without the edge in front of it: what the broker itself gets to see. */
  bare(): IdentityProvider
  /** What get-identity says instead. */
  identity: (() => Answer) | undefined
}

export async function startAccessApplication(): Promise<AccessWorld> {
  const [signer, emails, ended] = [await newSigner(), new People().emails, new Set<string>()]
  let next: PersonKey = 'alice'

  const assertion = (person: PersonKey, changes: object = {}): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      aud: [AUDIENCE],
      email: emails[person],
      exp: now + 86_400,
      iat: now,
      nbf: now,
      iss: server.origin,
      type: 'app',
    }
    return signer.sign({ ...claims, identity_nonce: '6ei69kawdKzMIAPF', sub: SUBJECTS[person], country: 'US', ...changes })
  }
  const known = (cookie: string): Answer => {
    const { sub }: { sub: string } = JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString())
    const person = SUBJECTS.alice === sub ? 'alice' : 'bob'
    if (ended.has(person)) return { status: 400, json: { err: 'no app token set' } }
    const groups = [{ id: 'g1', name: 'engineering', email: 'engineering@example.com' }]
    const { name } = PEOPLE[person]
    return {
      json: { id: sub, name, email: emails[person], user_uuid: sub, groups, idp: { id: 'x', type: 'google' }, is_warp: false },
    }
  }
  const server = await StandIn.start(({ path, headers }) => {
    if (path === '/cdn-cgi/access/certs') return { json: { ...signer.jwks, public_cert: {}, public_certs: [] } }
    if (path !== '/cdn-cgi/access/get-identity') return NOT_FOUND
    const cookie = /^CF_Authorization=(\S+)$/.exec(headers.cookie ?? '')?.[1]
    return world.identity?.() ?? (cookie === undefined ? { status: 400, json: { err: 'no app token set' } } : known(cookie))
  })

  const settings = settingsFor(server.origin, { kind: 'access-application', clientId: AUDIENCE, clientSecret: undefined })
  const identityOf = (person: PersonKey): ProviderWorld['alice'] => ({
    issuer: server.origin,
    subject: SUBJECTS[person],
    email: PEOPLE[person].email,
    name: PEOPLE[person].name,
    groups: ['engineering'],
  })
  const world: AccessWorld = {
    server,
    assertion,
    bare: () => identityProviderFor(settings),
    identity: undefined,
    alice: identityOf('alice'),
    bob: identityOf('bob'),
    // The edge adds the assertion on the way to the broker.
    newProvider: () => {
      const inner = identityProviderFor(settings)
      const { key, name, host, callback } = inner
      return {
        key,
        name,
        host,
        callback,
        issues: (issuer) => inner.issues(issuer),
        ownIssuer: () => inner.ownIssuer(),
        authorizationUrl: (login) => inner.authorizationUrl(login),
        signIn: async (url, login) => inner.signIn(url, login, await assertion(next)),
        loggedOut: (token) => inner.loggedOut(token),
        refresh: (tokens, person, keep) => inner.refresh(tokens, person, keep),
      }
    },
    signInAs: async (person, url) => {
      next = person
      return url
    },
    decline: async (url) => url,
    changeEmail: (person, email) => void (emails[person] = email),
    drop: (person) => void ended.add(person),
    down: (isDown) => void (server.isDown = isDown),
    close: () => server.close(),
  }
  return world
}
