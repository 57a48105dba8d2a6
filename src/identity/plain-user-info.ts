// What plain OAuth servers call userinfo: no standard says what is in it, so only a subject that stays the same is insisted on.
import * as z from 'zod'
import { answeredJson } from './ask.ts'
import type { Claims } from './claims.ts'
import { IdentityError } from './provider.ts'

const id = z.union([z.string().min(1), z.int()]).optional()
const answerSchema = z.looseObject({ sub: id, id })

/**
 * Never an e-mail address and never a name somebody signs in with: both can pass to somebody else. An address counts for nothing, whatever
 * is said beside it: no standard says what that would mean here.
 */
export async function plainUserInfo(response: Response): Promise<Claims> {
  const answer = answerSchema.safeParse(await answeredJson(response, 'userinfo'))
  const subject = answer.data?.sub ?? answer.data?.id
  if (subject === undefined) throw new IdentityError('invalid', 'userinfo names no stable subject: neither sub nor id')
  return { ...answer.data, sub: String(subject), email_verified: false }
}
