// Answers as ordinary servers give them, and the proxies in front of those, that are not what the specification has in mind.
import { gzipSync } from 'node:zlib'

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
