// What the admin API answers about the sealing key, as schemas.
import * as z from 'zod'
import { sealingJwk } from '../../src/evidence/sealing-key.ts'

const shown = {
  fingerprint: z.string().describe('RFC 7638: the SHA-256 thumbprint of the public half'),
  key: sealingJwk.describe('The public half'),
  createdAt: z.int().describe('Unix seconds'),
  by: z.string(),
  byName: z.string().optional(),
  replacedAt: z.int().optional().describe('Unix seconds; what was sealed to it before stays readable'),
}

export const SEALING_ANSWERS = {
  SealingKey: z.strictObject(shown),
  SealingKeys: z.strictObject({
    keys: z.array(
      z.strictObject({
        ...shown,
        wrapped: z
          .strictObject({ passphrase: z.string(), recovery: z.string() })
          .describe('The private half as JWE: under the passphrase, and under the recovery code'),
      }),
    ),
  }),
} as const
