// A connection of its own for each request of a long run.
//
// Node's `fetch` sends on connections that stood idle, and the other side may be closing one at that moment: "other side closed" then says nothing
// of the broker. Where nothing is reused, a request that gets no answer was lost by somebody.
import { z } from 'zod'

const GLOBAL = Symbol.for('undici.globalDispatcher.1')

const agentSchema = z.object({
  constructor: z.custom<new (options: { pipelining: number }) => unknown>((it) => typeof it === 'function'),
})

export async function useOwnConnections(url: string): Promise<void> {
  // There is no dispatcher before the first request.
  await (await fetch(url)).text()
  const { constructor: Agent } = agentSchema.parse(Reflect.get(globalThis, GLOBAL))
  Reflect.set(globalThis, GLOBAL, new Agent({ pipelining: 0 }))
}
