// The router's side of the flight recorder: what an admission says is recorded is told to the person's object after the answer.
import type { Caller } from '../../caller.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'
import type { Watched, WireEntry } from '../../session/contract/recording.ts'
import { McpRefusal } from '../message/refusal.ts'
import { WireTap, type Sink, type Tapped } from '../downstream/wire-tap.ts'

/** The part of `UserSession` that takes what was seen. */
export interface RecordingPost {
  note(entries: readonly WireEntry[]): Promise<void>
}

/** Does the work, and has it watched; with nothing to record it does the work and nothing else. */
export type RecordWork = (watched: Watched | undefined, work: () => Promise<Response>) => Promise<Response>

/** Does the work, and tells what was seen of it. */
export async function recordedWork(
  tapped: Tapped,
  watched: Watched,
  work: () => Promise<Response>,
  post: RecordingPost,
  waitUntil: (noting: Promise<unknown>) => void,
): Promise<Response> {
  const tap = new WireTap(tapped, watched, inOrder(post, waitUntil))
  try {
    return tap.answered(await work())
  } catch (error) {
    if (error instanceof McpRefusal) tap.refused(error.code, error.status)
    throw error
  }
}

/** One call after the other, and none that the answer waits for; a call that fails costs an entry and nothing more. */
function inOrder(post: RecordingPost, waitUntil: (work: Promise<unknown>) => void): Sink {
  let last: Promise<void> = Promise.resolve()
  return (entries) => {
    last = last.then(() => post.note(entries)).catch(() => undefined)
    waitUntil(last)
    return last
  }
}

const MOST_KNOWN = 1_000

/** People whose requests were recorded a moment ago: for refusals that are decided before their object is asked. */
export class RecordedCallers {
  readonly #known = new BoundedMap<string, Watched>(MOST_KNOWN)

  note(caller: Caller, watched: Watched | undefined): void {
    if (watched) this.#known.set(keyOf(caller), watched)
    else if (this.#known.size > 0) this.#known.delete(keyOf(caller))
  }

  find(caller: Caller, now: number): Watched | undefined {
    const watched = this.#known.size > 0 ? this.#known.get(keyOf(caller)) : undefined
    return watched && watched.until > now ? watched : undefined
  }
}

function keyOf({ sub, grantId }: Caller): string {
  return `${sub} ${grantId}`
}
