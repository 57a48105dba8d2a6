// Operations of a client that reads everything on one stream: which of them a message over that ends.
import { idKey } from '../../message/response.ts'
import type { Operation } from '../../telemetry/operation.ts'
import type { ClientMessage } from './far-end.ts'

export class OpenOperations {
  readonly #byId = new Map<string, Operation>()

  add({ requestIds, operation }: ClientMessage): void {
    for (const spelled of operation ? requestIds : []) {
      const id = idKey(JSON.parse(spelled))
      // A client that asks with the same id again gets one answer.
      this.over([id])
      if (operation) this.#byId.set(id, operation)
    }
  }

  /** Whoever posted it says how it went. */
  remove({ requestIds }: ClientMessage): void {
    this.#take(requestIds.map((spelled) => idKey(JSON.parse(spelled))))
  }

  over(ids: readonly string[], message?: string): void {
    for (const operation of this.#take(ids)) operation.over(ids, message)
  }

  /** The stream is over, and with it whatever waits for an answer. */
  failed(error: unknown): void {
    for (const operation of this.#take([...this.#byId.keys()])) operation.failed(error)
  }

  #take(ids: readonly string[]): ReadonlySet<Operation> {
    const taken = new Set<Operation>()
    for (const id of ids) {
      const operation = this.#byId.get(id)
      if (operation) taken.add(operation)
      this.#byId.delete(id)
    }
    return taken
  }
}
