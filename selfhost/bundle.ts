// The Worker as wrangler would deploy it, built once per state of the sources and shared by every runtime that wants it.
import { spawn } from 'node:child_process'
import { createHash, type Hash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { WorkerConfig } from './workerd-config.ts'

export const ROOT = resolve(import.meta.dirname, '..')
const CACHE = join(ROOT, 'node_modules/.cache/mcp-session-broker')
const MOST_KEPT = 4

export interface Bundle {
  /** The one ES module. */
  readonly file: string
  readonly config: WorkerConfig
}

/** What a process has found built stays as it is for it: reading all sources again takes a third of a second of a processor. */
const bundles = new Map<string, Promise<Bundle>>()

/** `project` is the folder of another Worker, for trying the world itself. */
export async function bundleWorker(project: string = ROOT): Promise<Bundle> {
  const known = bundles.get(project)
  if (known) return await known
  const building = built(project)
  bundles.set(project, building)
  try {
    return await building
  } catch (error) {
    bundles.delete(project)
    throw error
  }
}

async function built(project: string): Promise<Bundle> {
  const folder = join(CACHE, await fingerprint(project))
  const file = join(folder, 'worker.js')
  const config = await workerConfig(project)
  if (await exists(file)) return { file, config }
  await mkdir(CACHE, { recursive: true })
  const building = `${folder}.${process.pid}.${Date.now()}`
  await wrangler(['deploy', '--dry-run', '--outdir', building], project).catch(async (error: unknown) => {
    await rm(building, { recursive: true, force: true })
    throw error
  })
  const [entry, ...more] = (await readdir(building)).filter((name) => !name.endsWith('.map') && name !== 'README.md')
  if (entry === undefined || more.length > 0)
    throw new Error(`expected one module, wrangler built: ${[entry, ...more].join(', ')}`)
  if (entry !== 'worker.js') await cp(join(building, entry), join(building, 'worker.js'))
  // Two test files may build the same thing at once: whoever is second throws its own copy away.
  await rename(building, folder).catch(async () => await rm(building, { recursive: true, force: true }))
  await forgetOldBundles()
  return { file, config }
}

async function fingerprint(project: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of ['wrangler.jsonc', 'package-lock.json', 'package.json', 'tsconfig.json'])
    await add(hash, join(project, name))
  // Another Worker may be made of ours.
  const folders = [...new Set([project, ROOT])].map((folder) => join(folder, 'src'))
  const sources = await Promise.all(folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })))
  const files = sources
    .flat()
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort()) await add(hash, file)
  return hash.digest('hex').slice(0, 20)
}

async function add(hash: Hash, file: string): Promise<void> {
  hash.update(`${file}\0`)
  if (await exists(file)) hash.update(await readFile(file))
}

async function wrangler(args: readonly string[], cwd: string): Promise<void> {
  const program = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js')
  const quiet = { WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CI: '1', WRANGLER_WRITE_LOGS: 'false' }
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, ...quiet },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done))
  if (code !== 0) throw new Error(`The Worker does not build.\n\n${stripVTControlCharacters(said).trim()}`)
}

async function forgetOldBundles(): Promise<void> {
  const names = await readdir(CACHE)
  const ages = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(CACHE, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  )
  const old = ages.sort((a, b) => b.at - a.at).slice(MOST_KEPT)
  await Promise.all(old.map(async ({ name }) => await rm(join(CACHE, name), { recursive: true, force: true })))
}

async function workerConfig(project: string): Promise<WorkerConfig> {
  const jsonc = await readFile(join(project, 'wrangler.jsonc'), 'utf8')
  // Strings are matched first, so that the // of an address is not taken for a comment.
  const withoutComments = jsonc.replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '$1')
  const config = JSON.parse(withoutComments.replace(/("(?:\\.|[^"\\])*")|,(?=\s*[\]}])/g, '$1'))
  const bindings: readonly { name: string; class_name: string }[] = config.durable_objects?.bindings ?? []
  return {
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags ?? [],
    durableObjects: bindings.map(({ name, class_name: className }) => ({ binding: name, className })),
    assets: await assetsIn(config.assets && join(project, config.assets.directory)),
  }
}

async function assetsIn(folder: string | undefined): Promise<Readonly<Record<string, string>>> {
  const names = folder === undefined ? [] : await readdir(folder)
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder ?? '', name), 'utf8')])),
  )
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
