// The broker in a real workerd with everything around it: one call for end-to-end tests and benchmarks.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoVars, startDemoProvider } from './demo-parts.ts'
import { startDownstream, type Downstream } from './downstream.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { freePort } from './listening.ts'
import type { Neighbour, StrangersReach } from '../../selfhost/workerd-config.ts'
import { Runtime, type LogLine } from './runtime.ts'

export interface WorldOptions {
  /** 0 or absent: any free port. */
  readonly ports?: { readonly broker?: number; readonly identityProvider?: number; readonly downstream?: number }
  /** Kept when given; otherwise a temporary folder that goes with the world. */
  readonly dataDir?: string
  /** Variables of the broker: replaced, added, or with undefined taken away. */
  readonly overrides?: Readonly<Record<string, string | undefined>>
  readonly identityProviderRotates?: boolean
  readonly onLog?: (line: LogLine) => void
  /** The runtime ended and nobody of us asked it to. */
  readonly onCrash?: () => void
  readonly project?: string
  readonly mayBeUnhealthy?: boolean
  readonly neighbours?: readonly Neighbour[]
  readonly strangersReach?: StrangersReach
  readonly executable?: string
}

export interface World {
  readonly brokerUrl: string
  readonly mcpUrl: string
  readonly idp: IdentityProvider
  readonly downstream: Downstream
  /** The newest lines of the broker's log, runtime messages included: for tests that look for what must not be there. */
  readonly logs: readonly LogLine[]
  readonly vars: Readonly<Record<string, string>>
  /** Of the running workerd; undefined between `killRuntime` and `restartRuntime`. */
  readonly pid: number | undefined
  /** SIGKILL. */
  killRuntime(): Promise<void>
  /** Kills what still runs and starts again on the same port and disk, with other variables if given. */
  restartRuntime(overrides?: Readonly<Record<string, string | undefined>>): Promise<void>
  close(): Promise<void>
}

const MOST_LOG_LINES = 20_000

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { ports = {}, onLog } = options
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'broker-world-')))
  const port = ports.broker || (await freePort())
  const brokerUrl = `http://localhost:${port}`
  const logs: LogLine[] = []
  // The executable refuses what is written in documents.
  const secret = randomBytes(32).toString('hex')
  // Newest first: what stands on something is closed before it.
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }

  try {
    const rotates = options.identityProviderRotates ?? true
    const idp = await startDemoProvider(brokerUrl, {
      port: ports.identityProvider ?? 0,
      rotates,
      dataDir,
      ...(options.executable !== undefined && { clientSecret: secret }),
    })
    closers.push(async () => await idp.close())
    const downstream = await startDownstream({ port: ports.downstream ?? 0 })
    downstream.trust({ jwksUrl: `${brokerUrl}/.well-known/jwks.json`, issuer: brokerUrl, audience: downstream.url })
    closers.push(async () => await downstream.close())

    const vars = overridden(demoVars(brokerUrl, idp.issuer, downstream.url), {
      ...(options.executable !== undefined && { DEMO: undefined, ENCRYPTION_KEY: secret, OAUTH_CLIENT_SECRET: secret }),
      ...options.overrides,
    })
    const { project, mayBeUnhealthy, onCrash, neighbours, strangersReach, executable } = options
    const runtime = await Runtime.start({
      port,
      dataDir,
      vars,
      ...(project !== undefined && { project }),
      ...(mayBeUnhealthy !== undefined && { mayBeUnhealthy }),
      ...(onCrash !== undefined && { onCrash }),
      ...(neighbours !== undefined && { neighbours }),
      ...(strangersReach !== undefined && { strangersReach }),
      ...(executable !== undefined && { executable }),
      onLog: (line) => {
        if (logs.push(line) > MOST_LOG_LINES) logs.shift()
        onLog?.(line)
      },
    })
    closers.push(async () => await runtime.close())

    return {
      brokerUrl,
      mcpUrl: `${brokerUrl}/mcp`,
      idp,
      downstream,
      logs,
      vars,
      get pid() {
        return runtime.pid
      },
      killRuntime: async () => await runtime.kill(),
      restartRuntime: async (overrides) => {
        await runtime.kill()
        await runtime.start(overridden(vars, overrides))
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function overridden(
  vars: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...vars, ...overrides })) if (value !== undefined) result[name] = value
  return result
}
