// Microsoft Entra ID as its documentation describes it: a pairwise sub beside oid and tid, groups that may be left out, AADSTS errors.
import { randomUUID } from 'node:crypto'
import { identityProviderFor } from '../../../../src/identity/identity-providers.ts'
import type { IdentityProviderSettings } from '../../../../src/settings/providers.ts'
import { PEOPLE } from '../../../world/people.ts'
import type { ProviderWorld } from '../contract.ts'
import { settingsFor } from '../logins.ts'
import { answerTo, Codes, People, newSigner, NOT_FOUND, redirect, StandIn, Tokens } from './stand-in.ts'
import type { Answer, Asked, PersonKey } from './stand-in.ts'

export const TENANT = '833ced3d-cb2e-41de-92f1-29e2af035ddc'
export const OTHER_TENANT = '5e2c7ed5-6f0c-4bd8-9c9a-1b5a2ed0d7f1'
export const GROUP = '0760b6cf-170e-4a14-91b3-4b78e0739963'
const OIDS: Readonly<Record<PersonKey, string>> = {
  alice: 'cb7eda1b-d09a-40ae-b8bb-37836ebc6abd',
  bob: '90c10293-5eb9-4a52-9e85-3d2f1d4a44c3',
}

export interface EntraWorld extends ProviderWorld {
  readonly server: StandIn
  readonly origin: string
  /** The tenant the next person is of. */
  tenant: string
  /** Changes to the claims of the next ID token. */
  claims: Readonly<Record<string, unknown>>
  /** What Graph says; undefined: the token was not granted it. */
  graph: ((page: number) => Answer) | undefined
}

/** `path`: the tenant in the configured URL, or common. */
export async function startEntra(path = TENANT, change: Partial<IdentityProviderSettings> = {}): Promise<EntraWorld> {
  const [codes, access, refresh, signer, people] = [new Codes(), new Tokens(), new Tokens(), await newSigner(), new People()]

  const idToken = async (person: PersonKey, nonce?: string): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      aud: 'broker',
      iss: `${server.origin}/${world.tenant}/v2.0`,
      iat: now,
      nbf: now,
      exp: now + 3900,
      email: people.emails[person],
      name: PEOPLE[person].name,
      ...(nonce && { nonce }),
      oid: OIDS[person],
      preferred_username: `${person}@contoso.example`,
      rh: '0.x',
      sub: `pairwise-${person}`,
      tid: world.tenant,
      uti: 'x',
      ver: '2.0',
      groups: [GROUP],
    }
    const said = Object.entries({ ...claims, ...world.claims }).filter(([, value]) => value !== undefined)
    return signer.sign(Object.fromEntries(said))
  }
  const tokens = async (person: PersonKey, nonce?: string): Promise<Answer> => ({
    json: {
      token_type: 'Bearer',
      scope: 'openid profile email User.Read',
      expires_in: 4217,
      ext_expires_in: 4217,
      access_token: access.issue(person, 'ey'),
      refresh_token: refresh.issue(person, '0.A'),
      id_token: await idToken(person, nonce),
    },
  })

  const authorize = (asked: Asked): Answer => {
    if (!people.next) {
      const description = 'AADSTS65004: User declined to consent to access the app.'
      return redirect(answerTo(asked, { error: 'access_denied', error_subcode: 'cancel', error_description: description }))
    }
    return redirect(answerTo(asked, { code: `1.A${codes.issue(asked, people.next)}`, session_state: randomUUID() }))
  }

  const token = async (asked: Asked): Promise<Answer> => {
    const { form } = asked
    if (form.get('client_secret') !== 'a secret of the tests')
      return refused(401, 'invalid_client', 7000215, 'Invalid client secret provided.')
    if (form.get('grant_type') === 'refresh_token') {
      const person = refresh.owner(form.get('refresh_token') ?? '')
      if (!person) return refused(400, 'invalid_grant', 50057, 'The user account is disabled.')
      return tokens(person)
    }
    form.set('code', (form.get('code') ?? '').replace('1.A', ''))
    const code = codes.redeem(asked)
    return code
      ? tokens(code.person, code.nonce)
      : refused(400, 'invalid_grant', 54005, 'OAuth2 Authorization code was already redeemed.')
  }

  const server = await StandIn.start((asked, { origin, host }) => {
    if (asked.path === `/${path}/v2.0/.well-known/openid-configuration`) return { json: metadata(origin, host, path) }
    if (asked.path === `/${path}/oauth2/v2.0/authorize`) return authorize(asked)
    if (asked.path === `/${path}/oauth2/v2.0/token`) return token(asked)
    if (asked.path === `/${path}/discovery/v2.0/keys`) return { json: signer.jwks }
    if (asked.path === '/oidc/userinfo') return { json: { sub: 'pairwise-alice', email: 'attacker@example.com' } }
    if (asked.path !== '/v1.0/me/transitiveMemberOf/microsoft.graph.group') return NOT_FOUND
    if (!access.bearer(asked))
      return { status: 401, json: { error: { code: 'InvalidAuthenticationToken', message: 'Access token is empty.' } } }
    const page = Number(asked.query.get('$skiptoken') ?? 0)
    return (
      world.graph?.(page) ?? {
        status: 403,
        json: { error: { code: 'Authorization_RequestDenied', message: 'Insufficient privileges' } },
      }
    )
  })

  const identityOf = (person: PersonKey): ProviderWorld['alice'] => ({
    issuer: `${server.origin}/${TENANT}/v2.0`,
    subject: OIDS[person],
    email: PEOPLE[person].email,
    name: PEOPLE[person].name,
    groups: [GROUP],
  })
  const scopes = ['openid', 'profile', 'email', 'offline_access', 'User.Read']
  const settings = settingsFor(`${server.origin}/${path}/v2.0`, { kind: 'entra', scopes, ...change })
  const world: EntraWorld = {
    server,
    origin: server.origin,
    tenant: TENANT,
    claims: {},
    graph: undefined,
    alice: identityOf('alice'),
    bob: identityOf('bob'),
    newProvider: () => identityProviderFor(settings),
    ...people.handled(server, [access, refresh]),
  }
  return world
}

function refused(status: number, error: string, code: number, text: string): Answer {
  const [trace, correlation] = [randomUUID(), randomUUID()]
  return {
    status,
    json: {
      error,
      error_description: `AADSTS${code}: ${text} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: 2026-11-21 05:00:00Z`,
      error_codes: [code],
      timestamp: '2026-11-21 05:00:00Z',
      trace_id: trace,
      correlation_id: correlation,
    },
  }
}

function metadata(origin: string, host: string, path: string): object {
  return {
    token_endpoint: `${origin}/${path}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${origin}/${path}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${origin}/${path === 'common' || path === 'organizations' ? '{tenantid}' : path}/v2.0`,
    request_uri_parameter_supported: false,
    userinfo_endpoint: `${origin}/oidc/userinfo`,
    authorization_endpoint: `${origin}/${path}/oauth2/v2.0/authorize`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    tenant_region_scope: null,
    cloud_instance_name: 'microsoftonline.com',
    msgraph_host: host,
  }
}
