// What both ends of a leash have to agree on: the words, the codes and the shape.
import * as z from 'zod'
import { clientSoftware } from './client-software.ts'

/** Why a stream was ended; the words are an interface (ARCHITECTURE.md, “Streams”). */
export const closeReason = z.enum([
  'credential_revoked',
  'session_expired',
  'policy_changed',
  'superseded',
  'limit_exceeded',
  'auth_unavailable',
  'shutting_down',
])
export type CloseReason = z.output<typeof closeReason>

export const leashedStream = z.object({
  streamId: z.string(),
  grantId: z.string(),
  /** `standing`: the GET stream of a legacy MCP session, which is taken over when its client leaves. */
  kind: z.enum(['request', 'standing']),
  /** Which connection to its standing stream this is. */
  epoch: z.number().optional(),
  /** For people who watch: `tools/call count`. */
  label: z.string(),
  /** What the client says it is, where the request said it. */
  software: clientSoftware.optional(),
  openedAt: z.number(),
})
export type LeashedStream = z.output<typeof leashedStream>

/** Header of the upgrade request; only the router can send it, it is never copied from a client's request. */
export const LEASH_HEADER = 'x-broker-leash'

/** What the object sends where it wants no end but a count: the router answers with a `StreamTraffic`. */
export const TRAFFIC_QUERY = 'how_far'

/** Close codes of the router: its stream came to its end, or its client went away. */
export const STREAM_ENDED = 1000
export const CLIENT_LEFT = 4000
