// Small messages lie in one block: whoever changes, moves or removes something of it or around it is noticed, by the command line and by the page.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readRecording, type ReadEntry, type SealedLine } from '../../../scripts/admin/sealed-recording.ts'
import { ASSET_FOLDER } from '../../world/asset-folder.ts'
import { blockFileOf } from '../../world/sealed-file.ts'
import { makeSealingKey, openedBy } from '../../world/sealing-key.ts'

const KEY = await makeSealingKey()
const page = await import(join(ASSET_FOLDER, 'sealing-format.js'))

const LARGE = JSON.stringify('ü'.repeat(700_000))
const file = await blockFileOf(
  KEY,
  { requestId: 'r-1', request: '"first"', answer: '"ä 😀 \\u0000"' },
  { requestId: 'r-2', request: LARGE, answer: '2' },
  { requestId: 'r-3' },
  { requestId: 'r-4', about: 'echo', answer: '"fourth"' },
)
const other = await blockFileOf(KEY, { request: '"of another"' })

const is = (line: SealedLine, type: string, direction?: string): boolean => line.type === type && line['direction'] === direction
const numbered = (number: number) => (line: SealedLine) => line.type === 'entry' && line['number'] === number
const changed = (which: (line: SealedLine) => boolean, more: object) => (lines: readonly SealedLine[]) =>
  lines.map((line) => (which(line) ? { ...line, ...more } : line))
const without = (which: (line: SealedLine) => boolean) => (lines: readonly SealedLine[]) => lines.filter((line) => !which(line))
const isBlock = (line: SealedLine): boolean => is(line, 'part', 'block')
const theirs = other.find(isBlock)

test('all messages of a block come back whole, beside those that are too large for one', async () => {
  expect(file.filter(isBlock)).toMatchObject([{ entry: 4, part: 3 }])
  for (const read of [byCommand, byPage]) {
    const { entries, problems } = await read(file)
    expect(problems).toEqual([])
    expect(entries.map(({ request, answer }) => [request, answer])).toEqual([
      ['"first"', '"ä 😀 \\u0000"'],
      [LARGE, '2'],
      [undefined, undefined],
      [undefined, '"fourth"'],
    ])
  }
})

describe('attack 130: of a block both readers tell that', () => {
  test.for<[string, (lines: readonly SealedLine[]) => readonly SealedLine[], readonly string[]]>([
    ['it was removed', without(isBlock), ['beginning_gone', 'missing']],
    ['it was changed', changed(isBlock, { data: `${theirs?.['data']}` }), ['altered']],
    [
      'it was cut short',
      (lines) => lines.map((line) => (isBlock(line) ? { ...line, data: line['data'].slice(0, 40) } : line)),
      ['altered'],
    ],
    [
      'it is of another recording',
      changed(isBlock, { ...theirs, segment: file.find(isBlock)?.['segment'] }),
      ['altered', 'beginning_gone', 'missing', 'not_closed'],
    ],
    ['it is about fewer entries', changed(isBlock, { part: 2 }), ['altered']],
    ['it was moved by one entry', changed(isBlock, { entry: 5 }), ['altered', 'altered', 'missing']],
    ['what stands beside a message was changed', changed(numbered(4), { about: 'another tool' }), ['altered']],
    [
      'it and all other parts were removed',
      without((line) => line.type === 'part' && line['direction'] !== 'end'),
      ['beginning_gone', 'missing'],
    ],
    ['it, all other parts and the mark were removed', without(({ type }) => type === 'part'), ['missing']],
    ['an entry was removed', without(numbered(4)), ['missing']],
    ['the first entry made room', without(numbered(1)), ['beginning_gone']],
    ['it is passed off as somebody else’s', changed(({ type }) => type === 'recording', { person: 'bob' }), ['altered']],
    ['its key was removed', without(({ type }) => type === 'segment'), []],
    ['the mark at the end was removed', without((line) => is(line, 'part', 'end')), ['not_closed']],
  ])('%s', async ([, change, expected]) => {
    const tampered = change(file)
    const [command, read] = [await byCommand(tampered), await byPage(tampered)]
    expect(new Set(command.problems)).toEqual(new Set(read.problems))
    expect(new Set(command.problems)).toEqual(new Set(expected))
    expect(JSON.stringify([command.entries, read.entries])).not.toContain('of another')
  })
})

interface Read {
  readonly entries: readonly ReadEntry[]
  readonly problems: readonly string[]
}

async function byCommand(lines: readonly SealedLine[]): Promise<Read> {
  const entries: ReadEntry[] = []
  const problems = await readRecording(lines, openedBy(KEY), (entry) => entries.push(entry))
  return { entries, problems: problems.map(({ code }) => code) }
}

async function byPage(lines: readonly SealedLine[]): Promise<Read> {
  const [entries, problems]: [ReadEntry[], string[]] = [[], []]
  const key = await crypto.subtle.importKey(
    'jwk',
    { ...KEY.key, ...(KEY.privateKey.d !== undefined && { d: KEY.privateKey.d }) },
    { name: 'ECDH', namedCurve: 'P-256' },
    false,
    ['deriveBits'],
  )
  const reader = page.readerOf(
    () => key,
    (entry: ReadEntry) => entries.push(entry),
    (code: string) => problems.push(code),
  )
  for (const line of lines) await reader.take(line)
  reader.end()
  return { entries, problems }
}
