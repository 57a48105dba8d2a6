// The broker in a real workerd with everything around it: one call for end-to-end tests, benchmarks and `npm start`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXAMPLE_ENCRYPTION_KEY } from '../../src/settings.ts'
import { startDownstream, type Downstream } from './downstream.ts'
import { startIdentityProvider, type IdentityProvider } from './identity-provider.ts'
import { freePort } from './listening.ts'
import { PEOPLE } from './people.ts'
import { Runtime, type LogLine, type Neighbour } from './runtime.ts'

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

const CLIENT_ID = 'mcp-session-broker'
const CLIENT_SECRET = 'demo-secret'
const MOST_LOG_LINES = 20_000

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { ports = {}, onLog } = options
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'broker-world-')))
  const port = ports.broker || (await freePort())
  const brokerUrl = `http://localhost:${port}`
  const logs: LogLine[] = []
  // Newest first: what stands on something is closed before it.
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
  }

  try {
    const idp = await startIdentityProvider({
      port: ports.identityProvider ?? 0,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      redirectUris: [`${brokerUrl}/callback`],
      clientName: 'MCP Session Broker',
      rotates: options.identityProviderRotates ?? true,
      backchannelLogoutUri: `${brokerUrl}/backchannel-logout`,
      dataDir,
    })
    closers.push(async () => await idp.close())
    const downstream = await startDownstream({ port: ports.downstream ?? 0 })
    downstream.trust({ jwksUrl: `${brokerUrl}/.well-known/jwks.json`, issuer: brokerUrl, audience: downstream.url })
    closers.push(async () => await downstream.close())

    const defaults = demoVars(brokerUrl, idp.issuer, downstream.url)
    const vars = overridden(defaults, options.overrides)
    const { project, mayBeUnhealthy, onCrash, neighbours } = options
    const runtime = await Runtime.start({
      port,
      dataDir,
      vars,
      ...(project !== undefined && { project }),
      ...(mayBeUnhealthy !== undefined && { mayBeUnhealthy }),
      ...(onCrash !== undefined && { onCrash }),
      ...(neighbours !== undefined && { neighbours }),
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

/** The secrets are examples everybody knows: `DEMO` permits them, on localhost only. */
function demoVars(brokerUrl: string, issuer: string, downstreamUrl: string): Record<string, string> {
  return {
    BASE_URL: brokerUrl,
    DOWNSTREAM_MCP_URL: downstreamUrl,
    OAUTH_AUTHORIZE_URL: issuer,
    OAUTH_CLIENT_ID: CLIENT_ID,
    OAUTH_CLIENT_SECRET: CLIENT_SECRET,
    SCOPES_SUPPORTED: 'openid profile email groups offline_access',
    ENCRYPTION_KEY: EXAMPLE_ENCRYPTION_KEY,
    ADMIN_EMAILS: PEOPLE.carol.email,
    DEMO: '1',
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
