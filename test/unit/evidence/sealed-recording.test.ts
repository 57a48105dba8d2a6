// A sealed recording can not be cut, reordered, moved, changed or sealed to another key without whoever reads it being told.
import { compactDecrypt, CompactEncrypt, importJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  openedWith,
  readRecording,
  type OpenKey,
  type Problem,
  type ReadEntry,
  type SealedLine,
} from '../../../scripts/admin/sealed-recording.ts'
import { fileOf } from '../../world/sealed-file.ts'
import { makeSealingKey, openedBy, PASSPHRASE, RECOVERY_CODE } from '../../world/sealing-key.ts'

const KEY = await makeSealingKey()

describe('attack 130: whoever reads is told that', () => {
  type Change = (lines: SealedLine[], other: readonly SealedLine[]) => readonly SealedLine[]
  test.for<[string, Change, readonly string[]]>([
    ['a message was removed', (lines) => without(lines, parts(lines)[1]), ['missing', 'missing']],
    ['the end was cut off', (lines) => lines.slice(0, -1), ['not_closed']],
    ['the last entries were cut off', (lines) => lines.slice(0, -4), ['missing', 'not_closed']],
    [
      'all that is left of it is the mark at its end',
      (lines) => lines.filter(({ number, entry: of }) => !number && !of),
      ['beginning_gone'],
    ],
    [
      'all of its messages were removed, and the mark',
      (lines) => lines.filter(({ type }) => type !== 'part'),
      ['missing', 'missing', 'missing'],
    ],
    ['the end was cut off, and its mark moved up', (lines) => [...lines.slice(0, -4), lines.at(-1)!], ['missing', 'missing']],
    ['the end was cut off and its mark renumbered', renumbered, ['missing', 'altered', 'missing', 'not_closed']],
    ['two messages changed places', swapped, ['altered', 'altered']],
    ['a message of another recording was put in', (lines, other) => exchanged(lines, other, false), ['altered']],
    ['a message of another recording came with its key', (lines, other) => exchanged(lines, other, true), ['altered']],
    ['a message was changed', (lines) => lines.map((line) => bent(line, parts(lines)[0])), ['altered']],
    ['a request was made an answer', (lines) => turned(lines, 'direction', 'to_client'), ['altered', 'missing']],
    ['what stands beside a message was changed', (lines) => turned(lines, 'about', 'another tool'), ['altered']],
    ['the beginning is gone', (lines) => lines.filter(({ number, entry: of }) => number !== 1 && of !== 1), ['beginning_gone']],
  ])('%s', async ([, change, problems]) => {
    const file = await fileOf(KEY, { request: '"first"', about: 'echo' }, { request: '"second"' }, { request: '"third"' })
    const other = await fileOf(KEY, { request: '"of another"', about: 'echo' })
    expect((await read(file)).problems).toEqual([])
    const said = await read(change([...file], other))
    expect(said.problems).toEqual(problems)
    expect(JSON.stringify(said.entries)).not.toContain('of another')
  })

  test('a part of a long message was removed, also where it was the last', async () => {
    const file = await fileOf(KEY, { request: JSON.stringify('x'.repeat(2_500_000)) })
    const [, second, third] = parts(file)
    expect((await read(without(file, second))).problems).toEqual(['missing', 'altered', 'cut'])
    expect((await read(without(file, third))).problems).toEqual(['missing', 'cut'])
  })

  test('the key was swapped for one of somebody else', async () => {
    const theirs = await makeSealingKey({ passphrase: 'known to somebody else' })
    // With their key in the file, and without it; and with the fingerprint of the kit at hand.
    expect((await withPassphrase(await fileOf(theirs, { request: '1' }))).problems).toEqual(['key_not_opened'])
    const bare = (await fileOf(theirs, { request: '1' })).filter(({ type }) => type !== 'key')
    expect((await withPassphrase(bare)).problems).toEqual(['unknown_key'])
    const mine = await fileOf(KEY, { request: '"mine"' })
    expect((await withPassphrase(mine, PASSPHRASE, theirs.fingerprint)).problems).toEqual(['unknown_key'])
    // The administrator's own key, under the fingerprint of theirs.
    const posing = mine.map((line) => ('fingerprint' in line ? { ...line, fingerprint: theirs.fingerprint } : line))
    expect((await withPassphrase(posing)).problems).toEqual(['key_not_opened'])
  })

  test('the work factor was lowered', async () => {
    const weak = await makeSealingKey({ iterations: 1_000 })
    const file = await fileOf(weak, { request: '"weak"' })
    expect(await withPassphrase(file)).toMatchObject({ entries: [{ number: 1 }], problems: ['weak_wrapping'] })
  })

  test.for<[string, object]>([
    ['is wrapped in nothing', { wrapped: undefined }],
    ['is wrapped in no text', { wrapped: { passphrase: { p2c: 600_000 } } }],
    ['is wrapped in no JWE', { wrapped: { passphrase: 'a.b.c.d.e' } }],
  ])('the key %s', async ([, more]) => {
    const file = await fileOf(KEY, { request: '"secret"' })
    const posing = file.map((line) => (line.type === 'key' ? { ...line, ...more } : line))
    expect((await withPassphrase(posing)).problems).toEqual(['weak_wrapping'])
  })

  test('the passphrase is wrong, and reads all with the right one, or the recovery code in whatever spelling', async () => {
    const file = await fileOf(KEY, { request: '"secret"' })
    const { entries, problems } = await withPassphrase(file, 'a guess')
    expect(problems).toEqual(['key_not_opened'])
    expect(JSON.stringify(entries)).not.toContain('secret')
    const whole = { entries: [{ request: '"secret"' }], problems: [] }
    expect(await withPassphrase(file, PASSPHRASE, KEY.fingerprint)).toMatchObject(whole)
    const code = { secret: RECOVERY_CODE.toLowerCase().replace(/(.{5})/g, '$1 - '), isRecoveryCode: true }
    expect(await read(file, openedWith(code))).toMatchObject(whole)
  })
})

