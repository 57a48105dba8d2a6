// The token endpoint: rules that all grant types share, in order, and the table of grant types.
import type { KeyRing } from '../issuer/keys.ts'
import { authenticateClient } from './clients.ts'
import { OAuthError } from './errors.ts'
import { code } from './grants/code.ts'
import type { Grant, GrantServices, TokenAnswer } from './grants/grant.ts'
import { refresh } from './grants/refresh.ts'

const GRANTS: ReadonlyMap<string, Grant> = new Map([
  ['authorization_code', code],
  ['refresh_token', refresh],
])

export interface TokenEndpointServices extends GrantServices {
  readonly keys: KeyRing
}

/** Parameters that may come more than once: RFC 8707 section 2 allows several resources. */
const REPEATABLE: readonly string[] = ['resource']

export async function answerTokenRequest(
  authorization: string | undefined,
  form: URLSearchParams,
  services: TokenEndpointServices,
): Promise<TokenAnswer> {
  nothingIsRepeated(form)
  const { clientId } = await authenticateClient(services.keys, authorization, form)
  const type = form.get('grant_type')
  if (type === null || type === '') throw new OAuthError('invalid_request', 'Missing required parameters: grant_type')
  const grant = GRANTS.get(type)
  if (!grant) throw new OAuthError('unsupported_grant_type', 'grant_type must be authorization_code or refresh_token')
  return grant({ clientId, form }, services)
}

/** RFC 6749 section 3.2: request parameters must not be included more than once. */
export function nothingIsRepeated(form: URLSearchParams): void {
  for (const name of new Set(form.keys())) {
    if (!REPEATABLE.includes(name) && form.getAll(name).length > 1) {
      // A form that was put together wrongly may hold a token where a name belongs; only names are repeated.
      const named = /^[a-z_]{1,40}$/.test(name) ? name : 'a parameter'
      throw new OAuthError('invalid_request', `${named} was given more than once`)
    }
  }
}
