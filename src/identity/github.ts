// GitHub: plain OAuth, no ID token; its API says who somebody is, which address is verified, and which organisations they are in.
import * as z from 'zod'
import { log } from '../platform/telemetry.ts'
import type { IdentityProviderSettings } from '../settings/providers.ts'
import { askIdentityProvider, assertProviderAtWork, answeredJson } from './ask.ts'
import type { Claims } from './claims.ts'
import { OidcProvider } from './oidc.ts'
import { IdentityError, type IdentityProvider } from './provider.ts'

const userSchema = z.object({ id: z.int(), login: z.string().min(1), name: z.string().nullish() })
const emailsSchema = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }))
const organizationSchema = z.object({ id: z.int(), login: z.string() })
const organizationsSchema = z.array(organizationSchema)
const teamsSchema = z.array(z.object({ slug: z.string(), organization: organizationSchema }))

/** In the settings it is the number of an organisation, and no name: anybody may call one like the number of another. */
const NUMBER = /^\d+$/

const PER_PAGE = 100
const MOST_PAGES = 10

export function githubProvider(settings: IdentityProviderSettings): IdentityProvider {
  const issuer = settings.url.replace(/\/$/, '')
  return new OidcProvider(settings, {
    name: 'GitHub',
    clientAuthentication: 'client_secret_post',
    metadata: {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/access_token`,
      id_token_signing_alg_values_supported: [],
      userinfo_signing_alg_values_supported: [],
    },
    owner: ({ accessToken }) => ownerOf(new Api(new URL(issuer), accessToken), settings),
  })
}

/** The number stays when somebody renames themselves; the name is then free for anybody. */
async function ownerOf(api: Api, { restrictedTo, scopes }: IdentityProviderSettings): Promise<Claims> {
  const { id, login, name } = await api.one('/user', userSchema)
  const [emails, organizations, teams] = await Promise.all([
    api.all('/user/emails', emailsSchema),
    api.all('/user/orgs', organizationsSchema),
    scopes.includes('read:org') ? api.all('/user/teams', teamsSchema) : [],
  ])
  const address = emails.find(({ primary }) => primary)
  // Anybody makes an organisation and calls it as they like: only those the operator has named say anything about a person.
  const isListed = (one: z.output<typeof organizationSchema>): boolean =>
    restrictedTo.includes(String(one.id)) || (!NUMBER.test(one.login) && restrictedTo.includes(one.login.toLowerCase()))
  const listed = organizations.filter(isListed)
  if (restrictedTo.length > 0 && listed.length === 0)
    throw new IdentityError('denied', `${login} is in none of the organisations ${restrictedTo.join(', ')}`)
  return {
    sub: String(id),
    name: name || login,
    email: address?.email,
    email_verified: address?.verified,
    groups: [
      ...listed.map((organization) => organization.login),
      ...teams
        .filter(({ organization }) => isListed(organization))
        .map(({ organization, slug }) => `${organization.login}/${slug}`),
    ],
  }
}

/** What GitHub tells the owner of a token; a GitHub Enterprise Server has the same API below its own address. */
class Api {
  readonly #base: string
  readonly #accessToken: string

  constructor({ origin }: URL, accessToken: string) {
    this.#base = origin === 'https://github.com' ? 'https://api.github.com' : `${origin}/api/v3`
    this.#accessToken = accessToken
  }

  async one<Value>(path: string, schema: z.ZodType<Value>): Promise<Value> {
    const response = await this.#ask(path)
    if (response.status === 401)
      throw new IdentityError('refused', `GitHub takes the access token no more at ${path}`, { code: 'invalid_token' })
    if (!response.ok) throw new IdentityError('invalid', `GitHub answered ${response.status} at ${path}`)
    const found = schema.safeParse(await answeredJson(response, `GitHub at ${path}`))
    if (!found.success) throw new IdentityError('invalid', `GitHub answered something else at ${path}`)
    return found.data
  }

  /** Empty where the token may not see it: a scope was left out, or an organisation has not approved the application. */
  async all<Value>(path: string, schema: z.ZodType<readonly Value[]>): Promise<readonly Value[]> {
    const found: Value[] = []
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const response = await this.#ask(`${path}?per_page=${PER_PAGE}&page=${page}`)
      const values = response.ok ? schema.safeParse(await answeredJson(response, `GitHub at ${path}`)).data : undefined
      if (!values && page > 1) throw new IdentityError('invalid', `GitHub answered ${response.status} in the middle of ${path}`)
      if (!values) {
        log('info', 'identity.github_withheld', { path, status: response.status })
        return found
      }
      for (const value of values) found.push(value)
      if (values.length < PER_PAGE) return found
    }
    throw new IdentityError('invalid', `GitHub lists more than ${found.length} at ${path}`)
  }

  async #ask(path: string): Promise<Response> {
    const response = await askIdentityProvider(`${this.#base}${path}`, {
      method: 'GET',
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${this.#accessToken}`,
        'x-github-api-version': '2022-11-28',
        // Without one GitHub answers nothing.
        'user-agent': 'mcp-session-broker',
      },
    })
    await assertProviderAtWork(response, 'GitHub')
    // The limit of a token is told with 403 too, and says nothing about its owner.
    const isOverrun =
      response.status === 403 && (response.headers.get('x-ratelimit-remaining') === '0' || response.headers.has('retry-after'))
    if (isOverrun) throw new IdentityError('unreachable', `GitHub answers no more for a while (${path})`)
    return response
  }
}
