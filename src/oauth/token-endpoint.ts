// The token endpoint: rules that all grant types share, in order, and the table of grant types.
import type { ClientAuthentication } from './client-authentication.ts'
import type { GrantReference } from './envelopes.ts'
import { OAuthError } from './errors.ts'
import { code } from './grants/code.ts'
import type { Grant, GrantServices, TokenAnswer } from './grants/grant.ts'
import { clientCredentials, type MachineServices } from './grants/machine.ts'
import { refresh } from './grants/refresh.ts'

const GRANTS: ReadonlyMap<string, Grant> = new Map([
  ['authorization_code', code],
  ['refresh_token', refresh],
])

export interface TokenEndpointServices extends Omit<MachineServices, 'session'> {
  readonly clients: ClientAuthentication
  readonly session: (sub: string) => ReturnType<GrantServices['session']> & ReturnType<MachineServices['session']>
}

/** Parameters that may come more than once: RFC 8707 section 2 allows several resources. */
const REPEATABLE: readonly string[] = ['resource']

export async function answerTokenRequest(
  authorization: string | undefined,
  form: URLSearchParams,
  services: TokenEndpointServices,
): Promise<TokenAnswer> {
  nothingIsRepeated(form)
  const type = form.get('grant_type')
  if (type === 'client_credentials') return clientCredentials(authorization, form, services)
  const client = await services.clients.present(authorization, form)
  if (type === null || type === '') throw new OAuthError('invalid_request', 'Missing required parameters: grant_type')
  const grant = GRANTS.get(type)
  if (!grant)
    throw new OAuthError('unsupported_grant_type', 'grant_type must be authorization_code, refresh_token or client_credentials')
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
