// The token endpoint: rules that all grant types share, in order, and the table of grant types.
import type { ClientAuthentication } from './client-auth/client-authentication.ts'
import type { GrantReference } from './tokens/signed-tokens.ts'
import type { ExchangeSettings } from '../settings/exchange.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { assertion, JWT_BEARER } from './grants/assertion.ts'
import { code } from './grants/code.ts'
import { exchangeSubjectToken, TOKEN_EXCHANGE, type ExchangeServices } from './grants/exchange.ts'
import type { GrantServices, IssuedTokens, TokenRequest } from './grants/grant.ts'
import { clientCredentials, type MachineServices } from './grants/machine.ts'
import { refresh } from './grants/refresh.ts'

type Grant = (request: TokenRequest, services: TokenEndpointServices) => Promise<IssuedTokens>

const GRANTS: ReadonlyMap<string, Grant> = new Map<string, Grant>([
  ['authorization_code', code],
  ['refresh_token', refresh],
  [TOKEN_EXCHANGE, exchangeSubjectToken],
  [JWT_BEARER, assertion],
])

/** What is answered here, and so advertised: the last two only where the settings name an issuer for them. */
export function grantTypesOf({ subjects, assertionIssuers }: ExchangeSettings): readonly string[] {
  return [
    'authorization_code',
    'refresh_token',
    'client_credentials',
    ...(subjects ? [TOKEN_EXCHANGE] : []),
    ...(assertionIssuers.length > 0 ? [JWT_BEARER] : []),
  ]
}

export interface TokenEndpointServices extends Omit<MachineServices, 'session'>, Omit<ExchangeServices, 'session'> {
  readonly clients: ClientAuthentication
  readonly grantTypes: readonly string[]
  readonly session: (
    sub: string,
  ) => ReturnType<GrantServices['session']> & ReturnType<MachineServices['session']> & ReturnType<ExchangeServices['session']>
}

/** Parameters that may come more than once: RFC 8707 section 2 allows several resources. */
const REPEATABLE: readonly string[] = ['resource']

export async function answerTokenRequest(
  authorization: string | undefined,
  form: URLSearchParams,
  services: TokenEndpointServices,
): Promise<IssuedTokens> {
  nothingIsRepeated(form)
  const type = form.get('grant_type')
  if (type === 'client_credentials') return clientCredentials(authorization, form, services)
  const client = await services.clients.present(authorization, form)
  if (type === null || type === '') throw new OAuthError('invalid_request', 'Missing required parameters: grant_type')
  const grant = services.grantTypes.includes(type) ? GRANTS.get(type) : undefined
  if (!grant) throw new OAuthError('unsupported_grant_type', `grant_type must be one of ${services.grantTypes.join(', ')}`)
  const { clientId, kind } = client
  let isConfirmed = client.assertion === undefined
  const confirm = async (token: GrantReference): Promise<boolean> => {
    const hasSigned = await services.clients.confirm(client, token)
    isConfirmed = true
    return hasSigned
  }
  const answer = await grant({ clientId, kind, form, confirm }, services)
  // A grant that forgot to have the signature looked at gives nothing, rather than everything to whoever names the client.
  if (!isConfirmed) throw new OAuthError('invalid_client', 'Client authentication failed: private_key_jwt is not for this grant')
  return answer
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
