// /admin/api/recordings: the flight recorder of one person, for programs.
import type { Context, Hono } from 'hono'
import * as z from 'zod'
import type { Services } from '../../services.ts'
import type { By } from '../../session/contract/receipt.ts'
import type { Administered } from './administrator.ts'
import { listRecording, recordingLines, sealedLines, startRecording, stopRecording } from './recording.ts'
import { AdminRefusal } from './refusal.ts'
import { bodyOf, queryOf, why } from './requests.ts'

/** A day at most: what is switched on for longer is forgotten to be on. */
export const newRecording = z.strictObject({
  /** One client of the person; everything when absent. */
  grantId: z.string().min(1).max(200).optional(),
  /** Whether messages are kept too: sealed to the sealing key, and without secrets. */
  bodies: z.boolean().default(false),
  /** Of the sealing key that was looked at: with another one in use nothing begins. */
  fingerprint: z.string().max(43).optional(),
  minutes: z.int().min(1).max(1_440),
  reason: why.shape.reason,
})
export const recordingQuery = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  format: z.enum(['json', 'jsonl']).optional(),
})

export const sealedQuery = z.object({
  /** One entry alone. */
  entry: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
})

const NO_STORE = { 'Cache-Control': 'no-store' }
const LINES = {
  ...NO_STORE,
  'Content-Type': 'application/x-ndjson',
  'Content-Disposition': 'attachment; filename="recording.jsonl"',
}
const SEALED = { ...LINES, 'Content-Disposition': 'attachment; filename="recording.sealed.jsonl"' }

export function recordingApi(routes: Hono<Administered>, services: Services): void {
  routes.get('/recordings/:sub', async (c) => {
    const { after, format } = queryOf(c, recordingQuery)
    const sub = c.req.param('sub')
    const page = found(await listRecording(services, sub, after))
    const asLines =
      format === 'jsonl' || (format === undefined && c.req.header('Accept')?.includes('application/x-ndjson') === true)
    return asLines ? c.body(recordingLines(services, sub, after), 200, LINES) : c.json(page, 200, NO_STORE)
  })
  routes.get('/recordings/:sub/sealed', async (c) => {
    const { entry } = queryOf(c, sealedQuery)
    const { actor, actorName } = c.get('administrator')
    return c.body(found(await sealedLines(services, c.req.param('sub'), entry, { actor, actorName })), 200, SEALED)
  })
  routes.post('/recordings/:sub', async (c) => {
    const { reason, ...asked } = await bodyOf(c, newRecording)
    return c.json(found(await startRecording(services, c.req.param('sub'), asked, by(c, reason))), 201, NO_STORE)
  })
  routes.post('/recordings/:sub/stop', async (c) => {
    const { reason } = await bodyOf(c, why)
    return c.json({ stopped: await stopRecording(services, c.req.param('sub'), by(c, reason)) }, 200, NO_STORE)
  })
}

function by(c: Context<Administered>, reason: string): By {
  const { actor, actorName } = c.get('administrator')
  return { actor, actorName, reason }
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new AdminRefusal('not_found', 'there is no such person')
  return value
}
