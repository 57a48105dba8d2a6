// Asks an identity provider what a sign-in would ask it: its metadata, its keys, and whether it knows this client and redirect URI.
import { IdentityError, type IdentityProvider } from '../../src/identity/provider.ts'
import { asking, type Answer } from './asking.ts'
import { about, type Finding, type Found } from './finding.ts'

/** The nonces of a login nobody will end. */
const NOBODY = { state: 'doctor', nonce: 'doctor', codeVerifier: 'doctor-doctor-doctor-doctor-doctor-doctor-doctor' }

export async function examineProvider(provider: IdentityProvider, baseUrl: string): Promise<readonly Finding[]> {
  const found = about(`identity provider ${provider.name}`)
  const redirectUri = baseUrl + provider.callback
  try {
    const url = await provider.authorizationUrl({ ...NOBODY, redirectUri })
    const answer = await asking(url.href)
    if (url.href.startsWith(redirectUri)) return [guarded(found, answer, provider)]
    return [
      found('ok', `its metadata is read; people sign in at ${url.origin}${url.pathname}`),
      signIn(found, answer, redirectUri),
    ]
  } catch (error) {
    return [found('fault', whyNot(error), 'check the URL of the provider: it is the issuer as the provider itself writes it')]
  }
}

/** Access in front of the broker: whoever it does not know is sent away before the broker hears of them. */
function guarded(found: Found, { headers }: Answer, { host, callback }: IdentityProvider): Finding {
  const location = URL.parse(headers.get('location') ?? '')
  if (location?.host === host) return found('ok', `guards ${callback}`)
  const cure = `add the path ${callback} of this host, and no other, to the self-hosted application whose AUD tag was set`
  return found('fault', `does not guard ${callback}: nobody could sign in`, cure)
}

function whyNot(error: unknown): string {
  if (error instanceof IdentityError) return error.detail
  return error instanceof Error ? error.message : 'could not be asked'
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
