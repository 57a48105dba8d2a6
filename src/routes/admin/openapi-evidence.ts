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
  SignedReceipt: z.strictObject({ receipt: z.string().describe('A JWS of the receipt and its line'), keys: z.array(key) }),
} as const
