// The tokens of an identity provider: what to keep of an answer, and what is left to be verified.
import type { IdpTokens } from '../caller.ts'
import { readTokenResponse, type TokensRefused } from '../oauth-client/token-response.ts'
import { assertProviderAtWork } from './ask.ts'
import { IdentityError } from './provider.ts'

export interface TokenAnswer {
  readonly tokens: IdpTokens
  /** The same answer in the form oauth4webapi verifies. */
  readonly unverified: Response
  /** The one that came with this answer. */
  readonly idToken: string | undefined
}

/** `previous` are the tokens a refresh replaces: what the provider does not renew stays. */
export async function readTokenAnswer(response: Response, previous?: IdpTokens): Promise<TokenAnswer> {
  await assertProviderAtWork(response, 'the token endpoint')
  const { access_token, token_type, expires_in, refresh_token, id_token } = await readTokenResponse(response, refused)
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

const refused: TokensRefused = (reason, detail, code) => new IdentityError(reason, detail.slice(0, 300), { code })
