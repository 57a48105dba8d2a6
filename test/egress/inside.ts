// Runs in a network namespace of its own, where every address of every network is this computer: a broker as in production, and a trap
// that counts who comes. Prints one JSON line: what each address that a stranger named led to. An argument is the executable to try.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { isIPv6, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, SignJWT } from 'jose'
import type { StrangersReach } from '../../selfhost/workerd-config.ts'
import { keyRing } from '../../src/issuer/keys.ts'
import { SignedTokens } from '../../src/oauth/tokens/signed-tokens.ts'
import { fromHex } from '../../src/platform/crypto.ts'
import { Runtime } from '../world/runtime.ts'
import { MOVED_TO, MOVING_NAME, NAMES, NUMBERS, PUBLIC_ADDRESS, PUBLIC_NAME, REDIRECTS, SPELLINGS, TRAPS } from './addresses.ts'

const BROKER = { port: 8788, host: 'broker.example.org' }
const PROBE_PORT = 8789
const ISSUER = `https://${BROKER.host}`
const ENCRYPTION_KEY = randomBytes(32).toString('hex')
/** Of `npm run build:binary`: its strangers reach public addresses, and that is all there is to try. */
const executable = process.argv[2]

const PROBE = `export default { async fetch(request) {
  const answer = await fetch(new URL(request.url).searchParams.get('url'), { redirect: 'manual' }).catch(() => undefined)
  return new Response(answer ? 'answered' : 'nothing')
} }`

/** Who came, by the address they came to. */
const came = new Set<string>()
const note = ({ localAddress = '' }: Socket): unknown => came.add(localAddress.replace('::ffff:', ''))

const folder = mkdtempSync(join(tmpdir(), 'egress-'))
const certificate = certificateFor([PUBLIC_NAME, MOVING_NAME, ...NAMES.keys()])
const trap = createTlsServer(certificate, (asked, answer) => {
  const { host = '' } = asked.headers
  const id = `https://${host}${asked.url ?? ''}`
  const [, status, to] = /^\/redirect-(\d+)\/(.+)$/.exec(asked.url ?? '') ?? []
  if (status !== undefined) {
    answer.writeHead(Number(status), { location: `https://${to}/client` }).end()
    return
  }
  const document = {
    client_id: id,
    client_name: 'Stranger',
    redirect_uris: ['https://app.example.org/callback'],
    grant_types: ['authorization_code', 'client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: `https://${(asked.url ?? '').slice('/keys-at/'.length)}/keys`,
  }
  // Each request looks the name up again.
  answer.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(document))
})
const plain = createServer((_, answer) => answer.end('{}'))
for (const [server, port] of [
  [trap, 443],
  [plain, 80],
] as const) {
  for (const event of ['connection', 'secureConnection', 'request'])
    server.on(event, (from: Socket | IncomingMessage) => note('socket' in from ? from.socket : from))
  await new Promise<void>((resolve) => server.listen({ port, host: '::', ipv6Only: false }, resolve))
}

const { privateKey } = await generateKeyPair('ES256')
const keys = await keyRing({ secret: fromHex(ENCRYPTION_KEY) })
const signedTokens = new SignedTokens(keys, ISSUER, () => Math.floor(Date.now() / 1000))
const results: Record<string, unknown> = {}
for (const reach of executable === undefined ? (['public', 'anything'] as const) : (['public'] as const))
  results[reach] = await tried(reach)
console.log(JSON.stringify(results))
process.exit(0)

