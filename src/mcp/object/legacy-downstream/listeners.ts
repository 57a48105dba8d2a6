// Who listens to what one legacy server says unasked: it says everything once, and each listener gets what they asked for.
import { editJson } from '../../bridge/json-edit.ts'
import { META } from '../../message/revision.ts'
import { listsWanted, wants, type SubscriptionFilter } from '../../bridge/subscription-filter.ts'
import type { Outgoing } from './answer-events.ts'

export interface Listener {
  /** The request's id, which is the subscription's, as the client spelled it, in JSON. */
  readonly id: string
  readonly filter: SubscriptionFilter
  readonly out: Outgoing
}

/** A listener who lets more than this wait does not read: the stream ends, and whoever is there comes again. */
const MOST_WAITING_BYTES = 1024 * 1024

export class Listeners {
  readonly #listeners = new Set<Listener>()
  /** By URI: how many listen to it. */
  readonly #subscribed = new Map<string, number>()
  readonly #over: (listener: Listener) => void

  /** `over`: nothing more is brought to this one. */
  constructor(over: (listener: Listener) => void) {
    this.#over = over
  }

  get size(): number {
    return this.#listeners.size
  }

  /** Everything that somebody listens to. */
  get uris(): readonly string[] {
    return [...this.#subscribed.keys()]
  }

  /** Counted before the server is asked; true for a URI nobody listened to. */
  count(uri: string): boolean {
    const before = this.#subscribed.get(uri) ?? 0
    this.#subscribed.set(uri, before + 1)
    return before === 0
  }

  /** True for a URI nobody listens to any more. */
  discount(uri: string): boolean {
    const left = (this.#subscribed.get(uri) ?? 1) - 1
    if (left > 0) this.#subscribed.set(uri, left)
    else this.#subscribed.delete(uri)
    return left === 0
  }

  add(listener: Listener): void {
    this.#listeners.add(listener)
    void listener.out.send(acknowledged(listener))
  }

  /** They have left, or were told that it is over. */
  remove(listener: Listener): void {
    if (this.#listeners.delete(listener)) this.#over(listener)
  }

  tell(method: string, data: string, uri: unknown): void {
    const isNamed = typeof uri === 'string' && this.#subscribed.has(uri)
    for (const listener of this.#listeners) if (wants(listener.filter, method, uri, isNamed)) this.#send(listener, data)
  }

  /** What was said meanwhile is lost: each list may be another one. */
  startOver(): void {
    for (const listener of this.#listeners)
      for (const method of listsWanted(listener.filter)) this.#send(listener, JSON.stringify({ jsonrpc: '2.0', method }))
  }

  /** The server is not listened to any more ("Graceful Closure"). */
  end(): void {
    for (const listener of this.#listeners) this.#end(listener)
  }

  #send(listener: Listener, data: string): void {
    const { id, out } = listener
    if (out.waitingBytes > MOST_WAITING_BYTES) return this.#end(listener)
    void out.send(editJson(data, [{ at: ['params', '_meta', META.subscription], to: id }]))
  }

  #end(listener: Listener): void {
    const { id, out } = listener
    const meta = `{${JSON.stringify(META.subscription)}:${id}}`
    void out.send(`{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":${meta}}}`)
    out.end()
    this.remove(listener)
  }
}

/** The first message of a subscription: what of it will be brought. */
export function acknowledged({ id, filter }: Pick<Listener, 'id' | 'filter'>): string {
  const params = `{"_meta":{${JSON.stringify(META.subscription)}:${id}},"notifications":${JSON.stringify(filter)}}`
  return `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":${params}}`
}
