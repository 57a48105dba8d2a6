// How much of events and answers that are not there whole the isolate holds at once, and whose they are.
//
// Each has a bound of its own; without a common one a server that never ends an event has the memory of everybody, by opening many
// streams. Of what is used up by one server or one person others still have some. Small events are not counted: they always pass.
import { HeldBytes, type Holding } from '../../platform/held-bytes.ts'

/** Throws a `HeldBytesError` where there is none; what it gives is released once. */
export type Room = () => Holding

const MOST = 40 * 1024 * 1024
const MOST_OF_ONE = 20 * 1024 * 1024

/** What is no larger needs no room, in bytes. Streams are bounded in number. */
const SMALL = 64 * 1024

const unfinished = new HeldBytes(MOST, MOST_OF_ONE)

/** For what a server says, on behalf of somebody where that is known. */
export function roomFor(target?: string, person?: string): Room {
  return () =>
    unfinished.open([...(target === undefined ? [] : [new URL(target).host]), ...(person === undefined ? [] : [person])])
}

/** Watching has a share of its own: it takes away none that what it watches would need. */
export const roomForRecorders: Room = () => unfinished.open('recorders')

/** The place of one event after the other, or of one answer. */
export class UnfinishedBytes {
  readonly #room: Room
  #holding: Holding | undefined
  #held = 0

  constructor(room: Room) {
    this.#room = room
  }

  /** So many are there by now. Throws a `HeldBytesError` where there is no room for them. */
  reach(bytes: number): void {
    if (bytes <= SMALL || bytes <= this.#held) return
    this.#holding ??= this.#room()
    this.#holding.hold(bytes - this.#held)
    this.#held = bytes
  }

  giveBack(): void {
    this.#holding?.release()
    this.#holding = undefined
    this.#held = 0
  }
}
