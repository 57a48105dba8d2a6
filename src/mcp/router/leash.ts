// The router's end of a leash: a WebSocket to the person's object by which a stream carried here can be ended from there.
import {
  CLIENT_LEFT,
  closeReason,
  TRAFFIC_QUERY,
  LEASH_HEADER,
  STREAM_ENDED,
  type CloseReason,
  type LeashedStream,
} from '../../session/contract/leash-terms.ts'
import { headerJson } from '../../platform/header-json.ts'
import type { StreamMeter } from '../../session/contract/stream-traffic.ts'
import { Pull } from '../sse/pull.ts'

export interface Leash {
  /** The object pulls, or the leash breaks; `reason` says why. */
  readonly pulled: Pull
  readonly reason: () => CloseReason
  /** Ends the leash; after a pull this is the acknowledgement the revocation waits for. */
  readonly release: (because: 'ended' | 'client_left') => void
}

/** The part of `UserSession` a leash is opened on. */
export interface LeashPost {
  fetch(url: string, init: RequestInit): Promise<Response>
}

/**
 * Why there is no leash: the grant has ended since the request was admitted, a newer connection has come, there are too many, or nobody
 * knows whether the person still has access.
 */
export type NoLeash = Extract<CloseReason, 'credential_revoked' | 'superseded' | 'limit_exceeded' | 'auth_unavailable'>

const NO_LEASH: Readonly<Record<number, NoLeash>> = { 409: 'superseded', 429: 'limit_exceeded', 503: 'auth_unavailable' }

const BROKEN: CloseReason = 'auth_unavailable'

/** After the reason the close comes as soon as all have been told; from an object that is cut off in between it never comes. */
const CLOSED_WITHIN_MS = 1_000

/** `meter` counts what passes; the object asks for it when somebody looks. */
export async function openLeash(post: LeashPost, stream: LeashedStream, meter: StreamMeter): Promise<Leash | NoLeash> {
  const answer = await post.fetch('https://session/leash', {
    headers: { upgrade: 'websocket', [LEASH_HEADER]: headerJson(stream) },
  })
  const socket = answer.webSocket
  if (!socket) return NO_LEASH[answer.status] ?? 'credential_revoked'
  const pulled = new Pull()
  let released = false
  let unclosed: ReturnType<typeof setTimeout> | undefined
  // Closed by the object it stays half open: the runtime would acknowledge at once what is not over yet.
  socket.accept({ allowHalfOpen: true })
  socket.addEventListener('message', ({ data }) => {
    if (data === TRAFFIC_QUERY) return socket.send(JSON.stringify(meter.traffic))
    pulled.stop(closeReason.safeParse(data).data ?? 'credential_revoked')
    unclosed ??= setTimeout(over, CLOSED_WITHIN_MS)
  })
  // Either the second half of a pull, or a leash that breaks. That holds nothing: without a way to hear of a revocation the stream must not
  // go on (ARCHITECTURE.md, law 7).
  const over = (): void => {
    if (!released) pulled.end(BROKEN)
  }
  socket.addEventListener('close', over)
  socket.addEventListener('error', over)
  return {
    pulled,
    reason: () => pulled.reason ?? BROKEN,
    release: (because) => {
      if (released) return
      released = true
      clearTimeout(unclosed)
      socket.close(because === 'ended' ? STREAM_ENDED : CLIENT_LEFT, because)
    },
  }
}
