// What a token endpoint said, read before anything in it is verified: a rotated refresh token must never be lost to a later failure.
import * as z from 'zod'
import { jsonBody } from './ask.ts'

// Lenient on purpose: a strange optional field must not cost the tokens beside it.
const text = z.string().min(1).optional().catch(undefined)
/** Seconds; a number beyond every calendar is no lifetime. */
const lifetime = z.coerce.number().positive().max(1e10).optional().catch(undefined)

const tokensSchema = z.object({
  access_token: z.string().min(1),
  token_type: z.string().catch('bearer'),
  expires_in: lifetime,
  refresh_token: text,
  id_token: text,
  scope: text,
})
const errorSchema = z.object({ error: z.string().min(1), error_description: text })

/** The members as RFC 6749 section 5.1 and OpenID Connect name them. */
export type TokenResponse = Readonly<z.output<typeof tokensSchema>>

/** The error of RFC 6749 section 5.2, which RFC 7591 section 3.2.2 has too. */
export function errorIn(body: unknown): { readonly code: string; readonly text: string } | undefined {
  const { data: said } = errorSchema.safeParse(body)
  return said && { code: said.error, text: `${said.error}: ${said.error_description ?? 'no description'}` }
}

/** Makes the error of whoever asked. */
export type TokensRefused = (reason: 'refused' | 'unreachable', detail: string, code?: string) => Error

/** Throws where the answer says no, or says nothing. */
export async function readTokenResponse(answer: Response, refused: TokensRefused): Promise<TokenResponse> {
  const said = `the token endpoint answered ${answer.status}`
  const body = await jsonBody(answer)
  // Some send errors with status 200.
  const error = errorIn(body)
  if (error) throw refused('refused', `${said} ${error.text}`, error.code)
  const { data: tokens } = tokensSchema.safeParse(body)
  if (!answer.ok || !tokens) throw refused('unreachable', `${said} without ${body === undefined ? 'readable JSON' : 'tokens'}`)
  return tokens
}
