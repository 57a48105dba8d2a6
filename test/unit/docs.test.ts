// What the documents say about settings, paths, files and tests is what there is.
import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorOf, includedIn } from '../../docs/.vitepress/links.ts'
import { app } from '../../src/app.ts'
import { foundation, wired } from '../../src/services.ts'
import { environment } from '../../src/settings/environment.ts'
import { withTable } from '../bench/report.ts'
import { assetFolder } from '../world/asset-folder.ts'
import { readSettings, SettingsError } from '../../src/settings/settings.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SETTINGS = document('docs/reference/settings.md')
const PATHS = document('docs/reference/http.md')
const ARCHITECTURE = document('ARCHITECTURE.md')

const SCHEMA = Object.entries(environment.shape)
const VARIABLES = SCHEMA.map(([name]) => name)

describe('the settings reference', () => {
  const rows = tableRows(SETTINGS)

  test('has every variable once, and none besides', () => {
    expect(sorted(rows.flatMap(([first = '']) => codeIn(first)))).toEqual(sorted(VARIABLES))
  })

  test.for(SCHEMA.filter(([, shape]) => typeof shape.safeParse(undefined).data === 'number'))(
    'says the default of %s',
    ([name, shape]) => {
      const row = rows.find(([first = '']) => first.includes(`\`${name}\``))
      expect(Number(row?.[1])).toBe(shape.safeParse(undefined).data)
    },
  )
})

describe('.dev.vars.example', () => {
  const lines = document('.dev.vars.example')
    .split('\n')
    .filter((line) => line !== '')

  test('shows every variable once, and none besides', () => {
    expect(sorted(shownIn(lines).map(([name]) => name))).toEqual(sorted(VARIABLES))
  })

  test('holds only examples where there should be a secret, and they are refused', () => {
    const shown = shownIn(lines)
    const secrets = shown.filter(([name, value]) => /KEY|SECRET/.test(name) && value !== '').map(([name]) => name)
    const { problems } = refusalOf(Object.fromEntries(shown))
    const refused = problems.filter(({ problem }) => problem === 'is the example value from the documentation')
    expect(sorted(refused.map(({ variable }) => variable))).toEqual(sorted(secrets))
  })
})

test('every command of package.json is explained somewhere', () => {
  const { scripts }: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(document('package.json'))
  const explained = ['README.md', 'CONTRIBUTING.md', 'docs/deploy.md'].map(document).join('\n')
  const names = Object.keys(scripts).filter((name) => !/^(?:pre|start$|test$)/.test(name))
  expect(names.length).toBeGreaterThan(30)
  expect(names.filter((name) => !explained.includes(`npm run ${name}`) && !explained.includes(`\`${name}\``))).toEqual([])
})

describe('the table of what a call costs', () => {
  test('in README says what docs/benchmark.json says', () => {
    const readme = document('README.md')
    expect(withTable(readme, JSON.parse(document('docs/benchmark.json')))).toBe(readme)
  })
})

describe('the path reference', () => {
  const documented = tableRows(PATHS).flatMap(([first = '']) => codeIn(first).map(pathOf))

  test('has every path that is served', async () => {
    const missing = (await servedPaths()).filter((path) => !documented.some((pattern) => meets(path, pattern)))
    expect(missing).toEqual([])
  })

  test('has no path that is not', async () => {
    const served = await servedPaths()
    expect(documented.filter((path) => !served.some((pattern) => meets(path, pattern)))).toEqual([])
  })
})

describe('a document', async () => {
  const documents = (await readdir(ROOT, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .filter((name) => !/^(?:\.|dist|test)\b|node_modules\/|\.vitepress\//.test(name))

  test.for(documents)('%s links to nothing that is not there', async (name) => {
    const text = await readFile(join(ROOT, name), 'utf8')
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)|src="([^"]+)"/g)].map(([, link = '', source = '']) => link || source)
    const within = targets.filter((target) => !/^[a-z]+:/.test(target) && !target.startsWith('/'))
    const missing = within.filter((target) => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? name : join(dirname(name), path)
      return !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsIn(document(file)).includes(anchor))
    })
    expect(missing).toEqual([])
  })
})

