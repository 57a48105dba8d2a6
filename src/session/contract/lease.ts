// A lease: an admission that a router isolate may go on using for a few seconds, until the person's object takes it back.
//
// It is opened by an upgrade, and the answer to that carries the admission. The socket carries one word to the router, and one report
// back: what was done with it. A router that says nothing holds its lease until the time is over (docs/decisions/0032-leases.md).
import * as z from 'zod'
import { callerSchema, type Caller } from '../../caller.ts'
import type { Admission } from './admission.ts'

/** Header of the upgrade and of its answer; only the router can send it, it is never copied from a client's request. */
export const LEASE_HEADER = 'x-broker-lease'

/** The longest a lease lasts, in milliseconds. The router counts from before it asked, the object from when it answered. */
export const LONGEST_LEASE_MS = 10_000

/** What the object sends: nothing may be answered by this lease any more, and the report is due. */
export const DROP = 'drop'

export const leaseAsked = z.object({
  caller: callerSchema,
  /** For people who watch: `tools/call count`. Absent: no request is being made, the router renews what it has. */
  label: z.string().optional(),
})
export interface LeaseAsked {
  readonly caller: Caller
  readonly label?: string | undefined
}

export interface LeaseTerms {
  /** Milliseconds. */
  readonly lasts: number
  /** How many requests may be answered by it. */
  readonly requests: number
  /** How fast the person's allowance fills. */
  readonly perSecond: number
}

/** With the upgrade, where there is a lease; with an answer that is none, where the request is judged and nothing more. */
export interface LeaseAnswer {
  readonly admission: Admission
  readonly terms?: LeaseTerms
}

/** What was done with a lease. */
export const leaseReport = z.object({
  used: z.int().min(0),
  /** The newest of them, oldest first; `at` in unix seconds. */
  recent: z.array(z.object({ at: z.number(), label: z.string() })).max(25),
})
export type LeaseReport = Readonly<z.output<typeof leaseReport>>
