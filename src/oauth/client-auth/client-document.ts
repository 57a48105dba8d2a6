// Client ID Metadata Documents: what the document at the address that is a client's id may say, and the client it describes.
//
// The document is one for all authorization servers, so a redirect URI we would not register is passed over rather than refused: nobody
// is ever sent there. Whatever would make the client another one, or its secrets public, makes the document invalid.
import * as z from 'zod'
import type { ClientAuthMethod, ClientRecord } from '../../clients/client-record.ts'
import { statedKeys } from '../../clients/client-keys.ts'
import { description, grantTypes, MOST_REDIRECT_URIS } from './client-metadata.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import type { AddressPolicy } from '../../clients/public-address.ts'
import { acceptableRedirectUri } from '../../clients/redirect-uri.ts'

/** The draft recommends 5 kilobytes, and more than that is nothing a client needs. */
export const LARGEST_DOCUMENT = 5 * 1024

const text = z.string().nullish().catch(undefined)

const metadata = z.object({
  client_id: z.string(),
  client_name: z.string().trim().min(1),
  redirect_uris: z.array(z.string()).min(1).max(MOST_REDIRECT_URIS),
  grant_types: z.array(z.string()).nullish(),
  token_endpoint_auth_method: z.string().nullish(),
  /** What the client can do besides (OpenID Connect Relying Party Metadata Choices): ChatGPT prefers keys and can do without. */
  token_endpoint_auth_methods_supported: z.array(z.string()).nullish().catch(undefined),
  client_uri: text,
  application_type: text,
  software_id: text,
  software_version: text,
  jwks: z.unknown().optional(),
  jwks_uri: z.unknown().optional(),
  client_secret: z.undefined().optional(),
  client_secret_expires_at: z.undefined().optional(),
})

/** Refuses with a message for the person: there is nobody else at /authorize who could read it. */
export function clientOfDocument(
  id: string,
  document: unknown,
  policy: AddressPolicy,
  schemes: readonly string[] = [],
): Omit<ClientRecord, 'registeredAt' | 'freshUntil'> {
  const parsed = metadata.safeParse(document)
  if (!parsed.success) throw invalid(problemOf(parsed.error.issues[0]))
  const stated = parsed.data
  if (stated.client_id !== id) throw invalid('says that it belongs to another client_id')
  const redirectUris = stated.redirect_uris.filter((uri) => acceptableRedirectUri(uri, schemes) !== undefined)
  if (redirectUris.length === 0) throw invalid('has no redirect URI that is allowed here')
  // Also where it signs nothing: a private key that is published is no secret, and neither is its owner careful.
  const keys = statedKeys(stated, policy)
  const authMethod = authMethodOf(stated.token_endpoint_auth_method ?? 'none', stated.token_endpoint_auth_methods_supported ?? [])
  if (authMethod === 'private_key_jwt' && !keys) throw invalid('needs jwks or jwks_uri for private_key_jwt')
  return {
    id,
    knownBy: 'document',
    redirectUris,
    authMethod,
    grantTypes: grantTypes(stated.grant_types ?? []),
    ...(keys && { keys }),
    ...description(stated),
  }
}

/** `private_key_jwt` is asked of those who can do nothing else; who can do both and signs once, has to go on signing. */
function authMethodOf(preferred: string, supported: readonly string[]): ClientAuthMethod {
  if (preferred === 'none') return 'none'
  if (preferred !== 'private_key_jwt')
    throw invalid('wants to authenticate with something else than private_key_jwt, and a public document can hold no secret')
  return supported.includes('none') ? 'none' : 'private_key_jwt'
}

function problemOf(issue: z.core.$ZodIssue | undefined): string {
  const [member] = issue?.path ?? []
  if (member === undefined) return 'is not a JSON object'
  if (member === 'client_secret' || member === 'client_secret_expires_at') return 'holds a client secret'
  return `has no ${String(member)}, or one of the wrong type or size`
}

function invalid(problem: string): OAuthError {
  return new OAuthError('invalid_client_metadata', `The document that describes this application ${problem}`)
}
