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

export function answeringWith(headers: Readonly<Record<string, string>>): RawHandler {
  return (_req, _body, res) => void res.writeHead(200, { ...headers, 'content-type': 'application/json' }).end('{}')
}
