// Whose word counts for a name in a rule about people: read from the settings, and refused where that is not said.
import type { ExchangeSettings } from './exchange.ts'
import { isOf, TENANT, withoutSlash, type PersonName } from './people.ts'
import type { SettingsProblem } from './problem.ts'
import type { IdentityProviderSettings } from './providers.ts'

/** Whoever says something about people: a provider, a tenant of one, or an issuer whose tokens are exchanged. */
export interface Authority {
  /** What rules call it. */
  readonly name: string
  readonly issuers: readonly string[]
  /** People sign in with it; absent where only its tokens come here. */
  readonly signsIn?: true
}

/** All of a deployment, those that people sign in with first. */
export function authoritiesOf(
  providers: readonly IdentityProviderSettings[],
  { subjects, assertionIssuers }: ExchangeSettings,
): readonly Authority[] {
  const known = providers.flatMap(authoritiesIn)
  const others = [...(subjects ? [subjects.issuer] : []), ...assertionIssuers].map(withoutSlash)
  const foreign = [...new Set(others)].filter((issuer) => !known.some((one) => isOf(one, issuer)))
  return [...known, ...foreign.map((issuer) => ({ name: issuer, issuers: [issuer] }))]
}

function authoritiesIn({ kind, name, url, restrictedTo }: IdentityProviderSettings): readonly Authority[] {
  const { origin, pathname } = new URL(url)
  const signsIn = true
  if (kind === 'access-application') return [{ name, issuers: [origin], signsIn }]
  if (kind !== 'entra') return [{ name, issuers: [withoutSlash(url)], signsIn }]
  const [own = ''] = pathname.split('/').filter((part) => part !== '')
  const tenants = restrictedTo.length > 0 ? restrictedTo : [own.toLowerCase()]
  const issuersOf = (tenant: string): readonly string[] => [
    `${origin}/${tenant}/v2.0`,
    `${origin}/${tenant}`,
    // As tokens of its first version are signed.
    `https://sts.windows.net/${tenant}`,
    `https://sts.chinacloudapi.cn/${tenant}`,
  ]
  if (tenants.includes('*')) return [{ name, issuers: issuersOf(TENANT), signsIn }]
  const [only = '', ...others] = tenants
  // The administrators of one tenant must not name people and groups of another one.
  if (others.length > 0) return tenants.map((tenant) => ({ name: `${name}/${tenant}`, issuers: issuersOf(tenant), signsIn }))
  return [{ name, issuers: issuersOf(only), signsIn }]
}

/** Reads the names in rules, and collects those that do not say whose word counts. */
export class PeopleNames {
  readonly problems: SettingsProblem[] = []
  readonly #authorities: readonly Authority[]
  readonly #only: Authority | undefined

  constructor(authorities: readonly Authority[]) {
    this.#authorities = authorities
    const [first, ...others] = authorities.filter(({ signsIn }) => signsIn)
    this.#only = others.length === 0 ? first : undefined
  }

  /**
   * `besides` vouches for people without being asked for by name, where there is one provider. There a name may hold colons of its own
   * (`urn:…`, `cognito:…`), and is what it says; where it begins with the name of an authority it is that one's too.
   */
  read(written: readonly string[], { variable, where = '', besides }: Place): readonly PersonName[] {
    return written.flatMap((text) => {
      const authorities = besides ? [...this.#authorities, besides] : this.#authorities
      const qualified = authorities
        .filter(({ name }) => text.startsWith(`${name}:`) && text.length > name.length + 1)
        .toSorted((a, b) => b.name.length - a.name.length)
        .slice(0, 1)
        .map(({ name, issuers }) => ({ issuers, name: text.slice(name.length + 1) }))
      if (this.#only) return [{ issuers: [...this.#only.issuers, ...(besides?.issuers ?? [])], name: text }, ...qualified]
      if (qualified.length === 0) this.#report(text, { variable, where }, authorities)
      return qualified
    })
  }

  #report(text: string, { variable, where = '' }: Place, authorities: readonly Authority[]): void {
    const names = authorities.map(({ name }) => name)
    const shown = text.slice(0, 100)
    const problem = `${where}“${shown}” does not say whose word counts, and several identity providers could say it`
    const cure = `write ${names[0] ?? ''}:${shown}, with one of these names in front: ${names.join(', ')}`
    this.problems.push({ variable, problem, cure })
  }
}

interface Place {
  readonly variable: string
  /** Begins the sentence. */
  readonly where?: string
  readonly besides?: Authority | undefined
}