async function tried(strangersReach: StrangersReach): Promise<Readonly<Record<string, unknown>>> {
  const vars = {
    BASE_URL: ISSUER,
    DOWNSTREAM_MCP_URL: 'https://10.0.0.1/mcp',
    OAUTH_AUTHORIZE_URL: 'https://login.example.org',
    OAUTH_CLIENT_ID: 'broker',
    OAUTH_CLIENT_SECRET: 'a secret of the tests',
    ENCRYPTION_KEY,
    RATE_LIMIT_REGISTRATIONS: '100000',
    SSL_CERT_FILE: join(folder, 'authorities.pem'),
  }
  const runtime = await Runtime.start({
    port: BROKER.port,
    dataDir: mkdtempSync(join(folder, 'data-')),
    vars,
    strangersReach,
    mayBeUnhealthy: true,
    ...(executable === undefined ? { neighbours: [{ name: 'probe', port: PROBE_PORT, module: PROBE }] } : { executable }),
    ...(process.env['EGRESS_LOG'] && { onLog: ({ message }) => console.error(message) }),
  })
  const numbers = strangersReach === 'public' ? NUMBERS : TRAPS
  const names = [...NAMES].flatMap(([name, address]) => (numbers.includes(address) ? [name] : []))
  const hosts = [...names, ...numbers.map(spelled), ...SPELLINGS]
  const byDocument = await reachedBy(hosts.map((host) => authorize(`https://${host}/client`)))
  const byNetwork = await reachedBy(
    executable !== undefined ? [] : [...numbers.map(spelled), ...SPELLINGS].map((host) => probe(`http://${host}/`)),
  )
  const clients = names.map((host) => `https://${PUBLIC_NAME}/keys-at/${host}`)
  const byKeys = await reachedBy(clients.map(async (id) => await authorize(id).then(() => refresh(id))))
  const redirects = REDIRECTS.flatMap((status) =>
    names.slice(0, 3).map((to) => `https://${PUBLIC_NAME}/redirect-${status}/${to}`),
  )
  const byRedirect = await reachedBy(redirects.map(authorize))
  const byMoving = await reachedBy([moved(`https://${MOVING_NAME}/keys-at/${MOVING_NAME}`)])
  await runtime.kill()
  return { byDocument, byNetwork, byKeys, byRedirect, byMoving }
}

/** The addresses to which all this has led. */
async function reachedBy(asking: readonly Promise<void>[]): Promise<readonly string[]> {
  await Promise.all(asking)
  const reached = [...came].sort()
  came.clear()
  return reached
}

/** The name is another's between the document and the keys. */
async function moved(clientId: string): Promise<void> {
  await authorize(clientId)
  nameIs(PUBLIC_ADDRESS, MOVED_TO)
  await refresh(clientId)
  nameIs(MOVED_TO, PUBLIC_ADDRESS)
}

/** Whoever resolves the name from now on gets this address. The file is the one of this namespace. */
function nameIs(before: string, address: string): void {
  const hosts = readFileSync('/etc/hosts', 'utf8')
  writeFileSync('/etc/hosts', hosts.replace(`${before} ${MOVING_NAME}`, `${address} ${MOVING_NAME}`))
}

function spelled(address: string): string {
  return isIPv6(address) ? `[${address}]` : address
}

async function authorize(clientId: string): Promise<void> {
  const asked = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: 'https://app.example.org/callback',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    state: 'state',
  }
  await send(BROKER.port, `/authorize?${new URLSearchParams(asked).toString()}`)
}

/** With a token that the client's keys have to be asked for. */
async function refresh(clientId: string): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const assertion = await new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(ISSUER)
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .sign(privateKey)
  const facts = { sub: 'nobody', grantId: 'none', clientId, resource: `${ISSUER}/mcp`, scopes: [], generation: 1, issuedAt: now }
  const form = {
    grant_type: 'refresh_token',
    refresh_token: await signedTokens.refreshToken({ ...facts, endsAt: now + 60 }, 60),
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
  await send(BROKER.port, '/token', new URLSearchParams(form).toString())
}

async function probe(url: string): Promise<void> {
  await send(PROBE_PORT, `/?url=${encodeURIComponent(url)}`)
}

/** Not fetch: the Host header is the one of the public broker. */
async function send(port: number, path: string, form?: string): Promise<void> {
  const answered = await new Promise<string>((resolve, reject) => {
    const headers = { host: BROKER.host, ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }) }
    const asked = request({ port, path, headers, method: form === undefined ? 'GET' : 'POST' }, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
      answer.once('end', () => resolve(`${answer.statusCode} ${text}`))
    })
    asked.once('error', reject)
    asked.end(form)
  })
  if (process.env['EGRESS_LOG']) console.error(path.slice(0, 150), answered.slice(0, 300))
}

/** Of an authority that the broker believes, so that nothing but the network keeps it from asking. */
function certificateFor(names: readonly string[]): { readonly key: Buffer; readonly cert: Buffer } {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('authorities.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=Test authority',
  )
  openssl('req', ...key, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=server')
  writeFileSync(at('names'), `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`)
  const signed = ['-CA', at('authorities.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('names')]
  openssl('x509', '-req', '-in', at('server.csr'), '-out', at('server.pem'), ...signed)
  return { key: readFileSync(at('server.key')), cert: readFileSync(at('server.pem')) }
}

function at(name: string): string {
  return join(folder, name)
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}
