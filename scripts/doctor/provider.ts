// Asks an identity provider what a sign-in would ask it: its metadata, its keys, and whether it knows this client and redirect URI.
import { discover } from '../../src/identity/discovery.ts'
import { IdentityError, type IdentityProvider } from '../../src/identity/provider.ts'
import type { IdentityProviderSettings } from '../../src/settings/providers.ts'
import { asking, jsonOf, whyUnreachable, type Answer } from './asking.ts'
import { about, type Finding, type Found } from './finding.ts'

/** The nonces of a login nobody will end. */
const NOBODY = { state: 'doctor', nonce: 'doctor', codeVerifier: 'doctor-doctor-doctor-doctor-doctor-doctor-doctor' }

export async function examineProvider(
  provider: IdentityProvider,
  settings: IdentityProviderSettings,
  baseUrl: string,
): Promise<readonly Finding[]> {
  const found = about(`identity provider ${provider.name}`)
  const redirectUri = baseUrl + provider.callback
  try {
    const url = await provider.authorizationUrl({ ...NOBODY, redirectUri })
    const answer = await asking(url.href)
    if (url.href.startsWith(redirectUri)) return [guarded(found, answer, provider)]
    return [
      found('ok', `its metadata is read; people sign in at ${url.origin}${url.pathname}`),
      signIn(found, answer, redirectUri),
      ...(await signingKeys(found, settings)),
    ]
  } catch (error) {
    return [
      found('fault', whyNot(error, provider), 'check the URL of the provider: it is the issuer as the provider itself writes it'),
    ]
  }
}

/** Access in front of the broker: whoever it does not know is sent away before the broker hears of them. */
function guarded(found: Found, { headers }: Answer, { host, callback }: IdentityProvider): Finding {
  const location = URL.parse(headers.get('location') ?? '')
  if (location?.host === host) return found('ok', `guards ${callback}`)
  const cure = `add the path ${callback} of this host, and no other, to the self-hosted application whose AUD tag was set`
  return found('fault', `does not guard ${callback}: nobody could sign in`, cure)
}

/** Without them no sign-in could be verified. GitHub signs nothing, and Access in front of the broker was asked already. */
async function signingKeys(found: Found, { kind, url, scopes }: IdentityProviderSettings): Promise<Finding[]> {
  if (kind === 'github' || kind === 'access-application') return []
  const { jwks_uri: address } = await discover(url, scopes, () => true)
  if (address === undefined) return []
  const answer = await asking(address)
  const listed = jsonOf(answer)?.['keys']
  const count = Array.isArray(listed) ? listed.length : 0
  if (count > 0) return [found('ok', `publishes ${count} signing ${count === 1 ? 'key' : 'keys'}`)]
  const cure = 'no sign-in can be verified before it publishes its keys again: ask whoever runs it'
  return [found('fault', `publishes no keys at ${address} (${answer.status})`, cure)]
}

function whyNot(error: unknown, { host }: IdentityProvider): string {
  if (!(error instanceof IdentityError)) return error instanceof Error ? error.message : 'could not be asked'
  const isSilent = error.reason === 'unreachable' && error.cause instanceof Error
  return isSilent ? `${host} ${whyUnreachable(error.cause)}` : error.detail
}

/** A provider shows its login page, or sends on to it; one that knows no such client or redirect URI says so at once. */
function signIn(found: Found, answer: Answer, redirectUri: string): Finding {
  const location = answer.headers.get('location') ?? ''
  const back = location.startsWith(redirectUri) ? new URL(location).searchParams : undefined
  const error = back?.get('error')
  if (typeof error === 'string')
    return found(
      'fault',
      `refuses the sign-in with ${error}: ${back?.get('error_description') ?? 'no reason given'}`.slice(0, 300),
      error === 'invalid_scope' ? 'take the scope it does not know out of SCOPES_SUPPORTED' : 'check the client at the provider',
    )
  if (
    answer.status >= 400 ||
    (/redirect_uri|redirect uri|invalid_client/i.test(answer.text.slice(0, 20_000)) && answer.status !== 200)
  )
    return found(
      'fault',
      `does not begin a sign-in for this client (${answer.status})`,
      `check the client ID, and register the redirect URI ${redirectUri} there`,
    )
  return found('ok', `begins a sign-in for this client and ${redirectUri}`)
}
