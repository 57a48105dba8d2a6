// Asks an MCP server behind the broker who it is: reachable, which transport, which eras. Without a person's identity, so a refusal is an answer.
import type { Downstream } from '../../src/settings/downstreams.ts'
import { verdictOf } from '../../src/mcp/bridge/era-verdict.ts'
import type { Era } from '../../src/mcp/message/era.ts'
import { z } from 'zod'
import { asking, ID, inBetween, jsonOf, type Answer } from './asking.ts'
import { about, type Finding, type Found } from './finding.ts'

const sayings = z.object({ error: z.object({ message: z.string() }) })
const ABOUT_US = { name: 'mcp-session-broker-doctor', version: '1' }
const MODERN = '2026-07-28'
const NEWEST_LEGACY = '2025-11-25'

export async function examineDownstream(downstream: Downstream): Promise<readonly Finding[]> {
  const found = about(`downstream ${downstream.name}`)
  const { url, headers = {} } = downstream
  try {
    const modern = await asking(url, discover(headers))
    // A bare 200 proves nothing: servers of the older revisions answer whatever they are asked, with an error in an event stream for instance.
    const isModern = verdictOf({ status: modern.status, message: modern.text }) === 'modern'
    const spoken = isModern ? found('ok', 'speaks the revision 2026-07-28 (modern)') : undefined
    if (isRefusal(modern)) return refused(found, modern, downstream)
    const legacy = await asking(url, initialize(headers))
    const session = legacy.headers.get('mcp-session-id')
    if (session !== null)
      await asking(url, { method: 'DELETE', headers: { ...headers, 'mcp-session-id': session } }).catch(() => undefined)
    const isLegacy = legacy.status === 200 && jsonOf(legacy)?.['result'] !== undefined
    const spokenToo = isLegacy ? found('ok', `speaks sessions (legacy, up to ${NEWEST_LEGACY})`) : undefined
    const http = [spoken, spokenToo].filter((finding) => finding !== undefined)
    if (http.length > 0) {
      const eras = { modern: spoken !== undefined, legacy: spokenToo !== undefined }
      return [...http, ...eraFits(found, downstream, eras), ...transportFits(found, downstream, 'streamable-http')]
    }
    return await overSse(found, downstream, legacy)
  } catch (error) {
    const why = error instanceof Error ? error.message : 'could not be reached'
    return [
      found(
        'fault',
        `${url} ${why}`,
        'check DOWNSTREAM_MCP_URL or DOWNSTREAMS; from a Worker the server must have a public name or a tunnel',
      ),
    ]
  }
}

function discover(headers: Readonly<Record<string, string>>): RequestInit {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': ABOUT_US,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: ID, method: 'server/discover', params: { _meta } })
  return post(body, { ...headers, 'mcp-protocol-version': MODERN, 'mcp-method': 'server/discover' })
}

function initialize(headers: Readonly<Record<string, string>>): RequestInit {
  const params = { protocolVersion: NEWEST_LEGACY, capabilities: {}, clientInfo: ABOUT_US }
  return post(JSON.stringify({ jsonrpc: '2.0', id: ID, method: 'initialize', params }), headers)
}

function post(body: string, headers: Readonly<Record<string, string>>): RequestInit {
  const accept = 'application/json, text/event-stream'
  return { method: 'POST', headers: { ...headers, 'content-type': 'application/json', accept }, body }
}

/** 421, misdirected request, is what the Python SDK says to a host it does not know. */
function isRefusal({ status }: Answer): boolean {
  return status === 401 || status === 403 || status === 421
}

/** What the server says of the host it was asked by: the SDKs compare it with a list, against DNS rebinding, and know no credential then. */
function hostRefused(answer: Answer): string | undefined {
  const said = sayings.safeParse(jsonOf(answer)).data?.error.message ?? answer.text
  const [line = ''] = said.trim().split('\n')
  return /\bhosts?\b|only allowed at/i.test(line) ? line.slice(0, 120) : undefined
}

function refused(found: Found, answer: Answer, { auth, url }: Downstream): Finding[] {
  const other = inBetween(answer)
  if (other !== undefined)
    return [
      found(
        'fault',
        `is answered (${answer.status}) by ${other}`,
        'let the broker pass, or give it a service token (auth access-service-token)',
      ),
    ]
  const host = hostRefused(answer)
  if (host !== undefined)
    return [
      found(
        'fault',
        `refuses to be asked as ${new URL(url).host} (${answer.status}: ${host})`,
        'write the URL as the server prints it, often localhost and not 127.0.0.1, or allow this host there',
      ),
    ]
  if (auth === 'none')
    return [
      found(
        'fault',
        `refuses strangers (${answer.status}), and the broker proves nobody (auth none)`,
        'choose identity-jwt, static or oauth',
      ),
    ]
  if (auth === 'static' || auth === 'access-service-token')
    return [
      found('fault', `refuses the secret headers it is given (${answer.status})`, 'compare them with what the server expects'),
    ]
  return [found('ok', `is there, and refuses strangers (${answer.status}); the broker comes with ${auth}`)]
}

async function overSse(found: Found, downstream: Downstream, posted: Answer): Promise<readonly Finding[]> {
  const { url, headers = {} } = downstream
  const answer = await asking(url, { headers: { ...headers, accept: 'text/event-stream' } })
  if (answer.status === 200 && answer.headers.get('content-type')?.startsWith('text/event-stream'))
    return [found('ok', 'speaks HTTP+SSE (2024-11-05)'), ...transportFits(found, downstream, 'http-sse')]
  const other = inBetween(posted)
  if (other !== undefined)
    return [
      found(
        'fault',
        `is answered (${posted.status}) by ${other}`,
        'give the address of the MCP server itself; the broker follows no redirects',
      ),
    ]
  return [
    found(
      'fault',
      `answers, but not as an MCP server (POST ${posted.status}, GET ${answer.status})`,
      'check the path: most servers are at /mcp or /sse',
    ),
  ]
}

/** What a client of the other era meets; and whether that was set as it is. */
function eraFits(found: Found, { era, eraBridge }: Downstream, speaksEra: Readonly<Record<Era, boolean>>): Finding[] {
  if (era !== undefined && !speaksEra[era]) {
    const other = era === 'modern' ? 'legacy' : 'modern'
    return [found('fault', `is set to the era ${era} but speaks ${other}`, `set its era to ${other}, or to auto`)]
  }
  if (speaksEra.modern && speaksEra.legacy) return []
  if (speaksEra.modern) return [found('ok', `is translated for clients of the revisions up to ${NEWEST_LEGACY}`)]
  return eraBridge === true ? [found('ok', `is translated for clients of ${MODERN}`)] : []
}

function transportFits(found: Found, { transport }: Downstream, seen: Downstream['transport']): Finding[] {
  if (transport === 'auto' || transport === seen) return []
  return [found('fault', `is set to ${transport} but speaks ${seen}`, `set its transport to ${seen}, or to auto`)]
}
