// What a public forge runs and refuses: workflows with pinned actions and no permissions of their own, and short commit subjects.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../../..')
const WORKFLOWS = readdirSync(join(ROOT, '.github/workflows'))

describe('a workflow', () => {
  test.for(WORKFLOWS)('%s has no permission that a job does not ask for, and pins every action', (name) => {
    const text = readFileSync(join(ROOT, '.github/workflows', name), 'utf8')
    expect(text).toMatch(/^permissions: \{\}$/m)
    const used = [...text.matchAll(/uses: (\S+)( # v[\d.]+)?/g)].map(([whole]) => whole)
    expect(used).not.toEqual([])
    expect(used.filter((one) => !/@[\da-f]{40} # v[\d.]+$/.test(one))).toEqual([])
  })
})

test('the site is built before anything knows the token that publishes it', () => {
  const text = readFileSync(join(ROOT, '.github/workflows/docs.yml'), 'utf8')
  const [build, deploy, token] = ['npm run docs:build', 'wrangler deploy --config docs/', 'secrets.'].map((one) =>
    text.indexOf(one),
  )
  expect([build, deploy, token].every((at, index, all) => at !== undefined && at > (all[index - 1] ?? 0))).toBe(true)
})

describe('the commit-msg hook', () => {
  test.for([
    ['a subject of 72 characters', 'x'.repeat(72), 0],
    ['72 characters that are more bytes', 'ü'.repeat(72), 0],
    ['a longer body', `fix(refresh): end the grant\n\n${'why '.repeat(40)}`, 0],
    ['what git itself wrote about a merge', `Merge branch '${'x'.repeat(80)}'`, 0],
    ['a comment before the subject', `# ${'x'.repeat(80)}\nfix: short`, 0],
  ] as const)('takes %s', ([, message, status]) => {
    expect(hook(message)).toEqual({ status, stderr: '' })
  })

  test('refuses a subject of 73 characters, and says how long it is', () => {
    expect(hook(`${'x'.repeat(73)}\n\nwhy`)).toEqual({
      status: 1,
      stderr: 'The subject of the commit has 73 characters; at most 72 are shown everywhere. Put the rest into the body.\n',
    })
  })
})

function hook(message: string) {
  const folder = mkdtempSync(join(tmpdir(), 'commit-msg-'))
  try {
    const file = join(folder, 'COMMIT_EDITMSG')
    writeFileSync(file, message)
    const { status, stderr } = spawnSync(join(ROOT, '.githooks/commit-msg'), [file], { encoding: 'utf8' })
    return { status, stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
