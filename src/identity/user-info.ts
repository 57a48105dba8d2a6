// Userinfo: what a provider says about the person of an access token, beside the ID token or in place of one.
import * as oauth from 'oauth4webapi'
import { log } from '../platform/telemetry.ts'
import { textIn } from '../oauth-client/ask.ts'
import { assertProviderAtWork, answeredJson } from './ask.ts'
import type { Claims } from './claims.ts'
import type { Asking } from './delta.ts'
import { verifiedIdToken, type IdTokenVerification } from './id-token.ts'
import { plainUserInfo } from './plain-user-info.ts'
import { IdentityError } from './provider.ts'

export interface UserInfoCall {
  readonly client: oauth.Client
  readonly http: Parameters<typeof oauth.userInfoRequest>[3]
  readonly keys: IdTokenVerification['keys']
  /** As the log names the provider. */
  readonly host: string
  /** Of the ID token, whose person it has to be. */
  readonly subject: unknown
  /** Where no ID token ever came, userinfo alone says who the person is, and a token it takes no more is over. */
  readonly isOnlySource: boolean
}

/** Undefined where there is none, or it refuses the token. `unreachable` where it gives no answer, or something that is none. */
export async function userInfo(
  { metadata: issuer, accessToken }: Asking,
  { client, http, keys, host, subject, isOnlySource }: UserInfoCall,
): Promise<Claims | undefined> {
  if (issuer.userinfo_endpoint === undefined) return undefined
  const response = await oauth.userInfoRequest(issuer, client, accessToken, http)
  await assertProviderAtWork(response, 'userinfo')
  if (!response.ok) {
    await response.body?.cancel()
    if (isOnlySource && response.status === 401)
      throw new IdentityError('refused', 'userinfo takes the access token no more', { code: 'invalid_token' })
    // Where access tokens are for another API, userinfo refuses them; the ID token then is all there is to know.
    log('info', 'identity.userinfo_refused', { provider: host, status: response.status })
    return undefined
  }
  if (isOnlySource && issuer.jwks_uri === undefined) return await plainUserInfo(response)
  const isSigned = response.headers.get('content-type')?.startsWith('application/jwt') === true
  if (!isSigned) await assertIsJson(response)
  const expected = typeof subject === 'string' ? subject : oauth.skipSubjectCheck
  const token = isSigned ? await textIn(response.clone()) : undefined
  const claims = await oauth.processUserInfoResponse(issuer, client, expected, response)
  if (token !== undefined)
    await verifiedIdToken(token, issuer, keys, { algorithms: issuer.userinfo_signing_alg_values_supported })
  return claims
}

/** Nothing, or a web page, is no answer about anybody. */
async function assertIsJson(response: Response): Promise<void> {
  const { status, headers } = response
  const isJson = /^application\/json\s*(?:;|$)/i.test(headers.get('content-type') ?? '')
  if (status === 200 && isJson && (await answeredJson(response.clone(), 'userinfo').then(always, never))) return
  await response.body?.cancel()
  throw new IdentityError('unreachable', `userinfo answered ${status} without readable JSON`)
}

const always = (): boolean => true
const never = (): boolean => false
