// What the token endpoint said, read before anything in it is verified: a rotated refresh token must never be lost to a later failure.
import * as z from 'zod'
import type { IdpTokens } from '../caller.ts'
import { assertAtWork, jsonOf } from './ask.ts'
import { IdentityError } from './provider.ts'

// Lenient on purpose: a strange optional field must not cost the tokens beside it.
const text = z.string().min(1).optional().catch(undefined)
/** Seconds; a number beyond every calendar is no lifetime. */
const lifetime = z.coerce.number().positive().max(1e10).optional().catch(undefined)
const answerSchema = z.object({
  access_token: z.string().min(1),
  token_type: z.string().catch('bearer'),
  expires_in: lifetime,
  refresh_token: text,
  id_token: text,
})
const errorSchema = z.object({ error: z.string().min(1), error_description: text })

export interface TokenAnswer {
  readonly tokens: IdpTokens
  /** The same answer in the form oauth4webapi verifies. */
  readonly unverified: Response
  /** The one that came with this answer. */
  readonly idToken: string | undefined
}

/** `previous` are the tokens a refresh replaces: what the provider does not renew stays. */
export async function readTokenAnswer(response: Response, previous?: IdpTokens): Promise<TokenAnswer> {
  await assertAtWork(response, 'the token endpoint')
  const body = await jsonOf(response, 'the token endpoint')
  // Some providers send errors with status 200.
  const refusal = errorSchema.safeParse(body)
  if (refusal.success) {
    const { error: code, error_description: description = 'no description' } = refusal.data
    throw new IdentityError('refused', `the token endpoint answered ${response.status} ${code}: ${description}`.slice(0, 300), {
      code,
    })
  }
  const answer = answerSchema.safeParse(body)
  if (!response.ok || !answer.success)
    throw new IdentityError('unreachable', `the token endpoint answered ${response.status} without tokens`)
  const { access_token, token_type, expires_in, refresh_token, id_token } = answer.data
  return {
    tokens: {
      accessToken: access_token,
      expiresAt: expires_in && Math.floor(Date.now() / 1000 + expires_in),
      refreshToken: refresh_token ?? previous?.refreshToken,
      idToken: id_token ?? previous?.idToken,
    },
    unverified: Response.json({ access_token, token_type, id_token }),
    idToken: id_token,
  }
}

/** An ID token that nobody asked for and that no published key can verify is not even kept. */
export function withoutIdToken({ tokens, unverified }: TokenAnswer): TokenAnswer {
  return { tokens: { ...tokens, idToken: undefined }, unverified, idToken: undefined }
}
