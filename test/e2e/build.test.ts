// npm run build: the Worker stays light, and whoever makes it heavy is told by what.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../world/bundle.ts'

const outdir = mkdtempSync(join(tmpdir(), 'broker-build-'))
afterAll(() => rmSync(outdir, { recursive: true, force: true }))

function build(...more: readonly string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/build.ts'), '--outdir', outdir, ...more], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  return { code: status, said: stdout + stderr }
}

test('the Worker is within its budget, and the build says what it weighs', () => {
  const { code, said } = build()
  expect({ code, said }).toMatchObject({
    code: 0,
    said: expect.stringMatching(/worker\.js {2}[\d.]+ KiB, [\d.]+ KiB gzip \(budget 320\)/),
  })
  expect(said).toContain('KiB  src/mcp')
})

test('a Worker over its budget fails the build and shows its heaviest parts', () => {
  const { code, said } = build('--budget', '10')
  expect(code).toBe(1)
  expect(said).toMatch(/The Worker is [\d.]+ KiB over its budget of 10 KiB/)
  expect(said).toContain('KiB  zod')
})
