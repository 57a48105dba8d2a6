// Google as its documentation describes it: access_type instead of offline_access, a refresh token with the consent only, hd in the ID token.
import { identityProviderFor } from '../../../../src/identity/identity-providers.ts'
import type { IdentityProviderSettings } from '../../../../src/settings/providers.ts'
import { PEOPLE } from '../../../world/people.ts'
import type { ProviderWorld } from '../contract.ts'
import { settingsFor } from '../logins.ts'
import { answerTo, Codes, People, newSigner, NOT_FOUND, redirect, StandIn, Tokens } from './stand-in.ts'
import type { Answer, Asked, PersonKey } from './stand-in.ts'

export interface GoogleWorld extends ProviderWorld {
  /** Whose organisation Alice's account is of; undefined for an account of her own. */
  hd: string | undefined
  readonly server: StandIn
}

const SCOPES: readonly string[] = ['openid', 'email', 'profile']
const SUBJECTS: Readonly<Record<PersonKey, string>> = { alice: '110248495921238986420', bob: '104209587364526137845' }

export async function startGoogle(change: Partial<IdentityProviderSettings> = {}): Promise<GoogleWorld> {
  const [codes, access, refresh, signer, people] = [new Codes(), new Tokens(), new Tokens(), await newSigner(), new People()]

  const claims = (person: PersonKey): Record<string, unknown> => ({
    sub: SUBJECTS[person],
    ...(world.hd !== undefined && { hd: world.hd }),
    email: people.emails[person],
    email_verified: true,
    name: PEOPLE[person].name,
    picture: 'https://lh3.googleusercontent.com/a/x',
  })
  const tokens = async (person: PersonKey, nonce?: string): Promise<Record<string, unknown>> => {
    const now = Math.floor(Date.now() / 1000)
    const id = {
      iss: server.origin,
      azp: 'broker',
      aud: 'broker',
      at_hash: 'x',
      iat: now,
      exp: now + 3599,
      ...(nonce && { nonce }),
    }
    return {
      access_token: access.issue(person, 'ya29.'),
      expires_in: 3599,
      scope: 'openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile',
      token_type: 'Bearer',
      id_token: await signer.sign({ ...id, ...claims(person) }),
    }
  }

  const authorize = (asked: Asked): Answer => {
    const scopes = (asked.query.get('scope') ?? '').split(' ')
    // Google shows these mistakes on a page of its own.
    if (scopes.some((scope) => !SCOPES.includes(scope))) return { status: 400, text: 'Error 400: invalid_scope' }
    if (!people.next) return redirect(answerTo(asked, { error: 'access_denied' }))
    return redirect(
      answerTo(asked, {
        code: `4/${codes.issue(asked, people.next)}`,
        scope: scopes.join(' '),
        authuser: '0',
        prompt: 'consent',
      }),
    )
  }

  const token = async (asked: Asked): Promise<Answer> => {
    const { form } = asked
    if (form.get('grant_type') === 'refresh_token') {
      const person = refresh.owner(form.get('refresh_token') ?? '')
      if (!person) return badGrant('Token has been expired or revoked.')
      return { json: await tokens(person) }
    }
    form.set('code', (form.get('code') ?? '').replace('4/', ''))
    const code = codes.redeem(asked)
    if (!code) return badGrant('Malformed auth code.')
    const isOffline = code.query.get('access_type') === 'offline' && code.query.get('prompt') === 'consent'
    const offline = isOffline && { refresh_token: refresh.issue(code.person, '1//') }
    return { json: { ...(await tokens(code.person, code.nonce)), ...offline } }
  }

  const server = await StandIn.start((asked, { origin }) => {
    if (asked.path === '/.well-known/openid-configuration') return { json: metadata(origin) }
    if (asked.path === '/o/oauth2/v2/auth') return authorize(asked)
    if (asked.path === '/token') return token(asked)
    if (asked.path === '/oauth2/v3/certs') return { json: signer.jwks }
    if (asked.path !== '/v1/userinfo') return NOT_FOUND
    const person = access.bearer(asked)
    return person
      ? { json: claims(person) }
      : { status: 401, json: { error: 'invalid_request', error_description: 'Invalid Credentials' } }
  })

  const identityOf = (person: PersonKey): ProviderWorld['alice'] => ({
    issuer: server.origin,
    subject: SUBJECTS[person],
    email: PEOPLE[person].email,
    name: PEOPLE[person].name,
    groups: [],
  })
  const settings = settingsFor(server.origin, { kind: 'google', scopes: SCOPES, ...change })
  const world: GoogleWorld = {
    hd: 'example.com',
    server,
    alice: identityOf('alice'),
    bob: identityOf('bob'),
    newProvider: () => identityProviderFor(settings),
    ...people.handled(server, [access, refresh]),
  }
  return world
}

function badGrant(description: string): Answer {
  return { status: 400, json: { error: 'invalid_grant', error_description: description } }
}

function metadata(origin: string): object {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/o/oauth2/v2/auth`,
    device_authorization_endpoint: `${origin}/device/code`,
    token_endpoint: `${origin}/token`,
    userinfo_endpoint: `${origin}/v1/userinfo`,
    revocation_endpoint: `${origin}/revoke`,
    jwks_uri: `${origin}/oauth2/v3/certs`,
    response_types_supported: ['code', 'token', 'id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: SCOPES,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    claims_supported: [
      'aud',
      'email',
      'email_verified',
      'exp',
      'family_name',
      'given_name',
      'iat',
      'iss',
      'name',
      'picture',
      'sub',
    ],
    code_challenge_methods_supported: ['plain', 'S256'],
  }
}
