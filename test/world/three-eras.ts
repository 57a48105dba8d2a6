// One broker in front of three servers of three eras: HTTP+SSE, sessions of 2025-11-25 for one group, and 2026-07-28 at the address of the only one.
import type { Closing } from './begun.ts'
import { startDownstream, type Downstream } from './downstream.ts'
import { fixture } from './fixture.ts'
import { VERIFIED_ALICE } from './spoken-result.ts'
import { startSseDownstream, type SseDownstream } from './sse-downstream.ts'
import { startWorld, type World } from './world.ts'

export interface Server {
  readonly path: string
  /** What its `whoami` says to Alice. */
  readonly alice: object
}

export const OLD: Server = { path: '/servers/old/mcp', alice: { 'x-user-email': 'alice@example.com' } }
export const LEGACY: Server = { path: '/servers/legacy/mcp', alice: VERIFIED_ALICE }
export const MODERN: Server = { path: '/mcp', alice: VERIFIED_ALICE }
export const SERVERS: readonly Server[] = [OLD, LEGACY, MODERN]

export interface ThreeEras {
  readonly world: World
  readonly old: SseDownstream
  readonly legacy: Downstream
  /** Where streamable HTTP is spoken, and HTTP+SSE beside it. */
  readonly at: (server: Server) => string
  readonly besides: (server: Server) => string
  /** All there are, each with the path under which its metadata are found. */
  readonly addressesOf: (server: Server) => readonly (readonly [method: string, url: string, place: string])[]
  /** Starts the broker again, with another list of people for the legacy server. */
  allowAt(allow: object): Promise<void>
}

async function startThreeEras(closing: Closing, allow: object): Promise<ThreeEras> {
  const [old, legacy] = await Promise.all([closing(startSseDownstream()), closing(startDownstream({ isLegacyOnly: true }))])
  const listed = (allowed: object): { DOWNSTREAMS: string } => {
    const servers = [
      { name: 'old', url: old.url },
      { name: 'legacy', title: 'Legacy tools', url: legacy.url, allow: allowed },
    ]
    return { DOWNSTREAMS: JSON.stringify(servers) }
  }
  const world = await closing(startWorld({ overrides: listed(allow) }))
  const { brokerUrl } = world
  legacy.trust({ jwksUrl: `${brokerUrl}/.well-known/jwks.json`, issuer: brokerUrl, audience: legacy.url })
  return {
    world,
    old,
    legacy,
    at: ({ path }) => brokerUrl + path,
    besides: (server) => brokerUrl + beside(server, 'sse'),
    addressesOf: (server) => [
      ['POST', brokerUrl + server.path, server.path],
      ['GET', brokerUrl + beside(server, 'sse'), beside(server, 'sse')],
      ['POST', `${brokerUrl}${beside(server, 'messages')}?session=x`, beside(server, 'sse')],
    ],
    allowAt: async (allowed) => await world.restartRuntime(listed(allowed)),
  }
}

/** To be called at the top of a file; what it answers has them as soon as a test begins. */
export function threeEras(allow: object): ThreeEras {
  return fixture((closing) => startThreeEras(closing, allow))
}

function beside({ path }: Server, name: string): string {
  return path.replace(/mcp$/, name)
}
