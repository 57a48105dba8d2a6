// What somebody who trusts nobody finds out about a file: what was taken out, changed, moved or signed by another.
import { base64url, CompactSign, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { TrustedKeys } from '../../../scripts/evidence/trusted-keys.ts'
import { verifyBundle, verifyReceiptFile, type Bundle } from '../../../scripts/evidence/verify.ts'
import { walk } from '../../../scripts/evidence/walk.ts'
import { identityJwt } from '../../../src/issuer/identity-jwt.ts'
import { keyRing } from '../../../src/issuer/keys.ts'
import { GAP_TYPE, KEY_TYPE, RECEIPT_TYPE } from '../../../src/evidence/statements.ts'
import { lineOf, type EvidenceEntry } from '../../../src/evidence/line.ts'
import { bundleOf, chain, inFile, ISSUER, keyOf, NOW, secret, signerOf } from './signing.ts'

const signer = await signerOf({ secret: secret('01') })
const pins = [signer.kid]
const whole = await bundleOf(signer)

test('a bundle that nobody touched is accepted, by the thumbprint of its key or by the published key set', async () => {
  const { walked, receipts } = await verifyBundle(whole, { pins })
  expect(walked).toMatchObject({ lines: 5, gone: 0, hidden: 0, last: 5, hash: whole.head.hash })
  expect(receipts).toMatchObject([{ iss: ISSUER, jti: 'receipt-1', receipt: { why: 'laptop stolen' } }])
  await expect(verifyBundle({ ...whole, keys: [] }, { jwks: [{ ...signer.jwk }] })).resolves.toBeDefined()
})

test('who sees only their own lines can check all of them', async () => {
  const entries = whole.entries.map((entry) => ('number' in entry && entry.number === 5 ? { ...entry, body: undefined } : entry))
  expect((await verifyBundle({ ...whole, entries }, { pins })).walked).toMatchObject({ lines: 5, hidden: 1 })
})

const body = (entry: Bundle['entries'][number] | undefined) => (entry && 'body' in entry ? entry.body : undefined)

const rehashed = (entries: readonly EvidenceEntry[]): readonly EvidenceEntry[] => {
  let before = ''
  return entries.map((entry, index) => {
    if (!('number' in entry) || !entry.body) return entry
    const { digest, hash } = lineOf(index + 1, entry.body, before)
    before = hash
    return { number: index + 1, digest, hash, body: entry.body }
  })
}

const encoded = (value: object): string => base64url.encode(JSON.stringify(value))

describe('a bundle is refused in which', () => {
  test.for<[string, (entries: readonly EvidenceEntry[]) => readonly EvidenceEntry[], string]>([
    ['a line was taken out', (all) => all.toSpliced(2, 1), 'line 3 is missing'],
    ['the first line was taken out', (all) => all.slice(1), 'line 1 is missing'],
    ['several lines were taken out', (all) => all.toSpliced(1, 2), 'lines 2 to 3 are missing'],
    ['the last line was cut off', (all) => all.slice(0, -1), 'its lines end at 4, and the signed head is line 5'],
    ['everything was cut off', () => [], 'its lines end at 0, and the signed head is line 5'],
    [
      'two lines changed places',
      (all) => [...all.slice(0, 2), ...all.slice(2, 4).toReversed(), ...all.slice(4)],
      'line 3 is missing',
    ],
    ['a line stands there twice', (all) => [...all.slice(0, 3), ...all.slice(2)], 'line 3 stands behind line 3'],
    [
      'a line says something else',
      (all) =>
        all.map((entry) =>
          'number' in entry && entry.number === 4 ? { ...entry, body: { ...entry.body, at: 1, kind: 'event', salt: '' } } : entry,
        ),
      'line 4 was changed',
    ],
    [
      'a line says something else, with a digest of that',
      (all) =>
        all.map((entry) => {
          if (!('number' in entry) || entry.number !== 4) return entry
          const changed = { kind: 'event', at: 1, salt: '' } as const
          return { ...entry, body: changed, digest: lineOf(4, changed, '').digest }
        }),
      'line 4 does not follow the one before',
    ],
    [
      'a hidden line was swapped for another',
      (all) =>
        all.map((entry) => ('number' in entry && entry.number === 4 ? { number: 4, hash: entry.hash, digest: 'x' } : entry)),
      'line 4 does not follow the one before',
    ],
    [
      'a line was taken out and all hashes computed anew',
      (all) => rehashed(all.toSpliced(2, 1)),
      'its lines end at 4, and the signed head is line 5',
    ],
  ])('%s', async ([, change, message]) => {
    const entries: Bundle['entries'] = JSON.parse(JSON.stringify(change(chain())))
    await expect(verifyBundle({ ...whole, entries }, { pins })).rejects.toThrow(message)
  })

  test('the head is signed by somebody else, with a key that the file brings along', async () => {
    const forger = await signerOf({ secret: secret('66') })
    const forged = await bundleOf(forger, chain().slice(0, 4))
    await expect(verifyBundle(forged, { pins })).rejects.toThrow('none of the keys in it is one you trust')
    const mixed = { ...forged, keys: [...whole.keys, ...forged.keys] }
    await expect(verifyBundle(mixed, { pins })).rejects.toThrow('signed by a key that is not trusted')
    // Its own key under the name of the trusted one.
    const posing = { ...forged, keys: [{ ...keyOf(forger), kid: signer.kid, jwk: whole.keys[0]?.jwk }] }
    await expect(verifyBundle(inFile(posing), { pins })).rejects.toThrow('not trusted')
  })

  test('the head is another kind of statement', async () => {
    const head = { ...whole.head, statement: await signer.sign(RECEIPT_TYPE, { number: 5, hash: whole.head.hash }) }
    await expect(verifyBundle({ ...whole, head }, { pins })).rejects.toThrow('a statement of another kind')
  })

  test('the head is of another broker', async () => {
    const other = await signerOf({ secret: secret('01') }, 'https://other.example')
    await expect(verifyBundle(await bundleOf(other), { pins })).rejects.toThrow('its head is of another broker')
  })

  test('a receipt says other than its line, or was taken out', async () => {
    const receipt = { ...body(whole.entries[2]), id: 'receipt-1', why: 'never happened' }
    const [third] = whole.entries.slice(2)
    const line = third && 'number' in third ? { number: 3, digest: third.digest, hash: third.hash } : undefined
    const receipts = [await signer.sign(RECEIPT_TYPE, { jti: 'receipt-1', receipt, line })]
    await expect(verifyBundle({ ...whole, receipts }, { pins })).rejects.toThrow(
      'receipt receipt-1 and line 3 say different things',
    )
    await expect(verifyBundle({ ...whole, receipts: [] }, { pins })).rejects.toThrow('its receipts were taken out')
  })
})

test('a head that was written down elsewhere shows that everything before was made anew, by whoever has the key', async () => {
  const anew = await bundleOf(
    signer,
    chain([{ kind: 'begin' }, { kind: 'event', event: {} }, { kind: 'receipt', receipt: { id: 'receipt-1' } }]),
  )
  const receipts = { ...anew, receipts: [] as string[], about: undefined }
  await expect(verifyBundle(receipts, { pins })).resolves.toBeDefined()
  const [, second] = chain()
  const pinned = second && 'number' in second ? [{ number: 2, hash: second.hash }] : []
  await expect(verifyBundle(whole, { pins }, pinned)).resolves.toBeDefined()
  await expect(verifyBundle(receipts, { pins }, pinned)).rejects.toThrow('line 2 is another one than was pinned')
  await expect(verifyBundle(receipts, { pins }, [{ number: 5, hash: whole.head.hash }])).rejects.toThrow(
    'line 5 was pinned, and the lines end at 3',
  )
})

describe('lines that are kept no more', () => {
  const entries = chain()
  const [first, , third] = entries
  if (!first || !third || !('number' in first) || !('number' in third)) throw new Error('these are lines')
  const claims = { first: 2, last: 3, hash: third.hash, before: first.hash }
  const gapped = (statement: string, hash = third.hash): readonly EvidenceEntry[] => [
    first,
    { first: 2, last: 3, hash, statement },
    ...entries.slice(3),
  ]

  test('are stood for by what the broker signed when they went', async () => {
    const keys = await TrustedKeys.of({ pins }, whole.keys)
    expect(await walk(gapped(await signer.sign(GAP_TYPE, claims)), keys, { issuer: ISSUER })).toMatchObject({
      lines: 3,
      gone: 2,
      last: 5,
    })
  })

  test.for<[string, object]>([
    ['of other lines', { first: 2, last: 4 }],
    ['that ended otherwise', { hash: 'x' }],
    ['in another place', { before: 'x' }],
    ['of another broker', { iss: 'https://other.example' }],
  ])('are refused with a statement %s', async ([, other]) => {
    const keys = await TrustedKeys.of({ pins }, whole.keys)
    const issuer = 'iss' in other ? 'https://other.example' : ISSUER
    const statement = await (await signerOf({ secret: secret('01') }, issuer)).sign(GAP_TYPE, { ...claims, ...other })
    await expect(walk(gapped(statement), keys, { issuer: ISSUER })).rejects.toThrow('by a statement about others')
  })

  test('are refused without a signature that is trusted', async () => {
    const forger = await signerOf({ secret: secret('66') })
    const keys = await TrustedKeys.of({ pins }, inFile({ keys: [...whole.keys, keyOf(forger)] }).keys)
    await expect(walk(gapped(await forger.sign(GAP_TYPE, claims)), keys)).rejects.toThrow(
      'lines 2 to 3: it is signed by a key that is not trusted',
    )
  })
})

describe('a receipt', async () => {
  const receipt = { id: 'receipt-1', why: 'laptop stolen' }
  const statement = await signer.sign(RECEIPT_TYPE, { jti: 'receipt-1', receipt })
  const file = (changed: object = {}): string => JSON.stringify({ receipt: statement, keys: [keyOf(signer)], ...changed })
  const header = { alg: 'ES256', typ: RECEIPT_TYPE, kid: signer.kid }
  const [, payload = '', signature = ''] = statement.split('.')

  test('is accepted as a JWS and as the file that the portal gives', async () => {
    expect(await verifyReceiptFile(file(), { pins })).toMatchObject({ receipt })
    expect(await verifyReceiptFile(`${statement}\n`, { jwks: [{ ...signer.jwk }] })).toMatchObject({ receipt })
  })

  const hmacOfPublicKey = await new CompactSign(new TextEncoder().encode('{}'))
    .setProtectedHeader({ ...header, alg: 'HS256' })
    .sign(new TextEncoder().encode(JSON.stringify(signer.jwk)))
  const stranger = await generateKeyPair('ES256', { extractable: true })
  const strangers = await new SignJWT({ receipt }).setProtectedHeader(header).sign(stranger.privateKey)
  const { identity: ring } = await keyRing({ secret: secret('01') })
  const claims = {
    identity: { issuer: 'https://idp.example', subject: 'alice', groups: [] },
    groups: [],
    clientId: 'c',
    grantId: 'g',
    audience: 'https://a.example',
  }
  const identity = await identityJwt(ring.active, ISSUER, claims, NOW, 60)
  const embedded = await new SignJWT({ receipt })
    .setProtectedHeader({ ...header, kid: 'mine', jwk: await exportJWK(stranger.publicKey) })
    .sign(stranger.privateKey)
  test.for<[string, string, string]>([
    [
      'says something else',
      `${encoded(header)}.${encoded({ receipt: { ...receipt, why: 'x' } })}.${signature}`,
      'its signature does not hold',
    ],
    ['has the signature of another', statement.slice(0, -8) + 'AAAAAAAA', 'its signature does not hold'],
    ['is signed by nobody (alg none)', `${encoded({ ...header, alg: 'none' })}.${payload}.`, 'its signature does not hold'],
    ['is signed with the public key as a secret', hmacOfPublicKey, 'its signature does not hold'],
    [
      'says RS256 of an elliptic key',
      `${encoded({ ...header, alg: 'RS256' })}.${payload}.${signature}`,
      'it says RS256, and its key signs ES256',
    ],
    ['is signed by a stranger under the name of the key', strangers, 'its signature does not hold'],
    ['brings its own key in the header', embedded, 'signed by a key that is not trusted: mine'],
    ['names no key', `${encoded({ alg: 'ES256', typ: RECEIPT_TYPE })}.${payload}.${signature}`, 'not trusted: undefined'],
    ['is an identity JWT by the same key', identity, 'a statement of another kind: JWT'],
    ['is no JWS', 'a.b', 'its signature does not hold'],
  ])('is refused that %s', async ([, forged, message]) => {
    await expect(verifyReceiptFile(forged, { jwks: [{ ...signer.jwk }] })).rejects.toThrow(message)
    await expect(verifyReceiptFile(file({ receipt: forged }), { pins })).rejects.toThrow(message)
  })

  test('is refused where nothing is trusted: a key that comes with it proves nothing', async () => {
    await expect(verifyReceiptFile(file(), {})).rejects.toThrow('none of the keys in it is one you trust')
  })
})

describe('after a key change', () => {
  test('whoever pinned the key before reads what the new one signs: the one before has named it', async () => {
    const next = await signerOf({ secret: secret('02'), previousSecret: secret('01') })
    expect(next.signBefore?.kid).toBe(signer.kid)
    const handover = (await next.signBefore?.sign(KEY_TYPE, { jwk: next.jwk })) ?? ''
    const third = await signerOf({ secret: secret('03'), previousSecret: secret('02') })
    const again = (await third.signBefore?.sign(KEY_TYPE, { jwk: third.jwk })) ?? ''
    const keys = [keyOf(signer), { ...keyOf(next), handover }, { ...keyOf(third), handover: again }]
    const bundle = inFile({ ...(await bundleOf(third)), keys: keys.toReversed() })
    await expect(verifyBundle(bundle, { pins })).resolves.toMatchObject({ signedAt: NOW })
    // What was signed before is read by the key that comes along.
    const old = { ...bundle, receipts: whole.receipts }
    await expect(verifyBundle(old, { pins })).resolves.toBeDefined()
  })

  test('a new key that the one before has not named has to be pinned anew', async () => {
    const leaked = await signerOf({ secret: secret('02') })
    const bundle = await bundleOf(leaked)
    const claimed = await leaked.sign(KEY_TYPE, { jwk: leaked.jwk })
    const keys = [...whole.keys, { ...keyOf(leaked), handover: claimed }]
    await expect(verifyBundle(inFile({ ...bundle, keys }), { pins })).rejects.toThrow('not trusted')
    await expect(verifyBundle(bundle, { pins: [leaked.kid] })).resolves.toBeDefined()
  })

  test('a handover names one key: it does for no other that is put in its place', async () => {
    const next = await signerOf({ secret: secret('02'), previousSecret: secret('01') })
    const handover = (await next.signBefore?.sign(KEY_TYPE, { jwk: next.jwk })) ?? ''
    const forger = await signerOf({ secret: secret('66') })
    const bundle = { ...(await bundleOf(forger)), keys: [...whole.keys, { ...keyOf(forger), handover }] }
    await expect(verifyBundle(inFile(bundle), { pins })).rejects.toThrow('not trusted')
  })
})
