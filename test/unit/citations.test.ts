// What code, tests and documents refer to is in the repository: attacks by number, laws, tests by name, files by path.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { REWRITES } from '../../docs/.vitepress/links.ts'
import { MAY_IMPORT } from '../../scripts/lint/walls.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const ATTACKS = read('docs/attacks.md')
const ARCHITECTURE = read('ARCHITECTURE.md')

const CODE = ['src', 'test', 'scripts', 'docs/.vitepress']
  .flatMap((folder) => filesIn(folder))
  .filter((name) => /\.(?:tsx?|mjs)$/.test(name))
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  ...filesIn('docs').filter((name) => name.endsWith('.md') && !/^docs\/(?:node_modules|\.vitepress|decisions)\//.test(name)),
]

const ROWS = [...ATTACKS.matchAll(/^\| (\d+) \|.*\| (.*) \|$/gm)].map(
  ([, number = '', heldBy = '']) => [Number(number), heldBy] as const,
)

describe('docs/attacks.md', () => {
  test('gives each number once, and leaves none out', () => {
    expect(ROWS.length).toBeGreaterThan(63)
    const numbers = ROWS.map(([number]) => number).toSorted((left, right) => left - right)
    expect(numbers).toEqual(ROWS.map((_, index) => index + 1))
  })

  test.for(ROWS)('names for attack %i tests that are there', ([, heldBy]) => {
    const named = heldBy.split('; ').map((one) => one.split(' › '))
    for (const [file = '', ...names] of named) {
      expect(file).toMatch(/^`test\/\S+\.ts`$/)
      expect(names).not.toEqual([])
      const text = read(file.slice(1, -1))
      expect(names.filter((name) => !isNamed(text, name.slice(1, -1)))).toEqual([])
    }
  })

  test('has every attack that a test cites by its number, and the test in its row', () => {
    const heldBy = new Map(ROWS)
    const tests = CODE.filter((name) => name.startsWith('test/'))
    const cited = tests.flatMap((name) => attacksIn(read(name)).map((number) => ({ number, name })))
    expect(new Set(cited.map(({ number }) => number)).size).toBeGreaterThan(50)
    expect(cited.filter(({ number, name }) => !heldBy.get(number)?.includes(name))).toEqual([])
  })
})

describe('code and tests', () => {
  test('cite no document that is not here', () => {
    // A program that writes a document may not have been run yet.
    const citing = CODE.filter((name) => !read(name).includes('writeFile('))
    const cited = citing.flatMap((name) =>
      [...read(name).matchAll(/\b[\w./-]*\w\.md\b/g)].map(([document]) => `${document} in ${name}`),
    )
    // Pages of the site are cited by where they are below docs/, and one is served under another name than its file's.
    const served = Object.values(REWRITES)
    const missing = cited.filter((citation) => {
      const path = citation.replace(/ in .*/, '').replace(/^(?:\.\.?\/)+/, '')
      return !served.includes(path) && ![path, `docs/${path}`].some((place) => isHere(place))
    })
    expect(missing).toEqual([])
  })

  test('cite no law and no section of a plan, which nobody can look up', () => {
    expect(CODE.filter((name) => /\bdesign (?:law|section)s? \d|\bproject['’]s notes/i.test(read(name)))).toEqual([])
  })

  test('cite laws and parts of ARCHITECTURE.md that are there', () => {
    const [, laws = ''] = /^## Laws.*?\n(.*?)^## /ms.exec(ARCHITECTURE) ?? []
    const numbers = [...laws.matchAll(/^(\d+)\. \*\*/gm)].map(([, number]) => number)
    const texts = CODE.map((name) => read(name))
    const cited = texts.flatMap((text) => [...text.matchAll(/ARCHITECTURE\.md, law (\d+)/g)].map(([, number]) => number))
    expect(cited.length).toBeGreaterThan(3)
    expect(cited.filter((number) => !numbers.includes(number))).toEqual([])
    const parts = texts.flatMap((text) => [...text.matchAll(/ARCHITECTURE\.md, “([^”]+)”/g)].map(([, part = '']) => part))
    expect(parts.filter((part) => !new RegExp(`^##+ ${part}$`, 'm').test(ARCHITECTURE))).toEqual([])
  })
})

test.for(DOCUMENTS)('%s names no file and no folder that is not here', (name) => {
  const named = [...read(name).matchAll(/`((?:src|test|docs|scripts)\/[\w./-]*(?:\.\w+|\/))`/g)].map(([, path = '']) => path)
  // What a command writes is not there before it has run.
  expect(named.filter((path) => !path.startsWith('test/artifacts/') && !isHere(path))).toEqual([])
})

test('the map of ARCHITECTURE.md has every folder and file that scripts/lint/walls.ts places', () => {
  const folders = [...MAY_IMPORT.keys()].filter((place) => !place.includes('.'))
  const files = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isFile())
  const names = [...folders, ...files.map(({ name }) => name)].map((place) => place.split('/').at(-1) ?? '')
  expect(
    names.filter((name) => ![`/${name}\``, `/${name}/\``, `\`${name}/\``].some((quoted) => ARCHITECTURE.includes(quoted))),
  ).toEqual([])
})

/** Besides the folders of `src`: what is tested there is scripts, what is shipped, the world of the tests, or all of `src` at once. */
const NOT_OF_SRC = ['attacks', 'conformance', 'doctor', 'lint', 'packaging', 'selfhost', 'setup', 'world']

test('a file of test/unit lies in the folder that src has for what it tests', () => {
  const tests = filesIn('test/unit').filter((name) => name.endsWith('.test.ts'))
  const folders = [...new Set(tests.map((name) => name.split('/').slice(2, -1).join('/')))]
  expect(folders.length).toBeGreaterThan(30)
  expect(folders.filter((folder) => !isHere(`src/${folder}`) && !NOT_OF_SRC.includes(folder))).toEqual([])
})

function read(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}

function filesIn(folder: string): readonly string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
}

function isHere(path: string): boolean {
  return existsSync(join(ROOT, path))
}

/** The name, or its beginning, at the beginning of a text in quotes. */
function isNamed(text: string, name: string): boolean {
  return [`'${name}`, `\`${name}`].some((quoted) => text.includes(quoted))
}

/** The word with a number, or with several (“N, N and N”, “N to N”), and names of tests that begin with numbers (“N. …”, “N. N. …”, “N …”). */
function attacksIn(text: string): readonly number[] {
  const words = [...text.matchAll(/\battacks? (\d+(?:(?:, | and | to )\d+)*)/gi)]
  const numbered = [...text.matchAll(/['`]((?:\d{1,2}\. )+)(?=\p{L})/gu)]
  const described = [...text.matchAll(/\b(?:describe|test)\b[^'`\n]*\(['`](\d{1,2}) (?=\p{L})/gu)]
  return [...words, ...numbered, ...described].flatMap(([, numbers = '']) =>
    [...numbers.matchAll(/\d+/g)].map(([number]) => Number(number)),
  )
}
