// What a malicious MCP server answers with: headers that would do something to a client, a redirect, a challenge of its own.
import type { RawHandler } from './raw-downstream.ts'

/** Each would do something to whoever believed it. */
export const HOSTILE_HEADERS = {
  'set-cookie': 'a=b',
  server: 'evil',
  'access-control-allow-origin': 'https://evil.example',
  'access-control-allow-credentials': 'true',
  location: 'https://evil.example',
  'clear-site-data': '"*"',
  refresh: '0; url=https://evil.example',
  link: '<https://evil.example>; rel=preload',
  'strict-transport-security': 'max-age=0',
  'x-request-id': 'evil',
} as const

export const HOSTILE_CHALLENGES: readonly string[] = ['Bearer realm="evil"', 'Bearer resource_metadata="https://evil.example/"']

export function challenging(challenge: string): RawHandler {
  return (_req, _body, res) =>
    void res.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'text/html' }).end('<h1>log in</h1>')
}

export function redirecting(location: string): RawHandler {
  return (_req, _body, res) => void res.writeHead(307, { location }).end()
}

/** A page that would run in our origin, were it taken for one of ours. */
export const aPage: RawHandler = (_req, _body, res) =>
  void res.writeHead(500, { 'content-type': 'text/html' }).end('<script>alert(1)</script>')

export const anEndlessEvent: RawHandler = (req, _body, res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  const flood = setInterval(() => res.write(`data: ${'x'.repeat(1024 * 1024)}`), 1)
  req.socket.once('close', () => clearInterval(flood))
}

/** What a page of another server has to come with, so that it is none of ours. */
export function powersOf({ headers }: Response): readonly (string | null)[] {
  return [headers.get('content-security-policy'), headers.get('x-content-type-options')]
}
export const NO_POWER = ["default-src 'none'; sandbox", 'nosniff']

/** Whether a client was sent anywhere, or told where it would have been. */
export async function leadsNowhere(response: Response, port: number): Promise<boolean> {
  const text = await response.text()
  const isRefused = response.status === 502 && text.includes('downstream_redirect')
  return isRefused && !response.headers.has('location') && !text.includes(String(port))
}

export function answeringWith(headers: Readonly<Record<string, string>>): RawHandler {
  return (_req, _body, res) => void res.writeHead(200, { ...headers, 'content-type': 'application/json' }).end('{}')
}
