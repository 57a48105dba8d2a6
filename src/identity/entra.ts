// Microsoft Entra ID: one issuer per tenant, people named by `oid`, addresses nobody has verified, and groups that may not fit into a token.
import type { IdentityProviderSettings } from '../settings/providers.ts'
import type { Claims } from './claims.ts'
import type { Metadata } from './discovery.ts'
import { groupsInGraph } from './entra-groups.ts'
import { OidcProvider } from './oidc.ts'
import { IdentityError, type IdentityProvider } from './provider.ts'

const PATTERN = '{tenantid}'
/** In China the other one. */
const FIRST_VERSION = /^https:\/\/sts\.(?:windows\.net|chinacloudapi\.cn)\/([0-9a-f-]{36})\/?$/
const TENANT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function entraProvider(settings: IdentityProviderSettings): IdentityProvider {
  const { origin, pathname } = new URL(settings.url)
  const [named = ''] = pathname.split('/').filter((part) => part !== '')
  const tenants = new Tenants(origin, settings.restrictedTo.length > 0 ? settings.restrictedTo : [named.toLowerCase()])
  // What a claim of the operator's choice leaves out is in no other place.
  const groupsIn = settings.groupsClaim === undefined ? groupsOf : (claims: Claims): unknown => claims['groups'] ?? []
  return new OidcProvider(settings, {
    name: 'Microsoft',
    clientAuthentication: 'client_secret_post',
    publishes: (issuer) => issuer === tenants.pattern || tenants.tenantOf(issuer) !== undefined,
    // Refresh tokens come without it, and where only administrators may consent it would stop everybody else.
    parameters: { prompt: undefined },
    // It knows neither oid nor tenant.
    hasNoUserInfo: true,
    issues: (issuer) => tenants.tenantOf(issuer) !== undefined,
    signInIssuer: (issuer) => tenants.signInIssuer(issuer),
    metadataFor: (published, claims) => tenants.metadataFor(published, claims),
    claims: async (claims, { metadata, accessToken }) => {
      const person = inDirectory(claims, tenants.areNamed)
      return { ...person, groups: tenants.areNamed ? await groupsIn(claims, metadata, accessToken) : [] }
    },
    stated: (claims) => ({ ...inDirectory(claims, tenants.areNamed), ...(!tenants.areNamed && { groups: [] }) }),
  })
}

/** Whose people may sign in. Where every tenant there is may, anybody can make one, and call groups in it as they like. */
class Tenants {
  readonly #origin: string
  readonly #tenants: readonly string[]

  constructor(origin: string, tenants: readonly string[]) {
    this.#origin = origin
    this.#tenants = tenants
  }

  get pattern(): string {
    return `${this.#origin}/${PATTERN}/v2.0`
  }

  get areNamed(): boolean {
    return !this.#tenants.includes('*')
  }

  tenantOf(issuer: string): string | undefined {
    const tenant = issuer.startsWith(`${this.#origin}/`) ? issuer.slice(this.#origin.length + 1).replace(/\/v2\.0$/, '') : ''
    return TENANT.test(tenant) && this.#letIn(tenant) ? tenant : undefined
  }

  /** Tokens of the first version name the tenant in another way. Whoever is blocked must not come back by one of them. */
  signInIssuer(issuer: string): string | undefined {
    const first = FIRST_VERSION.exec(issuer)?.[1] ?? ''
    const tenant = this.tenantOf(first === '' ? issuer : `${this.#origin}/${first}`)
    return tenant && `${this.#origin}/${tenant}/v2.0`
  }

  #letIn(tenant: string): boolean {
    return !this.areNamed || this.#tenants.includes(tenant)
  }

  /**
   * `common` and `organizations` publish a pattern. What takes its place is chosen from the tenants of the settings before anything is
   * verified, and then the token has to name exactly that issuer.
   */
  metadataFor(published: Metadata, claims: Claims | undefined): Metadata {
    if (!claims) return published
    const tid = typeof claims['tid'] === 'string' ? claims['tid'] : ''
    const issuer = published.issuer.replace(PATTERN, tid)
    if (!TENANT.test(tid) || !this.#letIn(tid))
      throw new IdentityError('denied', `the tenant ${tid.slice(0, 64)} is not one of those that may sign in`)
    return { ...published, issuer }
  }
}

/** `sub` is another one for every client; the object in the directory is the person. */
function inDirectory(claims: Claims, tenantIsNamed: boolean): Claims {
  const { oid } = claims
  if (typeof oid !== 'string' || oid === '') throw new IdentityError('invalid', 'the token has no oid')
  const trusted = trustedEmail(claims, tenantIsNamed)
  return { ...claims, sub: oid, email: trusted ?? claims['email'], email_verified: trusted !== undefined }
}

/**
 * An address in a token of Entra is whatever stands in the directory. Of a tenant the operator has named, its administrators answer for the
 * members; of guests, and of tenants nobody has named, only what Microsoft itself has verified counts.
 */
function trustedEmail(claims: Claims, tenantIsNamed: boolean): unknown {
  const { email, xms_edov: isOwned, verified_primary_email: verified, idp, iss, acct } = claims
  const [first] = [verified].flat()
  if (typeof first === 'string') return first
  const isGuest = (idp !== undefined && idp !== iss) || acct === 1 || acct === '1'
  const isVerified = [true, 1, '1', 'true'].some((yes) => isOwned === yes)
  return isVerified || (isOwned === undefined && tenantIsNamed && !isGuest) ? email : undefined
}

/** Of more than two hundred a token says only that there are some. To take that for none would lift every rule that names one of them. */
async function groupsOf(claims: Claims, metadata: Metadata, accessToken: string): Promise<unknown> {
  const { groups, hasgroups, _claim_names: elsewhere } = claims
  const isElsewhere = typeof elsewhere === 'object' && elsewhere !== null && 'groups' in elsewhere
  const areMissing = isElsewhere || hasgroups === true || hasgroups === 'true'
  return areMissing ? await groupsInGraph(metadata, accessToken) : (groups ?? [])
}
