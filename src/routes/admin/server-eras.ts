// Which era each MCP server speaks, for administrators who look: as it is set, or as the server says, asked at most once a minute.
//
// Asked as the broker and nobody else: a server that wants to know the person first does not say. What is remembered is values, because in a
// Worker no request waits for another's promise; two who look at the same time ask twice.
import { verdictOf } from '../../mcp/bridge/era-verdict.ts'
import { askEra } from '../../mcp/router/ask-era.ts'
import type { ShownEra } from '../../pages/portal/connect.tsx'
import type { Downstream } from '../../settings/downstreams.ts'

/** Seconds. */
const REMEMBERED = 60
/** Whoever looks at the page waits for the slowest, in milliseconds. */
const WITHIN_MS = 2_000

export class ServerEras {
  readonly #now: () => number
  readonly #said = new Map<string, { readonly era: ShownEra['era']; readonly askedAt: number }>()

  /** `now` in Unix seconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** By resource. */
  async of(downstreams: readonly Downstream[]): Promise<ReadonlyMap<string, ShownEra>> {
    return new Map(await Promise.all(downstreams.map(async (each) => [each.resource, await this.#one(each)] as const)))
  }

  async #one({ resource, url, era: set, transport, headers = {} }: Downstream): Promise<ShownEra> {
    const era = transport === 'http-sse' ? 'legacy' : set
    if (era) return { era, askedAt: undefined }
    const known = this.#said.get(resource)
    if (known && known.askedAt > this.#now() - REMEMBERED) return known
    const answer = await askEra(url, headers, WITHIN_MS).catch(() => undefined)
    const said = { era: answer && verdictOf(answer), askedAt: this.#now() }
    this.#said.set(resource, said)
    return said
  }
}
