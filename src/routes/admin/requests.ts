// What the admin API is asked: every query and body as a schema, read once at the door.
import type { Context } from 'hono'
import * as z from 'zod'
import { madeSealingKey } from '../../evidence/sealing-key.ts'
import { readText } from '../form.ts'
import { AdminRefusal } from './refusal.ts'

const LARGEST_BODY = 64 * 1024

const subject = z.string().regex(/^[\w-]{43}$/, 'is not the name of a person here')
const identifier = z.string().min(1).max(2_048)
const reason = z.string().trim().min(1, 'must say why').max(500)
const search = z.string().max(600).default('')
const cursor = z.string().max(600).optional()
const number = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional()

/** `sub` names the person whose it is; a client or resource without one is everybody's. */
export const revocation = z.strictObject({
  target: z.discriminatedUnion('what', [
    z.strictObject({ what: z.literal('everyone') }),
    z.strictObject({ what: z.literal('person'), sub: subject }),
    z.strictObject({ what: z.enum(['client', 'resource']), id: identifier, sub: subject.optional() }),
    z.strictObject({ what: z.enum(['grant', 'mcp_session', 'stream']), id: identifier, sub: subject }),
  ]),
  reason,
})
export const why = z.strictObject({ reason })
export const newSealingKey = z.strictObject({ ...madeSealingKey.shape, reason })
/** A token of an administrator at the transmitter, where the broker's own client gets none; it is used once and kept nowhere. */
export const newStream = z.strictObject({ token: z.string().min(1).max(8_192).optional(), reason })
export const newMachine = z.strictObject({
  name: z.string().trim().min(1).max(100),
  owner: z.string().trim().min(1).max(200),
  scopes: z
    .array(z.enum(['mcp', 'admin', 'scim', 'metrics']))
    .min(1)
    .max(4),
  /** The resources it may use; all of them when absent. */
  resources: z.array(identifier).min(1).max(50).optional(),
  /** Further scopes that some of their tools need; none when absent. */
  toolScopes: z.array(z.string().min(1).max(200)).max(50).optional(),
  /** With the scope scim: the name of the identity provider whose directory it is; the only one when absent. */
  provider: z.string().min(1).max(100).optional(),
  /** Unix seconds. */
  expiresAt: z.int(),
  reason,
})

export const pageQuery = z.object({ search, after: cursor })
export const numberedQuery = z.object({ before: number })
export const eventsQuery = z.object({
  type: z.string().max(40).optional(),
  sub: subject.optional(),
  client: z.string().max(600).optional(),
  before: number,
  limit: z.coerce.number().int().min(1).max(200_000).optional(),
  format: z.enum(['json', 'jsonl', 'csv']).optional(),
})

/** The body of a request; says what is wrong with it, field by field. */
export async function bodyOf<Schema extends z.ZodType>(c: Context, schema: Schema): Promise<z.output<Schema>> {
  const text = await readText(c, LARGEST_BODY, 'a body')
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new AdminRefusal('invalid_request', 'the body is not JSON')
  }
  return accepted(schema.safeParse(document))
}

export function queryOf<Schema extends z.ZodType>(c: Context, schema: Schema): z.output<Schema> {
  return accepted(schema.safeParse(c.req.query()))
}

function accepted<Value>(parsed: z.ZodSafeParseResult<Value>): Value {
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`)
  throw new AdminRefusal('invalid_request', `the request can not be read: ${problems.join('; ')}`)
}
