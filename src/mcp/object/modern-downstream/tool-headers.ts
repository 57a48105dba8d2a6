// Which headers the tools of a server ask for (SEP-2243): learned from lists that pass, and asked for where the server misses one.
import { BoundedMap } from '../../../platform/bounded-map.ts'
import { randomId } from '../../../platform/crypto.ts'
import { answersId, headersListed } from '../../bridge/legacy-answer.ts'
import { modernHeaders, ownModernRequest, type DeclaredClient } from '../../bridge/modern-request.ts'
import { paramHeaders, type ParamHeader } from '../../bridge/param-headers.ts'
import { jsonIn } from '../../message/response.ts'
import { messageOf, postModern, type ModernWay } from './modern-way.ts'

const MOST_SERVERS = 64
const MOST_TOOLS = 1_000
const MOST_PAGES = 20
const WITHIN_MS = 10_000

export class ToolHeaders {
  readonly #servers = new BoundedMap<string, Map<string, readonly ParamHeader[]>>(MOST_SERVERS)
  readonly #mostBytes: number

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  of(resource: string, { name, arguments: given }: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
    const declared = typeof name === 'string' ? this.#servers.get(resource)?.get(name) : undefined
    return declared ? paramHeaders(declared, given) : {}
  }

  /** A page of tools passes; the first one begins the list anew. Resolves with where the next is. */
  note(resource: string, page: string, isFirst: boolean): string | undefined {
    if (isFirst) this.#servers.delete(resource)
    const listed = headersListed(page)
    if (!listed || listed.tools.size === 0) return listed?.nextCursor
    const known = this.#servers.get(resource) ?? new BoundedMap<string, readonly ParamHeader[]>(MOST_TOOLS)
    for (const [name, declared] of listed.tools) known.set(name, declared)
    this.#servers.set(resource, known)
    return listed.nextCursor
  }

  /** The server has missed a header: its tools may be others than they were. */
  async learn(resource: string, client: DeclaredClient, way: ModernWay, charge: () => boolean): Promise<void> {
    let cursor: string | undefined
    for (let page = 0; page < MOST_PAGES && charge(); page += 1) {
      const id = `tools-${randomId(9)}`
      const params = JSON.stringify(cursor === undefined ? {} : { cursor })
      const answer = await postModern(way, ownModernRequest(id, 'tools/list', client, params), modernHeaders('tools/list', {}))
      const fits = (message: string): boolean => answersId(jsonIn(message), JSON.stringify(id))
      const text = await messageOf(answer, fits, { mostBytes: this.#mostBytes, withinMs: WITHIN_MS })
      cursor = this.note(resource, text, page === 0)
      if (cursor === undefined) return
    }
  }
}
