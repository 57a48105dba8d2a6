// Whom Cloudflare Access in front of the portal vouches for: verified with each request, an administrator if listed, and no person of ours.
import type { Context } from 'hono'
import { AccessAssertions, type AccessInFront } from '../../identity/access-assertion.ts'
import { personName } from '../../caller.ts'
import { hmac } from '../../platform/crypto.ts'
import { base64url } from 'jose'
import type { Services } from '../../services.ts'
import { meansPerson } from '../../settings/people.ts'
import type { Visitor } from '../pages-session.ts'

/** Undefined where Access is not set up, the request has not come through it, or its word can't decide. */
export async function vouchedFor(c: Context, services: Services): Promise<Visitor | 'invalid' | undefined> {
  const { access, named } = services.settings.administrators
  const assertion = c.req.header('Cf-Access-Jwt-Assertion')
  if (!access || assertion === undefined) return undefined
  const person = await assertionsOf(access, services.now).person(assertion)
  if (!person) return 'invalid'
  const { email, sub: subject = email, iat: signedInAt, exp } = person
  const identity = { issuer: access.issuer, subject, email, groups: [] }
  const isBlocked = await isBlockedHere(services, access.issuer, subject)
  // Whom the policy of Access lets through is an administrator, unless the settings name fewer.
  const isMeant = named.emails.length + named.groups.length === 0 || meansPerson(named, identity)
  // An assertion says nothing about groups: where they are named, the identity provider is asked by a sign-in.
  if (!isMeant && !isBlocked && named.groups.length > 0) return undefined
  return {
    // Nobody's object is called that.
    sub: `access:${subject}`,
    identity,
    csrf: await csrfOf(services, access.issuer, subject),
    session: '',
    signedInAt,
    // It is verified again with each request, and what listens goes no further than it does.
    until: Math.min(exp, services.now() + services.settings.limits.pagesTtl),
    others: 0,
    via: 'access',
    isAdministrator: isMeant && !isBlocked,
  }
}

/**
 * Where people sign in with the same team of Access too, the subject of an assertion is theirs, and who is blocked is no administrator. With
 * any other provider nobody knows that two are one.
 */
async function isBlockedHere({ settings, directory }: Services, access: string, subject: string): Promise<boolean> {
  const issuers = settings.identityProviders.flatMap(({ kind, url }) => {
    if (new URL(url).origin !== access) return []
    return kind === 'access' ? [url] : kind === 'access-application' ? [access] : []
  })
  if (issuers.length === 0) return false
  const people = await directory().named(await Promise.all(issuers.map((issuer) => personName({ issuer, subject }))))
  return people.some(({ blocked }) => blocked)
}

// The keys of Access are fetched once per isolate, whichever path asks.
const known = new WeakMap<AccessInFront, AccessAssertions>()

function assertionsOf(access: AccessInFront, now: () => number): AccessAssertions {
  const found = known.get(access) ?? new AccessAssertions(access, now)
  known.set(access, found)
  return found
}

/** There is no session of ours to keep a token in: it follows from who Access says this is, and from a key nobody else has. */
async function csrfOf({ keys }: Services, issuer: string, subject: string): Promise<string> {
  return base64url.encode(await hmac(keys.current.client, `portal form\0${issuer}\0${subject}`))
}
