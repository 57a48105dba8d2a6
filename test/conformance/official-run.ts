// One run of the official conformance program, and the checks it left behind, scenario by scenario.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const PROGRAM = fileURLToPath(new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url).href)

/** Worst first: where a check occurs more than once in a scenario, its worst occurrence is its outcome. */
const OUTCOMES = ['FAILURE', 'WARNING', 'SKIPPED', 'INFO', 'SUCCESS'] as const

const Checks = z.array(
  z.object({ id: z.string(), name: z.string(), status: z.enum(OUTCOMES), errorMessage: z.string().optional() }),
)

export type Check = z.infer<typeof Checks>[number]

/** The checks of each scenario, by `id name`. */
export type Scenarios = ReadonlyMap<string, ReadonlyMap<string, Check>>

export type OfficialRun = {
  readonly scenarios: Scenarios
  /** False when a scenario that counts for the revision has failed, or the program could not run at all. */
  readonly passed: boolean
  readonly output: string
  readonly seconds: number
}

export type OfficialRunOptions = {
  readonly args: readonly string[]
  /** Told every line of the output as it is written. */
  readonly onLine?: (line: string) => void
}

export async function runOfficial({ args, onLine }: OfficialRunOptions): Promise<OfficialRun> {
  const results = await mkdtemp(join(tmpdir(), 'conformance-'))
  const began = performance.now()
  try {
    const program = spawn(process.execPath, [PROGRAM, ...args, '--output-dir', results], { stdio: ['ignore', 'pipe', 'pipe'] })
    const lines: string[] = []
    for (const stream of [program.stdout, program.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        onLine?.(line)
      })
    }
    await once(program, 'close')
    return {
      scenarios: await readScenarios(results),
      passed: program.exitCode === 0,
      output: lines.join('\n'),
      seconds: (performance.now() - began) / 1000,
    }
  } finally {
    await rm(results, { recursive: true, force: true })
  }
}

async function readScenarios(results: string): Promise<Scenarios> {
  // The name of a scenario may hold a slash.
  const folders = (await readdir(results, { recursive: true })).filter((path) => RUN.test(path))
  const scenarios = await Promise.all(
    folders.map(async (folder) => {
      const written = await readFile(join(results, folder, 'checks.json'), 'utf8').catch(noChecks)
      return [scenarioOf(folder), worstOfEach(Checks.parse(JSON.parse(written)))] as const
    }),
  )
  return new Map(scenarios)
}

/** A scenario that threw has left its folder empty: none of its checks was reached. */
function noChecks(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '[]'
  throw error
}

const RUN = /-\d{4}-\d{2}-\d{2}T[\d-]+Z$/

/** Folders are called `<command>-<scenario>-<time>`, and the command for authorization servers calls itself by that name. */
function scenarioOf(folder: string): string {
  return folder.replace(RUN, '').replace(/^(authorization-)?server-/, '')
}

function worstOfEach(checks: readonly Check[]): Map<string, Check> {
  const worst = new Map<string, Check>()
  for (const check of checks) {
    const key = `${check.id} ${check.name}`
    const known = worst.get(key)
    if (!known || OUTCOMES.indexOf(check.status) < OUTCOMES.indexOf(known.status)) worst.set(key, check)
  }
  return worst
}
