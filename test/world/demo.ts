// The broker of `npm start`, with the demo's sign-in and example server wherever somebody has none of their own.
import { brokerVars, signInVars, startDemoProvider } from './demo-parts.ts'
import { startDownstream } from './downstream.ts'
import type { OwnSettings } from './own-settings.ts'
import { Runtime, type LogLine } from './runtime.ts'

export interface DemoOptions {
  readonly port: number
  readonly own: OwnSettings
  readonly dataDir: string
  readonly onLog: (line: LogLine) => void
  /** The runtime ended and nobody of us asked it to. */
  readonly onCrash: () => void
}

export interface Demo {
  restart(): Promise<void>
  close(): Promise<void>
}

/** An example server each: for both eras, and for each of them alone. */
const EXAMPLES = [{ offset: 2 }, { offset: 3, isLegacyOnly: true }, { offset: 4, isModernOnly: true }] as const

/** The identity provider and the example servers take the next ports: its address is part of who a person is. */
export function portsNeeded(port: number, { hasSignIn, hasServer }: OwnSettings): readonly number[] {
  return [port, ...(hasSignIn ? [] : [port + 1]), ...(hasServer ? [] : EXAMPLES.map(({ offset }) => port + offset))]
}

function url(port: number): string {
  return `http://127.0.0.1:${port}/mcp`
}

function exampleVars(port: number): Readonly<Record<string, string>> {
  const servers = [
    { name: 'legacy', title: 'Example of 2025-11-25', url: url(port + 3), era_bridge: true },
    { name: 'modern', title: 'Example of 2026-07-28', url: url(port + 4) },
  ]
  return { DOWNSTREAM_MCP_URL: url(port + 2), DOWNSTREAMS: JSON.stringify(servers) }
}

/** Everything the broker is told; what is somebody's own wins. */
export function demoVarsFor(port: number, own: OwnSettings): Readonly<Record<string, string>> {
  return {
    ...brokerVars(`http://localhost:${port}`),
    ...(!own.hasSignIn && signInVars(`http://127.0.0.1:${port + 1}`)),
    ...(!own.hasServer && exampleVars(port)),
    ...own.vars,
  }
}

export async function startDemo({ port, own, dataDir, onLog, onCrash }: DemoOptions): Promise<Demo> {
  const brokerUrl = `http://localhost:${port}`
  // Newest first: what stands on something is closed before it.
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    if (!own.hasSignIn) {
      const provider = await startDemoProvider(brokerUrl, { port: port + 1, rotates: true, dataDir })
      closers.push(async () => await provider.close())
    }
    if (!own.hasServer) {
      for (const { offset, ...eras } of EXAMPLES) {
        const server = await startDownstream({ port: port + offset, ...eras })
        server.trust({ jwksUrl: `${brokerUrl}/.well-known/jwks.json`, issuer: brokerUrl, audience: server.url })
        closers.push(async () => await server.close())
      }
    }
    const runtime = await Runtime.start({ port, dataDir, vars: demoVarsFor(port, own), onLog, onCrash })
    closers.push(async () => await runtime.close())
    return {
      restart: async () => {
        await runtime.kill()
        await runtime.start()
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
