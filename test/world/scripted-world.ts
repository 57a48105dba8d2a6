// What tests about streams of the 2025 revisions stand on: a scripted server, the broker before it, alice's token, and calls that have begun.
import { credentialsFor } from './clients.ts'
import type { EventStream } from './event-stream.ts'
import { LegacyClient, type LegacyOptions } from './legacy-client.ts'
import type { Feed } from './feed.ts'
import { fixture } from './fixture.ts'
import { ScriptedServer, type Call } from './scripted-server.ts'
import { startWorld, type World } from './world.ts'

interface Started {
  readonly server: ScriptedServer
  readonly world: World
  readonly token: string
}

/** A call under way: what its client reads, and the server's side of it. */
interface BegunCall {
  readonly client: LegacyClient
  readonly stream: EventStream
  readonly call: Call
  readonly feed: Feed
}

export class ScriptedWorld {
  readonly #started: Started

  constructor(started: Started) {
    this.#started = started
  }

  get server(): ScriptedServer {
    return this.#started.server
  }

  get world(): World {
    return this.#started.world
  }

  get token(): string {
    return this.#started.token
  }

  /** A session of alice's. */
  async open(options?: LegacyOptions): Promise<LegacyClient> {
    return await LegacyClient.open(this.world.mcpUrl, this.token, options)
  }

  async call(client?: LegacyClient): Promise<BegunCall> {
    const caller = client ?? (await this.open())
    const called = this.server.nextStream()
    const stream = await caller.stream('count')
    return { client: caller, stream, ...(await called) }
  }

  /** The same, and its client has read a first event. */
  async callWithStep(client?: LegacyClient): Promise<BegunCall> {
    const begun = await this.call(client)
    begun.feed.notify({ step: 1 })
    await begun.stream.message('"step":1')
    return begun
  }

  /** The same, and then its client has gone. */
  async lostCall(client?: LegacyClient): Promise<BegunCall> {
    const begun = await this.callWithStep(client)
    begun.stream.leave()
    await begun.stream.over
    return begun
  }
}

/** To be called at the top of a file. */
export function scriptedWorld(
  behaviour: Parameters<typeof ScriptedServer.start>[0] = {},
  overrides: Readonly<Record<string, string>> = {},
): ScriptedWorld {
  const started = fixture(async (closing) => {
    const server = await closing(ScriptedServer.start(behaviour))
    const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, ...overrides } }))
    return { server, world, token: (await credentialsFor('alice', world.mcpUrl)).accessToken }
  })
  return new ScriptedWorld(started)
}