test.for(['ARCHITECTURE.md', 'docs/migration.md'])('every test that %s names is there', (name) => {
  const named = [...document(name).matchAll(/`(test\/[^`]+\.ts)`((?: › “[^”]+”)*)/g)]
  expect(named.length).toBeGreaterThan(10)
  const missing = named.flatMap(([, file = '', sentences = '']) => {
    const text = document(file)
    return [...sentences.matchAll(/“([^”]+)”/g)].flatMap(([, sentence = '']) => (text.includes(sentence) ? [] : [sentence]))
  })
  expect(missing).toEqual([])
})

test('docs/operations/log.md has every event of the log, and none besides', async () => {
  const sources = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((name) => /\.tsx?$/.test(name))
  const logging = sources.map((name) => document(join('src', name))).filter((text) => text.includes("platform/telemetry.ts'"))
  const said = logging.flatMap((text) => [...text.matchAll(/'([a-z_]+\.[a-z_]+)'/g)].map(([, event = '']) => event))
  const told = tableRows(document('docs/operations/log.md')).flatMap(([first = '']) => codeIn(first))
  expect(sorted(told)).toEqual(sorted([...new Set(said)]))
})

test('the storage table of ARCHITECTURE.md has every table, and none besides', async () => {
  const sources = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((name) => name.endsWith('.ts'))
  // One that a migration makes anew stands there too.
  const created = new Set(
    sources.flatMap((name) =>
      [...document(join('src', name)).matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g)].map(([, table = '']) => table),
    ),
  )
  // The first column names the object where it changes, the second its tables.
  const rows = section(ARCHITECTURE, 'What an object keeps').split('\n')
  const told = rows.filter((row) => /^\| (?:`\w+` |both )?\| `/.test(row)).flatMap((row) => codeIn(row.split('|')[2] ?? ''))
  expect(sorted(told)).toEqual(sorted([...created]))
})

function document(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}

function section(text: string, heading: string): string {
  return new RegExp(`^## ${heading}\\n(.*?)(?=^## |(?![\\s\\S]))`, 'ms').exec(text)?.[1] ?? ''
}

/** Cells of the rows whose first cell begins with code. */
function tableRows(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

function codeIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

function sorted(names: readonly string[]): readonly string[] {
  return names.toSorted((left, right) => left.localeCompare(right))
}

function pathOf(code: string): string {
  return code.slice(code.indexOf('/')).replace('{name}', 'name')
}

function shownIn(lines: readonly string[]): readonly (readonly [name: string, value: string])[] {
  return lines.flatMap((line) => {
    const [, name, value] = /^(?:# ?)?([A-Z][A-Z_]+)=(.*)$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [[name, value] as const]
  })
}

function refusalOf(env: object): SettingsError {
  try {
    readSettings(env)
  } catch (error) {
    if (error instanceof SettingsError) return error
  }
  throw new Error('these settings were accepted')
}

/** Guards stand at patterns that nothing is served at. */
const GUARDED: readonly string[] = ['/*', '/.well-known/*']

/** With one server and one identity provider, and with several. */
async function servedPaths(): Promise<readonly string[]> {
  const listed = JSON.stringify([{ name: 'name', url: 'https://more.example.com/mcp' }])
  const providers = JSON.stringify([
    { name: 'name', url: 'https://more.example.com', client_id: 'broker', client_secret: 'secret' },
  ])
  const settings = [{}, { DOWNSTREAMS: listed }, { IDENTITY_PROVIDERS: providers }]
  return [...new Set((await Promise.all(settings.map(pathsWith))).flat())]
}

async function pathsWith(more: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const base = await foundation({
    BASE_URL: 'https://mcp.example.com',
    DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
    OAUTH_AUTHORIZE_URL: 'https://idp.example',
    OAUTH_CLIENT_ID: 'broker',
    ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    ...more,
  })
  const { routes } = app(wired(base, { session: askedFor, directory: askedFor, assets: assetFolder, now: Date.now }))
  const servers = base.settings.downstreams.map(({ path }) => `${path}/*`)
  return [...servers, ...routes.map(({ path }) => path)].filter((path) => !GUARDED.includes(path))
}

function askedFor(): never {
  throw new Error('no object is asked while routes are listed')
}

/** `/a/*` is also what Hono serves at `/a`. */
function meets(left: string, right: string): boolean {
  return left === right || isWithin(left, right) || isWithin(right, left)
}

function isWithin(path: string, pattern: string): boolean {
  return pattern.endsWith('/*') && (path === pattern.slice(0, -2) || path.startsWith(pattern.slice(0, -1)))
}

/** Of what a page shows too; a heading that comes twice is numbered. */
function anchorsIn(text: string): readonly string[] {
  const shown = includedIn(text)
  const headings = [...(shown === undefined ? text : document(shown)).matchAll(/^#+ (.+)$/gm)]
  return headings.map(([, heading = '']) => anchorOf(heading))
}
