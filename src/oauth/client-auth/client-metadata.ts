// What a client says about itself when it registers (RFC 7591): read leniently, bounded strictly, answered in full.
//
// Real clients send members of the wrong type, nulls, scopes we lack and mixtures no specification names; a registration that
// fails is a product that does not work. So only what we act on can fail: redirect URIs, the way to authenticate, sizes.
import * as z from 'zod'
import type { ClientAuthMethod, ClientRecord } from '../../clients/client-record.ts'
import { statedKeys } from '../../clients/client-keys.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { STRANGERS_ONLY, type AddressPolicy } from '../../clients/public-address.ts'
import { acceptableRedirectUri } from '../../clients/redirect-uri.ts'

/** What was asked for and is granted; with an id and a date it becomes a `ClientRecord`. */
type ClientMetadata = Omit<ClientRecord, 'id' | 'registeredAt'>

export interface RegistrationRequest {
  readonly metadata: ClientMetadata
  /** Scopes of the request, of which the answer names the ones we have. */
  readonly scopes: readonly string[]
}

export const MOST_REDIRECT_URIS = 20
const LONGEST_NAME = 200
/** All of it as it is kept. A real one has some hundred bytes, one with keys or twenty long addresses a few thousand. */
const LARGEST_KEPT = 16 * 1024
const LONGEST_WORD = 200
const LONGEST_URL = 2048
const GRANT_TYPES: readonly string[] = ['authorization_code', 'refresh_token']

const text = z.string().nullish().catch(undefined)
const words = z.array(z.string()).nullish()

const registration = z.object({
  redirect_uris: words,
  token_endpoint_auth_method: z.string().nullish(),
  grant_types: words,
  client_name: text,
  client_uri: text,
  application_type: text,
  software_id: text,
  software_version: text,
  scope: text,
  jwks: z.unknown().optional(),
  jwks_uri: z.unknown().optional(),
})

/** Reads the JSON document of a registration request; refuses it with a code of RFC 7591 section 3.2.2. */
export function readRegistration(
  document: unknown,
  policy: AddressPolicy = STRANGERS_ONLY,
  schemes: readonly string[] = [],
): RegistrationRequest {
  const parsed = registration.safeParse(document)
  if (!parsed.success) throw unreadable(parsed.error.issues[0])
  const asked = parsed.data
  const method = authMethod(asked.token_endpoint_auth_method)
  const keys = method === 'private_key_jwt' ? statedKeys(asked, policy) : undefined
  if (method === 'private_key_jwt' && !keys)
    throw new OAuthError('invalid_client_metadata', 'private_key_jwt needs jwks or jwks_uri')
  const metadata = {
    redirectUris: redirectUris(asked.redirect_uris ?? [], schemes),
    authMethod: method,
    grantTypes: grantTypes(asked.grant_types ?? []),
    ...(keys && { keys }),
    ...description(asked),
  }
  const size = new TextEncoder().encode(JSON.stringify(metadata)).length
  if (size > LARGEST_KEPT)
    throw new OAuthError('invalid_client_metadata', `the registration takes ${size} bytes: at most ${LARGEST_KEPT} are kept`)
  return {
    metadata,
    scopes: asked.scope?.split(' ').filter((scope) => scope !== '') ?? [],
  }
}

type Description = Pick<ClientRecord, 'name' | 'uri' | 'applicationType' | 'softwareId' | 'softwareVersion'>

/** What a client says about itself that decides nothing. */
export function description(asked: {
  readonly client_name?: string | null | undefined
  readonly client_uri?: string | null | undefined
  readonly application_type?: string | null | undefined
  readonly software_id?: string | null | undefined
  readonly software_version?: string | null | undefined
}): Description {
  const type = asked.application_type
  return {
    name: clientName(asked.client_name),
    uri: webAddress(asked.client_uri),
    applicationType: type === 'native' || type === 'web' ? type : undefined,
    softwareId: word(asked.software_id),
    softwareVersion: word(asked.software_version),
  }
}

/**
 * The answer to a registration (RFC 7591 section 3.2.1). Absent members are undefined and vanish in JSON: SDKs fail on null.
 * Redirect URIs come back as they were sent, because clients compare them.
 */
