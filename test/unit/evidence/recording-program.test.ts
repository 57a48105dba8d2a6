// What the command line says of a sealed file that somebody has written to: a sentence on one line, and nothing that steers the terminal.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../../world/bundle.ts'
import { programEnds, type Ended } from '../../world/program.ts'
import { fileOf } from '../../world/sealed-file.ts'
import { makeSealingKey } from '../../world/sealing-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'broker-recording-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'recording.sealed.jsonl')

const admin = async (...args: readonly string[]): Promise<Ended> =>
  await programEnds([join(ROOT, 'scripts/admin.ts'), ...args], {}, 'a passphrase\n')

test('attack 130: a fingerprint in a sealed file does not steer the terminal', async () => {
  const lines = await fileOf(await makeSealingKey(), { request: '1' })
  const steering = lines.map((line) => ('fingerprint' in line ? { ...line, fingerprint: '\u001b[2K\rof the kit\u202e' } : line))
  writeFileSync(file, steering.map((line) => JSON.stringify(line)).join('\n'))
  const { code, err } = await admin('recording', '--file', file)
  expect([code, err]).toEqual([1, expect.stringContaining('Sealed to the key [2Kof the kit: compare with the printed kit.')])
  expect(err.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

test.for([
  ['recording', '--file'],
  ['verify', '--pin', 'A'.repeat(43)],
  ['verify', file, '--jwks'],
])('a file that is not there is named: %s', async (args) => {
  writeFileSync(file, '{}')
  const gone = join(folder, 'gone.jsonl')
  expect(await admin(...args, gone)).toEqual({ code: 1, out: '', err: `${gone} can not be read: ENOENT\n` })
})

test('a line that is no object is no recording', async () => {
  writeFileSync(file, 'null\n')
  const said = await admin('recording', '--file', file)
  expect(said).toMatchObject({ code: 1, err: expect.stringContaining('This is no sealed recording: a line is no JSON object.') })
})
