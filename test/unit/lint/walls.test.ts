// Who may import whom in src: what lint refuses, shown by doing it.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fixture } from '../../world/fixture.ts'
import { MAY_IMPORT, placeOf } from '../../../scripts/lint/walls.ts'
import { linesRefused, linesRefusedIn } from './lines-refused.ts'

const SRC = resolve(import.meta.dirname, '../../../src')

const WALLS: readonly (readonly [wall: string, file: string, specifier: string])[] = [
  ['the router to know how the object keeps things', 'src/mcp/router/probe.ts', '../../session/store/grants.ts'],
  ['the router to run what runs in the object', 'src/mcp/router/probe.ts', '../object/engine.ts'],
  ['a domain to know its neighbour', 'src/mcp/router/probe.ts', '../../oauth/resource.ts'],
  ['the person’s object to ask the domain', 'src/session/access/probe.ts', '../../oauth/resource.ts'],
  ['what is kept to know what is done with it', 'src/session/store/probe.ts', '../access/admit.ts'],
  ['a page to read for itself', 'src/pages/portal/probe.tsx', '../../directory/people.ts'],
  ['settings to know who reads them', 'src/settings/probe.ts', '../oauth/resource.ts'],
  ['the caller to know the settings', 'src/caller.ts', './settings/settings.ts'],
  ['the services to know the routes', 'src/services.ts', './routes/health.ts'],
  ['platform to stand on anything', 'src/platform/probe.ts', '../caller.ts'],
  ['what is asked alike to know who asks', 'src/oauth-client/probe.ts', '../identity/provider.ts'],
  ['identity to know linking', 'src/identity/probe.ts', '../linking/ask.ts'],
  ['a folder that nobody has placed', 'src/extras/probe.ts', '../platform/crypto.ts'],
  ['Hono in the domain', 'src/oauth/grants/probe.ts', 'hono/tiny'],
  ['the runtime in the domain', 'src/mcp/router/probe.ts', 'cloudflare:workers'],
  ['agents outside the objects', 'src/routes/probe.ts', 'agents/lifecycle'],
]

/** In one folder there are several. */
const probed = (file: string, at: number): string => file.replace('probe.', `probe-${at}.`)

const waysTo = (specifier: string): readonly string[] => [
  `import { a } from '${specifier}'`,
  `import type { b } from '${specifier}'`,
  `export { c } from '${specifier}'`,
  `export * from '${specifier}'`,
  `const d = await import('${specifier}')`,
  `type E = import('${specifier}').E`,
]

describe('lint refuses', () => {
  const the = fixture(() => {
    const refused = linesRefusedIn(
      new Map(WALLS.map(([, file, specifier], at) => [probed(file, at), waysTo(specifier)])),
      'house',
    )
    return { refused }
  })

  test.for(WALLS.map(([wall, file], at) => [wall, probed(file, at)] as const))('%s', ([, file]) => {
    expect(the.refused.get(file)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('every way around the one file that calls fetch', () => {
    const ways = ['globalThis.fetch(url)', "self['fetch'](url)", 'const { fetch } = globalThis', 'void globalThis.fetch']
    expect(linesRefused('src/identity/probe.ts', ways, 'house')).toEqual([1, 2, 3, 4])
    expect(linesRefused('src/platform/outbound.ts', ways, 'house')).toEqual([])
  })
})

test('lint lets pass what the walls allow', () => {
  const fine = [
    "import { a } from './other.ts'",
    "import type { b } from '../../session/contract/receipt.ts'",
    "import { c } from 'zod'",
    "import { d } from '../message/era.ts'",
  ]
  expect(linesRefused('src/mcp/router/probe.ts', fine, 'house')).toEqual([])
})

test('no circle of folders can be written down: each names only what stands before it', () => {
  const places = [...MAY_IMPORT.keys()]
  const forward = places.flatMap((place, at) =>
    (MAY_IMPORT.get(place) ?? []).filter((other) => !places.slice(0, at).includes(other)).map((other) => `${place} → ${other}`),
  )
  expect(forward).toEqual([])
})

test('every folder of src has its place, and every place is there', () => {
  const files = globSync('**/*.*', { cwd: SRC })
  expect([...new Set(files.map((file) => placeOf(file.replaceAll('\\', '/'))))].toSorted()).toEqual(
    [...MAY_IMPORT.keys()].toSorted(),
  )
  expect([...MAY_IMPORT.keys()].filter((place) => !existsSync(join(SRC, place)))).toEqual([])
})

test('every INSERT names its columns: those that a release adds stand elsewhere in older tables', () => {
  const positional = globSync('**/*.ts', { cwd: SRC }).filter((file) =>
    /INSERT( OR [A-Z]+)? INTO [\w${}]+ (VALUES|SELECT)/.test(readFileSync(join(SRC, file), 'utf8')),
  )
  expect(positional).toEqual([])
})

test('no page that everybody sees takes anything from the portal, which stands on them', () => {
  const pages = globSync('pages/*.{ts,tsx}', { cwd: SRC })
  expect(pages.filter((file) => readFileSync(join(SRC, file), 'utf8').includes("from './portal/"))).toEqual([])
})
