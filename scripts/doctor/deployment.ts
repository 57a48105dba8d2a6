// Looks at a running broker from outside, as clients and browsers do: does it answer itself, and does it say what clients need.
import { asking, inBetween, jsonOf, type Answer } from './asking.ts'
import { about, type Finding } from './finding.ts'

const found = about('broker')
/** Where MCP Inspector's page runs: the browser client people try first. */
const INSPECTOR = 'http://localhost:6274'

const LET_THROUGH =
  'let it pass in front of the broker: a rule that skips challenges, bot protection and login for /mcp, /servers, /sse, /messages, /token, /register, /revoke, /introspect and /.well-known'

/** `given`: the origin of a broker, or the address of one of its MCP servers. */
export async function examineDeployment(given: URL): Promise<readonly Finding[]> {
  const base = given.origin
  let health: Answer
  try {
    health = await asking(`${base}/health`)
  } catch (error) {
    const why = error instanceof Error ? error.message : 'could not be reached'
    return [
      found('fault', `${base} ${why}`, 'check the address, its DNS record and route, and that `npm run deploy` came to its end'),
    ]
  }
  const first = healthOf(health, base)
  if (first.some(({ state }) => state === 'fault')) return first
  const rest = await Promise.all([authorizationServer(base), resources(given), unknownDocument(base), posts(base), keys(base)])
  return [...first, ...insecure(base), ...rest.flat()]
}

function healthOf(answer: Answer, base: string): Finding[] {
  const body = jsonOf(answer)
  if (body?.['ok'] === true) return [found('ok', `${base}/health answers`)]
  if (body?.['error'] === 'misconfigured') {
    const sentence = String(body['error_description'])
    return [
      found(
        'fault',
        `the broker runs, but its settings are wrong: ${sentence}`,
        'set these variables and secrets, then deploy again',
      ),
    ]
  }
  const other = inBetween(answer)
  if (other !== undefined)
    return [found('fault', `not the broker answers at ${base}/health (${answer.status}) but ${other}`, LET_THROUGH)]
  return [
    found(
      'fault',
      `${base}/health answers ${answer.status}, and not as the broker does`,
      'check that this address is routed to the Worker',
    ),
  ]
}

function insecure(base: string): Finding[] {
  const { protocol, hostname } = new URL(base)
  if (protocol === 'https:' || hostname === 'localhost' || hostname === '127.0.0.1') return []
  return [found('fault', 'tokens travel over plain http', 'give the broker an https address and set BASE_URL to it')]
}

async function authorizationServer(base: string): Promise<Finding[]> {
  const answer = await asking(`${base}/.well-known/oauth-authorization-server`)
  const document = jsonOf(answer)
  if (answer.status !== 200 || !document) return [notOurs('the authorization server metadata', answer)]
  const { issuer } = document
  if (issuer !== base) {
    return [
      found(
        'fault',
        `the metadata names the issuer ${String(issuer)}, but clients came to ${base} and will refuse it`,
        `set BASE_URL=${base}, or give people the other address`,
      ),
    ]
  }
  return [found('ok', 'the authorization server metadata names this address as its issuer')]
}

async function resources(given: URL): Promise<Finding[]> {
  const { origin, pathname } = given
  if (pathname !== '/') return await resource(`${origin}${pathname.replace(/\/$/, '')}`)
  const { status } = await asking(`${origin}/mcp`, { method: 'POST' })
  if (status !== 404) return await resource(`${origin}/mcp`)
  const cure = `give the address of one: npm run doctor -- ${origin}/servers/<name>/mcp`
  return [found('note', 'several MCP servers are brokered here, and none of them at /mcp', cure)]
}

