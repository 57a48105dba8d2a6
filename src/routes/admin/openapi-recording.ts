// What the admin API answers about the flight recorder, as schemas.
import * as z from 'zod'

const seconds = z.int().describe('Unix seconds')
const milliseconds = z.int().describe('Unix milliseconds')
const actor = z.string().describe('The `sub` of who switched it on')
const actorName = z.string().describe('What they were called then; never compare it')

export const recordingTerms = z.strictObject({
  grantId: z.string().optional(),
  bodies: z.boolean(),
  by: actor,
  byName: actorName.optional(),
  startedAt: seconds,
  until: seconds,
})
const wireEntry = z.strictObject({
  number: z.int(),
  at: milliseconds,
  kind: z.enum(['exchange', 'stream_opened', 'event', 'stream_ended']),
  direction: z.enum(['to_server', 'to_client']),
  era: z.enum(['legacy', 'modern', 'unknown']),
  grantId: z.string(),
  clientId: z.string(),
  requestId: z.string(),
  verb: z.string(),
  method: z.string().optional(),
  about: z.string().optional().describe('Tool, prompt or resource'),
  status: z.int().optional(),
  durationMs: z.number().optional(),
  requestBytes: z.int().optional(),
  answerBytes: z.int().optional(),
  events: z.int().optional(),
  refusal: z.string().optional(),
  ended: z.enum(['ended', 'client_left', 'broken']).optional(),
  request: z.string().optional(),
  answer: z.string().optional(),
})

export const RECORDING_ANSWERS = {
  RecordingTerms: recordingTerms,
  WireEntry: wireEntry,
  Recording: z.strictObject({ terms: recordingTerms.optional(), entries: z.array(wireEntry), last: z.int() }),
  Stopped: z.strictObject({ stopped: z.boolean() }),
} as const
