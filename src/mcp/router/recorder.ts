// The router's side of the flight recorder: what an admission says is recorded is told to the person's object after the answer.
import type { Caller } from '../../caller.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'
import type { Watched, WireEntry } from '../../session/contract/recording.ts'
import { McpRefusal } from '../message/refusal.ts'
import type { ToldTogether } from '../recording/told-together.ts'
import { WireTap, type Tapped } from '../recording/wire-tap.ts'
import { notingBytes } from '../downstream/whole-answer-bytes.ts'

/** The part of `UserSession` that takes what was seen. */
export interface RecordingPost {
  note(entries: readonly WireEntry[]): Promise<void>
}

/** Does the work, and has it watched; with nothing to record it does the work and nothing else. */
export type RecordWork = (watched: Watched | undefined, work: () => Promise<Response>) => Promise<Response>

interface Recorded {
  readonly sub: string
  readonly together: ToldTogether
  /** Asked for by whoever tells for the others alone: naming an object costs as much as watching. */
  readonly post: () => RecordingPost
  readonly waitUntil: (telling: Promise<unknown>) => void
}

/** Does the work, and tells what was seen of it, without the answer waiting for that. */
export async function recordedWork(
  tapped: Tapped,
  watched: Watched,
  work: () => Promise<Response>,
  { sub: whose, together, post, waitUntil }: Recorded,
): Promise<Response> {
  const telling = { whose, waitUntil, tell: (entries: readonly WireEntry[]) => post().note(entries) }
  const tap = new WireTap(tapped, watched, (entries) => together.add(entries, telling))
  try {
    return tap.answered(await notingBytes(work))
  } catch (error) {
    if (error instanceof McpRefusal) tap.refused(error.code, error.status)
    throw error
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
