// Whom Cloudflare Access in front of the portal vouches for: verified with each request, an administrator if listed, and no person of ours.
import type { Context } from 'hono'
import { AccessAssertions, type AccessInFront } from '../../identity/access-assertion.ts'
import { hmac } from '../../platform/crypto.ts'
import { base64url } from 'jose'
import type { Services } from '../../services.ts'
import type { Visitor } from '../pages-session.ts'

/** Undefined where Access is not set up, or the request has not come through it. */
export async function vouchedFor(c: Context, services: Services): Promise<Visitor | 'invalid' | undefined> {
  const { access, emails } = services.settings.administrators
  const assertion = c.req.header('Cf-Access-Jwt-Assertion')
  if (!access || assertion === undefined) return undefined
  const person = await assertionsOf(access, services.now).person(assertion)
  if (!person) return 'invalid'
  const { email, sub: subject = email, exp } = person
  return {
    // Nobody's object is called that.
    sub: `access:${subject}`,
    identity: { issuer: access.issuer, subject, email, groups: [] },
    csrf: await csrfOf(services, access.issuer, subject),
    session: '',
    // It is verified again with each request, and what listens goes no further than it does.
    until: Math.min(exp, services.now() + services.settings.limits.pagesTtl),
    others: 0,
    via: 'access',
    // Whom the policy of Access lets through is an administrator, unless the settings name fewer.
    isAdministrator: emails.length === 0 || emails.some((known) => known.toLowerCase() === email.toLowerCase()),
  }
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
