// The page's script and the command line read each other: neither is the format, what both can read is.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openedWith, readRecording, type SealedLine } from '../../../scripts/admin/sealed-recording.ts'
import { fingerprintOf } from '../../../src/evidence/sealing-key.ts'
import { ASSET_FOLDER } from '../../world/asset-folder.ts'
import { fileOf } from '../../world/sealed-file.ts'
import { makeSealingKey, PASSPHRASE } from '../../world/sealing-key.ts'

interface PageScript {
  readonly wrap: (secret: string, jwk: object, fingerprint: string) => Promise<string>
  readonly unwrap: (secret: string, jwe: string, fingerprint: string) => Promise<CryptoKey>
  readonly readerOf: (
    keyOf: (fingerprint: string) => CryptoKey | undefined,
    told: (entry: Readonly<Record<string, unknown>>) => void,
    report: (code: string, text: string) => void,
  ) => { readonly take: (line: SealedLine) => Promise<void>; readonly end: () => void }
  readonly strengthOf: (text: string) => number
}

const PARTS = ['sealing', 'sealing-format', 'sealing-setup', 'sealing-reader'].map((name) => join(ASSET_FOLDER, `${name}.js`))
const [, format = '', setup = ''] = PARTS
// Loaded as a browser loads them; the linter knows nothing of their types.
const page: PageScript = { ...(await import(format)), ...(await import(setup)) }
const KEY = await makeSealingKey()

describe('the page’s script', () => {
  test('reads what the broker seals, messages of several parts too', async () => {
    const long = JSON.stringify('ü'.repeat(700_000))
    const file = await fileOf(KEY, { request: '{"a":1}' }, { request: long })
    expect(await readByPage(file)).toEqual({ requests: ['{"a":1}', long], problems: [] })
  })

  test('wraps a key as the broker takes it and the command line opens it', async () => {
    const { key, fingerprint, privateKey } = KEY
    const passphrase = await page.wrap('wrapped in a page 9', privateKey, fingerprint)
    expect(await fingerprintOf({ key, wrapped: { ...KEY.wrapped, passphrase }, replaces: null })).toEqual({ fingerprint })
    const file = await fileOf({ ...KEY, wrapped: { ...KEY.wrapped, passphrase } }, { request: '1' })
    const open = openedWith({ secret: 'wrapped in a page 9', isRecoveryCode: false })
    expect(await readRecording(file, open, () => undefined)).toEqual([])
  })

  test('attack 130: tells what the command line tells of a file that was tampered with', async () => {
    const file = await fileOf(KEY, { request: '1' }, { request: '2' }, { request: '3' })
    const parts = file.filter(({ type }) => type === 'part')
    const without = (gone: SealedLine | undefined): readonly SealedLine[] => file.filter((line) => line !== gone)
    const swapped = file.map((line) => (line === parts[0] ? { ...line, data: parts[1]?.['data'] } : line))
    expect((await readByPage(without(parts[1]))).problems).toEqual(['missing', 'missing'])
    expect((await readByPage(file.filter(({ number, entry }) => !number && !entry))).problems).toEqual(['beginning_gone'])
    expect((await readByPage(file.filter(({ type }) => type !== 'part'))).problems).toEqual(['missing', 'missing', 'missing'])
    const unspelled = file.map((line) => (line === parts[1] ? { ...line, data: '!' } : line))
    expect((await readByPage(unspelled)).problems).toEqual(['altered'])
    expect((await readByPage(file.slice(0, -1))).problems).toEqual(['not_closed'])
    expect((await readByPage(swapped)).problems).toEqual(['altered'])
    expect((await readByPage(file.map((line) => ('method' in line ? { ...line, method: 'x' } : line)))).problems).toEqual([
      'altered',
      'altered',
      'altered',
    ])
    expect((await readByPage(file, () => undefined)).problems).toEqual(['key_not_opened'])
  })

  test('attack 130: refuses a key that is wrapped weakly, or is another', async () => {
    const weak = await makeSealingKey({ iterations: 1_000 })
    await expect(page.unwrap(PASSPHRASE, weak.wrapped.passphrase, weak.fingerprint)).rejects.toThrow('weak')
    await expect(page.unwrap(PASSPHRASE, KEY.wrapped.passphrase, weak.fingerprint)).rejects.toThrow('another key')
    const guess = await page.unwrap('a guess', KEY.wrapped.passphrase, KEY.fingerprint).catch(() => 'refused')
    expect(guess).toBe('refused')
  })

  test.for<[string, boolean]>([
    ['', false],
    ['password', false],
    ['Password123456', false],
    ['aaaaaaaaaaaaaaaaaaaaaaaa', false],
    ['abcabcabcabcabcabcabcabc', false],
    ['12345678901234567890', false],
    ['1qaz2wsx3edc4rfv5tgb', false],
    ['Zaq12wsxcde34rfvbgt5', false],
    ['correct horse battery staple', true],
    ['k3vqx-8mwzt-hr5np-4bydc', true],
    ['Zw7!pK2$vN9@xQ4', true],
  ])('takes %j for a passphrase: %s', ([text, isEnough]) => {
    expect(page.strengthOf(text) >= 60).toBe(isEnough)
  })

  test('has no way to run text, and asks nobody but its own origin', () => {
    const script = PARTS.map((file) => readFileSync(file, 'utf8')).join('')
    expect(script).not.toMatch(/innerHTML|insertAdjacent|outerHTML|document\.write|\beval\b|new Function|DOMParser|https?:\/\//)
    expect([...script.matchAll(/\bfetch\((\S+)/g)].map(([, what]) => what)).toEqual(["'/admin/api/sealing-key',", 'path,'])
  })
})

async function readByPage(
  file: readonly SealedLine[],
  keyOf?: (fingerprint: string) => CryptoKey | undefined,
): Promise<{ readonly requests: readonly unknown[]; readonly problems: readonly string[] }> {
  const key = await crypto.subtle.importKey('jwk', jwkOf(), { name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits'])
  const [requests, problems]: [unknown[], string[]] = [[], []]
  const reader = page.readerOf(
    keyOf ?? (() => key),
    ({ request }) => requests.push(request),
    (code) => problems.push(code),
  )
  for (const line of file) await reader.take(line)
  reader.end()
  return { requests, problems }
}

function jwkOf(): JsonWebKey {
  const { d = '' } = KEY.privateKey
  return { ...KEY.key, d }
}
