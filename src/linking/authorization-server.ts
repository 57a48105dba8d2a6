// Finds the authorization server of a downstream by its well-known addresses (RFC 8414, OpenID Connect Discovery), and checks what it says.
import * as z from 'zod'
import { firstPublished } from '../oauth-client/published-document.ts'
import { askServerAtWork, isAllowedAddress } from './ask.ts'
import { LinkError } from './link-error.ts'

// Lenient where a field is optional: some servers publish nulls.
const list = z.array(z.string()).optional().catch(undefined)
/** What is longer has no room in a browser while a person is away, and nobody has it. */
const LONGEST_ADDRESS = 1_024
const needed = z.string().min(1).max(LONGEST_ADDRESS)
const address = needed.optional().catch(undefined)
const flag = z.boolean().catch(false)

const metadataSchema = z.object({
  issuer: needed,
  authorization_endpoint: needed,
  token_endpoint: needed,
  registration_endpoint: address,
  revocation_endpoint: address,
  scopes_supported: list,
  code_challenge_methods_supported: list,
  token_endpoint_auth_methods_supported: list,
  authorization_response_iss_parameter_supported: flag,
  client_id_metadata_document_supported: flag,
})
export type AuthorizationServer = z.output<typeof metadataSchema>

/** `issuer` undefined: the downstream publishes nothing about itself, and is taken for its own (MCP 2025-03-26). */
export async function authorizationServerOf(downstream: string, issuer: string | undefined): Promise<AuthorizationServer> {
  const { origin } = new URL(downstream)
  const named = issuer ?? origin
  if (!isAllowedAddress(named, downstream))
    throw new LinkError('invalid', `${downstream} names ${named} as its authorization server`)
  const found = await published(named, downstream)
  if (found) return checked(found, named, downstream)
  if (issuer === undefined) return byDefault(origin)
  throw new LinkError('invalid', `there are no metadata of the authorization server ${named}`)
}

async function published(issuer: string, downstream: string): Promise<AuthorizationServer | undefined> {
  const addresses = wellKnownAddresses(new URL(issuer)).filter((one) => isAllowedAddress(one, downstream))
  return (await firstPublished({ addresses, schema: metadataSchema, ask: askServerAtWork })).found
}

/** RFC 8414 section 3.1 and its OpenID Connect variants, in the order MCP gives them. */
function wellKnownAddresses({ origin, pathname }: URL): readonly string[] {
  const path = pathname.replace(/\/$/, '')
  const inserted = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
  ]
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`]
}

function checked(server: AuthorizationServer, named: string, downstream: string): AuthorizationServer {
  // RFC 8414 section 3.3. A slash at the end is forgiven: widespread servers write their issuer with one and name it without.
  if (server.issuer.replace(/\/$/, '') !== named.replace(/\/$/, ''))
    throw new LinkError('invalid', `the metadata of ${named} name another issuer, ${server.issuer}`)
  if (server.code_challenge_methods_supported?.includes('S256') !== true)
    throw new LinkError('invalid', `${named} does not offer PKCE with S256, without which nobody is sent there`)
  const { authorization_endpoint, token_endpoint, registration_endpoint, revocation_endpoint } = server
  for (const endpoint of [authorization_endpoint, token_endpoint, registration_endpoint, revocation_endpoint])
    if (endpoint !== undefined && !isAllowedAddress(endpoint, downstream))
      throw new LinkError('invalid', `${named} names an endpoint that is not asked: ${endpoint}`)
  return server
}

/** MCP 2025-03-26, "Fallbacks for Servers without Metadata Discovery". Everybody gets a challenge with S256, whether it is looked at or not. */
function byDefault(origin: string): AuthorizationServer {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    revocation_endpoint: undefined,
    scopes_supported: undefined,
    code_challenge_methods_supported: undefined,
    token_endpoint_auth_methods_supported: ['none'],
    authorization_response_iss_parameter_supported: false,
    client_id_metadata_document_supported: false,
  }
}