async function resource(address: string): Promise<Finding[]> {
  const { pathname } = new URL(address)
  const answer = await asking(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: INSPECTOR },
    body: '{}',
  })
  if (!isOurs(answer)) return [notOurs(`POST ${pathname}`, answer)]
  const challenge = answer.headers.get('www-authenticate') ?? ''
  const findings: Finding[] = []
  if (answer.status === 401 && challenge.startsWith('Bearer '))
    findings.push(found('ok', `${pathname} asks strangers to sign in`))
  else
    findings.push(
      found(
        'fault',
        `${pathname} answers strangers with ${answer.status} and no challenge`,
        'check what stands before it: a proxy may take WWW-Authenticate away',
      ),
    )
  const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase() ?? ''
  if (!exposed.includes('www-authenticate') || !exposed.includes('mcp-session-id')) {
    findings.push(
      found(
        'fault',
        `browsers may not read WWW-Authenticate and Mcp-Session-Id of ${pathname}`,
        'a rule that rewrites CORS headers stands before the broker: take it away',
      ),
    )
  }
  const metadata = /resource_metadata="([^"]+)"/.exec(challenge)?.[1]
  if (metadata !== undefined) findings.push(await protectedResource(metadata, address))
  findings.push(await preflight(address, pathname))
  return findings
}

async function protectedResource(url: string, address: string): Promise<Finding> {
  const answer = await asking(url)
  const named = jsonOf(answer)?.['resource']
  if (answer.status !== 200 || named === undefined) return notOurs('the metadata of the MCP server', answer)
  return named === address
    ? found('ok', 'its metadata (RFC 9728) names the same address')
    : found(
        'fault',
        `its metadata names ${JSON.stringify(named)}, and clients that came to ${address} will refuse it`,
        'give people exactly the address the metadata names',
      )
}

async function preflight(address: string, pathname: string): Promise<Finding> {
  const asked = 'authorization, content-type, mcp-protocol-version, mcp-session-id'
  const answer = await asking(address, {
    method: 'OPTIONS',
    headers: { origin: INSPECTOR, 'access-control-request-method': 'POST', 'access-control-request-headers': asked },
  })
  const allowed = answer.headers.get('access-control-allow-headers')?.toLowerCase() ?? ''
  const isAllowed = answer.status < 300 && asked.split(', ').every((name) => allowed.includes(name))
  return isAllowed
    ? found('ok', `browsers may use ${pathname} (CORS preflight from MCP Inspector)`)
    : found(
        'fault',
        `browsers may not use ${pathname}: the CORS preflight answers ${answer.status}`,
        'OPTIONS must reach the broker: no firewall or Access policy may answer it',
      )
}

async function unknownDocument(base: string): Promise<Finding[]> {
  const answer = await asking(`${base}/.well-known/oauth-authorization-server/there-is-no-such-path`)
  if (answer.status === 404 && jsonOf(answer)) return [found('ok', 'unknown metadata is a 404 in JSON')]
  return [
    found(
      'fault',
      `unknown metadata is answered with ${answer.status}, which clients take for a document`,
      'no fallback page may stand before /.well-known',
    ),
  ]
}

/** Programs post without a browser's marks: just what firewalls like to stop. Nothing is created: both requests are refused. */
async function posts(base: string): Promise<Finding[]> {
  const form = {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'node' },
    body: 'grant_type=none',
  }
  const json = {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'node' },
    body: '{"redirect_uris":[]}',
  }
  const answers = await Promise.all([asking(`${base}/token`, form), asking(`${base}/register`, json)])
  return answers.map((answer, at) => {
    const path = at === 0 ? '/token' : '/register'
    return isOurs(answer) && typeof jsonOf(answer)?.['error'] === 'string'
      ? found('ok', `programs reach ${path}`)
      : notOurs(`POST ${path}`, answer)
  })
}

async function keys(base: string): Promise<Finding[]> {
  const answer = await asking(`${base}/.well-known/jwks.json`)
  const listed = jsonOf(answer)?.['keys']
  if (!Array.isArray(listed) || listed.length === 0) return [notOurs('the key set', answer)]
  const more = listed.length > 1 ? ` (${listed.length} keys: a rotation is going on)` : ''
  return [found('ok', `downstreams can verify identity JWTs${more}`)]
}

/** Every answer of the broker carries an id; one without has been given by somebody else. */
function isOurs({ headers }: Answer): boolean {
  return headers.has('x-request-id')
}

function notOurs(what: string, answer: Answer): Finding {
  const other = inBetween(answer) ?? (isOurs(answer) ? undefined : 'something else than the broker')
  if (other !== undefined) return found('fault', `${what} is answered (${answer.status}) by ${other}`, LET_THROUGH)
  return found('fault', `${what} answers ${answer.status}`, 'read the log line of this request: npm run tail')
}
