// What the streams that the object reads owe their clients: requests that are open, taken back, or answered over another stream.
import type { EventLog } from '../../session/store/event-log.ts'
import { answeredIn } from '../message/open-requests.ts'
import { owesNothing, type OwnedStream, type Owner } from './owned-stream.ts'
import type { Owing } from './withdrawal.ts'

export interface OwedAnswersOptions {
  readonly live: ReadonlyMap<string, OwnedStream>
  readonly log: Pick<EventLog, 'expect'>
  /** Ends one that owes nothing more. */
  readonly drop: (live: OwnedStream) => void
}

export class OwedAnswers {
  readonly #options: OwedAnswersOptions

  constructor(options: OwedAnswersOptions) {
    this.#options = options
  }

  /** Streams that have something to come. One whose requests are answered is only kept until its end has come, which is soon. */
  get streams(): readonly OwnedStream[] {
    return [...this.#options.live.values()].filter((live) => !owesNothing(live))
  }

  /** Requests whose answers come over a stream that was open before. */
  expect(id: string, requestIds: readonly string[]): void {
    this.#change(id, (open) => open.add(requestIds))
  }

  /** Requests nobody waits for any more. */
  waive(id: string, requestIds: readonly string[]): void {
    this.#change(id, (open) => open.remove(requestIds))
  }

  expected(id: string): readonly string[] {
    return this.#options.live.get(id)?.open.spelled ?? []
  }

  /** Where answers are still to come. */
  of(whose: (owner: Owner) => boolean): readonly Owing[] {
    const { log, drop } = this.#options
    return this.streams
      .filter(({ spec }) => whose(spec))
      .map((live) => ({
        open: live.open,
        noted: () => log.expect(live.spec.id, live.open.spelled),
        end: () => {
          if (live.spec.kind === 'call') drop(live)
        },
      }))
  }

  /**
   * A message has come over a stream of this session that does not owe it. Some servers answer a call like that; its client has
   * the answer then, and takes a second one, the error at the end of the call's own stream, for a fault of the connection.
   */
  settleElsewhere(data: string, session: () => string): void {
    if (this.#options.live.size === 0 || answeredIn(data).length === 0) return
    const id = session()
    // Ids mean nothing beyond a session.
    if (id === '') return
    for (const { open, noted, end } of this.of(({ mcpSession }) => mcpSession === id)) {
      const before = open.size
      open.settle(data)
      if (open.size === before) continue
      noted?.()
      if (open.areAnswered) end()
    }
  }

  #change(id: string, change: (open: OwnedStream['open']) => void): void {
    const live = this.#options.live.get(id)
    if (!live) return
    change(live.open)
    this.#options.log.expect(id, live.open.spelled)
  }
}
