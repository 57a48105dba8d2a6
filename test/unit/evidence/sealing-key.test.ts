// What is taken for a sealing key, and what is not: never a private half, never a weak wrapping, never a copy of another key.
import { calculateJwkThumbprint, CompactEncrypt, exportJWK, generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import { fingerprintOf, madeSealingKey, type MadeSealingKey } from '../../../src/evidence/sealing-key.ts'

const good = await made()

describe('a sealing key is refused when', () => {
  test.for<[string, () => unknown, string]>([
    ['its private half is in it', async () => ({ ...good, key: { ...good.key, d: good.key.x } }), 'Unrecognized key: "d"'],
    ['it is of another curve', async () => ({ ...good, key: { ...good.key, crv: 'P-384' } }), 'expected "P-256"'],
    ['it replaces something that is left open', async () => ({ ...good, replaces: undefined }), 'expected string'],
  ])('%s', async ([, change, complaint]) => {
    const { error } = madeSealingKey.safeParse(await change())
    expect(error?.issues[0]?.message).toContain(complaint)
  })

  test.for<[string, () => Promise<MadeSealingKey>, string]>([
    [
      'it is no point of its curve',
      async () => ({ ...good, key: { ...good.key, y: good.key.x } }),
      'key: is no point of the curve P-256',
    ],
    ['a copy is no JWE', async () => copied('secret'), 'wrapped.recovery: is no JWE in the compact form'],
    ['a copy holds another key', async () => copied((await made()).wrapped.recovery), 'wrapped.recovery: names another key'],
    [
      'a copy is wrapped with few iterations',
      async () => copied(await wrapped('of the key', { p2c: 599_999 })),
      'wrapped.recovery: must be PBES2-HS512+A256KW and A256GCM, with 600000 iterations or more',
    ],
    [
      'a copy is wrapped with so many that nobody could read it',
      async () => copied(await wrapped('of the key', { p2c: 20_000_000 })),
      'wrapped.recovery: must be PBES2-HS512+A256KW and A256GCM, with 600000 iterations or more',
    ],
  ])('%s', async ([, change, problem]) => {
    expect(await fingerprintOf(await change())).toEqual({ problem })
  })

  test('and one that is right has the thumbprint of RFC 7638 as its fingerprint', async () => {
    expect(await fingerprintOf(good)).toEqual({ fingerprint: expect.stringMatching(/^[\w-]{43}$/) })
  })
})

function copied(recovery: string): MadeSealingKey {
  return { ...good, wrapped: { ...good.wrapped, recovery } }
}

async function made(): Promise<MadeSealingKey> {
  const { publicKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true })
  const { x = '', y = '' } = await exportJWK(publicKey)
  const key = { kty: 'EC', crv: 'P-256', x, y } as const
  const kid = await calculateJwkThumbprint(key)
  return { key, wrapped: { passphrase: await wrapped(kid), recovery: await wrapped(kid) }, replaces: null }
}

/** Only the header is looked at, so what is under it may be anything. */
async function wrapped(kid: string, header: { readonly p2c?: number } = {}): Promise<string> {
  const jwe = await new CompactEncrypt(new Uint8Array(8))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(new Uint8Array(32))
  const said = { alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', cty: 'jwk+json', kid, p2s: 'A'.repeat(22), p2c: 600_000, ...header }
  const [, , ...rest] = jwe.split('.')
  return [Buffer.from(JSON.stringify(said)).toString('base64url'), 'AAAA', ...rest].join('.')
}
