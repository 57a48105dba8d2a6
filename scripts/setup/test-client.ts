// A client as small as one can be: registers, has a person sign in with their browser, lists the tools of the server, and forgets its token.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import * as z from 'zod'
import { SetupError } from './setup-error.ts'

const SIGN_IN_WITHIN_MS = 300_000
const REVISION = '2026-07-28'
const OLDER = '2025-11-25'

const metadataSchema = z.object({
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  registration_endpoint: z.url(),
  revocation_endpoint: z.url(),
})
const registeredSchema = z.object({ client_id: z.string() })
const tokensSchema = z.object({ access_token: z.string(), refresh_token: z.string() })
const toolsSchema = z.object({ result: z.object({ tools: z.array(z.object({ name: z.string() })) }) })

/** `show` is given the address at which the person begins. Resolves with the names of the tools. */
export async function trySignIn(brokerUrl: string, mcpUrl: string, show: (address: string) => void): Promise<readonly string[]> {
  const metadata = metadataSchema.parse(await answered(await fetch(`${brokerUrl}/.well-known/oauth-authorization-server`)))
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const redirectUri = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/callback`
  try {
    const asked = {
      client_name: 'npm run setup',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
    const json = { 'content-type': 'application/json' }
    const registration = await fetch(metadata.registration_endpoint, {
      method: 'POST',
      headers: json,
      body: JSON.stringify(asked),
    })
    const { client_id: clientId } = registeredSchema.parse(await answered(registration))
    const verifier = randomBytes(32).toString('base64url')
    const state = randomBytes(16).toString('base64url')
    const begin = new URL(metadata.authorization_endpoint)
    begin.search = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource: mcpUrl,
    }).toString()
    show(begin.href)
    const code = await codeFrom(server, state)
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      client_id: clientId,
      code_verifier: verifier,
    }
    const redeemed = await fetch(metadata.token_endpoint, {
      method: 'POST',
      body: new URLSearchParams({ ...form, resource: mcpUrl }),
    })
    const tokens = tokensSchema.parse(await answered(redeemed))
    try {
      return await toolsOf(mcpUrl, tokens.access_token)
    } finally {
      // It was a test: nothing of it stays.
      const body = new URLSearchParams({ token: tokens.refresh_token, client_id: clientId })
      await fetch(metadata.revocation_endpoint, { method: 'POST', body }).catch(() => undefined)
    }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** Opens it where a person sees it; where nothing can be opened, the address was printed. */
export function openInBrowser(address: string): void {
  const byPlatform: Readonly<Record<string, readonly string[]>> = {
    darwin: ['open'],
    win32: ['rundll32', 'url.dll,FileProtocolHandler'],
  }
  const [program = 'xdg-open', ...args] = byPlatform[process.platform] ?? [process.env['BROWSER'] ?? 'xdg-open']
  spawn(program, [...args, address], { stdio: 'ignore', detached: true })
    .once('error', () => undefined)
    .unref()
}

async function codeFrom(server: ReturnType<typeof createServer>, state: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(new SetupError('Nobody signed in within five minutes.')), SIGN_IN_WITHIN_MS)
  server.on('request', (request, response) => {
    const back = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams
    const isOurs = request.url?.startsWith('/callback?') === true && back.get('state') === state
    response.writeHead(isOurs ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(isOurs ? 'This was the test. You can close this page and go back to the terminal.' : 'Not found')
    if (!isOurs) return
    const error = back.get('error')
    const code = back.get('code')
    if (code !== null) resolve(code)
    else reject(new SetupError(`The sign-in ended with ${error}: ${back.get('error_description') ?? 'no reason given'}`))
  })
  return await promise.finally(() => clearTimeout(timer))
}

async function toolsOf(mcpUrl: string, accessToken: string): Promise<readonly string[]> {
  const headers = {
    authorization: `Bearer ${accessToken}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  }
  const send = async (message: object, more: Readonly<Record<string, string>>): Promise<Response> =>
    await fetch(mcpUrl, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    })
  const clientInfo = { name: 'npm run setup', version: '1' }
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': REVISION,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const modern = { 'mcp-protocol-version': REVISION, 'mcp-method': 'tools/list' }
  const listed = await send({ id: 1, method: 'tools/list', params: { _meta } }, modern)
  const tools = toolsSchema.safeParse(await messageIn(listed))
  if (tools.success) return tools.data.result.tools.map(({ name }) => name)
  // A server of the revisions before is asked as it likes to be.
  const params = { protocolVersion: OLDER, clientInfo, capabilities: {} }
  const begun = await send({ id: 1, method: 'initialize', params }, {})
  const session = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': OLDER }
  await messageIn(begun)
  await (await send({ method: 'notifications/initialized' }, session)).body?.cancel()
  const older = toolsSchema.safeParse(await messageIn(await send({ id: 2, method: 'tools/list' }, session)))
  await fetch(mcpUrl, { method: 'DELETE', headers: { ...headers, ...session } }).catch(() => undefined)
  if (!older.success)
    throw new SetupError('The sign-in worked, but the MCP server did not list its tools: npm run doctor says more.')
  return older.data.result.tools.map(({ name }) => name)
}

/** The message in an answer, whichever of the two forms it has. */
async function messageIn(response: Response): Promise<unknown> {
  const text = await response.text()
  const data = response.headers.get('content-type')?.startsWith('text/event-stream')
    ? text
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).trim())
        .findLast((line) => line.startsWith('{'))
    : text
  try {
    return JSON.parse(data ?? '')
  } catch {
    return undefined
  }
}

async function answered(response: Response): Promise<unknown> {
  const text = await response.text()
  if (response.ok) return JSON.parse(text)
  throw new SetupError(`${new URL(response.url).pathname} answered ${response.status}: ${text.slice(0, 300)}`)
}
