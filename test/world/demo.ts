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

/** The identity provider and the example server take the next two ports: its address is part of who a person is. */
export function portsNeeded(port: number, { hasSignIn, hasServer }: OwnSettings): readonly number[] {
  return [port, ...(hasSignIn ? [] : [port + 1]), ...(hasServer ? [] : [port + 2])]
}

/** Everything the broker is told; what is somebody's own wins. */
export function demoVarsFor(port: number, own: OwnSettings): Readonly<Record<string, string>> {
  return {
    ...brokerVars(`http://localhost:${port}`),
    ...(!own.hasSignIn && signInVars(`http://127.0.0.1:${port + 1}`)),
    ...(!own.hasServer && { DOWNSTREAM_MCP_URL: `http://127.0.0.1:${port + 2}/mcp` }),
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
      const server = await startDownstream({ port: port + 2 })
      server.trust({ jwksUrl: `${brokerUrl}/.well-known/jwks.json`, issuer: brokerUrl, audience: server.url })
      closers.push(async () => await server.close())
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
