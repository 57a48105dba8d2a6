// Keep-alive of an open event stream: a comment in every silence, because idle connections are cut on the way (Cloudflare after
// about 100 s), and because writing is the only way to notice that a client has gone.

/** Under the shortest idle limit known, and rare enough to cost nothing. */
export const KEEP_ALIVE_MS = 25_000

/** So many beats in a row that found the client not reading, and it is taken for gone. */
const STALLED_BEATS = 24

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
    } else if (++blocked === STALLED_BEATS) heart.stalled()
  }, everyMs)
  return () => clearInterval(timer)
}