test('a segment of an earlier release, which does not say whose it is, is read as it was', async () => {
  const [mine, theirs] = [await importJWK(KEY.privateKey, 'ECDH-ES'), await importJWK(KEY.key, 'ECDH-ES')]
  const older = async (line: SealedLine): Promise<SealedLine> => {
    if (line.type !== 'segment') return line
    const { plaintext, protectedHeader } = await compactDecrypt(line['jwe'], mine)
    const { person, epk: _, ...header } = protectedHeader
    expect(person).toBe('sub')
    return { ...line, jwe: await new CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(theirs) }
  }
  const file = await Promise.all((await fileOf(KEY, { request: '"old"' })).map(older))
  expect(await read(file)).toMatchObject({ entries: [{ request: '"old"' }], problems: [] })
})

function parts(lines: readonly SealedLine[]): readonly SealedLine[] {
  return lines.filter(({ type }) => type === 'part')
}

function without(lines: readonly SealedLine[], gone: SealedLine | undefined): readonly SealedLine[] {
  return lines.filter((line) => line !== gone)
}

function renumbered(lines: readonly SealedLine[]): readonly SealedLine[] {
  const mark = lines.at(-1)!
  return [...lines.slice(0, -4), { ...mark, sequence: mark['sequence'] - 1 }]
}

function swapped(lines: SealedLine[]): readonly SealedLine[] {
  const [first, second] = parts(lines)
  return lines.map((line) => {
    if (line === first) return { ...line, data: second?.['data'] }
    return line === second ? { ...line, data: first?.['data'] } : line
  })
}

function exchanged(lines: readonly SealedLine[], other: readonly SealedLine[], withKey: boolean): readonly SealedLine[] {
  const [mine] = parts(lines)
  const [theirs] = parts(other)
  const segment = other.find(({ type }) => type === 'segment')
  return lines.flatMap((line) => {
    if (line !== mine) return [line]
    const put = { ...line, data: theirs?.['data'] }
    return withKey
      ? [
          { ...segment!, recording: line['recording'] },
          { ...put, segment: segment!['id'] },
        ]
      : [put]
  })
}

function bent(line: SealedLine, which: SealedLine | undefined): SealedLine {
  if (line !== which) return line
  const data: string = line['data']
  return { ...line, data: `${data.slice(0, -4)}${data.at(-4) === 'A' ? 'B' : 'A'}${data.slice(-3)}` }
}

/** In the first place where there is something of that name. */
function turned(lines: readonly SealedLine[], name: string, value: string): readonly SealedLine[] {
  const first = lines.find((line) => name in line && line.type === (name === 'about' ? 'entry' : 'part'))
  return lines.map((line) => (line === first ? { ...line, [name]: value } : line))
}

async function read(
  lines: readonly SealedLine[],
  open: OpenKey = openedBy(KEY),
): Promise<{ readonly entries: readonly ReadEntry[]; readonly problems: readonly Problem['code'][] }> {
  const entries: ReadEntry[] = []
  const problems = await readRecording(lines, open, (entry) => entries.push(entry))
  return { entries, problems: problems.map(({ code }) => code) }
}

const withPassphrase = (lines: readonly SealedLine[], secret = PASSPHRASE, expected?: string) =>
  read(lines, openedWith({ secret, isRecoveryCode: false, expected }))
