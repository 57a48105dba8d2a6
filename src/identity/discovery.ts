// Finds the metadata of an issuer by its well-known addresses (OpenID Connect Discovery, RFC 8414).
import { isLoopback } from '../platform/loopback.ts'
import * as z from 'zod'
import { ASYMMETRIC } from '../oauth-client/key-set.ts'
import { firstPublished, isSameIssuer } from '../oauth-client/published-document.ts'
import { askProviderAtWork } from './ask.ts'
import { IdentityError } from './provider.ts'

const algorithms = z
  .array(z.string())
  .default([...ASYMMETRIC])
  .transform((offered) => offered.filter((algorithm) => ASYMMETRIC.includes(algorithm)))

// Only what the broker reads; the rest of a document is nobody's business here.
const metadataSchema = z.object({
  issuer: z.string().min(1),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string().exactOptional(),
  userinfo_endpoint: z.string().exactOptional(),
  scopes_supported: z.array(z.string()).exactOptional(),
  token_endpoint_auth_methods_supported: z.array(z.string()).exactOptional(),
  id_token_signing_alg_values_supported: algorithms,
  userinfo_signing_alg_values_supported: algorithms,
  authorization_response_iss_parameter_supported: z.boolean().exactOptional(),
  // Microsoft's clouds each have a Graph of their own.
  msgraph_host: z.string().exactOptional(),
})
export type Metadata = z.output<typeof metadataSchema>

// An issuer nobody signs in with, a build system for instance, publishes its keys and no endpoints.
const signingSchema = metadataSchema
  .pick({ issuer: true, id_token_signing_alg_values_supported: true })
  .extend({ jwks_uri: z.string() })
export type Signing = z.output<typeof signingSchema>

/**
 * Where nothing is published, servers of plain OAuth have had their endpoints in one place for long. They can only be taken for granted where
 * nobody was promised an ID token: no key is known that could verify one.
 */
export async function discover(
  configured: string,
  scopes: readonly string[],
  isOurs: (issuer: string) => boolean = (issuer) => isSameIssuer(issuer, configured),
): Promise<Metadata> {
  try {
    return await documentOf(configured, metadataSchema, isOurs)
  } catch (error) {
    if (!(error instanceof NothingPublished) || scopes.includes('openid')) throw error
    return endpointsUnder(configured.replace(/\/$/, ''))
  }
}

class NothingPublished extends IdentityError {}

function endpointsUnder(issuer: string): Metadata {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    id_token_signing_alg_values_supported: [],
    userinfo_signing_alg_values_supported: [],
  }
}

/** What is needed to verify what the issuer signs. */
export function discoverKeys(configured: string): Promise<Signing> {
  return documentOf(configured, signingSchema, (issuer) => isSameIssuer(issuer, configured))
}

/**
 * Asks one address after the other until a document names the configured issuer. Only "nothing here" leads to the next
 * one: taking a busy provider's second-best document would hide its keys for an hour.
 */
async function documentOf<Document extends { readonly issuer: string }>(
  configured: string,
  schema: z.ZodType<Document>,
  isOurs: (issuer: string) => boolean,
): Promise<Document> {
  const url = new URL(configured)
  if (url.protocol !== 'https:' && !isLoopback(url)) throw new IdentityError('invalid', `${url.origin} is not https`)
  const { found, failures, isNothingThere } = await firstPublished({
    addresses: wellKnownAddresses(url),
    schema,
    ask: askProviderAtWork,
    faultOf: ({ issuer }) => (isOurs(issuer) ? undefined : `names another issuer, ${issuer}`),
  })
  if (found) return found
  throw new (isNothingThere ? NothingPublished : IdentityError)('invalid', failures.join('; '))
}

function wellKnownAddresses({ origin, pathname }: URL): ReadonlySet<string> {
  const path = pathname.replace(/\/$/, '')
  return new Set([
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/oauth-authorization-server`,
  ])
}