export function registrationResponse(client: ClientRecord, scopes: readonly string[], secret: string | undefined): object {
  return {
    client_id: client.id,
    client_id_issued_at: client.registeredAt,
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    client_name: client.name,
    client_uri: client.uri,
    redirect_uris: client.redirectUris,
    grant_types: client.grantTypes,
    response_types: ['code'],
    token_endpoint_auth_method: client.authMethod,
    ...statedAgain(client.keys),
    application_type: client.applicationType,
    software_id: client.softwareId,
    software_version: client.softwareVersion,
    scope: scopes.length > 0 ? scopes.join(' ') : undefined,
  }
}

function statedAgain(keys: ClientRecord['keys']): object {
  if (!keys) return {}
  return 'jwks' in keys ? { jwks: JSON.parse(keys.jwks) } : { jwks_uri: keys.jwksUri }
}

function unreadable(issue: z.core.$ZodIssue | undefined): OAuthError {
  const member = String(issue?.path[0] ?? '')
  if (member === 'redirect_uris') return new OAuthError('invalid_redirect_uri', 'redirect_uris is not a list of strings')
  return new OAuthError(
    'invalid_client_metadata',
    member === '' ? 'The body is not a JSON object' : `${member} has the wrong type`,
  )
}

function redirectUris(uris: readonly string[], schemes: readonly string[]): readonly string[] {
  // The authorization code grant is the only one that clients may register for, and it ends at a redirect URI.
  if (uris.length === 0)
    throw new OAuthError('invalid_redirect_uri', 'redirect_uris is missing: the authorization_code grant needs one')
  if (uris.length > MOST_REDIRECT_URIS) {
    throw new OAuthError(
      'invalid_redirect_uri',
      `redirect_uris has ${uris.length} entries: at most ${MOST_REDIRECT_URIS} are allowed`,
    )
  }
  const refused = uris.findIndex((uri) => acceptableRedirectUri(uri, schemes) === undefined)
  if (refused < 0) return uris
  throw new OAuthError(
    'invalid_redirect_uri',
    `redirect_uris[${refused}] (${printable(uris[refused] ?? '')}) is not allowed: use https, http on 127.0.0.1, [::1] or localhost, ` +
      'or a scheme of your own such as com.example.app, without fragment, user name or wildcard',
  )
}

function authMethod(asked: string | null | undefined): ClientAuthMethod {
  switch (asked) {
    case 'none':
    case 'client_secret_basic':
    case 'client_secret_post':
    case 'private_key_jwt':
      return asked
    case null:
    case undefined:
      return 'client_secret_basic' // RFC 7591 section 2
    default:
      throw new OAuthError(
        'invalid_client_metadata',
        `unsupported token_endpoint_auth_method ${printable(asked)}: use none, client_secret_basic, client_secret_post or private_key_jwt`,
      )
  }
}

export function grantTypes(asked: readonly string[]): readonly string[] {
  // RFC 7591 reads silence as authorization_code alone. The server may grant more, and without a refresh token people
  // would have to sign in every hour.
  if (asked.length === 0) return GRANT_TYPES
  if (asked.includes('authorization_code')) return GRANT_TYPES.filter((type) => asked.includes(type))
  throw new OAuthError(
    'invalid_client_metadata',
    'grant_types does not contain authorization_code, the only grant a client can register for',
  )
}

function clientName(name: string | null | undefined): string | undefined {
  if (name && name.length > LONGEST_NAME) {
    throw new OAuthError('invalid_client_metadata', `client_name is longer than ${LONGEST_NAME} characters`)
  }
  return name || undefined
}

/** Only an address a page may link to; any other is dropped, as it decides nothing. */
function webAddress(uri: string | null | undefined): string | undefined {
  return uri && uri.length <= LONGEST_URL && /^https?:\/\//.test(uri) && URL.canParse(uri) ? uri : undefined
}

function word(value: string | null | undefined): string | undefined {
  return value && value.length <= LONGEST_WORD ? value : undefined
}

/** RFC 6749 section 5.2 allows an error description these characters and no others. */
function printable(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]|["\\]/g, '?').slice(0, 100)
}
