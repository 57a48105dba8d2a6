// What a line's hash is of: the same bytes whoever computes them.
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical } from '../../../src/platform/canonical-json.ts'
import { lineOf } from '../../../src/evidence/line.ts'
import { sha256Bytes } from '../../../src/evidence/sha256.ts'

test('SHA-256 is that of everybody else, at every length around a block', () => {
  for (let length = 0; length < 200; length += 1) {
    const bytes = new Uint8Array(length).map((_, index) => (index * 31 + length) % 256)
    expect(Buffer.from(sha256Bytes(bytes)).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
      expect(Buffer.from(sha256Bytes(bytes)).equals(createHash('sha256').update(bytes).digest())).toBe(true)
    }),
    { numRuns: 50 },
  )
})

// RFC 8785 section 3.2.3, without its numbers that no line has.
test('canonical JSON orders members by their code units, and writes text as JSON.stringify does', () => {
  const given = {
    '\u20ac': 'Euro',
    '\r': 'CR',
    '\ufb33': 'dagesh',
    '1': 'one',
    '\u{1f600}': 'smile',
    '\u0080': 'control',
    ö: 'o',
  }
  expect(canonical(given)).toBe(
    '{"\\r":"CR","1":"one","\u0080":"control","ö":"o","\u20ac":"Euro","\u{1f600}":"smile","\ufb33":"dagesh"}',
  )
  expect(canonical({ b: undefined, a: [1, null, true, { d: 'x\n', c: 0 }] })).toBe('{"a":[1,null,true,{"c":0,"d":"x\\n"}]}')
})

test('canonical JSON comes back the same after a way through JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // JSON has no -0, and no line has one.
      const read: unknown = JSON.parse(JSON.stringify(value))
      expect(canonical(JSON.parse(canonical(read)))).toBe(canonical(read))
    }),
  )
})

const sha = (text: string): string => createHash('sha256').update(text).digest('base64url')

test('a line has the digest and the hash that docs/evidence.md describes', () => {
  const { digest, hash } = lineOf(2, { kind: 'event', salt: 's', at: 1 }, 'hash of line 1')
  expect(digest).toBe(sha('{"at":1,"kind":"event","salt":"s"}'))
  expect(hash).toBe(sha(`mcp-session-broker evidence 1\n2\nhash of line 1\n${digest}`))
})
