// Answers as ordinary servers give them, and the proxies in front of those, that are not what the specification has in mind.
import { gzipSync } from 'node:zlib'
import type { RawHandler } from './raw-downstream.ts'

/** What says that it is gzip, and is not, or not to its end. */
export const NOT_GZIP: readonly (readonly [string, (text: string) => Buffer])[] = [
  ['is plain', (text) => Buffer.from(text)],
  // With the checksum go the last characters: what is there whole is passed on as it comes, where it is a stream.
  ['is cut off', (text) => gzipSync(text).subarray(0, -20)],
  ['has a wrong checksum', (text) => Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(8, 1)])],
]

/** How servers say that they took what wants no answer: status, media type and body. */
export const TAKEN: readonly (readonly [number, string, string])[] = [
  [200, '', ''],
  [200, 'application/json', '{}'],
  [200, 'application/json', '{"jsonrpc":"2.0","id":null,"result":{}}'],
  [200, 'text/plain', 'ok'],
  [200, 'text/event-stream', ': nothing\n\n'],
  [202, 'text/plain', 'Accepted'],
  [202, 'application/json', ''],
  [204, '', ''],
]

/** Statuses that are the server's to give, with what it says of them. */
export const THEIR_STATUSES: readonly number[] = [200, 400, 403, 404, 405, 406, 409, 413, 415, 429, 500, 503]

export function saying(status: number): RawHandler {
  const headers = { 'retry-after': '7', allow: 'POST', 'www-authenticate': 'Bearer realm="x"' }
  return (_req, _body, res) =>
    void res.writeHead(status, { 'content-type': 'application/json', ...headers }).end('{"error":"theirs"}')
}

/** The server's word as a client gets it: all but the challenge, which is for the broker. */
export async function saidOf(response: Response): Promise<object> {
  const { status, headers } = response
  const [retryAfter, allow] = [headers.get('retry-after'), headers.get('allow')]
  return { status, text: await response.text(), retryAfter, allow, challenges: headers.has('www-authenticate') }
}
export const theirWord = (status: number) => ({
  status,
  text: '{"error":"theirs"}',
  retryAfter: '7',
  allow: 'POST',
  challenges: false,
})
