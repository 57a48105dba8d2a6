// What `npm run check` would say of a file that is not there.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../../..')

/** Numbers of the lines that a plugin of ours refuses in a file of that name, with the settings of the repository. */
export function linesRefused(name: string, lines: readonly string[], plugin: string): readonly number[] {
  return linesRefusedIn(new Map([[name, lines]]), plugin).get(name) ?? []
}

/** The same of many files, for the price of one: what costs time is starting the linter. */
export function linesRefusedIn(
  files: ReadonlyMap<string, readonly string[]>,
  plugin: string,
): ReadonlyMap<string, readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lint-'))
  try {
    for (const [name, lines] of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), lines.join('\n'))
    }
    copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
    symlinkSync(join(ROOT, 'scripts'), join(folder, 'scripts'), 'junction')
    const oxlint = join(ROOT, 'node_modules/oxlint/bin/oxlint')
    const folders = new Set([...files.keys()].map((name) => name.split('/')[0] ?? name))
    const { stdout } = spawnSync(process.execPath, [oxlint, '-f', 'unix', ...folders], { cwd: folder, encoding: 'utf8' })
    const found = stdout.split('\n').filter((line) => line.includes(`${plugin}(`))
    return new Map([...files.keys()].map((name) => [name, numbersIn(found.filter((line) => line.startsWith(`${name}:`)))]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const numbersIn = (found: readonly string[]): readonly number[] =>
  [...new Set(found.map((line) => Number(line.split(':')[1])))].toSorted((a, b) => a - b)
