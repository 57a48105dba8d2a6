// Keep-alive of an open event stream: a comment in every silence, because idle connections are cut on the way (Cloudflare after
// about 100 s), and because writing is the only way to notice that a client has gone.
import type { Era } from '../message/era.ts'

/**
 * In the legacy eras just under the shortest idle limit known. In the modern era leaving means cancelling, and of a client that
 * only closed its half of the connection no runtime tells us before we write to it.
 */
export const KEEP_ALIVE_MS: Readonly<Record<Era, number>> = { legacy: 25_000, modern: 5_000 }

/** A client that has taken nothing for so long is taken for gone. */
const STALLED_MS = 600_000

export interface Heart {
  /** Whether something written before still waits for the client to read it. */
  readonly isBlocked: () => boolean
  readonly beat: () => void
  readonly stalled: () => void
}

/** Beats until the returned function is called. */
export function keepAlive(everyMs: number, heart: Heart): () => void {
  let blocked = 0
  const timer = setInterval(() => {
    if (!heart.isBlocked()) {
      blocked = 0
      heart.beat()
    } else if (++blocked * everyMs >= STALLED_MS) heart.stalled()
  }, everyMs)
  return () => clearInterval(timer)
}
