// Answers that say they are compressed with gzip and are not, or not to their end: what proxies and frameworks do with a header of theirs.
import { gzipSync } from 'node:zlib'

export const NOT_GZIP: readonly (readonly [string, (text: string) => Buffer])[] = [
  ['is plain', (text) => Buffer.from(text)],
  ['is cut off', (text) => gzipSync(text).subarray(0, -10)],
  ['has a wrong checksum', (text) => Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(8, 1)])],
]
