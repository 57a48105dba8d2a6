// npm run build: the Worker as it is deployed, minified into dist/, and what it weighs; fails when it has grown too heavy.
//
// Every kilobyte is parsed before a cold isolate answers its first request. A ceiling notices growth late and does not say what
// grew, so what must never be in there is named as well.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'

const ROOT = resolve(import.meta.dirname, '..')
const KIB = 1024

const UNWANTED: readonly (readonly [pattern: RegExp, cure: string])[] = [
  [/\/zod\/v4\/locales\/(?!en\.)/, "import zod as a namespace: import * as z from 'zod'"],
  [/\/zod\/v3\//, "import zod as a namespace: import * as z from 'zod'"],
  [
    /\/zod\/v4\/core\/(?:json-schema|to-json-schema)/,
    'wrangler.jsonc puts src/platform/json-schema-absent.ts in its place: name the files as zod imports them',
  ],
  [
    /\/agents\/dist\/(?:index|mcp\/)/,
    "only agents/lifecycle and capabilities: extending Agent makes the Worker's weight twenty times theirs",
  ],
  [/\/@modelcontextprotocol\//, 'the broker carries messages and speaks for nobody: it needs no SDK'],
]

const { values } = parseArgs({
  options: { outdir: { type: 'string', default: join(ROOT, 'dist') }, budget: { type: 'string', default: '320' } },
})
const outdir = resolve(values.outdir)

const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js')
const built = spawnSync(
  process.execPath,
  [wrangler, 'deploy', '--dry-run', '--minify', '--outdir', outdir, '--metafile', join(outdir, 'meta.json')],
  { cwd: ROOT, encoding: 'utf8', env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CI: '1' } },
)
if (built.status !== 0) {
  console.error(`The Worker does not build.\n\n${built.stdout}${built.stderr}`)
  process.exit(1)
}

const worker = readFileSync(join(outdir, 'worker.js'))
const raw = worker.length / KIB
const gzip = gzipSync(worker).length / KIB
const inputs = inputsOf(join(outdir, 'meta.json'))
console.log(
  `${relative(ROOT, outdir) || '.'}/worker.js  ${raw.toFixed(1)} KiB, ${gzip.toFixed(1)} KiB gzip (budget ${values.budget})\n`,
)
for (const [owner, bytes] of heaviest(inputs, ownerOf, 12)) console.log(`${(bytes / KIB).toFixed(1).padStart(8)} KiB  ${owner}`)
console.log('')
for (const [file, bytes] of heaviest(inputs, (path) => path, 8))
  console.log(`${(bytes / KIB).toFixed(1).padStart(8)} KiB  ${file}`)

const faults = UNWANTED.flatMap(([pattern, cure]) => {
  const file = inputs.find(([path]) => pattern.test(path))?.[0]
  return file === undefined ? [] : [`${file} must not be in the Worker: ${cure}.`]
})
if (gzip > Number(values.budget)) {
  faults.push(
    `The Worker is ${(gzip - Number(values.budget)).toFixed(1)} KiB over its budget of ${values.budget} KiB: see above what it is made of.`,
  )
}
for (const fault of faults) console.error(`\n${fault}`)
process.exitCode = faults.length > 0 ? 1 : 0

/** Every source file and the bytes that are left of it. */
function inputsOf(metafile: string): readonly (readonly [file: string, bytes: number])[] {
  const meta: { outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }> } = JSON.parse(
    readFileSync(metafile, 'utf8'),
  )
  return Object.values(meta.outputs)
    .flatMap(({ inputs: parts }) => Object.entries(parts))
    .flatMap(([file, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [[file.replace(/^.*(?=node_modules\/)/, ''), bytesInOutput]] : [],
    )
}

/** The package, or the folder of ours. */
function ownerOf(file: string): string {
  return /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? dirname(file).split('/').slice(0, 2).join('/')
}

function heaviest(
  all: readonly (readonly [string, number])[],
  key: (file: string) => string,
  most: number,
): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>()
  for (const [file, bytes] of all) sums.set(key(file), (sums.get(key(file)) ?? 0) + bytes)
  return [...sums].sort((a, b) => b[1] - a[1]).slice(0, most)
}
