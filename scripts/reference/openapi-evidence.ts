// What the admin API answers about the evidence, as schemas.
import * as z from 'zod'

const key = z.strictObject({
  kid: z.string().describe('Its thumbprint (RFC 7638)'),
  jwk: z.record(z.string(), z.unknown()),
  since: z.int().describe('Unix seconds: when it first signed'),
  handover: z.string().optional().describe('A JWS of the key before that names this one'),
})
const line = z.strictObject({
  number: z.int(),
  digest: z.string().describe('SHA-256 of the canonical body, base64url'),
  hash: z.string().describe('Covers number, digest and the hash of the line before'),
  body: z.record(z.string(), z.unknown()).optional().describe('Absent where it is kept no more, or is of somebody else'),
})
const gap = z.strictObject({
  first: z.int(),
  last: z.int(),
  hash: z.string(),
  statement: z.string().describe('A JWS of the broker about lines that are kept no more'),
})

export const EVIDENCE_ANSWERS = {
  EvidenceHead: z.strictObject({
    issuer: z.string(),
    number: z.int(),
    hash: z.string(),
    statement: z.string().describe('A JWS of number and hash'),
    keys: z.array(key),
  }),
  EvidenceEntries: z.strictObject({
    entries: z.array(z.union([line, gap])),
    next: z.int().optional().describe('Pass it as `after`'),
  }),
  Exports: z.strictObject({
    exports: z.array(
      z.strictObject({
        name: z.string(),
        type: z.enum(['webhook', 'otlp', 's3']),
        host: z.string(),
        cursor: z.int().describe('The last line it has taken'),
        head: z.int().describe('The newest line there is'),
        failures: z.int().describe('In a row'),
        takenAt: z.int().optional().describe('Unix seconds'),
        problem: z.string().optional(),
        deadLetters: z
          .array(z.strictObject({ number: z.int(), at: z.int(), why: z.string() }))
          .describe('Lines it refuses for good, as they are'),
      }),
    ),
  }),
  ExportTested: z.strictObject({ taken: z.boolean(), why: z.string() }),
  ExportRetried: z.strictObject({ left: z.int().describe('Lines it still refuses') }),
  SignedReceipt: z.strictObject({ receipt: z.string().describe('A JWS of the receipt and its line'), keys: z.array(key) }),
} as const
