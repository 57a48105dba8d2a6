// What an MCP server says about its own protection: the challenge of its 401, and its metadata (RFC 9728, MCP authorization).
import * as z from 'zod'
import { ACCEPTS_MESSAGES, EVENT_STREAM } from '../platform/event-stream.ts'
import { outbound } from '../platform/outbound.ts'
import { describeError } from '../platform/telemetry.ts'
import { bearerChallenge, scopesOf } from '../platform/www-authenticate.ts'
import type { Downstream } from '../settings/downstreams.ts'
import { firstPublished } from '../oauth-client/published-document.ts'
import { askServerAtWork, isAllowedAddress } from './ask.ts'
import { LinkError } from './link-error.ts'

export interface ProtectedResource {
  /** As the server publishes it, to the character: this is what its authorization server compares (RFC 8707). */
  readonly resource: string
  /** Undefined: the server publishes nothing, and is its own authorization server (MCP 2025-03-26). */
  readonly authorizationServer: string | undefined
  /** What to ask for; undefined where the server does not say (MCP authorization, "Scope Selection Strategy"). */
  readonly scopes: readonly string[] | undefined
}

const metadataSchema = z.object({
  resource: z.string().max(1_024),
  authorization_servers: z.array(z.string()).min(1).optional().catch(undefined),
  scopes_supported: z.array(z.string()).optional().catch(undefined),
})

const LISTS_TOOLS = '{"jsonrpc":"2.0","id":"authorization","method":"tools/list"}'
const PROBE_WITHIN_MS = 10_000

export async function describeProtection(downstream: Downstream): Promise<ProtectedResource> {
  const challenge = await challengeOf(downstream)
  const metadata = await metadataOf(downstream, challenge?.get('resource_metadata'))
  const challenged = scopesOf(challenge)
  const scopes = challenged.length > 0 ? challenged : metadata?.scopes_supported
  if (!metadata) return { resource: canonical(downstream.url), authorizationServer: undefined, scopes }
  if (!covers(metadata.resource, downstream.url))
    throw new LinkError('invalid', `the metadata of ${downstream.url} are those of ${metadata.resource}`)
  return { resource: metadata.resource, authorizationServer: metadata.authorization_servers?.[0], scopes }
}

/**
 * `tools/list`, because some servers let anybody initialize and ask for a token only then. Whatever else they answer is no challenge,
 * and their metadata may still be found.
 */
async function challengeOf({ url, transport }: Downstream): Promise<ReadonlyMap<string, string> | undefined> {
  const json = { accept: ACCEPTS_MESSAGES, 'content-type': 'application/json' }
  const probe =
    transport === 'http-sse'
      ? { method: 'GET', headers: { accept: EVENT_STREAM } }
      : { method: 'POST', headers: json, body: LISTS_TOOLS }
  const ending = new AbortController()
  try {
    const { status, headers } = await outbound('operator', url, probe, { headersWithinMs: PROBE_WITHIN_MS, ending })
    return status === 401 ? bearerChallenge(headers.get('www-authenticate')) : undefined
  } catch (error) {
    throw new LinkError('unreachable', `${url}: ${describeError(error)}`, { cause: error })
  } finally {
    ending.abort('the headers say it all')
  }
}

async function metadataOf({ url }: Downstream, named: string | undefined): Promise<z.output<typeof metadataSchema> | undefined> {
  const addresses = named === undefined ? wellKnown(url) : [named]
  for (const address of addresses)
    if (!isAllowedAddress(address, url)) throw new LinkError('invalid', `the metadata of ${url} are said to be at ${address}`)
  const { found } = await firstPublished({ addresses, schema: metadataSchema, ask: askServerAtWork })
  if (found) return found
  if (named !== undefined) throw new LinkError('invalid', `there are no metadata at ${named}`)
  return undefined
}

/** RFC 9728 section 3.1: the path of the resource first, then the root. */
function wellKnown(url: string): ReadonlySet<string> {
  const { origin, pathname } = new URL(url)
  const root = `${origin}/.well-known/oauth-protected-resource`
  return new Set([root + pathname.replace(/\/$/, ''), root])
}

/** A server may publish one document for everything below a path; another origin's would send people's tokens elsewhere. */
function covers(resource: string, downstream: string): boolean {
  const wide = URL.parse(resource)
  const narrow = new URL(downstream)
  if (!wide || wide.origin !== narrow.origin || wide.hash !== '') return false
  return withSlash(narrow.pathname).startsWith(withSlash(wide.pathname))
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}

/** MCP, "Canonical Server URI": without a slash at the end. */
function canonical(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return origin + pathname.replace(/\/$/, '') + search
}
