// Lines of evidence in a file, as exports leave them there: out of order, more than once, without an end; and how much of it is read at once.
import { execFile } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { shownProof, verifyFile } from '../../../scripts/admin/evidence.ts'
import { lineOf, type EvidenceEntry } from '../../../src/evidence/line.ts'
import { GAP_TYPE, RECEIPT_TYPE } from '../../../src/evidence/statements.ts'
import { chain, secret, signerOf } from './signing.ts'

const folder = mkdtempSync(join(tmpdir(), 'broker-lines-'))
afterAll(() => rmSync(folder, { recursive: true }))

const signer = await signerOf({ secret: secret('01') })
const jwks = join(folder, 'jwks.json')
writeFileSync(jwks, JSON.stringify({ keys: [signer.jwk] }))

let files = 0
async function verified(text: string, head?: string) {
  const file = join(folder, `${(files += 1)}.jsonl`)
  writeFileSync(file, text)
  return await verifyFile(file, { jwks, ...(head !== undefined && { head: [head] }) })
}

const jsonLines = (entries: readonly object[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
const entries = chain()
const [first, second, third, fourth, fifth] = entries.filter((entry) => 'number' in entry)
if (!first || !second || !third || !fourth || !fifth) throw new Error('these are five lines')
const whole = { holds: 'lines', lines: 5, gone: 0, first: 1, last: 5, hash: fifth.hash }

describe('lines hold', () => {
  const hidden = { number: 2, digest: second.digest, hash: second.hash }
  test.for<[string, string, object]>([
    ['in order', jsonLines(entries), { hidden: 0 }],
    ['as one line of the file', jsonLines([first]), { lines: 1, last: 1, hash: first.hash }],
    ['as a list', JSON.stringify(entries, undefined, 2), {}],
    ['in another order than their own', jsonLines(entries.toReversed()), {}],
    ['in batches that came again', jsonLines([first, second, third, second, third, fourth, fifth, fifth]), {}],
    ['without a last line break, and with those of Windows', jsonLines(entries).trim().replaceAll('\n', '\r\n\r\n'), {}],
    ['with something beside them', jsonLines(entries.map((entry) => ({ ...entry, ocsf: { class_uid: 3002 } }))), {}],
    ['where one of two copies is hidden', jsonLines([first, hidden, second, third, fourth, hidden, fifth]), { hidden: 0 }],
  ])('%s', async ([, text, more]) => {
    expect(await verified(text, `1:${first.hash}`)).toMatchObject({ ...whole, ...more, proven: 1 })
  })
})

test('attack 125: lines that fit, and that nobody has signed for or pinned, are anybody’s', async () => {
  const forged = chain([{ kind: 'begin' }, { kind: 'event', event: { type: 'signed_in', sub: 'mallory' } }])
  for (const text of [jsonLines(forged), jsonLines(entries), '[]'])
    await expect(verified(text)).rejects.toThrow('none is signed for and none was pinned')
  await expect(verified(jsonLines(forged), `1:${first.hash}`)).rejects.toThrow('line 1 is another one')
  expect(await verified(jsonLines(entries), `5:${fifth.hash}`)).toMatchObject({ proven: 5 })
  expect(shownProof(await verified(jsonLines(entries), `3:${third.hash}`))).toContain('Lines 4 to 5 come after all that is')
})

test('a receipt alone is not passed off as compared with a pinned line', async () => {
  const line = { number: 3, digest: third.digest, hash: third.hash }
  const receipt = await signer.sign(RECEIPT_TYPE, { jti: 'receipt-1', receipt: { id: 'receipt-1' }, line })
  expect(await verified(receipt, `3:${third.hash}`)).toMatchObject({ holds: 'receipt', line: 3 })
  for (const other of [`3:${fourth.hash}`, `4:${fourth.hash}`])
    await expect(verified(receipt, other)).rejects.toThrow('a receipt alone can not be compared with line')
})

describe('lines do not hold', () => {
  const text = jsonLines(entries)
  test.for<[string, string, string]>([
    ['when one is missing', jsonLines([first, second, fourth, fifth]), 'line 3 is missing'],
    [
      'when one is there twice, and says two things',
      text + jsonLines([{ ...third, hash: fourth.hash }]),
      'line 3 is there twice',
    ],
    ['when they were cut in the middle', text.slice(0, -40), 'these are no lines of evidence'],
    ['when one of them is something else', `${text}{"number":"6"}\n`, 'these are no lines of evidence'],
    [
      'when one has a name twice: some readers see the first of them',
      text.replace('"type":"signed_in","sub":"bob"', '"type":"signed_in","sub":"mallory","sub":"bob"'),
      'line 5 has a name twice',
    ],
  ])('%s', async ([, lines, message]) => {
    await expect(verified(lines)).rejects.toThrow(message)
  })

  test('when a list has a name twice, however it is written', async () => {
    const list = JSON.stringify(entries, undefined, 2).replace('"sub": "bob"', String.raw`"s\u0075b": "mallory", "sub": "bob"`)
    await expect(verified(list)).rejects.toThrow('it has a name twice')
  })
})

describe('a sink that was away is sent one statement for lines of which it has some', () => {
  const claims = { first: 1, last: 4, hash: fourth.hash, before: '' }
  const gap = async (more: object = {}): Promise<EvidenceEntry> => {
    const said = { ...claims, ...more }
    return { first: said.first, last: said.last, hash: said.hash, statement: await signer.sign(GAP_TYPE, said) }
  }

  test('those it has are proven, and the others are gone', async () => {
    const read = await verified(jsonLines([first, second, await gap(), fifth]))
    expect(read).toMatchObject({ lines: 3, gone: 2, last: 5, hash: fifth.hash, proven: 4 })
    expect(await verified(jsonLines([first, second, await gap()]))).toMatchObject({ lines: 2, gone: 2, last: 4 })
    expect(await verified(jsonLines([...entries, await gap()]))).toMatchObject({ lines: 5, gone: 0, last: 5 })
  })

  test('one that says another hash than they have is noticed', async () => {
    const other = await gap({ hash: second.hash })
    await expect(verified(jsonLines([first, second, third, fourth, other, fifth]))).rejects.toThrow('line 4 is another one')
  })

  test('a pin among those that are gone can not be compared, and is not passed over', async () => {
    const text = jsonLines([await gap(), fifth])
    expect(await verified(text, `4:${fourth.hash}`)).toMatchObject({ gone: 4 })
    await expect(verified(text, `4:${third.hash}`)).rejects.toThrow('line 4 is another one than was pinned')
    await expect(verified(text, `3:${third.hash}`)).rejects.toThrow('line 3 was pinned, and is kept no more (lines 1 to 4)')
  })
})

test('of fifty megabytes of lines no more is in memory than a few', { timeout: 60_000 }, async () => {
  const file = join(folder, 'long.jsonl')
  const reason = 'a long reason '.repeat(250)
  let before = ''
  for (let batch = 0; batch < 50; batch += 1) {
    const lines: object[] = []
    for (let number = batch * 250 + 1; number <= (batch + 1) * 250; number += 1) {
      const body = { kind: 'event', salt: String(number), at: number, event: { type: 'grant_ended', reason } } as const
      const { digest, hash } = lineOf(number, body, before)
      before = hash
      lines.push({ number, digest, hash, body })
    }
    appendFileSync(file, jsonLines(lines))
  }
  // A heap of half of the file: enough for the program alone.
  const program = ['--max-old-space-size=24', 'scripts/admin.ts', 'verify', file, '--jwks', jwks, '--head', `12500:${before}`]
  const { stdout } = await promisify(execFile)(process.execPath, program, { env: { ...process.env, NODE_OPTIONS: '' } })
  expect(stdout).toContain(`The last line is 12500:${before}`)
})
